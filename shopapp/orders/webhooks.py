"""Process a stored webhook: create its order's document row, or update it.

A body is read only to learn which order it is about; the order itself is read later, from the platform.
"""

from __future__ import annotations

import logging

from sqlalchemy.exc import OperationalError

from shopapp import failpoints, logs
from shopapp.connections.shop import platform_class
from shopapp.documents import order_changes, shop_requests
from shopapp.models import (
    Account,
    Document,
    FollowUp,
    Product,
    Sale,
    StockReservation,
    Store,
    Webhook,
    db,
    now,
)
from shopapp.models.document import BLOCKED, PENDING, VOID, WAITING
from shopapp.models.lease import MAX_TAKES
from shopapp.models.webhook import OPENED, QUARANTINED
from shopapp.platforms.base import UnreadableWebhook, WebhookEvent

log = logging.getLogger(__name__)

PAID_READ_DELAY_SECONDS = 20.0
"""How long after its payment an order has usually been read for its document."""

_last_store_id = 0
"""The store whose webhook this process handled last: stores take turns, however many webhooks one has."""


def process_next_webhook() -> bool:
    """Process one new webhook, or quarantine it when it can't be read. Return False when none is new. Commits."""
    global _last_store_id
    webhook = Webhook.take_new(_last_store_id)
    if webhook is None:
        db.session.rollback()
        return False
    _last_store_id = webhook.store_id
    logs.bind(store=webhook.store_id)
    at = now()
    attempts = webhook.count_attempt(at)
    store = db.session.get_one(Store, webhook.store_id)
    webhook.opened_at, webhook.reason, webhook.attempts = at, "", 0
    try:
        if attempts > MAX_TAKES:
            log.error("webhook %s is quarantined: every worker that processes it dies", webhook.id)
            raise UnreadableWebhook("worker-died")
        event = platform_class(store.platform).parse_webhook(webhook.event, webhook.body or b"")
        webhook.state, webhook.order_id = OPENED, event.order_id
        if event.kind == "product":
            # the body is only a hint, and the import of a whole catalogue sends thousands
            webhook.body = None
        _apply_event(store, event, webhook)
    except UnreadableWebhook as unreadable:
        webhook.state, webhook.reason = QUARANTINED, str(unreadable)
    except OperationalError:
        raise
    except Exception as error:  # a bug of ours must not stop the webhooks behind this one
        log.exception("webhook %s", webhook.id)
        db.session.rollback()
        webhook.state, webhook.reason = QUARANTINED, type(error).__name__
        webhook.opened_at, webhook.attempts = now(), 0
    failpoints.hit("open_before_commit")
    db.session.commit()
    return True


def _apply_event(store: Store, event: WebhookEvent, webhook: Webhook) -> None:
    """Do what the event asks for; the same event again changes nothing. Not committed."""
    _schedule_stock_reads(store, event)
    if event.kind in ("other", "product"):
        return
    sale = Sale.get_or_create(store.id, event.order_id)
    if event.kind == "requested":
        shop_requests.request_invoice(
            store, event.order_id, event.summary.created_at if event.summary else None
        )
        return
    if event.kind == "paid":
        # a test may happen to name this order: it announces no payment, and the order is read all the same
        if not _names_another_order(sale, event):
            if sale.cancelled_at is not None and webhook.received_at > sale.cancelled_at:
                # a second payment
                sale.first_paid_hook_at = webhook.received_at
            sale.first_paid_hook_at = sale.first_paid_hook_at or webhook.received_at
            _record_announced_payment(sale, event)
        request_document(store, event.order_id)
        return
    if event.kind == "updated" and _shows_new_payment(store, event):
        # a platform suspends webhooks one by one: any of those that a payment sends is enough
        request_document(store, event.order_id)
    elif event.kind in ("open", "updated"):
        request_provider_draft(store, event.order_id, event.kind == "open")
    if event.kind == "cancelled" or not _was_read_since(sale, webhook):
        request_order_check(store, event.order_id, event.kind == "cancelled")


def _names_another_order(sale: Sale, event: WebhookEvent) -> bool:
    """Return whether the body's order was placed at another moment than ours of that number."""
    placed = event.summary.created_at if event.summary else None
    return placed is not None and sale.ordered_at is not None and placed != sale.ordered_at


