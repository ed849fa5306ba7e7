"""What due rows need to be settled, read once for all of them: articles, products, levels, what orders put aside.

Made by `stocking`. Rows that no level is kept of, or that something is changing just now, leave the bench with the
reason. Alters nothing at either side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from sqlalchemy import select

from shopapp import matching
from shopapp.connect import Pace
from shopapp.models import Account, Article, Document, FollowUp, Ordered, Product, Stocked, db
from shopapp.models.article import USABLE
from shopapp.models.followup import DUE
from shopapp.models.states import IN_DOUBT, ISSUED, ISSUING, REVIEW
from shopapp.models.stock import HELD
from shopapp.platforms.base import Platform
from shopapp.providers.base import Provider

HELD_SECONDS, HELD_LONGEST = 5.0, 300.0
"""How long a SKU is left alone at a time while an order or a document may be changing it: each time twice as long."""


class Sides(Protocol):
    """Both sides of a store, each opened when first asked for, and the pace that a provider's calls keep to."""

    @property
    def shop(self) -> Platform: ...

    def provider(self, account: Account) -> Provider: ...

    def pace(self, account: Account) -> Pace: ...


@dataclass
class Bench:
    """All that the rows taken together need to be settled, read once for all of them."""

    account: Account
    shop: Platform
    provider: Provider
    pace: Pace
    rows: list[Stocked]
    articles: dict[str, Article] = field(default_factory=dict)
    selling: dict[str, list[Product]] = field(default_factory=dict)
    theirs: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    reserved: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    placed: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def product(self, row: Stocked) -> Product:
        """The one product of the row's SKU."""
        return self.selling[row.sku][0]

    def level(self, row: Stocked) -> Decimal:
        """The provider's level of the row."""
        return self.theirs.get((self.articles[row.sku].code, row.warehouse), Decimal(0))

    def put_aside(self, row: Stocked) -> Decimal:
        """What the shop sold of the row's SKU and the provider has not taken off, in the place where it does."""
        first = self.account.settings.get("warehouse") or self.account.places[0][0]
        at = next((place for place in self.account.places if place[0] == first), self.account.places[0])
        if (row.warehouse, row.location) != at:
            return Decimal(0)
        return sum(self.reserved.get(row.sku, {}).values(), Decimal(0))

    def key(self, row: Stocked) -> tuple[str, str, str]:
        """The row's product, variant and location in the shop."""
        product = self.product(row)
        return product.product_id, product.variant_id, row.location

    def known(self, row: Stocked) -> int | None:
        """The shop's level of the row as last told."""
        return self.placed.get(self.key(row)) if row.location else self.product(row).stock

    def clear(self) -> bool:
        """True when rows are left that can be settled, their levels read. Commits."""
        _leave_alone(self)
        return bool(self.rows) and _read(self)


def _leave_alone(bench: Bench) -> None:
    """Nothing; rows that no level is kept of are at rest, with the reason, and no longer on the bench. Commits."""
    skus = {row.sku for row in bench.rows}
    bench.articles = {
        sku: one for sku, one in Article.of(bench.account.id, skus).items() if one.state in USABLE
    }
    bench.selling = Product.selling(bench.account.store_id, skus)
    left = []
    for row in bench.rows:
        why = _why_alone(bench, row)
        if why:
            row.rest(why)
        else:
            left.append(row)
    bench.rows = left
    db.session.commit()


def _why_alone(bench: Bench, row: Stocked) -> str:
    article, selling = bench.articles.get(row.sku), bench.selling.get(row.sku, [])
    if not selling:
        return "gone"
    if len(selling) > 1:
        return "duplicate"
    if article is None:
        return "no-article"
    if not article.goods or selling[0].kind != "goods":
        return "no-stock"
    if selling[0].stock is None:
        return "unlimited"
    return "" if (row.warehouse, row.location) in bench.account.places else "off"


def _read(bench: Bench) -> bool:
    """True when the provider's levels are known, and nothing that they rest on moved while they were read. Commits."""
    if not _hold(bench):
        return False
    before = _reserved(bench)
    codes = sorted({bench.articles[row.sku].code for row in bench.rows})
    known = bench.provider.levels(codes)
    bench.theirs = {(one.code, one.warehouse): one.quantity for one in known}
    _look_up(bench, set(codes) - {one.code for one in known})
    if not _hold(bench):
        return False
    bench.reserved = _reserved(bench)
    moved = {sku for sku in before | bench.reserved if before.get(sku) != bench.reserved.get(sku)}
    _put_off(bench, moved, HELD_SECONDS)
    keys = [
        (bench.product(row).product_id, bench.product(row).variant_id) for row in bench.rows if row.location
    ]
    if keys:
        places = sorted({row.location for row in bench.rows if row.location})
        bench.placed = dict(bench.shop.stock_at(sorted(set(keys)), places))
    return bool(bench.rows)


def _look_up(bench: Bench, codes: set[str]) -> None:
    """Nothing; of what no level was told of those stay that are there by that name: for these it means none. Commits.

    An article that was renamed, or is gone, has no level under its former name either.
    """
    silent = [row for row in bench.rows if bench.articles[row.sku].code in codes]
    skus = {row.sku for row in silent}
    db.session.commit()
    if not skus:
        return
    matching.look_up(bench.account, sorted(skus), bench.pace)
    now_known = Article.of(bench.account.id, skus)
    still = {sku for sku, one in now_known.items() if one.state in USABLE and one.code in codes and one.goods}
    for row in silent:
        if row.sku not in still:
            # under its new name next time; one that is gone is at rest then
            row.put_off(0.0)
    bench.rows = [row for row in bench.rows if row.sku not in skus or row.sku in still]
    db.session.commit()


def _reserved(bench: Bench) -> dict[str, dict[str, Decimal]]:
    found = Ordered.reserved(bench.account.store_id, [row.sku for row in bench.rows])
    db.session.commit()
    return found


def _hold(bench: Bench) -> bool:
    """True when there are rows that nothing is changing just now; the others are put off. Commits."""
    store_id = bench.account.store_id
    unread = Ordered.any_unread(store_id)
    held = {row.sku for row in bench.rows} if unread else _being_moved(store_id)
    _put_off(bench, held, HELD_SECONDS)
    return bool(bench.rows)


def _being_moved(store_id: int) -> set[str]:
    """The SKUs of documents that are being sent or in doubt, or whose movements are still owed."""
    owed = select(FollowUp.document_id).where(
        FollowUp.store_id == store_id, FollowUp.kind == "stock", FollowUp.state == DUE
    )
    states = Document.state.in_((ISSUING, IN_DOUBT, REVIEW))
    rows = select(Document).where(
        Document.store_id == store_id, states | ((Document.state == ISSUED) & Document.id.in_(owed))
    )
    drafts = [document.draft for document in db.session.scalars(rows)]
    return {line.sku for draft in drafts if draft is not None for line in draft.lines if line.sku}


def _put_off(bench: Bench, skus: Iterable[str], seconds: float) -> None:
    held = set(skus)
    for row in bench.rows:
        if row.sku in held:
            row.put_off(min(seconds * 2 ** min(row.tries - 1, 10), HELD_LONGEST), HELD)
    bench.rows = [row for row in bench.rows if row.sku not in held]
    db.session.commit()
