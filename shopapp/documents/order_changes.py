"""Follow an order after its document: cancelled, unpaid again, paid again, or edited in the shop.

What a webhook or a list says is only a hint, and may be late: the order is read before anything is credited, issued
again or flagged. Sends nothing to the provider.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from shopapp.connections.shop import platform_of
from shopapp.documents import credit_notes, outcome, prepare, provider_drafts
from shopapp.documents.order_digest import changed_parts, order_digest
from shopapp.errors import OrderError
from shopapp.fiscal.order import Order, OrderStatus
from shopapp.models import Document, FollowUp, Sale, db, now
from shopapp.models.account_settings import AccountSettings
from shopapp.models.cause import CREDIT, ORDER_NOTE, TRANSPORT_GUIDE
from shopapp.models.document import BLOCKED, ISSUED, ORDER_ALARMS, PENDING, VOID, WAITING

CANCELLED, UNPAID, PAID_AGAIN, CHANGED, RETURNED = ORDER_ALARMS
NOT_IN_SHOP = "not-in-shop"
"""The reason of a void document whose order the shop does not have: deleted, or only in a test of its webhooks."""
REVIVABLE_REASONS = ("cancelled", NOT_IN_SHOP)
"""The reasons of void documents that come back when their order is paid."""


def request_check(document: Document) -> None:
    """Have the document's order read again, as something may have changed. Not committed."""
    FollowUp.enqueue_or_restart(document, "order")


def check_order(document: Document, followup: FollowUp | None = None) -> None:
    """Read the order of a document and apply what has changed since. Commits. Raises the shop's errors."""
    sale = Sale.get_or_create(document.store_id, document.order_id)
    known, began = sale.cancelled_at, now()
    db.session.commit()
    status: OrderStatus | None
    try:
        status, order = _read(document)
    except OrderError:
        status, order = None, None
    sale = db.session.scalars(
        select(Sale).where(Sale.id == sale.id).with_for_update().execution_options(populate_existing=True)
    ).one()
    db.session.refresh(document)
    if sale.cancelled_at != known:
        # somebody has read a later state of the order
        request_check(document)
    elif document.state != VOID and _is_current(document):
        if status is None:
            _apply_deletion(document, sale)
        else:
            _apply(document, sale, status, order)
            sale.checked_at = began
    db.session.commit()


def _read(document: Document) -> tuple[OrderStatus, Order | None]:
    """Return the order's status, and the order unless its content can't be read."""
    try:
        order = prepare.read_order(document)
    except OrderError as error:
        if error.code == "order-missing":
            raise
        return platform_of(document.store).order_summary(document.order_id).status, None
    return order.status, order


def _is_current(document: Document) -> bool:
    invoice = Document.current_invoice(document.store_id, document.order_id)
    return invoice is not None and invoice.id == document.id


def _apply(document: Document, sale: Sale, status: OrderStatus, order: Order | None) -> None:
    paid = (order.paid_at, order.paid_source) if order is not None else ()
    sale.record(status, *paid)
    if status == "paid":
        if sale.cancelled_at is not None:
            _apply_repayment(document, sale)
        if document.state == ISSUED and sale.cancelled_at is None and order is not None:
            _compare(document, sale, order)
            _flag_return(document, order)
        return
    flag = _last_flag(document)
    is_worse = status == "cancelled" and flag == UNPAID
    if sale.cancelled_at is None or is_worse or flag == PAID_AGAIN:
        sale.cancelled_at = sale.cancelled_at or now()
        if document.state == ISSUED:
            apply_cancellation(document, order)
    if status == "cancelled":
        void_related_documents(document.store_id, document.order_id)
        if document.state in (WAITING, PENDING, BLOCKED):
            outcome.void_document(document, "cancelled")
    elif document.state == BLOCKED:
        document.transition(PENDING)


# deleted, cancelled, or unpaid again


def void_if_not_in_shop(document: Document) -> bool:
    """Void a document whose order the shop does not have, unless the order was ever read as paid. Commits.

    A deleted order needs no document, and a shop's test of its webhooks names an order that never was. A payment that
    was read is shown to the merchant instead.
    """
    sale = Sale.get_or_create(document.store_id, document.order_id)
    was_paid = sale.status == "paid" and sale.checked_at is not None
    done = not was_paid and outcome.void_document(document, NOT_IN_SHOP)
    if done:
        sale.status = "missing"
        void_related_documents(document.store_id, document.order_id)
    db.session.commit()
    return done


