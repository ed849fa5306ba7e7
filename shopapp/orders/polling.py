"""Poll a shop's orders for payments and cancellations that no webhook announced.

The platform's lists can't be asked for what changed lately, so three things are read: the newest orders, each order
known to be unpaid, and once a day all orders of thirty days. What the list says of an order is recorded whether or not
the order can be read, and a row that cannot be read is set aside: nothing stops the others. Issues nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from sqlalchemy import or_, select

from shopapp.connections.shop import platform_of
from shopapp.connections.subscriptions import lacks_webhooks
from shopapp.documents import order_changes
from shopapp.errors import OrderError, RefusedError, UnreachableError
from shopapp.models import Document, Sale, Store, UnreadableOrder, Webhook, db, now
from shopapp.models.document import BLOCKED, ISSUED, PENDING, VOID, WAITING
from shopapp.orders import webhooks
from shopapp.platforms.base import OrderSummary, Platform

OVERLAP = timedelta(days=4)
"""Three days, and one more because a shop's list may count days in its own time zone."""
MAX_LOOKBACK = timedelta(days=31)
"""A month, so that its count stands on the shop's own list."""
FULL_SCAN_INTERVAL = timedelta(days=1)
REREAD_INTERVAL = timedelta(hours=1)
"""How often an order is read again whose listed total is not the one that we know."""
UNPAID_DAYS = 60
"""How long an unpaid order is polled."""
BATCH_SIZE = 100
"""How many orders of the list are compared with our rows by one query."""
MAX_OPEN, MAX_ABANDONED = 100, 20
"""How many known unpaid orders are read at a time, those read longest ago first; a shop allows 800 calls a minute."""
MAX_FAILED_READS = 3
"""After how many orders that the shop fails to answer the shop counts as down, and not the order as bad."""


def poll_orders(store: Store) -> int:
    """Request documents for orders that no webhook announced; return how many. Commits. Raises the shop's errors."""
    began = now()
    is_full_scan = store.combed_at is None or store.combed_at < began - FULL_SCAN_INTERVAL
    since = max(store.reconciled_at or store.installed_at, store.installed_at) - OVERLAP
    since = min(since, began - MAX_LOOKBACK) if is_full_scan else since
    tracks_stock = webhooks.tracks_stock(store)
    db.session.commit()
    shop = platform_of(store)
    found = _poll_paid_orders(store, shop, since)
    _poll_unpaid_orders(store, shop, since, tracks_stock)
    UnreadableOrder.forget_answered(store.id, since, began)
    found += _recheck_unpaid_orders(store, shop, tracks_stock)
    store.reconciled_at = began
    store.combed_at = began if is_full_scan else store.combed_at
    store.reconcile_lease_until = None
    db.session.commit()
    return found


def _poll_paid_orders(store: Store, shop: Platform, since: datetime) -> int:
    """Request documents for listed paid orders that have none; return how many. Commits."""
    found, listed = 0, _readable_orders(store, shop.paid_orders(since))
    while batch := list(islice(listed, BATCH_SIZE)):
        totals = {summary.order_id: summary.total for summary in batch if summary.total is not None}
        _check_changed_totals(store, totals)
        answered = _orders_with_document(store, [summary.order_id for summary in batch])
        for summary in batch:
            _record_summary(Sale.get_or_create(store.id, summary.order_id), summary)
            if summary.order_id not in answered:
                found += _request_document(store, summary)
            db.session.commit()
    return found


def _readable_orders(store: Store, listed: Iterator[OrderSummary]) -> Iterator[OrderSummary]:
    """Yield the rows that name their order, and set aside those that lack anything. Commits.

    A row without a date has about that of the row before it, as the list is ordered by age.
    """
    about = now()
    for summary in listed:
        about = summary.created_at or about
        if summary.unreadable:
            values = {
                "order_id": summary.order_id, "status": summary.status, "total": summary.total,
                "fields": " ".join(summary.unreadable), "created_at": about,
            }  # fmt: skip
            UnreadableOrder.record(store.id, summary.key, values)
            db.session.commit()
        if summary.order_id:
            yield summary


def _record_summary(sale: Sale, summary: OrderSummary) -> None:
    sale.record(
        summary.status, summary.paid_at,
        total=summary.total, currency=summary.currency, ordered_at=summary.created_at,
    )  # fmt: skip


def _orders_with_document(store: Store, orders: list[str]) -> set[str]:
    """Return those of the orders that have a document, and whose payment changes nothing."""
    is_revivable = (Document.state == VOID) & Document.reason.in_(order_changes.REVIVABLE_REASONS)
    is_revived = or_(Document.reason == "unpaid", is_revivable)
    known = (
        select(Document.order_id)
        .join(Sale, (Sale.store_id == Document.store_id) & (Sale.order_id == Document.order_id))
        .where(Document.store_id == store.id, Document.order_id.in_(orders), Document.is_sale)
        .where(~is_revived, or_(Sale.cancelled_at.is_(None), Document.alarm == order_changes.PAID_AGAIN))
    )
    answered = set(db.session.scalars(known))
    db.session.commit()
    return answered


