"""What the shop sells as a merchant sees it: matched or not and why, at which levels, changed when; of one account.

Called by the pages only. Every query begins with the store or its account; nothing is changed.
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
"""Why a followed SKU stays as it is until the merchant says something."""
VISIBLE_STATES = (DONE, UNDONE, UNSURE, PLANNED)
"""Alterations that were made, are being made, or may have been: not those that never arrived."""


@dataclass(frozen=True, slots=True)
class ProductFilters:
    """What the merchant asked to see; empty means everything. `after` and `before` are rows of the page that he saw."""

    tab: str = ""
    text: str = ""
    after: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One of the shop's goods, the article that it is, and how the two stand to each other."""

    product: Product
    article: Article | None
    state: str


@dataclass(frozen=True, slots=True)
class ProductCounts:
    """How many goods are how; `waiting` is how many lines there are for the merchant."""

    by_state: Mapping[str, int]
    waiting: int

    def of(self, *states: str) -> int:
        """How many goods are in one of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


def _is_current(store_id: int) -> ColumnElement[bool]:
    return and_(Product.store_id == store_id, Product.gone_at.is_(None))


def _duplicate_skus(store_id: int) -> Select[Any]:
    """The SKUs that stand in several living rows."""
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
    """These columns of the store's living goods, each beside its article."""
    joined = and_(Article.account_id == account.id, Article.sku == Product.sku)
    return (
        select(*columns).select_from(Product).outerjoin(Article, joined).where(_is_current(account.store_id))
    )


def _is_synced(account: Account) -> ColumnElement[bool]:
    """Of followed rows: the account's, in the places that the merchant pairs; none where stock does not follow."""
    if not account.stock_direction:
        return false()
    here = tuple_(SyncedSku.warehouse, SyncedSku.location).in_(account.stock_places)
    return and_(SyncedSku.account_id == account.id, here)


def _needs_merchant(account: Account) -> ColumnElement[bool]:
    """What needs the merchant: one row for each SKU that stands in several."""
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
    """The goods that were asked for by name, at most a page of them."""
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
    """Where the page begins or ends; None at the ends of the list, and for a row of somebody else's."""
    mine = select(Product.folded, Product.id).where(
        Product.store_id == account.store_id, Product.id == number
    )
    found = db.session.execute(mine).first() if number else None
    return (found[0], found[1]) if found else None


def find_product(account: Account, number: int) -> ProductRow | None:
    """The store's own goods of that number; None for anybody else's, and for what is gone."""
    wanted = _select_products(account, Product, Article, _match_state(account.store_id)).where(
        Product.id == number
    )
    found = db.session.execute(wanted).first()
    return ProductRow(*found) if found else None


def count_products(account: Account) -> ProductCounts:
    """How many of the store's goods are how."""
    state = _match_state(account.store_id)
    rows = db.session.execute(_select_products(account, state, func.count()).group_by(state))
    return ProductCounts({state: int(number) for state, number in rows}, count_needing_merchant(account))


def count_needing_merchant(account: Account) -> int:
    """How many goods need the merchant; a SKU that stands in several counts once."""
    return db.session.scalar(_select_products(account, func.count()).where(_needs_merchant(account))) or 0


def _lacks_article(account: Account) -> ColumnElement[bool]:
    """What is sold and has no article: what the shop hides is made only one by one."""
    return and_(_match_state(account.store_id) == MISSING, Product.active)


def list_without_article(account: Account, most: int, after_sku: str = "") -> list[ProductRow]:
    """Goods on sale that the provider has no article for, by SKU behind `after`."""
    wanted = _select_products(account, Product, Article, _match_state(account.store_id)).where(
        _lacks_article(account), Product.sku > after_sku
    )
    return [ProductRow(*row) for row in db.session.execute(wanted.order_by(Product.sku).limit(most))]


def count_without_article(account: Account) -> int:
    """How many goods on sale the provider has no article for."""
    return db.session.scalar(_select_products(account, func.count()).where(_lacks_article(account))) or 0


def synced_skus(account: Account, skus: Iterable[str]) -> dict[str, list[SyncedSku]]:
    """The followed rows of these SKUs, by SKU, in the places that the merchant pairs."""
    mine = select(SyncedSku).where(_is_synced(account), SyncedSku.sku.in_(list(skus)))
    found: dict[str, list[SyncedSku]] = {}
    for row in db.session.scalars(mine.order_by(SyncedSku.id)):
        found.setdefault(row.sku, []).append(row)
    return found


def last_change_by_row(numbers: Iterable[int]) -> dict[int, StockChange]:
    """The last alteration of each of these followed rows, by the row."""
    newest = select(func.max(StockChange.id)).where(
        StockChange.stocked_id.in_(list(numbers)), StockChange.state.in_(VISIBLE_STATES)
    )
    mine = select(StockChange).where(StockChange.id.in_(newest.group_by(StockChange.stocked_id)))
    return {row.stocked_id: row for row in db.session.scalars(mine) if row.stocked_id is not None}


def latest_change_ids(numbers: Iterable[int]) -> set[int]:
    """The numbers of the changes that none came after, of these followed rows."""
    newest = select(func.max(StockChange.id)).where(
        StockChange.stocked_id.in_(list(numbers)), StockChange.state != LOST
    )
    return set(db.session.scalars(newest.group_by(StockChange.stocked_id)))


def document_ids_by_order(account: Account, orders: Iterable[str]) -> dict[str, int]:
    """The number of the document of each of these orders."""
    mine = select(Document.order_id, Document.id).where(
        Document.store_id == account.store_id, Document.order_id.in_(list(orders)), Document.is_sale
    )
    return {order_id: int(number) for order_id, number in db.session.execute(mine)}


# the journal


def list_stock_changes(
    account: Account,
    older_than: int = 0,
    newer_than: int = 0,
    text: str = "",
    run_id: int = 0,
    most: int = PAGE_SIZE,
) -> Page[StockChange]:
    """The account's journal: what was altered, is being altered, or may have been; nothing that never arrived."""
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
    """The account's own change of that number."""
    mine = select(StockChange).where(
        StockChange.store_id == account.store_id,
        StockChange.account_id == account.id,
        StockChange.id == number,
    )
    found: StockChange | None = db.session.scalar(mine)
    return found


def stock_changes_of_sku(account: Account, sku: str, most: int = 10) -> list[StockChange]:
    """The last alterations of a SKU's levels, newest first."""
    mine = select(StockChange).where(
        StockChange.store_id == account.store_id, StockChange.account_id == account.id, StockChange.sku == sku,
        StockChange.state.in_(VISIBLE_STATES),
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(StockChange.id.desc()).limit(most)))


def find_run(account: Account, number: int) -> SyncRun | None:
    """The account's own run of that number."""
    found: SyncRun | None = db.session.scalar(
        select(SyncRun).where(SyncRun.account_id == account.id, SyncRun.id == number)
    )
    return found


def run_kinds(account: Account, runs: Iterable[int]) -> dict[int, str]:
    """What kind of run each of these is."""
    mine = select(SyncRun.id, SyncRun.kind).where(
        SyncRun.account_id == account.id, SyncRun.id.in_(list(runs))
    )
    return {number: kind for number, kind in db.session.execute(mine)}  # noqa: C416


def count_undoable_changes(account: Account, runs: Iterable[int]) -> dict[int, int]:
    """How many levels each of these runs altered and that still stand: no other change came after."""
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
