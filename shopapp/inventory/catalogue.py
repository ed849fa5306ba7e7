"""Read what the shop sells: the whole catalogue, a single product, and the stock that an order reserves.

What differs is marked due for the stock sync. No article is created and no quantity is changed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from shopapp.connections.contracts import require
from shopapp.connections.http import RateLimiter
from shopapp.errors import OrderError
from shopapp.fiscal.articles import quantities_by_sku
from shopapp.fiscal.order import Order
from shopapp.inventory import line_articles
from shopapp.models import (
    Account,
    Article,
    Document,
    Product,
    StockReservation,
    Store,
    SyncedSku,
    SyncRun,
    db,
    now,
)
from shopapp.models.article import MAX_SKU_LENGTH, USABLE
from shopapp.models.document import ISSUED, WAITING
from shopapp.models.reservation import FREE_ORDER
from shopapp.models.stock import CAUSE_RUN, CAUSE_SALE, CAUSE_WEBHOOK
from shopapp.models.sync_run import CATALOGUE_RUN, DONE, MATCHING, READING, STOCK_RUN
from shopapp.platforms.base import CatalogueItem, Platform, SupportsProducts

SKUS_PER_PAGE = 50
"""SKUs that are looked up at the provider in one step."""
RECHECK_REASONS = ("duplicate", "gone", "no-article", "no-stock", "off", "unlimited")
"""Reasons for leaving a SKU alone that may have ended, even where its quantity is the same."""
ORDER_DELAY = 10.0
"""Seconds after an order was read before its SKUs are synced: by then its document is usually issued."""
ARTICLE_MAX_AGE = timedelta(days=7)
"""The age at which a known article is looked up again: it may have been renamed or deleted."""
WEBHOOK_DELAY = 15.0
"""Seconds after a product's webhook before its stock is compared: the order that caused it is read first."""


def start_catalogue_run(account: Account, cause: str) -> bool:
    """Start reading the shop's whole catalogue. Return False when such a run is open already. Not committed."""
    total = Product.count_current(account.store_id) or None
    return SyncRun.start(
        account.store_id, account.id, CATALOGUE_RUN, cause, total=total, mark=account.stock_settings_digest
    )


def is_catalogue_current(account: Account) -> bool:
    """Return whether the catalogue was read with the present stock settings, or never read."""
    last_done = SyncRun.last(account.id, CATALOGUE_RUN, DONE)
    return last_done is None or last_done.mark == account.stock_settings_digest


def run_catalogue_page(run: SyncRun, account: Account, shop: Platform, rate_limiter: RateLimiter) -> None:
    """Read the next page: first the shop's products, then their SKUs' articles; end the run after the last. Commits."""
    if run.phase == MATCHING:
        _match_page(run, account, rate_limiter)
    else:
        _read_page(run, shop)


def _read_page(run: SyncRun, shop: Platform) -> None:
    page = require(shop, SupportsProducts).catalogue_page(run.cursor)
    Product.upsert(run.store_id, (_product_values(item) for item in page.items))
    if page.after:
        run.save_progress(
            phase=READING, cursor=page.after, seen=run.seen + len(page.items), tries=0, reason=""
        )
    else:
        # A product deleted between two pages shifts the rest, so a list may leave out one that exists.
        Product.mark_unseen_stale(run.store_id, run.begun_at)
        total = len(Product.skus(run.store_id))
        run.save_progress(phase=MATCHING, cursor="", seen=0, total=total, tries=0, reason="")
    db.session.commit()


def _product_values(item: CatalogueItem) -> dict[str, object]:
    """Return the item's columns; a SKU that is too long for its column counts as none."""
    return {**asdict(item), "sku": item.sku if len(item.sku) <= MAX_SKU_LENGTH else ""}


def _match_page(run: SyncRun, account: Account, rate_limiter: RateLimiter) -> None:
    """Look up the articles of the next SKUs and add them to the sync, or end the run after the last. Commits."""
    skus = Product.skus(run.store_id, run.cursor, SKUS_PER_PAGE)
    if not skus:
        _end_catalogue_run(run, account)
        return
    known = Article.find_by_sku(account.id, skus)
    former_codes, oldest = {sku: article.code for sku, article in known.items()}, now() - ARTICLE_MAX_AGE
    unknown_skus = [sku for sku in skus if sku not in known or not _is_article_fresh(known[sku], oldest)]
    db.session.commit()
    if unknown_skus and line_articles.supports_articles(account):
        line_articles.look_up_articles(account, unknown_skus, rate_limiter)
    add_to_sync(account, skus, run.id)
    # A stock run does not recognise an article under a code that it no longer has.
    articles = Article.find_by_sku(account.id, former_codes)
    renamed = [sku for sku, article in articles.items() if article.code != former_codes[sku]]
    SyncedSku.mark_due(account.id, renamed, CAUSE_RUN)
    run.save_progress(cursor=skus[-1], seen=run.seen + len(skus), tries=0, reason="")
    db.session.commit()


def _end_catalogue_run(run: SyncRun, account: Account) -> None:
    """End the run, and start a stock run unless this run is the clock's, which starts those by itself. Commits."""
    former = SyncRun.last(account.id, CATALOGUE_RUN, DONE)
    if account.stock_direction and former is not None and former.mark != run.mark:
        # What was in sync under the former settings may not be under the new ones.
        SyncedSku.reset_all(account.id)
    if account.stock_direction and run.cause != "clock":
        SyncRun.start(run.store_id, account.id, STOCK_RUN, run.cause)
    run.end(DONE)


