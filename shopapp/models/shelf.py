"""What the shop sells as a merchant sees it: matched or not and why, at which levels, changed when; of one account.

Called by the pages only. Every query begins with the store or its account; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Case, ColumnElement, Select, and_, case, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from .account import Account
from .article import ABSENT, BOUND, FOUND, MADE, MAKING, REFUSED, Article
from .base import db, folded
from .document import Document
from .product import Product
from .run import Run
from .stock import DONE, LOST, PLANNED, UNDONE, UNSURE, StockChange, Stocked

PAGE = 50
NO_SKU, DUPLICATE, MATCHED, BY_HAND, MISSING = "no-sku", "duplicate", "matched", "by-hand", "missing"
TAKEN_ILL, UNKNOWN, CONTESTED = "refused", "unknown", "contested"
TABS: dict[str, tuple[str, ...]] = {
    "espera": (NO_SKU, DUPLICATE, TAKEN_ILL),
    "por-criar": (MISSING,),
    "ligados": (MATCHED, BY_HAND),
}
STUCK = (CONTESTED, "refused")
"""Why a followed SKU stays as it is until the merchant says something."""
SHOWN = (DONE, UNDONE, UNSURE, PLANNED)
"""Alterations that were made, are being made, or may have been: not those that never arrived."""
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Filters:
    """What the merchant asked to see; empty means everything. `after` and `before` are rows of the page that he saw."""

    tab: str = ""
    text: str = ""
    after: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class Shelved:
    """One of the shop's goods, the article that it is, and how the two stand to each other."""

    product: Product
    article: Article | None
    state: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some goods by name, and whether there are more before and behind."""

    rows: Sequence[Shelved]
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How many goods are how; `waiting` is how many lines there are for the merchant."""

    by_state: Mapping[str, int]
    waiting: int

    def of(self, *states: str) -> int:
        """How many goods are in one of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


def _living(store_id: int) -> ColumnElement[bool]:
    return and_(Product.store_id == store_id, Product.gone_at.is_(None))


def _twice(store_id: int) -> Select[Any]:
    """The SKUs that stand in several living rows."""
    other = aliased(Product)
    mine = select(other.sku).where(other.store_id == store_id, other.gone_at.is_(None), other.sku != "")
    return mine.group_by(other.sku).having(func.count() > 1)


def _state(store_id: int) -> Case[str]:
    return case(
        (Product.sku == "", NO_SKU),
        (Product.sku.in_(_twice(store_id)), DUPLICATE),
        (Article.state.in_((FOUND, MADE)), MATCHED),
        (Article.state == BOUND, BY_HAND),
        (Article.state.in_((ABSENT, MAKING)), MISSING),
        (Article.state == REFUSED, TAKEN_ILL),
        else_=UNKNOWN,
    )


def _goods(account: Account, *columns: Any) -> Select[Any]:
    """These columns of the store's living goods, each beside its article."""
    joined = and_(Article.account_id == account.id, Article.sku == Product.sku)
    return select(*columns).select_from(Product).outerjoin(Article, joined).where(_living(account.store_id))


def _followed(account: Account) -> ColumnElement[bool]:
    """Of followed rows: the account's, in the places that the merchant pairs; none where stock does not follow."""
    if not account.follows:
        return false()
    here = tuple_(Stocked.warehouse, Stocked.location).in_(account.places)
    return and_(Stocked.account_id == account.id, here)


def _waiting(account: Account) -> ColumnElement[bool]:
    """What needs the merchant: one row for each SKU that stands in several."""
    other = aliased(Product)
    first = select(func.min(other.id)).where(
        other.store_id == account.store_id, other.gone_at.is_(None), other.sku == Product.sku
    )
    stuck = select(Stocked.sku).where(_followed(account), Stocked.reason.in_(STUCK))
    state = _state(account.store_id)
    unmade = and_(state == MISSING, Article.reason != "")
    sold = [state == TAKEN_ILL, unmade, and_(state == DUPLICATE, Product.id == first.scalar_subquery())]
    if account.settings.get("no_sku") != "generic":
        sold.append(and_(state == NO_SKU, Product.active))
    return or_(*sold, and_(Product.sku.in_(stuck), state.in_((MATCHED, BY_HAND))))


