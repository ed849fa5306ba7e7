"""What came of a document: issued, refused, put off, or in doubt; recorded once, whatever happened meanwhile.

Called by `issuing` after sending, by `sweeping` for workers that died, by `deciding` for the merchant's answer. Sends
nothing. A late success is never dropped; unknown is the default. Specification: docs/failure-model.md.
"""

from __future__ import annotations

import logging
import random
import time
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from shopapp import connect, correcting, fault, movements
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import (
    AppError,
    CredentialsError,
    MerchantError,
    NotYet,
    ThrottledError,
    TransientError,
    UncertainError,
)
from shopapp.models import Account, Attempt, Document, DocumentLine, FollowUp, db, now
from shopapp.models.states import (
    BLOCKED,
    IN_DOUBT,
    ISSUED,
    ISSUING,
    MOST_TAKES,
    MOVES,
    PENDING,
    REVIEW,
    VOID,
    WAITING,
)
from shopapp.providers.base import Once

log = logging.getLogger("quickinvoice.settling")

BREAK_AFTER = 4
"""Calls in a row without an answer after which all of an account waits: one that is down is not knocked at for each."""
_OWN = ("draft-not-ours",)
"""Failures that say nothing of the provider."""

KEYS_CODES = ("keys-refused", "keys-missing")
"""Refusals of the account itself: good keys set these documents going again."""


def settle(document: Document, issued: Issued, by: str) -> bool:
    """True when the document is now recorded as issued; numbers, totals, lines and follow-ups in one commit.

    Repeats while the database is locked: this is the one thing that must not be lost. A number that another row
    holds, or a document that was settled otherwise meanwhile, raises the duplicate alarm instead.
    """
    fault.point("before_settle")
    for delay in (0.2, 0.5, 1, 2, 4, 8, 8, 8):
        try:
            return _settle(document, issued, by)
        except OperationalError:
            db.session.rollback()
            log.warning("document %s: database busy while settling", document.id)
            time.sleep(delay)
    return _settle(document, issued, by)


def _settle(document: Document, issued: Issued, by: str) -> bool:
    if (document.state, ISSUED) not in MOVES:
        # a commit whose answer was lost, or the row went on meanwhile
        return _late(document, issued, by)
    draft = document.draft
    alarm, detail = _compared(draft, issued)
    try:
        done = document.move(
            ISSUED, by="merchant" if by == "merchant" else "app", frozen=True,
            detail={"number": issued.number, "total": str(issued.total) if issued.total is not None else ""},
            provider_id=issued.provider_id, number=issued.number, atcud=issued.atcud, pdf_url=issued.pdf_url,
            series=issued.series or document.series, issued_on=issued.date or (draft.date if draft else None),
            issued_at=now(), provider_total=issued.kept_total, provider_state=issued.provider_state, settled_by=by,
            alarm=alarm, alarm_detail=detail, tries=0,
        )  # fmt: skip
    except IntegrityError:
        db.session.rollback()
        return _duplicate(document, issued)
    if not done:
        db.session.rollback()
        return _late(document, issued, by)
    Attempt.end(document.id, document.attempt, "issued", detail={"number": issued.number, **detail})
    if draft is not None:
        _keep_lines(document, draft)
    _owe(document)
    if document.kind == "NC":
        correcting.after_credit(document)
    if by != "merchant" and document.account is not None:
        document.account.answered()
    db.session.commit()
    fault.point("after_settle")
    return True


def _compared(draft: Draft | None, issued: Issued) -> tuple[str, dict[str, Any]]:
    """The alarm to raise when the provider's total is not ours."""
    if draft is None or issued.total is None or issued.total == draft.gross:
        return "", {}
    return "total-differs", {"ours": str(draft.gross), "theirs": str(issued.total)}


def _keep_lines(document: Document, draft: Draft) -> None:
    for position, line in enumerate(draft.lines):
        db.session.add(DocumentLine.issued(document.id, position, line))


def _owe(document: Document) -> None:
    """Nothing; what is owed after issuing, by the merchant's choice."""
    if document.promise == Once.BY_DRAFT.value:
        FollowUp.owe(document, "tidy")
    _owe_stock(document)
    if document.cause == "dossier":
        sale = Document.of(document.store_id, document.order_id)
        if sale is not None and sale.state in (WAITING, ISSUED):
            FollowUp.again(sale, "draft" if sale.state == WAITING else "note")
        return
    if document.kind != "GT":
        FollowUp.owe(document, "attach")
    FollowUp.owe(document, "history")
    if document.cause == "sale":
        _owe_beside(document)
    chosen = document.account.settings if document.account else {}
    if chosen.get("email_buyer") and document.kind != "GT" and (document.buyer or {}).get("email"):
        FollowUp.owe(document, "email")


