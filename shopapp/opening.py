"""From a hook to a duty: opens what a platform posted, and makes the one row that answers the order.

Called by `jobs`; `sweeping` uses `owe` for orders that no hook announced. Reads the body only to learn which order
it is about: what is true of the order is asked later, of the platform.
"""

from __future__ import annotations

import logging
from decimal import Decimal

from sqlalchemy.exc import OperationalError

from shopapp import connect, correcting, early, fault, settling
from shopapp.models import Account, Document, FollowUp, Hook, Ordered, Product, Sale, Store, db, now
from shopapp.models.hook import OPENED, QUARANTINED
from shopapp.models.states import BLOCKED, ISSUED, MOST_TAKES, PENDING, VOID, WAITING
from shopapp.platforms.base import Event, UnreadableHook

log = logging.getLogger("quickinvoice.opening")

READ_WITHIN = 20.0
"""Seconds within which a paid order is usually read for its document."""

_last = 0
"""The store whose hook this process opened last: the next one's turn comes, however many that one has."""


def open_hook() -> bool:
    """True when a hook was opened into its duty or put in quarantine; False when none is new. Commits."""
    global _last
    hook = Hook.take_new(_last)
    if hook is None:
        db.session.rollback()
        return False
    _last = hook.store_id
    at = now()
    openings = hook.openings(at)
    store = db.session.get_one(Store, hook.store_id)
    hook.opened_at, hook.reason = at, ""
    try:
        if openings > MOST_TAKES:
            log.error("hook %s is put aside: it kills whoever opens it", hook.id)
            raise UnreadableHook("worker-died")
        event = connect.platform_class(store.platform).read_hook(hook.event, hook.body or b"")
        hook.state, hook.order_id = OPENED, event.order_id
        if event.kind == "product":
            # a hint and no more, of which an import of a whole catalogue sends thousands
            hook.body = None
        _answer(store, event, hook)
    except UnreadableHook as unreadable:
        hook.state, hook.reason = QUARANTINED, str(unreadable)
    except OperationalError:
        raise
    except Exception as error:  # a bug of ours must not stop the hooks behind this one
        log.exception("hook %s", hook.id)
        db.session.rollback()
        hook.state, hook.reason, hook.opened_at = QUARANTINED, type(error).__name__, now()
    fault.point("open_before_commit")
    db.session.commit()
    return True


def _answer(store: Store, event: Event, hook: Hook) -> None:
    """Nothing; the duty that the event asks for. The row decides whether it is new. Not committed."""
    _follow(store, event)
    if event.kind in ("other", "product"):
        return
    sale = Sale.seen(store.id, event.order_id)
    if event.kind == "paid":
        sale.first_paid_hook_at = sale.first_paid_hook_at or hook.received_at
        owe(store, event.order_id)
        return
    if event.kind == "cancelled":
        for document in Document.answering(store.id, event.order_id):
            cancelled(document)
    elif event.kind in ("open", "updated"):
        look_early(store, event.order_id, event.kind == "open")


def _follow(store: Store, event: Event) -> None:
    """Nothing; where stock follows, the product is read again, or the order for what it puts aside. Not committed."""
    account = Account.of(store)
    if account is None or not account.follows or event.kind == "other":
        return
    if event.kind == "product":
        Product.tell(store.id, event.product_id)
    else:
        # its document is about to be drafted from a reading of its own, which tells it sooner
        Ordered.tell(store.id, event.order_id, READ_WITHIN if event.kind == "paid" else 0.0)


def put_aside(store: Store, order_id: str, stands: bool) -> None:
    """Nothing; where stock follows, an order is read for its goods that was not yet, or stands no more. Not committed.

    For what no hook told.
    """
    account = Account.of(store)
    if account is not None and account.follows and Ordered.is_otherwise(store.id, order_id, stands):
        Ordered.tell(store.id, order_id)


def look_early(store: Store, order_id: str, is_open: bool) -> None:
    """Nothing; an order that is not paid yet is read when its store keeps drafts or notes of such. Not committed."""
    account = Account.of(store)
    if account is None or store.ready_at is None or not account.is_early:
        return
    known = Document.of(store.id, order_id)
    if known is not None and known.state == WAITING and known.reason == "automatic-off":
        FollowUp.again(known, "draft")
    elif known is not None or is_open:
        owe(store, order_id)


def owe(store: Store, order_id: str) -> bool:
    """True when the order's document is new or waits no longer for payment; it will be read again. Not committed."""
    if Document.begin(store, order_id):
        return True
    document = Document.of(store.id, order_id)
    if document is not None and document.state == WAITING and document.reason == "unpaid":
        return document.move(PENDING)
    return False


def cancelled(document: Document) -> None:
    """Nothing; the platform says that the order was cancelled. Not committed.

    Before a document exists the order is read again, which makes the row void; afterwards the merchant is told that
    a credit note is due, or that an order note stands open. A row that is being sent or in doubt is looked at when it
    is settled (`sweeping`).
    """
    if document.state in (PENDING, WAITING):
        if document.state == WAITING:
            document.move(PENDING)
    elif document.state == BLOCKED:
        if document.move(VOID, "cancelled"):
            settling.leave(document)
    elif document.state == ISSUED:
        if not early.left_open(document, "note-cancelled"):
            _cancelled_after(document)
    if document.cause == "sale":
        early.cancelled(document.store_id, document.order_id)
    sale = Sale.seen(document.store_id, document.order_id)
    sale.cancelled_at = sale.cancelled_at or now()


def _cancelled_after(document: Document) -> None:
    document.note(ISSUED, ISSUED, "cancelled-after")
    chosen = document.account.settings if document.account else {}
    alone = not correcting.has_open_credit(document)
    if chosen.get("credit_cancelled") and alone and correcting.left_of(document) > 0:
        number = correcting.next_number(document, "credit")
        correcting.owe_credit(document, number, {"reason": "Encomenda cancelada"})
    elif not document.alarm and correcting.left_of(document) > 0:
        document.alarm, document.alarm_detail = "cancelled-after", {}
    document.changed_at = now()


def changed(document: Document, total: Decimal) -> None:
    """Nothing; the shop's order has another total than was invoiced: told to the merchant, once. Not committed.

    The document stays as it is: only a person knows whether it needs a credit note.
    """
    sale = Sale.seen(document.store_id, document.order_id)
    detail = {"ours": str(sale.total), "theirs": str(total)}
    sale.total = total
    if correcting.left_of(document) > 0:
        document.note(ISSUED, ISSUED, "changed-after", detail)
        document.alarm, document.alarm_detail, document.changed_at = "changed-after", detail, now()