def page(account: Account, asked: Filters, most: int = PAGE) -> Page:
    """The goods that were asked for by name, at most a page of them."""
    wanted = _goods(account, Product, Article, _state(account.store_id))
    if asked.tab == "espera":
        wanted = wanted.where(_waiting(account))
    elif asked.tab in TABS:
        wanted = wanted.where(_state(account.store_id).in_(TABS[asked.tab]))
    for word in folded(asked.text).split()[:_MOST_WORDS]:
        wanted = wanted.where(Product.folded.contains(word, autoescape=True))
    here = tuple_(Product.folded, Product.id)
    edge = _edge(account, asked.before or asked.after)
    if edge and asked.before:
        wanted = wanted.where(here < edge).order_by(Product.folded.desc(), Product.id.desc())
    else:
        wanted = wanted.where(here > edge if edge else True).order_by(Product.folded, Product.id)  # type: ignore[arg-type]
    found = [Shelved(*row) for row in db.session.execute(wanted.limit(most + 1))]
    more, rows = len(found) > most, found[:most]
    if edge and asked.before:
        return Page(rows[::-1], before=more, after=True)
    return Page(rows, before=edge is not None, after=more)


def _edge(account: Account, number: int) -> tuple[str, int] | None:
    """Where the page begins or ends; None at the ends of the list, and for a row of somebody else's."""
    mine = select(Product.folded, Product.id).where(
        Product.store_id == account.store_id, Product.id == number
    )
    found = db.session.execute(mine).first() if number else None
    return (found[0], found[1]) if found else None


def one(account: Account, number: int) -> Shelved | None:
    """The store's own goods of that number; None for anybody else's, and for what is gone."""
    wanted = _goods(account, Product, Article, _state(account.store_id)).where(Product.id == number)
    found = db.session.execute(wanted).first()
    return Shelved(*found) if found else None


def counts(account: Account) -> Counts:
    """How many of the store's goods are how."""
    state = _state(account.store_id)
    rows = db.session.execute(_goods(account, state, func.count()).group_by(state))
    return Counts({state: int(number) for state, number in rows}, count_waiting(account))


def count_waiting(account: Account) -> int:
    """How many goods need the merchant; a SKU that stands in several counts once."""
    return db.session.scalar(_goods(account, func.count()).where(_waiting(account))) or 0


def _missing(account: Account) -> ColumnElement[bool]:
    """What is sold and has no article: what the shop hides is made only one by one."""
    return and_(_state(account.store_id) == MISSING, Product.active)


def missing(account: Account, most: int, after: str = "") -> list[Shelved]:
    """Goods on sale that the provider has no article for, by SKU behind `after`."""
    wanted = _goods(account, Product, Article, _state(account.store_id)).where(
        _missing(account), Product.sku > after
    )
    return [Shelved(*row) for row in db.session.execute(wanted.order_by(Product.sku).limit(most))]


def count_missing(account: Account) -> int:
    """How many goods on sale the provider has no article for."""
    return db.session.scalar(_goods(account, func.count()).where(_missing(account))) or 0


def levels(account: Account, skus: Iterable[str]) -> dict[str, list[Stocked]]:
    """The followed rows of these SKUs, by SKU, in the places that the merchant pairs."""
    mine = select(Stocked).where(_followed(account), Stocked.sku.in_(list(skus)))
    found: dict[str, list[Stocked]] = {}
    for row in db.session.scalars(mine.order_by(Stocked.id)):
        found.setdefault(row.sku, []).append(row)
    return found


