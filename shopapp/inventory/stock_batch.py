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

from shopapp.connections.http import RateLimiter
from shopapp.inventory import line_articles
from shopapp.models import Account, Article, Document, FollowUp, Product, StockReservation, SyncedSku, db
from shopapp.models.article import USABLE
from shopapp.models.followup import DUE
from shopapp.models.states import IN_DOUBT, ISSUED, ISSUING, REVIEW
from shopapp.models.stock import HELD_REASON
from shopapp.platforms.base import Platform
from shopapp.providers.base import Provider

HELD_SECONDS, MAX_HELD_SECONDS = 5.0, 300.0
"""How long a SKU is left alone at a time while an order or a document may be changing it: each time twice as long."""


class StoreConnections(Protocol):
    """Both sides of a store, each opened when first asked for, and the pace that a provider's calls keep to."""

    @property
    def shop(self) -> Platform: ...

    def provider(self, account: Account) -> Provider: ...

    def rate_limiter(self, account: Account) -> RateLimiter: ...


@dataclass
class StockBatch:
    """All that the rows taken together need to be settled, read once for all of them."""

    account: Account
    shop: Platform
    provider: Provider
    rate_limiter: RateLimiter
    rows: list[SyncedSku]
    articles: dict[str, Article] = field(default_factory=dict)
    products: dict[str, list[Product]] = field(default_factory=dict)
    provider_quantities: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    reserved: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    shop_quantities_by_location: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def product(self, row: SyncedSku) -> Product:
        """The one product of the row's SKU."""
        return self.products[row.sku][0]

    def provider_quantity(self, row: SyncedSku) -> Decimal:
        """The provider's level of the row."""
        return self.provider_quantities.get((self.articles[row.sku].code, row.warehouse), Decimal(0))

    def reserved_quantity(self, row: SyncedSku) -> Decimal:
        """What the shop sold of the row's SKU and the provider has not taken off, in the place where it does."""
        first = self.account.settings.get("warehouse") or self.account.stock_places[0][0]
        at = next(
            (place for place in self.account.stock_places if place[0] == first), self.account.stock_places[0]
        )
        if (row.warehouse, row.location) != at:
            return Decimal(0)
        return sum(self.reserved.get(row.sku, {}).values(), Decimal(0))

    def shop_stock_key(self, row: SyncedSku) -> tuple[str, str, str]:
        """The row's product, variant and location in the shop."""
        product = self.product(row)
        return product.product_id, product.variant_id, row.location

    def known_shop_quantity(self, row: SyncedSku) -> int | None:
        """The shop's level of the row as last told."""
        return (
            self.shop_quantities_by_location.get(self.shop_stock_key(row))
            if row.location
            else self.product(row).stock
        )

    def load_levels(self) -> bool:
        """True when rows are left that can be settled, their levels read. Commits."""
        _drop_unsyncable(self)
        return bool(self.rows) and _read_levels(self)


def _drop_unsyncable(batch: StockBatch) -> None:
    """Nothing; rows that no level is kept of are at rest, with the reason, and no longer on the bench. Commits."""
    skus = {row.sku for row in batch.rows}
    batch.articles = {
        sku: one for sku, one in Article.find_by_sku(batch.account.id, skus).items() if one.state in USABLE
    }
    batch.products = Product.current_by_sku(batch.account.store_id, skus)
    left = []
    for row in batch.rows:
        why = _skip_reason(batch, row)
        if why:
            row.clear_due(why)
        else:
            left.append(row)
    batch.rows = left
    db.session.commit()


def _skip_reason(batch: StockBatch, row: SyncedSku) -> str:
    article, selling = batch.articles.get(row.sku), batch.products.get(row.sku, [])
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
    return "" if (row.warehouse, row.location) in batch.account.stock_places else "off"


def _read_levels(batch: StockBatch) -> bool:
    """True when the provider's levels are known, and nothing that they rest on moved while they were read. Commits."""
    if not _postpone_held(batch):
        return False
    before = _read_reserved(batch)
    codes = sorted({batch.articles[row.sku].code for row in batch.rows})
    known = batch.provider.stock_levels(codes)
    batch.provider_quantities = {(one.code, one.warehouse): one.quantity for one in known}
    _recheck_articles(batch, set(codes) - {one.code for one in known})
    if not _postpone_held(batch):
        return False
    batch.reserved = _read_reserved(batch)
    moved = {sku for sku in before | batch.reserved if before.get(sku) != batch.reserved.get(sku)}
    _postpone(batch, moved, HELD_SECONDS)
    keys = [
        (batch.product(row).product_id, batch.product(row).variant_id) for row in batch.rows if row.location
    ]
    if keys:
        places = sorted({row.location for row in batch.rows if row.location})
        batch.shop_quantities_by_location = dict(batch.shop.stock_by_location(sorted(set(keys)), places))
    return bool(batch.rows)


def _recheck_articles(batch: StockBatch, codes: set[str]) -> None:
    """Nothing; of what no level was told of those stay that are there by that name: for these it means none. Commits.

    An article that was renamed, or is gone, has no level under its former name either.
    """
    silent = [row for row in batch.rows if batch.articles[row.sku].code in codes]
    skus = {row.sku for row in silent}
    db.session.commit()
    if not skus:
        return
    line_articles.look_up_articles(batch.account, sorted(skus), batch.rate_limiter)
    now_known = Article.find_by_sku(batch.account.id, skus)
    still = {sku for sku, one in now_known.items() if one.state in USABLE and one.code in codes and one.goods}
    for row in silent:
        if row.sku not in still:
            # under its new name next time; one that is gone is at rest then
            row.postpone(0.0)
    batch.rows = [row for row in batch.rows if row.sku not in skus or row.sku in still]
    db.session.commit()


def _read_reserved(batch: StockBatch) -> dict[str, dict[str, Decimal]]:
    found = StockReservation.reserved_quantities(batch.account.store_id, [row.sku for row in batch.rows])
    db.session.commit()
    return found


def _postpone_held(batch: StockBatch) -> bool:
    """True when there are rows that nothing is changing just now; the others are put off. Commits."""
    store_id = batch.account.store_id
    unread = StockReservation.any_unread(store_id)
    held = {row.sku for row in batch.rows} if unread else _skus_in_flight(store_id)
    _postpone(batch, held, HELD_SECONDS)
    return bool(batch.rows)


def _skus_in_flight(store_id: int) -> set[str]:
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


def _postpone(batch: StockBatch, skus: Iterable[str], seconds: float) -> None:
    held = set(skus)
    for row in batch.rows:
        if row.sku in held:
            row.postpone(min(seconds * 2 ** min(row.tries - 1, 10), MAX_HELD_SECONDS), HELD_REASON)
    batch.rows = [row for row in batch.rows if row.sku not in held]
    db.session.commit()
