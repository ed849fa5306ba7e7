"""Queries on products for the pages: each with its article, its stock and the history of its changes.

Every query begins with the store or its account; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Case, ColumnElement, Select, and_, case, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from shopapp.models.account import Account
from shopapp.models.article import ABSENT, BOUND, FOUND, MADE, MAKING, REFUSED, Article
from shopapp.models.base import db
from shopapp.models.document import Document
from shopapp.models.product import Product
from shopapp.models.stock import DONE, LOST, PLANNED, UNDONE, UNSURE, StockChange, SyncedSku
from shopapp.models.sync_run import SyncRun

from .paging import PAGE_SIZE, Page, read_page, search_words

NO_SKU, DUPLICATE, MATCHED, BY_HAND, MISSING = "no-sku", "duplicate", "matched", "by-hand", "missing"
ARTICLE_REFUSED, UNKNOWN, CONTESTED = "refused", "unknown", "contested"
TABS: dict[str, tuple[str, ...]] = {
    "espera": (NO_SKU, DUPLICATE, ARTICLE_REFUSED),
    "por-criar": (MISSING,),
    "ligados": (MATCHED, BY_HAND),
}
STUCK_REASONS = (CONTESTED, "refused")
"""Why a synced SKU stays as it is until the merchant decides."""
VISIBLE_STATES = (DONE, UNDONE, UNSURE, PLANNED)
"""Changes that were made, are being made, or may have been made; not those that never arrived."""


@dataclass(frozen=True, slots=True)
class ProductFilters:
    """The products that the merchant asked to see; empty means all. `after` and `before` are ids of edge rows."""

    tab: str = ""
    text: str = ""
    after: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product, its article, and the state of the match."""

    product: Product
    article: Article | None
    state: str


@dataclass(frozen=True, slots=True)
class ProductCounts:
    """The number of products by state; `waiting` counts those that need the merchant."""

    by_state: Mapping[str, int]
    waiting: int

    def of(self, *states: str) -> int:
        """Return how many products are in one of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


def _is_current(store_id: int) -> ColumnElement[bool]:
    return and_(Product.store_id == store_id, Product.gone_at.is_(None))


def _duplicate_skus(store_id: int) -> Select[Any]:
    """Select the SKUs that several current rows have."""
    other = aliased(Product)
    mine = select(other.sku).where(other.store_id == store_id, other.gone_at.is_(None), other.sku != "")
    return mine.group_by(other.sku).having(func.count() > 1)


def _match_state(store_id: int) -> Case[str]:
    return case(
        (Product.sku == "", NO_SKU),
        (Product.sku.in_(_duplicate_skus(store_id)), DUPLICATE),
        (Article.state.in_((FOUND, MADE)), MATCHED),
        (Article.state == BOUND, BY_HAND),
        (Article.state.in_((ABSENT, MAKING)), MISSING),
        (Article.state == REFUSED, ARTICLE_REFUSED),
        else_=UNKNOWN,
    )


def _select_products(account: Account, *columns: Any) -> Select[Any]:
    """Select these columns of the store's current products, each with its article."""
    joined = and_(Article.account_id == account.id, Article.sku == Product.sku)
    return (
        select(*columns).select_from(Product).outerjoin(Article, joined).where(_is_current(account.store_id))
    )


def _is_synced(account: Account) -> ColumnElement[bool]:
    """Return the condition that a synced row is of the account and in a pair of places that it syncs."""
    if not account.stock_direction:
        return false()
    here = tuple_(SyncedSku.warehouse, SyncedSku.location).in_(account.stock_places)
    return and_(SyncedSku.account_id == account.id, here)