def _owe_stock(document: Document) -> None:
    """Nothing; where stock follows, what the document takes off or brings back is looked at, or is to be moved."""
    if document.kind in ("GT", "NE", "PF"):
        return
    if movements.owed_for(document):
        FollowUp.owe(document, "stock")
    else:
        movements.wake(document)


def _owe_beside(document: Document) -> None:
    """Nothing; what stands beside the sale's document: its order note's end, and the transport guide if chosen."""
    if Document.of(document.store_id, document.order_id, "dossier") is not None:
        FollowUp.owe(document, "note")
    chosen = document.account.settings if document.account else {}
    goods = document.draft is not None and any(line.kind == "goods" for line in document.draft.lines)
    if chosen.get("guide") and goods:
        Document.begin(
            document.store, document.order_id, "transport", original_id=document.id, kind="GT",
            account_id=document.account_id, paid_at=document.paid_at, buyer_folded=document.buyer_folded,
            tax_id_mark=document.tax_id_mark, asked_at=now(),
        )  # fmt: skip


def _late(document: Document, issued: Issued, by: str) -> bool:
    """The row moved while we sent: a late success is never dropped."""
    db.session.refresh(document)
    if document.state in (IN_DOUBT, REVIEW, ISSUING):
        return _settle(document, issued, by)
    kept: dict[str, Any] = {
        "account_id": document.account_id or document.draft_account_id,
        "draft_id": document.draft_id,
        "frozen": True,
    }
    for state in _BACK.get(document.state, ()):
        # whoever was to send it again finds it claimed
        if not document.move(state, "late", {"number": issued.number}, **kept):
            db.session.rollback()
            return _late(document, issued, by)
    if document.state == ISSUING:
        return _settle(document, issued, by)
    if document.number == issued.number:
        db.session.commit()
        return True
    return _duplicate(document, issued)


_BACK = {
    PENDING: (ISSUING,),
    WAITING: (PENDING, ISSUING),
    BLOCKED: (PENDING, ISSUING),
    VOID: (WAITING, PENDING, ISSUING),
}
"""The moves by which a row that went on without its document comes back to where an answer finds it."""


def _duplicate(document: Document, issued: Issued) -> bool:
    """False; two documents answer one order, or one number two orders: the merchant is shown both numbers."""
    db.session.refresh(document)
    document.alarm, document.alarm_detail = (
        "duplicate",
        {"number": issued.number, "known": document.number or ""},
    )
    document.note(document.state, document.state, "duplicate", {"number": issued.number})
    if document.state in (ISSUING, IN_DOUBT):
        Attempt.end(document.id, document.attempt, "unknown", "duplicate", {"number": issued.number})
        if document.state == ISSUING:
            document.move(IN_DOUBT, "duplicate", {"number": issued.number})
        document.move(REVIEW, "duplicate", {"number": issued.number})
    db.session.commit()
    log.error("document %s: duplicate %s", document.id, issued.number)
    return False


def settle_error(document: Document, account: Account, error: AppError) -> None:
    """Nothing; the attempt ended without a document, or nobody knows how."""
    detail = dict(error.detail)
    if isinstance(error, UncertainError):
        Attempt.end(document.id, document.attempt, "unknown", error.code, detail)
        doubt(document, error.code, detail)
    else:
        outcome = "refused" if isinstance(error, MerchantError) else "not-sent"
        Attempt.end(document.id, document.attempt, outcome, error.code, detail)
        not_sent(document, account, error)
    heard(account, error)


def doubt(document: Document, code: str, detail: dict[str, Any]) -> None:
    """Nothing; the row is in doubt, its draft frozen, and looked up when its time comes (`resolving`). Commits.

    Where nobody but a person can look (BY_PERSON), it waits for him at once.
    """
    by_person = document.promise in ("", Once.BY_PERSON.value)
    first_look = float(connect.setting("LOOKUP_SECONDS"))
    if not document.move(IN_DOUBT, code, detail, after=first_look, frozen=True, doubted_at=now()):
        db.session.rollback()
        return
    if by_person:
        document.move(REVIEW, code, detail)
        FollowUp.owe(document, "notice", number=document.attempt)
    db.session.commit()


