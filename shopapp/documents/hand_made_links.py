"""Check and take back what the merchant wrote about a document in doubt: "it exists, with this number".

Only the document itself proves its number: the merchant copies its ATCUD, or the hour and total that it shows. A link
that turns out to be wrong is taken back, and the order whose number it was gets it. Sends nothing.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update

from shopapp.errors import MerchantError
from shopapp.fiscal.document import Issued
from shopapp.models import Account, Document, DocumentLine, FollowUp, db
from shopapp.models.base import execute_update
from shopapp.models.document import ISSUED, REVIEW, VOID

log = logging.getLogger(__name__)

_ATCUD = re.compile(r"([A-Z0-9]{8,})-([0-9]+)")
EARLIER, LATER = timedelta(minutes=10), timedelta(minutes=60)
"""How long before and after we sent a document its hour may lie: clocks differ, and a lost call may be late."""


def check_proof(document: Document, number: str, atcud: str, hour: str) -> str:
    """Return the ATCUD as printed, or '' when the hour proves the document.

    Raises MerchantError `proof-missing`, `atcud-shape`, `atcud-not-of-number`, `atcud-of-other-series`, `hour-shape`
    or `hour-not-ours`.
    """
    if atcud.strip():
        return _checked_atcud(document, number, atcud)
    if not hour.strip():
        raise MerchantError("proof-missing")
    _check_hour(document, hour)
    return ""


def _checked_atcud(document: Document, number: str, atcud: str) -> str:
    plain = "".join(atcud.upper().replace("ATCUD", "").replace(":", "").split())
    parts = _ATCUD.fullmatch(plain)
    if parts is None:
        raise MerchantError("atcud-shape")
    if int(parts[2]) != int((re.findall(r"\d+", number) or ["-1"])[-1]):
        raise MerchantError("atcud-not-of-number", number=number)
    known = db.session.scalars(
        select(Document.atcud)
        .where(
            Document.account_id == document.account_id, Document.series == document.series,
            Document.kind == document.kind, Document.atcud != "", Document.settled_by != "merchant",
        )
        .order_by(Document.id.desc())
        .limit(5)
    ).all()  # fmt: skip
    if known and all(one.upper().rpartition("-")[0] != parts[1] for one in known):
        raise MerchantError("atcud-of-other-series")
    return plain[:60]


def _check_hour(document: Document, hour: str) -> None:
    try:
        shown = time.fromisoformat(hour.strip().replace("h", ":").replace(".", ":").zfill(5))
    except ValueError:
        raise MerchantError("hour-shape") from None
    sent = sent_at(document).astimezone(ZoneInfo(document.store.timezone))
    nearest = min(
        (datetime.combine(sent.date() + timedelta(days=day), shown, sent.tzinfo) for day in (-1, 0, 1)),
        key=lambda moment: abs(moment - sent),
    )
    if not sent - EARLIER <= nearest <= sent + LATER:
        raise MerchantError("hour-not-ours", hour=f"{shown:%H:%M}", sent=f"{sent:%H:%M}")


def sent_at(document: Document) -> datetime:
    """Return when the document was last sent: a document found later was made then, not when it was found."""
    return document.attempts[-1].started_at if document.attempts else document.created_at


def can_take_back(document: Document) -> bool:
    """Return whether only the merchant said that the document exists, and nothing was made from it since."""
    if document.state != ISSUED or document.settled_by != "merchant":
        return False
    followed = select(Document.id).where(Document.original_id == document.id, Document.state != VOID)
    return db.session.scalar(followed.limit(1)) is None


def take_back(document: Document, reason: str, detail: dict[str, Any], by: str) -> bool:
    """Return the document to review, without the number that was linked to it. Not committed.

    What was already shown to the buyer stays shown; what was not is dropped. Return False when somebody else moved
    the row first.
    """
    unlinked: dict[str, Any] = {
        "number": None, "atcud": "", "issued_on": None, "issued_at": None, "provider_total": None,
        "provider_vat": None, "compared": None, "settled_by": "", "alarm": "", "alarm_detail": {},
    }  # fmt: skip
    if not document.transition(REVIEW, reason, detail, by, **unlinked):
        return False
    db.session.execute(delete(DocumentLine).where(DocumentLine.document_id == document.id))
    FollowUp.drop_delivery(document)
    execute_update(
        update(Account)
        .where(Account.id == document.account_id, Account.differs_document_id == document.id)
        .values(differs_document_id=None, differs_at=None)
    )
    return True


def release_number(document: Document, issued: Issued) -> bool:
    """Take the number of this document back from the order to which the merchant had linked it. Commits.

    The provider's own answer weighs more than what a person typed. Return False when no such link is in the way.
    """
    holder = holder_of(document, issued.number)
    if holder is None or not can_take_back(holder):
        db.session.rollback()
        return False
    detail = {"number": issued.number, "order": document.order_id}
    released = take_back(holder, "number-of-other", detail, "app")
    if released:
        FollowUp.notify_of_alarm(holder)
        log.warning("document %s: its number %s is that of %s", holder.id, issued.number, document.id)
    db.session.commit()
    return released


def raise_number_held(document: Document, issued: Issued, holder: Document) -> None:
    """Show that another order holds the number that the provider gave this one, and keep its answer. Not committed."""
    document.alarm = "number-held"
    document.alarm_detail = {
        "number": issued.number, "order": holder.order_id, "provider_id": issued.provider_id,
        "total": None if issued.total is None else str(issued.total), "atcud": issued.atcud,
        "pdf_url": issued.pdf_url,
    }  # fmt: skip
    known = {"number": issued.number, "order": holder.order_id}
    document.log_transition(document.state, document.state, "number-held", known)
    FollowUp.notify_of_alarm(document)
    log.error("document %s: its number %s is that of document %s", document.id, issued.number, holder.id)


def waiting_for_number(document: Document, number: str) -> list[tuple[Document, Issued]]:
    """Return the documents in review to which the provider gave this number, with its answers."""
    held = select(Document).where(
        Document.account_id == document.account_id,
        Document.alarm == "number-held",
        Document.state == REVIEW,
    )
    return [
        (owner, _answer_kept(owner.alarm_detail))
        for owner in db.session.scalars(held).all()
        if owner.alarm_detail.get("number") == number
    ]


def _answer_kept(detail: dict[str, Any]) -> Issued:
    total = detail.get("total")
    return Issued(
        provider_id=detail.get("provider_id", ""), number=detail["number"], atcud=detail.get("atcud", ""),
        total=None if total is None else Decimal(total), pdf_url=detail.get("pdf_url", ""),
    )  # fmt: skip


def holder_of(document: Document, number: str) -> Document | None:
    """Return the other document of the same account that has this number."""
    return db.session.scalar(
        select(Document).where(
            Document.account_id == document.account_id, Document.number == number, Document.id != document.id
        )
    )