def _needs_merchant(account: Account) -> ColumnElement[bool]:
    """Return the condition that a product needs the merchant; a SKU in several rows counts once."""
    other = aliased(Product)
    first = select(func.min(other.id)).where(
        other.store_id == account.store_id, other.gone_at.is_(None), other.sku == Product.sku
    )
    stuck = select(SyncedSku.sku).where(_is_synced(account), SyncedSku.reason.in_(STUCK_REASONS))
    state = _match_state(account.store_id)
    unmade = and_(state == MISSING, Article.reason != "")
    sold = [state == ARTICLE_REFUSED, unmade, and_(state == DUPLICATE, Product.id == first.scalar_subquery())]
    if account.chosen.no_sku != "generic":
        sold.append(and_(state == NO_SKU, Product.active))
    return or_(*sold, and_(Product.sku.in_(stuck), state.in_((MATCHED, BY_HAND))))


def list_products(account: Account, filters: ProductFilters, most: int = PAGE_SIZE) -> Page[ProductRow]:
    """Return a page of the products that match, by name."""
    wanted = _select_products(account, Product, Article, _match_state(account.store_id))
    if filters.tab == "espera":
        wanted = wanted.where(_needs_merchant(account))
    elif filters.tab in TABS:
        wanted = wanted.where(_match_state(account.store_id).in_(TABS[filters.tab]))
    for word in search_words(filters.text):
        wanted = wanted.where(Product.folded.contains(word, autoescape=True))
    edge = _cursor_position(account, filters.before or filters.after)
    return read_page(
        wanted,
        [Product.folded, Product.id],
        after=edge,
        before=edge if filters.before else None,
        most=most,
        build=ProductRow,
    )


def _cursor_position(account: Account, number: int) -> tuple[str, int] | None:
    """Return the key of the row at the page's edge; None without one, or for another store's row."""
    mine = select(Product.folded, Product.id).where(
        Product.store_id == account.store_id, Product.id == number
    )
    found = db.session.execute(mine).first() if number else None
    return (found[0], found[1]) if found else None


def find_product(account: Account, number: int) -> ProductRow | None:
    """Return the store's own product of that id; None for another store's, and for one that is gone."""
    wanted = _select_products(account, Product, Article, _match_state(account.store_id)).where(
        Product.id == number
    )
    found = db.session.execute(wanted).first()
    return ProductRow(*found) if found else None


def count_products(account: Account) -> ProductCounts:
    """Return how many of the store's products are in each state."""
    state = _match_state(account.store_id)
    rows = db.session.execute(_select_products(account, state, func.count()).group_by(state))
    return ProductCounts({state: int(number) for state, number in rows}, count_needing_merchant(account))


def count_needing_merchant(account: Account) -> int:
    """Return how many products need the merchant; a SKU in several rows counts once."""
    return db.session.scalar(_select_products(account, func.count()).where(_needs_merchant(account))) or 0


def _lacks_article(account: Account) -> ColumnElement[bool]:
    """Return the condition that a product on sale has no article; hidden products are left out."""
    return and_(_match_state(account.store_id) == MISSING, Product.active)


def list_without_article(account: Account, most: int, after_sku: str = "") -> list[ProductRow]:
    """Return products on sale without an article at the provider, by SKU after `after_sku`."""
    wanted = _select_products(account, Product, Article, _match_state(account.store_id)).where(
        _lacks_article(account), Product.sku > after_sku
    )
    return [ProductRow(*row) for row in db.session.execute(wanted.order_by(Product.sku).limit(most))]


def count_without_article(account: Account) -> int:
    """Return how many products on sale have no article at the provider."""
    return db.session.scalar(_select_products(account, func.count()).where(_lacks_article(account))) or 0


def synced_skus(account: Account, skus: Iterable[str]) -> dict[str, list[SyncedSku]]:
    """Return the synced rows of these SKUs, by SKU, in the pairs of places that the account syncs."""
    mine = select(SyncedSku).where(_is_synced(account), SyncedSku.sku.in_(list(skus)))
    found: dict[str, list[SyncedSku]] = {}
    for row in db.session.scalars(mine.order_by(SyncedSku.id)):
        found.setdefault(row.sku, []).append(row)
    return found


