"""The shop's goods: the whole list page by page, a product when a hook tells of it, an order for what it puts aside.

Called by `goods`. Keeps what it read in `Product` and `Ordered` and wakes the followed SKUs that differ; makes no
article and alters no level.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

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
from shopapp.models.reservation import FREE_ORDER
from shopapp.models.states import ISSUED, WAITING
from shopapp.models.stock import CAUSE_RUN
from shopapp.models.sync_run import CATALOGUE_RUN, DONE, MATCHING, READING, STOCK_RUN
from shopapp.platforms.base import CatalogueItem, Platform

SKUS_PER_PAGE = 50
"""How many SKUs are looked up by one question."""
RECHECK_REASONS = ("duplicate", "gone", "no-article", "no-stock", "off", "unlimited")
"""Why a SKU is left alone that may be otherwise by now, whatever its level."""
ORDER_DELAY = 10.0
"""Seconds after an order was read before its SKUs are looked at: its document is usually issued by then."""
ARTICLE_MAX_AGE = timedelta(days=7)
"""After how long an article is looked up again that is known: it may have been renamed, or be gone."""
WEBHOOK_DELAY = 15.0
"""Seconds after a product's hook before its level is held against the other side's: its order is read meanwhile."""


def start_catalogue_run(account: Account, cause: str) -> bool:
    """True when a reading of the whole list began; False when one is under way. Not committed."""
    total = Product.count_current(account.store_id) or None
    return SyncRun.start(
        account.store_id, account.id, CATALOGUE_RUN, cause, total=total, mark=account.stock_settings_digest
    )


def is_catalogue_current(account: Account) -> bool:
    """True when the goods were read since the merchant last chose how their stock follows."""
    read = SyncRun.last(account.id, CATALOGUE_RUN, DONE)
    return read is None or read.mark == account.stock_settings_digest


def run_catalogue_page(run: SyncRun, account: Account, shop: Platform, rate_limiter: RateLimiter) -> None:
    """Nothing; the run is one page further: goods read, then their SKUs looked up, then done. Commits."""
    if run.phase == MATCHING:
        _match_page(run, account, rate_limiter)
    else:
        _read_page(run, shop)


def _read_page(run: SyncRun, shop: Platform) -> None:
    found = shop.catalogue_page(run.cursor)
    Product.upsert(run.store_id, (_product_values(one) for one in found.items))
    if found.after:
        run.save_progress(
            phase=READING, cursor=found.after, seen=run.seen + len(found.items), tries=0, reason=""
        )
    else:
        # a list may leave out what is there: what was deleted between two pages shifts the rest
        Product.mark_unseen_stale(run.store_id, run.begun_at)
        total = len(Product.skus(run.store_id))
        run.save_progress(phase=MATCHING, cursor="", seen=0, total=total, tries=0, reason="")
    db.session.commit()


def _product_values(goods: CatalogueItem) -> dict[str, object]:
    row = asdict(goods)
    # one too long to be kept is looked up nowhere: the goods count as without SKU
    return {**row, "sku": goods.sku if len(goods.sku) <= MAX_SKU_LENGTH else ""}


def _match_page(run: SyncRun, account: Account, rate_limiter: RateLimiter) -> None:
    """Nothing; the next SKUs are known at the provider, or known not to be, and followed where stock follows."""
    skus = Product.skus(run.store_id, run.cursor, SKUS_PER_PAGE)
    known = Article.find_by_sku(account.id, skus)
    codes, old = {sku: one.code for sku, one in known.items()}, now() - ARTICLE_MAX_AGE
    unknown_skus = [sku for sku in skus if sku not in known or not _is_article_fresh(known[sku], old)]
    db.session.commit()
    if unknown_skus and line_articles.supports_articles(account):
        line_articles.look_up_articles(account, unknown_skus, rate_limiter)
    add_to_sync(account, skus, run.id)
    # under a former name its level was no longer told
    renamed = [sku for sku, one in Article.find_by_sku(account.id, codes).items() if one.code != codes[sku]]
    SyncedSku.mark_due(account.id, renamed, CAUSE_RUN)
    if skus:
        run.save_progress(cursor=skus[-1], seen=run.seen + len(skus), tries=0, reason="")
        db.session.commit()
        return
    former = SyncRun.last(account.id, CATALOGUE_RUN, DONE)
    if account.stock_direction and former is not None and former.mark != run.mark:
        # what was equal as it followed before may not be equal now
        SyncedSku.reset_all(account.id)
    if account.stock_direction and run.cause != "clock":
        SyncRun.start(run.store_id, account.id, STOCK_RUN, run.cause)
    run.end(DONE)


def _is_article_fresh(article: Article, since: datetime) -> bool:
    return article.state in USABLE and article.looked_at is not None and article.looked_at > since


def add_to_sync(account: Account, skus: Iterable[str], run_id: int | None = None) -> None:
    """Nothing; those of the SKUs that have an article are followed, and looked at where the shop's level is another.

    What is altered because they are new is the run's, and can be undone with it. Not committed.
    """
    if not account.stock_direction:
        return
    matched = {
        sku: one
        for sku, one in Article.find_by_sku(account.id, skus).items()
        if one.state in USABLE and one.goods
    }
    SyncedSku.add_missing(account.store_id, account.id, sorted(matched), account.stock_places, run_id)
    _mark_changed_due(account, matched)


def _mark_changed_due(account: Account, skus: Iterable[str]) -> None:
    """Nothing; of these SKUs those are due whose level in the shop is not the one that we know. Not committed."""
    wanted = list(skus)
    mine = select(SyncedSku).where(
        SyncedSku.account_id == account.id, SyncedSku.sku.in_(wanted), SyncedSku.due_at.is_(None)
    )
    selling = Product.current_by_sku(account.store_id, wanted)
    placed = any(location for _, location in account.stock_places)
    for row in db.session.scalars(mine.execution_options(populate_existing=True)):
        rows = selling.get(row.sku, [])
        # by location the shop's list tells only the sum: it is looked at
        if len(rows) == 1 and (placed or rows[0].stock != row.ours or row.reason in RECHECK_REASONS):
            SyncedSku.mark_due(account.id, [row.sku], "hook", WEBHOOK_DELAY)


def refresh_stale_product(account: Account, shop: Platform, rate_limiter: RateLimiter) -> bool:
    """True when a product that a hook told of was read again; False when there is none. Commits."""
    stale = Product.take_stale(account.store_id)
    if stale is None:
        return False
    began, former = now(), Product.skus_of(account.store_id, stale.product_id)
    db.session.commit()
    found = shop.items_of_product(stale.product_id)
    rows = [_product_values(one) for one in found]
    skus = former | {str(row["sku"]) for row in rows if row["sku"]}
    known = Article.find_by_sku(account.id, skus)
    db.session.commit()
    if (unknown_skus := sorted(skus - known.keys())) and line_articles.supports_articles(account):
        line_articles.look_up_articles(account, unknown_skus, rate_limiter)
    # one commit: whoever dies before it leaves the product to be read again, and nothing of it half known
    Product.upsert(account.store_id, rows)
    Product.mark_gone(account.store_id, stale.product_id, began)
    # the row may be one that was made for the hook alone, or of a product that has variants by now
    stale.mark_read(gone=all(one.variant_id != stale.variant_id for one in found))
    add_to_sync(account, skus)
    db.session.commit()
    return True


def refresh_stale_reservation(store: Store, account: Account | None, shop: Platform) -> bool:
    """True when an order that was told of was read for its goods; False when there is none. Commits."""
    stale = StockReservation.take_unread(store.id)
    if stale is None:
        return False
    began, order_id = now(), stale.order_id
    document = Document.find(store.id, order_id)
    db.session.commit()
    goods = None
    if document is None or document.state != ISSUED:
        try:
            goods = _goods_to_reserve(account, shop.read_order(order_id), document)
        except OrderError as error:
            # not to be understood: its document says so, and what was known of it holds
            goods = {} if error.code == "order-missing" else None
    _store_reservation(store.id, account, order_id, goods, began)
    return True


def record_reservation(account: Account, order: Order, began: datetime) -> None:
    """Nothing; where stock follows, an order read for its document since then tells what it puts aside. Commits."""
    if account.stock_direction:
        _store_reservation(account.store_id, account, order.id, _goods_to_reserve(account, order), began)


def _store_reservation(
    store_id: int, account: Account | None, order_id: str, goods: dict[str, Decimal] | None, began: datetime
) -> None:
    """Nothing; so much is put aside, and SKUs of which that is another number are looked at soon. Commits."""
    changed = StockReservation.record_goods(store_id, order_id, goods, began)
    if changed and account is not None:
        SyncedSku.mark_due(account.id, changed, "sale", ORDER_DELAY, order_id=order_id)
    db.session.commit()


def _goods_to_reserve(
    account: Account | None, order: Order, document: Document | None = None
) -> dict[str, Decimal] | None:
    """What the order puts aside; None: what is known of it holds.

    What is given away no document takes off: to the shop it stays put aside; a program that follows comes down with
    the shop.
    """
    if order.status == "paid" and order.paid_total <= 0:
        if account is not None and account.stock_direction == "to-provider":
            return {}
        if document is not None and (document.state, document.reason) == (WAITING, FREE_ORDER):
            # one from before stock followed, or taken off since, holds nothing again
            return goods_of_order(order) if StockReservation.goods_of(document.store_id, order.id) else None
    return goods_of_order(order)


def goods_of_order(order: Order) -> dict[str, Decimal]:
    """The pieces of each SKU that the shop has put aside for this order; none once it is cancelled or abandoned."""
    return quantities_by_sku(order.lines) if order.status in ("open", "paid") else {}