def void_related_documents(store_id: int, order_id: str) -> None:
    """Void the order note and the transport guide of a cancelled order, unless one is being sent. Not committed.

    A worker may have just read the order and be about to claim one: it finds the row void, and sends nothing.
    """
    for cause in (ORDER_NOTE, TRANSPORT_GUIDE):
        related = Document.find(store_id, order_id, cause)
        if related is not None and related.state in (WAITING, PENDING, BLOCKED):
            outcome.void_document(related, "cancelled")


def _apply_deletion(document: Document, sale: Sale) -> None:
    """Apply that the shop no longer has the order. Commits."""
    if document.state in (WAITING, PENDING, BLOCKED):
        void_if_not_in_shop(document)
    elif sale.cancelled_at is None:
        # one that is being sent is flagged once it is known to exist
        sale.status, sale.cancelled_at = "missing", now()
        if document.state == ISSUED:
            apply_cancellation(document)


def apply_cancellation(document: Document, order: Order | None = None) -> None:
    """Credit or flag an issued document whose order is known to be cancelled or unpaid again. Not committed.

    It is credited automatically only where `order`, as just read, says that no goods have left: else the merchant is
    asked, as only they know whether the goods come back.
    """
    if provider_drafts.flag_open_order_note(document, "note-cancelled"):
        return
    sale = Sale.get_or_create(document.store_id, document.order_id)
    is_unpaid = sale.status in ("open", "abandoned")
    # what the merchant has perhaps credited elsewhere is theirs to credit
    is_ours = not is_unpaid and not is_cancellation_settled(document)
    document.log_transition(ISSUED, ISSUED, UNPAID if is_unpaid else CANCELLED)
    document.changed_at = now()
    chosen = document.account.chosen if document.account else AccountSettings()
    if document.total is not None and credit_notes.creditable_amount(document) <= 0:
        return
    goods_stay = order is not None and not order.has_left
    if chosen.credit_cancelled and is_ours and goods_stay and not credit_notes.has_open_credit_note(document):
        number = credit_notes.next_cause_number(document, CREDIT)
        asked = {"reason": "Encomenda cancelada", "automatic": True}
        credit_notes.request_credit_note(document, number, asked)
    else:
        detail = {"sent": "yes"} if order is not None and order.has_left else {}
        detail |= {"gone": "yes"} if sale.status == "missing" else {}
        _raise_alarm(document, UNPAID if is_unpaid else CANCELLED, detail)


def _raise_alarm(document: Document, alarm: str, detail: dict[str, Any] | None = None) -> bool:
    """Raise the alarm, and tell the merchant, unless the document has one that is not about its order. Not committed.

    A further edit of the order updates the alarm's detail and sends no second e-mail.
    """
    if document.alarm not in ("", *ORDER_ALARMS):
        return False
    if document.alarm != alarm:
        FollowUp.notify_of_alarm(document)
    document.alarm, document.alarm_detail, document.changed_at = alarm, detail or {}, now()
    return True


def _clear_alarm(document: Document, alarms: Iterable[str], reason: str) -> None:
    """Clear an alarm whose cause is gone. Not committed."""
    document.log_transition(ISSUED, ISSUED, reason)
    document.changed_at = now()
    if document.alarm in alarms:
        document.alarm, document.alarm_detail = "", {}


def raise_next_alarm(document: Document) -> None:
    """Raise the alarm that another one has hidden: the order is still cancelled. Not committed."""
    sale = Sale.get_or_create(document.store_id, document.order_id)
    if (
        sale.cancelled_at is not None
        and sale.status != "paid"
        and _is_current(document)
        and not _is_last_flag_seen(document)
        and not credit_notes.has_open_credit_note(document)
        and credit_notes.creditable_amount(document) > 0
    ):
        _raise_alarm(document, UNPAID if sale.status in ("open", "abandoned") else CANCELLED)


def _flag_return(document: Document, order: Order) -> None:
    """Ask once for the credit note of goods that came back. Not committed.

    Which ones came back, and what was given back for them, the shop does not say.
    """
    is_news = order.is_returned and not any(move.reason == RETURNED for move in document.transitions)
    if is_news and not document.alarm and credit_notes.creditable_amount(document) > 0:
        document.log_transition(ISSUED, ISSUED, RETURNED)
        _raise_alarm(document, RETURNED)


# paid again


def is_revivable(document: Document) -> bool:
    """Return whether the document is void for a reason that a payment ends."""
    return document.state == VOID and document.reason in REVIVABLE_REASONS