def _is_article_fresh(article: Article, oldest: datetime) -> bool:
    return article.state in USABLE and article.looked_at is not None and article.looked_at > oldest


def add_to_sync(account: Account, skus: Iterable[str], run_id: int | None = None) -> None:
    """Sync the stock of those SKUs that have an article, and mark those due whose shop quantity is new. Not committed.

    With `run_id` the changes of newly added SKUs belong to that run and can be undone with it.
    """
    if not account.stock_direction:
        return
    stocked = {
        sku
        for sku, article in Article.find_by_sku(account.id, skus).items()
        if article.state in USABLE and article.goods
    }
    SyncedSku.add_missing(account.store_id, account.id, sorted(stocked), account.stock_places, run_id)
    _mark_changed_due(account, stocked)


def _mark_changed_due(account: Account, skus: Collection[str]) -> None:
    """Mark those SKUs due whose quantity in the shop is not the one we know. Not committed."""
    not_due = select(SyncedSku).where(
        SyncedSku.account_id == account.id, SyncedSku.sku.in_(skus), SyncedSku.due_at.is_(None)
    )
    products_by_sku = Product.current_by_sku(account.store_id, skus)
    # The shop's list has only the sum of all locations: with locations every SKU is compared.
    has_locations = any(location for _, location in account.stock_places)
    for row in db.session.scalars(not_due.execution_options(populate_existing=True)):
        products = products_by_sku.get(row.sku, [])
        if len(products) == 1 and (
            has_locations or products[0].stock != row.ours or row.reason in RECHECK_REASONS
        ):
            SyncedSku.mark_due(account.id, [row.sku], CAUSE_WEBHOOK, WEBHOOK_DELAY)


def refresh_stale_product(account: Account, shop: Platform, rate_limiter: RateLimiter) -> bool:
    """Read one product of those that must be read again. Return whether there was one. Commits."""
    stale = Product.take_stale(account.store_id)
    if stale is None:
        return False
    began, former_skus = now(), Product.skus_of(account.store_id, stale.product_id)
    db.session.commit()
    items = require(shop, SupportsProducts).items_of_product(stale.product_id)
    values = [_product_values(item) for item in items]
    skus = former_skus | {str(row["sku"]) for row in values if row["sku"]}
    unknown_skus = sorted(skus - Article.find_by_sku(account.id, skus).keys())
    db.session.commit()
    if unknown_skus and line_articles.supports_articles(account):
        line_articles.look_up_articles(account, unknown_skus, rate_limiter)
    # In one commit: when a worker dies before it, the product is read again, and nothing is half recorded.
    Product.upsert(account.store_id, values)
    Product.mark_gone(account.store_id, stale.product_id, began)
    # The row may have been created for the webhook alone, or the product has variants by now.
    stale.mark_read(gone=all(item.variant_id != stale.variant_id for item in items))
    add_to_sync(account, skus)
    db.session.commit()
    return True


# what an order reserves


def refresh_stale_reservation(store: Store, account: Account | None, shop: Platform) -> bool:
    """Read one of the announced orders for the stock that it reserves. Return whether there was one. Commits."""
    stale = StockReservation.take_unread(store.id)
    if stale is None:
        return False
    began, order_id = now(), stale.order_id
    document = Document.find(store.id, order_id)
    db.session.commit()
    quantities = None
    if document is None or document.state != ISSUED:
        try:
            quantities = _quantities_to_reserve(account, shop.read_order(order_id), document)
        except OrderError as error:
            # An order that cannot be understood keeps its reservation; its document reports the error.
            quantities = {} if error.code == "order-missing" else None
    _store_reservation(store.id, account, order_id, quantities, began)
    return True


def record_reservation(account: Account, order: Order, began: datetime) -> None:
    """Record what the order reserves, read at `began` for its document, where stock is synced. Commits."""
    if account.stock_direction:
        quantities = _quantities_to_reserve(account, order)
        _store_reservation(account.store_id, account, order.id, quantities, began)


def _store_reservation(
    store_id: int,
    account: Account | None,
    order_id: str,
    quantities: dict[str, Decimal] | None,
    began: datetime,
) -> None:
    """Record the pieces by SKU (None: as before), and have the SKUs synced soon whose quantity changed. Commits."""
    changed_skus = StockReservation.record_goods(store_id, order_id, quantities, began)
    if changed_skus and account is not None:
        SyncedSku.mark_due(account.id, changed_skus, CAUSE_SALE, ORDER_DELAY, order_id=order_id)
    db.session.commit()


def _quantities_to_reserve(
    account: Account | None, order: Order, document: Document | None = None
) -> dict[str, Decimal] | None:
    """Return the pieces of each SKU that the order reserves; None leaves its reservation as it is.

    No document takes products that were given away off the provider's stock. With `to-shop` they stay reserved;
    with `to-provider` they do not, because the provider's quantity follows the shop's.
    """
    if order.status == "paid" and order.paid_total <= 0:
        if account is not None and account.stock_direction == "to-provider":
            return {}
        if document is not None and (document.state, document.reason) == (WAITING, FREE_ORDER):
            # An order from before stock was synced, or one released since, must not reserve anything now.
            is_reserved = StockReservation.goods_of(document.store_id, order.id)
            return _quantities_of_open_order(order) if is_reserved else None
    return _quantities_of_open_order(order)


def _quantities_of_open_order(order: Order) -> dict[str, Decimal]:
    """Return the pieces by SKU; {} once the order is cancelled or abandoned."""
    return quantities_by_sku(order.lines) if order.status in ("open", "paid") else {}