def _shows_new_payment(store: Store, event: WebhookEvent) -> bool:
    """Return whether the signed body shows an order as paid that would be issued."""
    order = event.summary
    if order is None or order.status != "paid" or order.created_at is None or store.ready_at is None:
        return False
    return order.created_at >= store.ready_at


def _was_read_since(sale: Sale, webhook: Webhook) -> bool:
    """Return whether the whole order was read after the webhook came: a payment may send several at once."""
    if webhook.copies > 1 or sale.status != "paid" or sale.checked_at is None:
        return False
    return sale.checked_at > webhook.received_at


def _record_announced_payment(sale: Sale, event: WebhookEvent) -> None:
    """Count the order as paid from now on, even if it can't be read. Not committed.

    What is known already stays: this webhook may be an old one, sent again.
    """
    summary = event.summary
    if sale.status not in ("", "open", "abandoned") or (summary and summary.status != "paid"):
        return
    values = {"total": summary.total, "currency": summary.currency} if summary else {}
    ordered_at = summary.created_at if summary else None
    sale.record("paid", sale.first_paid_hook_at, "hook", ordered_at=ordered_at, **values)


def _schedule_stock_reads(store: Store, event: WebhookEvent) -> None:
    """Where stock is synced, mark the product or the order as to be read again. Not committed."""
    account = Account.find_current(store)
    if account is None or not account.stock_direction or event.kind == "other":
        return
    if event.kind == "product":
        Product.mark_stale(store.id, event.product_id)
    else:
        # a paid order is about to be read for its document, which records its reservation sooner
        StockReservation.mark_stale(
            store.id, event.order_id, PAID_READ_DELAY_SECONDS if event.kind == "paid" else 0.0
        )


def tracks_stock(store: Store) -> bool:
    """Return whether the store's stock is synced."""
    account = Account.find_current(store)
    return account is not None and bool(account.stock_direction)


def track_reservation(store: Store, order_id: str, reserves_stock: bool) -> None:
    """Have an order read for its stock reservation when it differs from what we know. Not committed.

    For changes that no webhook announced, of a store whose stock is synced.
    """
    if StockReservation.differs(store.id, order_id, reserves_stock):
        StockReservation.mark_stale(store.id, order_id)


def request_provider_draft(store: Store, order_id: str, is_open: bool) -> None:
    """Have an unpaid order read when its merchant wants drafts or notes of unpaid orders. Not committed."""
    account = Account.find_current(store)
    if account is None or store.ready_at is None or not account.handles_unpaid_orders:
        return
    known = Document.find(store.id, order_id)
    if known is not None and known.state == WAITING and known.reason == "automatic-off":
        FollowUp.enqueue_or_restart(known, "draft")
    elif known is not None or is_open:
        request_document(store, order_id)


def request_document(store: Store, order_id: str) -> bool:
    """Create the order's document, or let one continue that waits for payment. Not committed.

    One that was void because its order was cancelled comes back, and is drafted again. Where the order of a document
    was cancelled, it is read again. Return False when no document was needed.
    """
    if Document.create_if_absent(store, order_id):
        return True
    document = Document.current_invoice(store.id, order_id)
    if document is None:
        return False
    if document.state == WAITING and document.reason == "unpaid":
        return document.transition(PENDING)
    if order_changes.is_revivable(document):
        return order_changes.revive_document(document)
    if document.state != VOID and Sale.get_or_create(store.id, order_id).cancelled_at is not None:
        order_changes.request_check(document)
    return False


def request_order_check(store: Store, order_id: str, is_cancelled: bool) -> None:
    """Have an order read again that has a document, as it was cancelled or edited. Not committed.

    An edited one only once its document was sent: before, it is read for it anyway.
    """
    document = Document.current_invoice(store.id, order_id)
    is_read_later = document is None or document.state in (WAITING, PENDING, BLOCKED)
    if document is not None and document.state != VOID and (is_cancelled or not is_read_later):
        order_changes.request_check(document)
    elif is_cancelled:
        Sale.get_or_create(store.id, order_id).record("cancelled")