def revive_document(document: Document) -> bool:
    """Have the void document of a cancelled or missing order drafted again, at the current account. Not committed.

    Return False when somebody else moved the row first.
    """
    former_account_id = document.account_id
    redrafted: dict[str, Any] = {"frozen": False, "draft_hash": "", "account_id": None}
    if not (document.transition(WAITING, "unpaid") and document.transition(PENDING, **redrafted)):
        return False
    provider_drafts.clean_former_account(document, former_account_id)
    return True


def _apply_repayment(document: Document, sale: Sale) -> None:
    """Apply that the order is paid although it was cancelled: its document stands, or it needs another.

    While a credit note is open, or the merchant is asked, the cancellation stays on the sale. Not committed.
    """
    if document.state == ISSUED:
        if _is_credit_note_coming(document):
            return
        left = credit_notes.creditable_amount(document)
        # nothing is left of a document of unknown total either, but it was not credited
        if document.provider_state == "annulled" or (left <= 0 and document.total is not None):
            credit_notes.request_reissue(document, document.corrections)
        elif left != document.total or is_cancellation_settled(document):
            # credited in part, or perhaps at the provider: only the merchant knows what is still to be invoiced
            if document.alarm != PAID_AGAIN and _raise_alarm(document, PAID_AGAIN):
                document.log_transition(ISSUED, ISSUED, PAID_AGAIN)
            return
        _clear_alarm(document, (CANCELLED, UNPAID), "still-valid")
        # the alarm of an edited order may have been hidden by this one
        sale.order_digest = ""
    sale.cancelled_at = None
    guide = Document.find(document.store_id, document.order_id, TRANSPORT_GUIDE)
    if guide is not None and is_revivable(guide):
        revive_document(guide)


def _is_credit_note_coming(document: Document) -> bool:
    """Return whether a credit note is open; one that we requested, and that was not sent, is not needed any more."""
    note = credit_notes.open_credit_note(document)
    if note is None:
        return False
    unsent = note.state in (WAITING, PENDING, BLOCKED) and not note.frozen
    is_ours = bool((note.asked_for or {}).get("automatic"))
    return not (unsent and is_ours and outcome.void_document(note, "repaid"))


def is_cancellation_settled(document: Document) -> bool:
    """Return whether the merchant has said of a cancellation that it is dealt with, perhaps by a credit elsewhere.

    It holds, whatever the shop says of the order, until the document is known to stand again.
    """
    for move in reversed(document.transitions):
        seen = move.detail.get("alarm") if move.reason == "alarm-seen" else ""
        if move.reason == "still-valid" or seen == PAID_AGAIN:
            return False
        if seen in (CANCELLED, UNPAID):
            return True
    return False


def _is_last_flag_seen(document: Document) -> bool:
    """Return whether the merchant has seen the alarm of the last cancellation."""
    for move in reversed(document.transitions):
        if move.reason in (CANCELLED, UNPAID):
            return False
        if move.reason == "alarm-seen" and move.detail.get("alarm") in (CANCELLED, UNPAID):
            return True
    return False


def _last_flag(document: Document) -> str:
    """Return the last alarm that a cancellation, or the payment after it, gave the document; '' when none did."""
    flags = [move.reason for move in document.transitions if move.reason in (CANCELLED, UNPAID, PAID_AGAIN)]
    return flags[-1] if flags else ""


# edited


def _compare(document: Document, sale: Sale, order: Order) -> None:
    """Flag a document whose order differs from what it was made of; clear the flag when it does not. Not committed."""
    total, digest = order.paid_total, order_digest(order)
    if sale.order_digest == digest or document.alarm not in ("", *ORDER_ALARMS):
        return
    sale.total, sale.order_digest = total, digest
    parts = changed_parts(document.order_digest, order)
    # without a digest (an earlier release, or not in a restored backup) only a total that is known can differ
    if not parts if parts is not None else document.total in (None, order.paid_euros):
        if document.alarm == CHANGED:
            _clear_alarm(document, (CHANGED,), "restored")
    elif credit_notes.creditable_amount(document) > 0 or _is_worth_more(document, order):
        # of one that was credited in full only what was added since is on no document
        theirs = {} if order.paid_euros is None else {"theirs": str(total)}
        detail: dict[str, Any] = {"ours": str(document.total), **theirs, "parts": parts or []}
        document.log_transition(ISSUED, ISSUED, CHANGED, detail)
        _raise_alarm(document, CHANGED, detail)


def _is_worth_more(document: Document, order: Order) -> bool:
    """Return whether the order's total exceeds its document's, or may: in another currency it can't be compared."""
    return order.paid_euros is None or order.paid_euros > (document.total or 0)