def last_changes(numbers: Iterable[int]) -> dict[int, StockChange]:
    """The last alteration of each of these followed rows, by the row."""
    newest = select(func.max(StockChange.id)).where(
        StockChange.stocked_id.in_(list(numbers)), StockChange.state.in_(SHOWN)
    )
    mine = select(StockChange).where(StockChange.id.in_(newest.group_by(StockChange.stocked_id)))
    return {row.stocked_id: row for row in db.session.scalars(mine) if row.stocked_id is not None}


def latest(numbers: Iterable[int]) -> set[int]:
    """The numbers of the changes that none came after, of these followed rows."""
    newest = select(func.max(StockChange.id)).where(
        StockChange.stocked_id.in_(list(numbers)), StockChange.state != LOST
    )
    return set(db.session.scalars(newest.group_by(StockChange.stocked_id)))


def sales(account: Account, orders: Iterable[str]) -> dict[str, int]:
    """The number of the document of each of these orders."""
    mine = select(Document.order_id, Document.id).where(
        Document.store_id == account.store_id, Document.order_id.in_(list(orders)), Document.cause == "sale"
    )
    return {order_id: int(number) for order_id, number in db.session.execute(mine)}


# the journal


@dataclass(frozen=True, slots=True)
class Changes:
    """Some alterations of levels, newest first, and whether there are newer and older ones."""

    rows: Sequence[StockChange]
    newer: bool
    older: bool


def changes(
    account: Account,
    older_than: int = 0,
    newer_than: int = 0,
    text: str = "",
    run_id: int = 0,
    most: int = PAGE,
) -> Changes:
    """The account's journal: what was altered, is being altered, or may have been; nothing that never arrived."""
    wanted = select(StockChange).where(
        StockChange.store_id == account.store_id, StockChange.account_id == account.id,
        StockChange.state.in_(SHOWN),
    )  # fmt: skip
    if text:
        near = or_(
            StockChange.sku == text, func.lower(StockChange.name).contains(text.lower(), autoescape=True)
        )
        wanted = wanted.where(near)
    if run_id:
        wanted = wanted.where(StockChange.run_id == run_id)
    if newer_than:
        wanted = wanted.where(StockChange.id > newer_than).order_by(StockChange.id)
    else:
        wanted = wanted.order_by(StockChange.id.desc())
        if older_than:
            wanted = wanted.where(StockChange.id < older_than)
    found = list(db.session.scalars(wanted.limit(most + 1)))
    more, rows = len(found) > most, found[:most]
    if newer_than:
        return Changes(rows[::-1], newer=more, older=True)
    return Changes(rows, newer=bool(older_than), older=more)


def change(account: Account, number: int) -> StockChange | None:
    """The account's own change of that number."""
    mine = select(StockChange).where(
        StockChange.store_id == account.store_id,
        StockChange.account_id == account.id,
        StockChange.id == number,
    )
    found: StockChange | None = db.session.scalar(mine)
    return found


def changes_of(account: Account, sku: str, most: int = 10) -> list[StockChange]:
    """The last alterations of a SKU's levels, newest first."""
    mine = select(StockChange).where(
        StockChange.store_id == account.store_id, StockChange.account_id == account.id, StockChange.sku == sku,
        StockChange.state.in_(SHOWN),
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(StockChange.id.desc()).limit(most)))


def run(account: Account, number: int) -> Run | None:
    """The account's own run of that number."""
    found: Run | None = db.session.scalar(select(Run).where(Run.account_id == account.id, Run.id == number))
    return found


def kinds_of(account: Account, runs: Iterable[int]) -> dict[int, str]:
    """What kind of run each of these is."""
    mine = select(Run.id, Run.kind).where(Run.account_id == account.id, Run.id.in_(list(runs)))
    return {number: kind for number, kind in db.session.execute(mine)}  # noqa: C416


def made_by(account: Account, runs: Iterable[int]) -> dict[int, int]:
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
