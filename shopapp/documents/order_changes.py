"""Follow an order after its document: cancelled, unpaid again, paid again, or edited in the shop.

What a webhook or a list says is only a hint, and may be late: the order is read before anything is credited, issued
again or flagged. Sends nothing to the provider.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from shopapp.connections.shop import platform_of
from shopapp.documents import credit_notes, outcome, prepare, provider_drafts
from shopapp.errors import OrderError
from shopapp.fiscal.money import round_to_cents
from shopapp.fiscal.order import Order, OrderStatus
from shopapp.fiscal.tax_ids import normalise_tax_id
from shopapp.models import Document, FollowUp, Sale, db, now
from shopapp.models.account_settings import AccountSettings
from shopapp.models.cause import CREDIT
from shopapp.models.document import BLOCKED, ISSUED, ORDER_ALARMS, PENDING, VOID, WAITING

CANCELLED, UNPAID, PAID_AGAIN, CHANGED = ORDER_ALARMS
DIGEST_VERSION = "2"
"""Raised when the parts of a digest are computed in another way. Of version 1 the buyer is not compared: that part was
made with a key, which may have been replaced since.
"""
DIGEST_PARTS = ("lines", "rates", "buyer")


def request_check(document: Document) -> None:
    """Have the document's order read again, as something may have changed. Not committed."""
    FollowUp.enqueue_or_restart(document, "order")


def check_order(document: Document, followup: FollowUp | None = None) -> None:
    """Read the order of a document and apply what has changed since. Commits. Raises the shop's errors."""
    sale = Sale.get_or_create(document.store_id, document.order_id)
    known = sale.cancelled_at
    db.session.commit()
    try:
        status, order = _read(document)
    except OrderError:
        # it is gone from the shop: nothing is known to have changed
        return
    sale = db.session.scalars(
        select(Sale).where(Sale.id == sale.id).with_for_update().execution_options(populate_existing=True)
    ).one()
    db.session.refresh(document)
    if sale.cancelled_at != known:
        # somebody has read a later state of the order
        request_check(document)
    elif document.state != VOID and _is_current(document):
        _apply(document, sale, status, order)
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
    sale.checked_at = now()
    if status == "paid":
        if sale.cancelled_at is not None:
            _apply_repayment(document, sale)
        if document.state == ISSUED and sale.cancelled_at is None and order is not None:
            _compare(document, sale, order)
        return
    flag = _last_flag(document)
    is_worse = status == "cancelled" and flag == UNPAID
    if sale.cancelled_at is None or is_worse or flag == PAID_AGAIN:
        sale.cancelled_at = sale.cancelled_at or now()
        if document.state == ISSUED:
            apply_cancellation(document, order)
    if status == "cancelled":
        provider_drafts.void_order_note(document.store_id, document.order_id)
        if document.state in (WAITING, PENDING, BLOCKED):
            outcome.void_document(document, "cancelled")
    elif document.state == BLOCKED:
        document.transition(PENDING)


# cancelled, or unpaid again


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
        sent = {"sent": "yes"} if order is not None and order.has_left else {}
        _raise_alarm(document, UNPAID if is_unpaid else CANCELLED, sent)


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


# paid again


def revive_document(document: Document) -> bool:
    """Have the void document of a cancelled order drafted again, at the current account. Not committed.

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
    parts = _changed_parts(document.order_digest, order)
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


def order_digest(order: Order) -> str:
    """Return a digest of the lines, the rates charged and the buyer, in parts that are compared one by one.

    It is stored encrypted: with a plain hash a tax id could be guessed.
    """
    parts = (_digest(_lines_of(order)), _digest(_rates_of(order)), _digest(_buyer_of(order)))
    return ":".join((DIGEST_VERSION, *parts))


def _changed_parts(digest: str, order: Order) -> list[str] | None:
    """Return which parts of the order are not as in the digest; None where it was computed in another way."""
    version, *parts = digest.split(":")
    if version not in ("1", DIGEST_VERSION):
        return None
    buyer = order.buyer
    is_deleted = not (buyer.name or buyer.company or buyer.tax_id or buyer.email)
    # a shop may delete its customers' data
    is_unknown = is_deleted or version == "1"
    present = (
        _digest(_lines_of(order)),
        _digest(_rates_of(order)),
        parts[2] if is_unknown else _digest(_buyer_of(order)),
    )
    return [name for name, former, found in zip(DIGEST_PARTS, parts, present, strict=True) if former != found]


def _lines_of(order: Order) -> str:
    pieces: dict[str, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        name = line.sku or "".join(c for c in line.description.casefold() if c.isalnum())
        pieces[f"{line.kind} {name}"] += line.quantity
    return repr(sorted((name, str(quantity.normalize())) for name, quantity in pieces.items()))


def _rates_of(order: Order) -> str:
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        amounts[str(line.charged)] += line.unit_price * line.quantity - line.discount
    rates = sorted((rate, str(round_to_cents(amount))) for rate, amount in amounts.items())
    return repr((rates, str(round_to_cents(order.paid_total))))


def _buyer_of(order: Order) -> str:
    country = order.ship_to.country if order.ship_to else ""
    return f"{normalise_tax_id(order.buyer.tax_id)} {country}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
