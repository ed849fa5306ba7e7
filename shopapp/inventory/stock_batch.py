"""Due SKUs taken together, with the articles, products and quantities that syncing them needs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import select

from shopapp.connections.contracts import require
from shopapp.inventory import line_articles
from shopapp.inventory.store_connections import StoreConnections
from shopapp.models import Account, Article, Document, FollowUp, Product, StockReservation, SyncedSku, db
from shopapp.models.article import USABLE
from shopapp.models.document import IN_DOUBT, ISSUED, ISSUING, REVIEW
from shopapp.models.followup import DUE, STOCK_KINDS
from shopapp.models.stock import HELD_REASON
from shopapp.platforms.base import SupportsProductStock

HELD_SECONDS, MAX_HELD_SECONDS = 5.0, 300.0
"""The wait of a SKU whose stock an order or a document may be changing: twice as long each time, up to the maximum."""


class StockBatch:
    """The rows of one account that are due, and what is known of each. Quantities are in pieces.

    `load` drops the rows that cannot be synced now. It changes nothing at the shop or at the provider.
    """

    def __init__(self, account: Account, connections: StoreConnections, rows: list[SyncedSku]) -> None:
        self.account = account
        self.rows = rows
        self.shop = require(connections.shop, SupportsProductStock)
        self.provider = connections.provider(account)
        self._rate_limiter = connections.rate_limiter(account)
        self._articles: dict[str, Article] = {}
        self._products: dict[str, list[Product]] = {}
        self._provider_quantities: dict[tuple[str, str], Decimal] = {}
        """By the article's code and the warehouse."""
        self._reserved: dict[str, dict[str, Decimal]] = {}
        """By SKU and order."""
        self._location_quantities: dict[tuple[str, str, str], int] = {}
        """The shop's, by product, variant and location."""

    def load(self) -> bool:
        """Read what the rows need and drop those that cannot be synced now. Commits.

        Return whether rows are left. A SKU whose reservations changed during the reading is dropped too, as the
        quantities that were read may not match them.
        """
        self._drop_unsyncable()
        self._postpone_held()
        if not self.rows:
            return False
        reserved_before = self._read_reserved()
        self._load_provider_quantities()
        self._postpone_held()
        self._reserved = self._read_reserved()
        self._postpone(
            sku
            for sku in reserved_before | self._reserved
            if reserved_before.get(sku) != self._reserved.get(sku)
        )
        self._load_location_quantities()
        return bool(self.rows)

    def article(self, row: SyncedSku) -> Article:
        return self._articles[row.sku]

    def product(self, row: SyncedSku) -> Product:
        """Return the one product of the row's SKU."""
        return self._products[row.sku][0]

    def has_product(self, row: SyncedSku) -> bool:
        """Return whether the shop still sells the row's SKU, as far as is known."""
        return bool(self._products[row.sku])

    def provider_quantity(self, row: SyncedSku) -> Decimal:
        return self._provider_quantities.get((self.article(row).code, row.warehouse), Decimal(0))

    def reserved(self, row: SyncedSku) -> Decimal:
        """Return the pieces that the shop sold and the provider has not taken off yet.

        They count in one pair of places only: the one whose warehouse the documents take stock from.
        """
        places = self.account.stock_places
        warehouse = self.account.chosen.warehouse or places[0][0]
        reserving_place = next((place for place in places if place[0] == warehouse), places[0])
        if (row.warehouse, row.location) != reserving_place:
            return Decimal(0)
        return sum(self._reserved.get(row.sku, {}).values(), Decimal(0))

    def known_shop_quantity(self, row: SyncedSku) -> int | None:
        """Return the shop's quantity as last read; None where it keeps none."""
        if row.location:
            return self._location_quantities.get(self._shop_key(row))
        return self.product(row).stock

    def read_shop_quantity(self, row: SyncedSku) -> int | None:
        """Return the shop's quantity as it is now; None where it keeps none, or no longer has the product. Commits."""
        db.session.commit()
        if row.location:
            # read for all rows by `load`, a moment ago
            return self._location_quantities.get(self._shop_key(row))
        product = self.product(row)
        for item in self.shop.items_of_product(product.product_id):
            if item.variant_id == product.variant_id and item.sku == row.sku:
                product.stock = item.stock
                db.session.commit()
                return item.stock
        self.mark_product_stale(row)
        return None

    def mark_product_stale(self, row: SyncedSku) -> None:
        """Have the product read again, and forget it here: the shop has changed it. Commits."""
        Product.mark_stale(row.store_id, self.product(row).product_id)
        self._products[row.sku] = []
        db.session.commit()

    def _shop_key(self, row: SyncedSku) -> tuple[str, str, str]:
        product = self.product(row)
        return product.product_id, product.variant_id, row.location

    # rows that cannot be synced now

    def _drop_unsyncable(self) -> None:
        """Drop each row whose stock is not synced, and record the reason. Commits."""
        skus = {row.sku for row in self.rows}
        articles = Article.find_by_sku(self.account.id, skus)
        self._articles = {sku: article for sku, article in articles.items() if article.state in USABLE}
        self._products = Product.current_by_sku(self.account.store_id, skus)
        left = []
        for row in self.rows:
            reason = self._unsyncable_reason(row)
            if reason:
                row.clear_due(reason)
            else:
                left.append(row)
        self.rows = left
        db.session.commit()

    def _unsyncable_reason(self, row: SyncedSku) -> str:
        article, products = self._articles.get(row.sku), self._products.get(row.sku, [])
        if not products:
            return "gone"
        if len(products) > 1:
            return "duplicate"
        if article is None:
            return "no-article"
        if not article.goods or products[0].kind != "goods":
            return "no-stock"
        if products[0].stock is None:
            return "unlimited"
        if (row.warehouse, row.location) not in self.account.stock_places:
            return "off"
        return ""

    def _postpone_held(self) -> None:
        """Postpone and drop the rows whose stock an order or a document may be changing. Commits."""
        store_id = self.account.store_id
        if StockReservation.any_unread(store_id):
            # it may reserve any SKU
            self._postpone([row.sku for row in self.rows])
        else:
            self._postpone(_skus_being_documented(store_id))

    def _postpone(self, skus: Iterable[str]) -> None:
        held = set(skus)
        for row in self.rows:
            if row.sku in held:
                seconds = HELD_SECONDS * 2 ** min(row.tries - 1, 10)
                row.postpone(min(seconds, MAX_HELD_SECONDS), HELD_REASON)
        self.rows = [row for row in self.rows if row.sku not in held]
        db.session.commit()

    # reading quantities

    def _read_reserved(self) -> dict[str, dict[str, Decimal]]:
        skus = [row.sku for row in self.rows]
        reserved = StockReservation.reserved_quantities(self.account.store_id, skus)
        db.session.commit()
        return reserved

    def _load_provider_quantities(self) -> None:
        codes = {self.article(row).code for row in self.rows}
        levels = self.provider.stock_levels(sorted(codes))
        self._provider_quantities = {(level.code, level.warehouse): level.quantity for level in levels}
        self._drop_missing_articles(codes - {level.code for level in levels})

    def _drop_missing_articles(self, codes: set[str]) -> None:
        """Drop the rows of these codes whose article no longer exists under its code. Commits.

        The provider named no quantity for these codes. An article that still exists has none; the others were
        renamed or deleted, and their rows are due again at once.
        """
        rows_without_quantity = [row for row in self.rows if self.article(row).code in codes]
        skus = {row.sku for row in rows_without_quantity}
        db.session.commit()
        if not skus:
            return
        line_articles.look_up_articles(self.account, sorted(skus), self._rate_limiter)
        present = {
            sku
            for sku, article in Article.find_by_sku(self.account.id, skus).items()
            if article.state in USABLE and article.code in codes and article.goods
        }
        for row in rows_without_quantity:
            if row.sku not in present:
                row.postpone(0.0)
        self.rows = [row for row in self.rows if row.sku not in skus or row.sku in present]
        db.session.commit()

    def _load_location_quantities(self) -> None:
        rows = [row for row in self.rows if row.location]
        if rows:
            variants = {(self.product(row).product_id, self.product(row).variant_id) for row in rows}
            locations = sorted({row.location for row in rows})
            self._location_quantities = dict(self.shop.stock_by_location(sorted(variants), locations))


def _skus_being_documented(store_id: int) -> set[str]:
    """Return the SKUs of documents that are being sent, in doubt, or still have to move stock."""
    unmoved = select(FollowUp.document_id).where(
        FollowUp.store_id == store_id, FollowUp.kind.in_(STOCK_KINDS), FollowUp.state == DUE
    )
    in_flight = Document.state.in_((ISSUING, IN_DOUBT, REVIEW))
    documents = select(Document).where(
        Document.store_id == store_id, in_flight | ((Document.state == ISSUED) & Document.id.in_(unmoved))
    )
    drafts = [document.draft for document in db.session.scalars(documents)]
    return {line.sku for draft in drafts if draft is not None for line in draft.lines if line.sku}
