"""Request credit notes for issued documents, and their reissue with corrected data.

Creates rows; sends nothing.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from shopapp.errors import NotAllowedError
from shopapp.models import Document, FollowUp, Sale, db, now
from shopapp.models import cause as causes
from shopapp.models.document import ISSUED, ORDER_ALARMS, VOID

OPEN_STATES = ("waiting", "pending", "issuing", "in_doubt", "review", "blocked")


def next_cause_number(document: Document, cause_prefix: str) -> int:
    """Return the number of the order's next `credit` or `reissue`; a form contains it, so the same act counts once."""
    existing = db.session.scalar(
        select(func.count())
        .select_from(Document)
        .where(
            Document.store_id == document.store_id,
            Document.order_id == document.order_id,
            Document.cause.startswith(cause_prefix + ":"),
        )
    )
    return (existing or 0) + 1


def open_credit_note(original: Document) -> Document | None:
    """Return the credit note of this document that is neither issued nor void."""
    unsettled = select(Document).where(
        Document.original_id == original.id,
        Document.is_credit_note,
        Document.state.in_(OPEN_STATES),
    )
    return db.session.scalar(unsettled.limit(1))


def has_open_credit_note(original: Document) -> bool:
    """Return whether a credit note of this document is neither issued nor void."""
    return open_credit_note(original) is not None


def lock_for_credit(original_id: int | None) -> None:
    """Lock the document so that nobody else opens a credit note of it until the caller commits.

    Raises NotAllowedError `credit-open` when one is open: two would take back the same amount.
    """
    locked = select(Document).where(Document.id == original_id).with_for_update()
    if has_open_credit_note(db.session.scalars(locked).one()):
        raise NotAllowedError("credit-open")


def request_credit_note(
    original: Document,
    number: int,
    credit_request: dict[str, Any],
    reissue_corrections: dict[str, str] | None = None,
) -> bool:
    """Request a credit note. Return False when the same request was made before. Not committed.

    `reissue_corrections` are the buyer's corrected fields with which the order is issued again once all is
    credited. Raises NotAllowedError `credit-without-original` when the document is not issued, `credit-open` while
    another credit note of it is open.
    """
    if original.state != ISSUED:
        raise NotAllowedError("credit-without-original")
    cause = causes.credit(number)
    if Document.find(original.store_id, original.order_id, cause) is not None:
        return False
    lock_for_credit(original.id)
    made = Document.create_if_absent(
        original.store, original.order_id, cause, original_id=original.id, account_id=original.account_id,
        kind="NC", total=None, paid_at=original.paid_at, buyer_marks=original.buyer_marks,
        tax_id_mark=original.tax_id_mark, asked_at=now(),
    )  # fmt: skip
    if made:
        row = Document.find(original.store_id, original.order_id, cause)
        if row is not None:
            row.asked_for = {"unstocked": [], **credit_request, "again": reissue_corrections}
            row.buyer = original.buyer
    return made


def apply_issued_credit_note(note: Document) -> None:
    """Clear the alarm that the credit answers, and request the reissue asked for. Not committed.

    The order of a cancelled sale is read again, as it may have been paid again meanwhile.
    """
    original = db.session.get_one(Document, note.original_id)
    fully_credited = creditable_amount(original) == 0
    is_answered = original.alarm == "returned-after" or (fully_credited and original.alarm in ORDER_ALARMS)
    if is_answered or _is_worth_what_the_shop_says(original):
        original.alarm, original.alarm_detail = "", {}
    original.changed_at = now()
    reissue_corrections = (note.asked_for or {}).get("again")
    if reissue_corrections is not None and fully_credited:
        request_reissue(original, reissue_corrections, asked_at=now())
    elif Sale.get_or_create(original.store_id, original.order_id).cancelled_at is not None:
        FollowUp.enqueue_or_restart(original, "order")


def refund_of_shop(document: Document) -> Decimal:
    """Return by how much the shop's order is worth less than what is left of its document, in euros.

    Zero unless the alarm says that amounts alone changed: only then is it a refund without goods.
    """
    worth, whole = _worth_in_shop(document), document.total or Decimal(0)
    return (
        Decimal(0)
        if worth is None or worth >= whole
        else max(creditable_amount(document) - worth, Decimal(0))
    )


def _worth_in_shop(document: Document) -> Decimal | None:
    """Return the order's total where the alarm says that amounts alone changed, else None."""
    detail = document.alarm_detail
    if (
        document.alarm != "changed-after"
        or not set(detail.get("parts", ())) <= {"rates"}
        or "theirs" not in detail
    ):
        return None
    return Decimal(detail["theirs"])


def _is_worth_what_the_shop_says(document: Document) -> bool:
    return creditable_amount(document) == _worth_in_shop(document)


def request_reissue(
    original: Document, corrections: dict[str, str] | None, asked_at: datetime | None = None
) -> None:
    """Request another document of an order whose document counts no more. Not committed.

    `corrections` are the buyer's corrected fields; `asked_at` is set where the merchant asked for it.
    """
    cause = causes.reissue(next_cause_number(original, causes.REISSUE))
    if Document.create_if_absent(
        original.store, original.order_id, cause, original_id=original.id, asked_at=asked_at
    ):
        row = Document.find(original.store_id, original.order_id, cause)
        if row is not None:
            row.corrections = corrections


def creditable_amount(document: Document) -> Decimal:
    """Return what may still be credited of an issued invoice, in euros.

    An open credit note counts with the total of its draft, or with the whole invoice while it has none.
    """
    if document.state != ISSUED or document.kind in ("NC", "NE", "GT"):
        return Decimal(0)
    notes = db.session.scalars(
        select(Document).where(
            Document.original_id == document.id, Document.is_credit_note, Document.state != VOID
        )
    )
    whole = document.total or Decimal(0)
    return whole - sum((whole if note.total is None else note.total for note in notes), Decimal(0))