def _check_changed_totals(store: Store, totals: dict[str, Decimal]) -> None:
    """Have the orders read again whose listed total is not what was invoiced. Commits."""
    issued = (
        select(Document)
        .join(Sale, (Sale.store_id == Document.store_id) & (Sale.order_id == Document.order_id))
        .where(Document.store_id == store.id, Document.order_id.in_(totals), Document.state == ISSUED)
        .where(Document.is_sale | Document.is_reissue)
        .where(or_(Sale.checked_at.is_(None), Sale.checked_at < now() - REREAD_INTERVAL))
    )
    for document in db.session.scalars(issued).all():
        # the order has to be read, as it says more than the list
        if document.total != totals[document.order_id]:
            order_changes.request_check(document)
    db.session.commit()


def _request_document(store: Store, summary: OrderSummary) -> bool:
    """Request the order's document and count a missing webhook. Return whether it was needed. Not committed."""
    if not webhooks.request_document(store, summary.order_id):
        return False
    if _is_webhook_missing(store, summary):
        store.unheard, store.unheard_at = (store.unheard or 0) + 1, store.unheard_at or now()
    return True


def _is_webhook_missing(store: Store, summary: OrderSummary) -> bool:
    """Return whether our webhooks existed before the order, and none came for it."""
    if lacks_webhooks(store):
        return False
    listening = max(store.installed_at, store.hooks_problem_at or store.installed_at)
    is_newer = summary.created_at is not None and summary.created_at > listening
    return is_newer and not Webhook.exists_for_order(store.id, summary.order_id)


def _poll_unpaid_orders(store: Store, shop: Platform, since: datetime, tracks_stock: bool) -> None:
    """Record unpaid orders, so that they are polled, and apply cancellations. Commits."""
    for summary in _readable_orders(store, shop.unpaid_orders(since)):
        if tracks_stock:
            webhooks.track_reservation(store, summary.order_id, summary.status == "open")
        if summary.status == "cancelled":
            _apply_cancellation(store, summary)
        else:
            sale = Sale.get_or_create(store.id, summary.order_id)
            if sale.status == "paid":
                # set back to unpaid
                webhooks.request_order_check(store, summary.order_id, is_cancelled=False)
            _record_summary(sale, summary)
            is_new_open_order = (
                summary.status == "open"
                and store.ready_at is not None
                and summary.created_at is not None
                and summary.created_at >= store.ready_at
            )
            if is_new_open_order and Document.find(store.id, summary.order_id) is None:
                webhooks.request_provider_draft(store, summary.order_id, True)
        db.session.commit()


def _apply_cancellation(store: Store, summary: OrderSummary) -> None:
    """Have an order read again that is cancelled, and whose document does not show it. Not committed."""
    sale = Sale.get_or_create(store.id, summary.order_id)
    is_news = sale.cancelled_at is None or sale.status != summary.status
    _record_summary(sale, summary)
    document = Document.current_invoice(store.id, summary.order_id)
    if document is None or document.state == VOID:
        return
    if is_news or document.state in (WAITING, PENDING, BLOCKED):
        order_changes.request_check(document)


def _recheck_unpaid_orders(store: Store, shop: Platform, tracks_stock: bool) -> int:
    """Read orders known as unpaid; return how many are paid by now. Commits."""
    # a store without webhooks is polled ten times as often
    share = 10 if lacks_webhooks(store) else 1
    some, few = MAX_OPEN // share, MAX_ABANDONED // share
    most = {"open": some, "": some, "abandoned": few, "cancelled": few}
    known = Sale.list_unpaid(store.id, UNPAID_DAYS, most)
    db.session.commit()
    found = failed = 0
    for sale in known:
        try:
            found += _recheck_order(store, shop, sale, tracks_stock)
        except (UnreachableError, RefusedError):
            # one order that the shop fails to answer must not stop the others; it is read last next time
            db.session.rollback()
            failed += 1
            if failed > MAX_FAILED_READS:
                raise
            sale.checked_at = now()
            db.session.commit()
    return found


def _recheck_order(store: Store, shop: Platform, sale: Sale, tracks_stock: bool) -> bool:
    try:
        summary = shop.order_summary(sale.order_id)
    except OrderError as error:
        # it is gone from the shop or can't be read: its document, if it has one, shows that
        sale.status, sale.checked_at = error.code.removeprefix("order-")[:12], now()
        if tracks_stock:
            webhooks.track_reservation(store, sale.order_id, False)
        db.session.commit()
        return False
    sale.checked_at = now()
    if tracks_stock:
        webhooks.track_reservation(store, sale.order_id, summary.status in ("open", "paid"))
    if summary.status == "cancelled":
        _apply_cancellation(store, summary)
    else:
        _record_summary(sale, summary)
    requested = summary.status == "paid" and _request_document(store, summary)
    db.session.commit()
    return requested
