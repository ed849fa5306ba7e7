"""Record what came of a document: issued, refused, postponed or in doubt.

Sends nothing. A late success is never dropped, and an outcome is unknown unless the provider's answer says otherwise.
What must hold is in docs/failure-model.md.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from shopapp import failpoints
from shopapp.connections import circuit_breaker
from shopapp.connections.settings import seconds_setting
from shopapp.connections.shop import record_lost_access
from shopapp.documents import credit_notes, figures, hand_made_links
from shopapp.documents.after_issue import enqueue_followups, enqueue_transport_code
from shopapp.errors import (
    AppError,
    CredentialsError,
    MerchantError,
    NotYet,
    StoreAccessError,
    ThrottledError,
    TransientError,
    UncertainError,
)
from shopapp.fiscal.comparison import Comparison, compare
from shopapp.fiscal.document import Issued
from shopapp.inventory import movements
from shopapp.logs import log_event
from shopapp.models import Account, Attempt, Document, DocumentLine, FollowUp, db, now, record_facts
from shopapp.models.document import (
    BLOCKED,
    IN_DOUBT,
    ISSUED,
    ISSUING,
    PENDING,
    REVIEW,
    TRANSITIONS,
    VOID,
    WAITING,
)
from shopapp.models.lease import MAX_TAKES
from shopapp.providers.base import IssueGuarantee

log = logging.getLogger(__name__)


def record_issued(document: Document, issued: Issued, settled_by: str) -> bool:
    """Record the document as issued: number, totals, lines and follow-ups in one commit.

    Retries while the database is locked, as this answer must not be lost. Return False when the duplicate alarm was
    raised instead: another row holds the number, or this row was issued with another one.
    """
    failpoints.hit("before_settle")
    for delay in (0.2, 0.5, 1, 2, 4, 8, 8, 8):
        try:
            return _record_issued_once(document, issued, settled_by)
        except OperationalError:
            db.session.rollback()
            log.warning("document %s: database busy while recording its outcome", document.id)
            time.sleep(delay)
    return _record_issued_once(document, issued, settled_by)


def _record_issued_once(document: Document, issued: Issued, settled_by: str) -> bool:
    try:
        # it is tried again only when another worker moved the row during the transition
        while not _transition_to_issued(document, issued, settled_by):
            db.session.rollback()
            db.session.refresh(document)
            if document.state == ISSUED:
                return _compare_with_issued(document, issued)
            _return_to_issuing(document, issued.number)
    except IntegrityError:
        db.session.rollback()
        if settled_by != "merchant" and hand_made_links.release_number(document, issued):
            return _record_issued_once(document, issued, settled_by)
        return _flag_other_document(document, issued)
    _store_issued(document, issued, settled_by)
    failpoints.hit("after_settle")
    return True


def _transition_to_issued(document: Document, issued: Issued, settled_by: str) -> bool:
    if (document.state, ISSUED) not in TRANSITIONS:
        return False
    draft = document.draft
    comparison = Comparison() if draft is None else compare(draft, issued)
    alarm, detail = figures.alarm_of(document, comparison)
    return document.transition(
        ISSUED,
        by="merchant" if settled_by == "merchant" else "app",
        frozen=True,
        detail={
            "number": issued.number,
            "total": str(issued.total) if issued.total is not None else "",
            "atcud": issued.atcud,
        },
        provider_id=issued.provider_id,
        number=issued.number,
        atcud=issued.atcud,
        pdf_url=issued.pdf_url,
        series=issued.series or document.series,
        issued_on=issued.date or (draft.date if draft else None),
        issued_at=hand_made_links.sent_at(document) if settled_by == "merchant" else now(),
        total=_total_as_issued(document, issued),
        provider_total=issued.storable_total,
        provider_vat=issued.storable_vat,
        compared=comparison.to_json(),
        provider_state=issued.provider_state,
        settled_by=settled_by,
        alarm=alarm,
        alarm_detail=detail,
        tries=0,
    )


def _total_as_issued(document: Document, issued: Issued) -> Decimal | None:
    """Return the row's total; one whose order was never read, as after a restored backup, takes the provider's."""
    if document.draft is not None or document.order_digest or issued.storable_total is None:
        return document.total
    return issued.storable_total


def _compare_with_issued(document: Document, issued: Issued) -> bool:
    """Return whether the row has this very number: our commit succeeded, but its confirmation was lost."""
    if document.number == issued.number:
        db.session.commit()
        return True
    return _flag_other_document(document, issued)


def _return_to_issuing(document: Document, number: str) -> None:
    """Bring a row that has moved on back to `issuing`, as its document does exist.

    Whoever was about to send it again finds it claimed. Not committed.
    """
    kept: dict[str, Any] = {
        "account_id": document.account_id or document.draft_account_id,
        "draft_id": document.draft_id,
        "frozen": True,
    }
    for state in _PATHS_TO_ISSUING.get(document.state, ()):
        if not document.transition(state, "late", {"number": number}, **kept):
            return


_PATHS_TO_ISSUING = {
    PENDING: (ISSUING,),
    WAITING: (PENDING, ISSUING),
    BLOCKED: (PENDING, ISSUING),
    VOID: (WAITING, PENDING, ISSUING),
}
"""From each state that does not lead to `issued`, the transitions to one that does."""


def _store_issued(document: Document, issued: Issued, settled_by: str) -> None:
    """Store the lines, enqueue the follow-ups, apply a credit note. Commits."""
    if settled_by == "provider":
        # found by a search or a person, it does not change how the attempt went
        detail = {"number": issued.number, **document.alarm_detail}
        Attempt.end(document.id, document.attempt, "issued", detail=detail)
    draft = document.draft
    if draft is not None:
        figures.record(document, draft)
        record_facts(document.id, draft)
        for position, line in enumerate(draft.lines):
            db.session.add(DocumentLine.from_draft_line(document.id, position, line))
    enqueue_followups(document)
    # what changed in the shop while it was sent could not be compared with it yet
    FollowUp.restart(document, "order")
    enqueue_transport_code(document, issued)
    if document.kind == "NC":
        credit_notes.apply_issued_credit_note(document)
    if settled_by != "merchant" and document.account is not None:
        circuit_breaker.close(document.account)
    db.session.commit()
    log_event("document-issued", store=document.store_id, document=document.id, by=settled_by)


def _flag_other_document(document: Document, issued: Issued) -> bool:
    """Raise the duplicate alarm, and send a row that is not issued to review. Commits; returns False."""
    db.session.refresh(document)
    holder = hand_made_links.holder_of(document, issued.number)
    if holder is None:
        raise_duplicate_alarm(document, issued.number)
    else:
        hand_made_links.raise_number_held(document, issued, holder)
    code, detail = document.alarm, {"number": issued.number, "order": holder.order_id if holder else ""}
    if document.state in (ISSUING, IN_DOUBT):
        Attempt.end(document.id, document.attempt, "unknown", code, detail)
        if document.state == ISSUING:
            document.transition(IN_DOUBT, code, detail)
        document.transition(REVIEW, code, detail)
    db.session.commit()
    return False


def raise_duplicate_alarm(document: Document, number: str) -> None:
    """Show the merchant both numbers of an order that has two documents. Not committed."""
    document.alarm = "duplicate"
    document.alarm_detail = {"number": number, "known": document.number or ""}
    document.log_transition(document.state, document.state, "duplicate", {"number": number})
    FollowUp.notify_of_alarm(document)
    log.error("document %s: duplicate %s", document.id, number)


def record_failed_attempt(document: Document, account: Account, error: AppError) -> None:
    """Record an attempt that produced no document, or whose outcome is unknown. Commits."""
    detail = dict(error.detail)
    if isinstance(error, UncertainError):
        Attempt.end(document.id, document.attempt, "unknown", error.code, detail)
        mark_uncertain(document, error.code, detail)
    else:
        outcome = "refused" if isinstance(error, MerchantError) else "not-sent"
        Attempt.end(document.id, document.attempt, outcome, error.code, detail)
        record_not_sent(document, account, error)
    circuit_breaker.record_failure(account, error)


def mark_uncertain(document: Document, code: str, detail: dict[str, Any]) -> None:
    """Mark the document as in doubt, with its draft frozen; recover.py looks it up when due. Commits.

    Where the provider can't be asked (MANUAL), it goes to review at once, and the merchant is notified.
    """
    by_person = document.promise in ("", IssueGuarantee.MANUAL.value)
    first_look = seconds_setting("LOOKUP_SECONDS")
    if not document.transition(IN_DOUBT, code, detail, after=first_look, frozen=True, doubted_at=now()):
        db.session.rollback()
        return
    if by_person:
        document.transition(REVIEW, code, detail)
        FollowUp.enqueue(document, "notice", number=document.attempt)
    db.session.commit()


def record_not_sent(document: Document, account: Account, error: AppError) -> None:
    """Record that the provider has no document: wait, retry later, or stop for the merchant. Commits."""
    detail = dict(error.detail)
    if error.question is not None:
        detail["question"] = asdict(error.question)
    if isinstance(error, NotYet):
        commit_transition(document, WAITING, error.code, detail)
    elif isinstance(error, StoreAccessError):
        record_lost_access(document.store, error.refused_token)
        commit_transition(document, PENDING, error.code, detail)
    elif isinstance(error, CredentialsError):
        circuit_breaker.record_failure(account, error)
        require_merchant(document, BLOCKED, error.code, detail)
    elif isinstance(error, MerchantError):
        require_merchant(document, BLOCKED, error.code, detail)
    elif isinstance(error, TransientError):
        _retry_later(document, account, error)
    else:
        raise error


def _retry_later(document: Document, account: Account, error: TransientError) -> None:
    """Retry with growing delays, or when the external system asked us to."""
    delay = circuit_breaker.backoff_seconds(document.tries)
    if isinstance(error, ThrottledError) and error.retry_after is not None:
        delay = max(error.retry_after, 1.0) * random.uniform(1.0, 1.2)  # noqa: S311  (a delay, no secret)
    # articles that are still to be created are no failure, and do not lengthen the delay
    tries = document.tries + (error.code != "articles-pending")
    commit_transition(document, PENDING, error.code, dict(error.detail), after=delay, tries=tries)


def record_bug(document: Document, error: Exception) -> None:
    """Record a bug of ours: retry a few times, then block the document with the code `internal`. Commits.

    Leaves an attempt alone that another worker has begun.
    """
    db.session.refresh(document)
    if document.attempt != document.held_attempt:
        db.session.commit()
    elif document.state == ISSUING:
        mark_uncertain(document, "internal", {})
    elif document.state == PENDING and document.tries + 1 >= MAX_TAKES:
        require_merchant(document, BLOCKED, "internal", {"what": type(error).__name__})
    elif document.state == PENDING:
        delay = seconds_setting("RETRY_SECONDS") * 2**document.tries
        commit_transition(document, PENDING, "internal", after=delay, tries=document.tries + 1)
    else:
        db.session.commit()


def discard_document(document: Document) -> None:
    """Have a voided row's draft deleted at the provider, and the stock of its SKUs synced. Not committed."""
    movements.schedule_sync(document)
    drafted = document.promise == IssueGuarantee.DRAFT_FIRST.value
    if drafted:
        # only the recorded draft can have become a document, and deleting it shows whether it did
        document.frozen = False
    if drafted or document.draft_id is not None:
        FollowUp.enqueue_or_restart(document, "draft")
    else:
        FollowUp.restart(document, "draft")


def void_document(
    document: Document, reason: str, detail: dict[str, Any] | None = None, by: str = "app"
) -> bool:
    """Void the row and have its draft deleted at the provider. Not committed.

    Return False when somebody else moved the row first.
    """
    done = document.transition(VOID, reason, detail, by)
    if done:
        discard_document(document)
    return done


def require_merchant(
    document: Document, state: str, reason: str, detail: dict[str, Any] | None = None
) -> bool:
    """Move the row to where the merchant must act, `blocked` or `review`, and enqueue the notice. Commits.

    Return False when somebody else moved the row first.
    """
    done = document.transition(state, reason, detail)
    if done:
        FollowUp.enqueue(document, "notice", number=document.attempt + 1)
    db.session.commit()
    return done


def commit_transition(
    document: Document, state: str, reason: str = "", detail: dict[str, Any] | None = None, **values: Any
) -> bool:
    """Move the row and commit. Return False when somebody else moved it first."""
    done = document.transition(state, reason, detail, **values)
    db.session.commit()
    return done