def not_sent(document: Document, account: Account, error: AppError) -> None:
    """Nothing; no document exists over there: the row waits, is tried again, or waits for the merchant. Commits."""
    detail = dict(error.detail)
    if isinstance(error, NotYet):
        moved(document, WAITING, error.code, detail)
    elif isinstance(error, CredentialsError) and error.code not in KEYS_CODES:
        connect.lost_access(document.store)
        moved(document, PENDING, "store-access", detail)
    elif isinstance(error, CredentialsError):
        refuse_account(account, error)
        moved(document, BLOCKED, error.code, detail, notice=True)
    elif isinstance(error, MerchantError):
        moved(document, BLOCKED, error.code, detail, notice=True)
    elif isinstance(error, TransientError):
        _later(document, account, error)
    else:
        raise error


def refuse_account(account: Account, error: CredentialsError) -> None:
    """Nothing; from now on no document of this account is tried: hammering would lock the merchant out."""
    account.refused_at, account.refused_code = account.refused_at or now(), error.code
    account.refused_detail = dict(error.detail)
    db.session.commit()


def heard(account: Account, error: AppError | None) -> None:
    """Nothing; what a call to the provider says of its health: after a few that brought no answer the account pauses.

    Each further failure doubles the pause, any answer ends it. Commits.
    """
    if isinstance(error, CredentialsError) or (error is not None and error.code in _OWN):
        return
    if error is None or isinstance(error, MerchantError):
        account.answered()
        db.session.commit()
    elif account.failed() >= BREAK_AFTER:
        delay = _growing(account.pauses)
        if isinstance(error, ThrottledError) and error.retry_after is not None:
            delay = max(delay, error.retry_after)
        if account.pause(delay):
            log.warning("account %s pauses for %.0f s: %s", account.id, delay, error.code)


def _growing(before: int) -> float:
    """Seconds to wait after so many waits: twice as long each time, with jitter so that not all come back together."""
    first = float(connect.setting("RETRY_SECONDS"))
    longest: float = min(first * 2**before, first * 60)
    return longest * random.uniform(0.8, 1.2)


def _later(document: Document, account: Account, error: TransientError) -> None:
    """Nothing; tried again later, twice as late each time, or when the other side said."""
    delay = _growing(document.tries)
    if isinstance(error, ThrottledError) and error.retry_after is not None:
        delay = max(error.retry_after, 1.0) * random.uniform(1.0, 1.2)
    # many articles to be made are no failure: they set no delay
    tries = document.tries + (error.code != "articles-pending")
    moved(document, PENDING, error.code, dict(error.detail), after=delay, tries=tries)


def our_fault(document: Document, error: Exception) -> None:
    """Nothing; a bug of ours: tried a bounded number of times, then shown with the code `internal`.

    An attempt that another worker began meanwhile is his.
    """
    db.session.refresh(document)
    if document.attempt != document.held:
        db.session.commit()
    elif document.state == ISSUING:
        doubt(document, "internal", {})
    elif document.state == PENDING and document.tries + 1 >= MOST_TAKES:
        moved(document, BLOCKED, "internal", {"what": type(error).__name__}, notice=True)
    elif document.state == PENDING:
        delay = float(connect.setting("RETRY_SECONDS")) * 2**document.tries
        moved(document, PENDING, "internal", after=delay, tries=document.tries + 1)
    else:
        db.session.commit()


def leave(document: Document) -> None:
    """Nothing; the row is given up: what the provider keeps as draft of it is removed (`early`). Not committed.

    What its order put aside is free again.
    """
    movements.wake(document)
    drafted = document.promise == Once.BY_DRAFT.value
    if drafted:
        # only the recorded draft could have become a document, and its removal tells whether it did
        document.frozen = False
    if drafted or document.draft_id is not None:
        FollowUp.again(document, "draft")
    else:
        FollowUp.once_more(document, "draft")


def moved(
    document: Document,
    state: str,
    reason: str = "",
    detail: dict[str, Any] | None = None,
    notice: bool = False,
    **values: Any,
) -> bool:
    """True when the row moved; commits either way."""
    done = document.move(state, reason, detail, **values)
    if done and state == VOID:
        leave(document)
    if done and notice:
        FollowUp.owe(document, "notice", number=document.attempt + 1)
    db.session.commit()
    return done