def last_change_by_row(numbers: Iterable[int]) -> dict[int, StockChange]:
    """Return the last change of each of these synced rows, by row."""
    newest = select(func.max(StockChange.id)).where(
        StockChange.stocked_id.in_(list(numbers)), StockChange.state.in_(VISIBLE_STATES)
    )
    mine = select(StockChange).where(StockChange.id.in_(newest.group_by(StockChange.stocked_id)))
    return {row.stocked_id: row for row in db.session.scalars(mine) if row.stocked_id is not None}


def latest_change_ids(numbers: Iterable[int]) -> set[int]:
    """Return the id of the last change of each of these synced rows."""
    newest = select(func.max(StockChange.id)).where(
        StockChange.stocked_id.in_(list(numbers)), StockChange.state != LOST
    )
    return set(db.session.scalars(newest.group_by(StockChange.stocked_id)))


def document_ids_by_order(account: Account, orders: Iterable[str]) -> dict[str, int]:
    """Return the id of the document of each of these orders."""
    mine = select(Document.order_id, Document.id).where(
        Document.store_id == account.store_id, Document.order_id.in_(list(orders)), Document.is_sale
    )
    return {order_id: int(number) for order_id, number in db.session.execute(mine)}


# the history of changes


def list_stock_changes(
    account: Account,
    older_than: int = 0,
    newer_than: int = 0,
    text: str = "",
    run_id: int = 0,
    most: int = PAGE_SIZE,
) -> Page[StockChange]:
    """Return a page of the account's changes in VISIBLE_STATES, newest first."""
    wanted = select(StockChange).where(
        StockChange.store_id == account.store_id, StockChange.account_id == account.id,
        StockChange.state.in_(VISIBLE_STATES),
    )  # fmt: skip
    if text:
        near = or_(
            StockChange.sku == text, func.lower(StockChange.name).contains(text.lower(), autoescape=True)
        )
        wanted = wanted.where(near)
    if run_id:
        wanted = wanted.where(StockChange.run_id == run_id)
    return read_page(
        wanted,
        [StockChange.id],
        after=[older_than] if older_than else None,
        before=[newer_than] if newer_than else None,
        most=most,
        descending=True,
    )


def find_stock_change(account: Account, number: int) -> StockChange | None:
    """Return the account's own change of that id."""
    mine = select(StockChange).where(
        StockChange.store_id == account.store_id,
        StockChange.account_id == account.id,
        StockChange.id == number,
    )
    found: StockChange | None = db.session.scalar(mine)
    return found


def stock_changes_of_sku(account: Account, sku: str, most: int = 10) -> list[StockChange]:
    """Return the last changes of a SKU's stock levels, newest first."""
    mine = select(StockChange).where(
        StockChange.store_id == account.store_id, StockChange.account_id == account.id, StockChange.sku == sku,
        StockChange.state.in_(VISIBLE_STATES),
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(StockChange.id.desc()).limit(most)))


def find_run(account: Account, number: int) -> SyncRun | None:
    """Return the account's own run of that id."""
    found: SyncRun | None = db.session.scalar(
        select(SyncRun).where(SyncRun.account_id == account.id, SyncRun.id == number)
    )
    return found


def run_kinds(account: Account, runs: Iterable[int]) -> dict[int, str]:
    """Return the kind of each of these runs."""
    mine = select(SyncRun.id, SyncRun.kind).where(
        SyncRun.account_id == account.id, SyncRun.id.in_(list(runs))
    )
    return {number: kind for number, kind in db.session.execute(mine)}  # noqa: C416


def count_undoable_changes(account: Account, runs: Iterable[int]) -> dict[int, int]:
    """Return how many changes of each run can still be undone: no other change came after them."""
    later = aliased(StockChange)
    after = exists().where(
        later.stocked_id == StockChange.stocked_id, later.id > StockChange.id, later.state != LOST
    )
    mine = (
        select(StockChange.run_id, func.count())
        .where(
            StockChange.account_id == account.id,
            StockChange.run_id.in_(list(runs)),
            StockChange.state == DONE,
            ~after,
        )
        .group_by(StockChange.run_id)
    )
    return {number: count for number, count in db.session.execute(mine) if number is not None}
