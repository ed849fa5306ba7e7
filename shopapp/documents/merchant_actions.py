"""Apply what the merchant decides about a document: issue it, confirm it, credit it, dismiss it, e-mail it again.

Each action is one transition of the row and sends nothing: a worker continues from there. One that comes too late
(a second tab, a faster worker) raises StateConflictError.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select

from shopapp.connections import circuit_breaker
from shopapp.documents import (
    after_issue,
    credit_notes,
    hand_made_links,
    order_changes,
    outcome,
    prepare,
    returns,
)
from shopapp.errors import MerchantError, NotAllowedError
from shopapp.fiscal.comparison import DIFFERENCES
from shopapp.fiscal.document import Issued
from shopapp.models import Account, Document, FollowUp, Sale, Store, cause, db, first_document, now
from shopapp.models.document import BLOCKED, ISSUED, PENDING, REVIEW, VOID, WAITING


class StateConflictError(Exception):
    """The document is no longer in the state that the merchant saw; nothing was done."""


def request_issue(document: Document, corrections: dict[str, Any] | None = None) -> None:
    """Have a waiting, blocked or dismissed document issued by the next free worker. Commits.

    `corrections` replace fields of the buyer (`tax_id`, `name`), and `country` is set where the order names none. The
    order of a blocked one is read and drafted again.
    Raises NotAllowedError `credit-open` for a dismissed credit note while another of the same document is open.
    """
    if document.state == PENDING:
        db.session.commit()
        return
    if document.state not in (WAITING, BLOCKED, VOID) or order_changes.is_revivable(document):
        raise StateConflictError
    if corrections:
        document.corrections = {**(document.corrections or {}), **corrections}
    if document.state == VOID and document.is_credit_note:
        credit_notes.lock_for_credit(document.original_id)
    if document.state == VOID and not document.transition(WAITING, by="merchant"):
        raise StateConflictError
    _commit_or_conflict(document.transition(PENDING, by="merchant", asked_at=now(), tries=0))


def confirm_issued(document: Document, number: str, total: Decimal, atcud: str = "", hour: str = "") -> None:
    """Record the document that the merchant has found at the provider; nothing more is issued. Commits.

    Its ATCUD proves it, or else its hour (`hand_made_links.check_proof`) together with a total equal to the draft's.
    Raises MerchantError `number-taken`, `number-shape`, `total-not-ours` or what the proof lacks; then the row stays
    as it is.
    """
    number = " ".join(number.split())
    if document.state != REVIEW:
        raise StateConflictError
    if not number or len(number) > 60 or not any(c.isdigit() for c in number):
        raise MerchantError("number-shape")
    taken = _holder_of_number(document, number)
    if taken is not None:
        raise MerchantError("number-taken", order=_name_of_order(taken, document))
    atcud = hand_made_links.check_proof(document, number, atcud, hour)
    draft = document.draft
    if draft is not None and total != draft.gross and not atcud:
        raise MerchantError("total-not-ours", ours=str(draft.gross), theirs=str(total))
    found = Issued(provider_id="", number=number, total=total, atcud=atcud)
    if not outcome.record_issued(document, found, "merchant"):
        raise StateConflictError


def _holder_of_number(document: Document, number: str) -> Document | None:
    """Return the other document that has this number, however its letters are written.

    Another shop of the same merchant may issue at the same account of the provider, in the same series.
    """
    account = document.account or Account.find_current(document.store)
    entity = (account.provider, account.fingerprint) if account else ("", "")
    same = (Account.provider == entity[0]) & (Account.fingerprint == entity[1]) & (Account.fingerprint != "")
    accounts = select(Account.id).where(or_(Account.id == (account.id if account else None), same))
    return db.session.scalar(
        select(Document).where(
            Document.account_id.in_(accounts),
            Document.id != document.id,
            func.lower(Document.number) == " ".join(number.split()).lower(),
        )
    )


def _name_of_order(taken: Document, document: Document) -> str:
    if taken.store_id == document.store_id:
        return taken.order_id
    return f"{taken.order_id} ({taken.store.name})"


def take_back_link(document: Document) -> None:
    """Return a document to review that the merchant had linked to a wrong number; its owner gets the number. Commits.

    Raises StateConflictError when the provider itself gave the number, or something was made from the document since.
    """
    number = document.number or ""
    if not hand_made_links.can_take_back(document):
        raise StateConflictError
    _commit_or_conflict(hand_made_links.take_back(document, "link-undone", {"number": number}, "merchant"))
    for owner, issued in hand_made_links.waiting_for_number(document, number):
        outcome.record_issued(owner, issued, "provider")


def confirm_not_issued(document: Document) -> None:
    """Have the same draft sent again, byte for byte: the merchant has looked, and it is not there. Commits."""
    if document.state != REVIEW:
        raise StateConflictError
    _commit_or_conflict(document.transition(PENDING, "absent", by="merchant", asked_at=now(), tries=0))


def credit_document(
    document: Document,
    number: int,
    credit_request: dict[str, Any],
    reissue_corrections: dict[str, str] | None = None,
) -> Document:
    """Request a credit note and return its document, which a worker issues. Commits.

    `number` is the one that the form contained, so that the same request twice makes one note; `credit_request` as
    in `prepare.draft_credit_note`. Raises NotAllowedError when the document can't be credited, or not by so much.
    """
    if document.account is None:
        raise StateConflictError
    if reissue_corrections is not None and (
        credit_request.get("lines") or credit_request.get("amount") or not may_credit_and_reissue(document)
    ):
        raise NotAllowedError("credit-not-whole")
    prepare.draft_credit_note(document, document.account, credit_request)
    made = credit_notes.request_credit_note(document, number, credit_request, reissue_corrections)
    db.session.commit()
    note = Document.find(document.store_id, document.order_id, cause.credit(number))
    if not made or note is None:
        raise StateConflictError
    return note


def return_pieces(document: Document, number: int, pieces: Mapping[str, Decimal]) -> None:
    """Put pieces of an invoice back into stock that came back without money; no document is issued. Commits.

    `pieces` is by the line's ref; `number` is the one that the form contained, so that the same request counts once.
    Raises NotAllowedError `credit-pieces` for more than are left, `credit-open` while a credit note is open.
    """
    credit_notes.lock_for_credit(document.id)
    left = {line.ref: line for line in prepare.creditable_lines(document)}
    for ref, quantity in pieces.items():
        if ref not in left:
            raise NotAllowedError("credit-line-unknown", line=ref)
        if not 0 < quantity <= left[ref].quantity:
            raise NotAllowedError(
                "credit-pieces",
                pieces=str(quantity),
                pieces_left=str(left[ref].quantity),
                line=left[ref].description,
            )
    if not pieces or not returns.can_return(document) or not returns.enqueue_return(document, number, pieces):
        db.session.rollback()
        raise StateConflictError
    db.session.commit()


def may_credit_and_reissue(document: Document) -> bool:
    """Return whether what is left of the document may be credited and its order issued again.

    A document that was credited in part may be only if its order was edited since: otherwise the new document would
    charge again what was given back.
    """
    left = credit_notes.creditable_amount(document)
    return _is_uncredited(document) or (document.alarm == order_changes.CHANGED and left > 0)


def _is_uncredited(document: Document) -> bool:
    return credit_notes.creditable_amount(document) == (document.total or Decimal(0))


def dismiss_document(document: Document, other: str = "") -> None:
    """Give up the document: the order was invoiced elsewhere, with the number `other` if known. Commits.

    Raises MerchantError `number-taken` when that is the number of another order's document.
    """
    taken = _holder_of_number(document, other) if other else None
    if taken is not None and (taken.store_id, taken.order_id) != (document.store_id, document.order_id):
        raise MerchantError("number-taken", order=_name_of_order(taken, document))
    detail = {"other": other[:60]} if other else {}
    if document.state not in (WAITING, PENDING, BLOCKED):
        raise StateConflictError
    _commit_or_conflict(outcome.void_document(document, "set-aside", detail, by="merchant"))


def may_email(document: Document) -> bool:
    """Return whether the document may be e-mailed: we have its PDF, and nobody must look at its figures first."""
    return document.state == ISSUED and document.has_pdf and document.alarm not in DIFFERENCES


def resend_email(document: Document, to: str) -> None:
    """Enqueue another e-mail of the document to that address. Commits."""
    if not may_email(document):
        raise StateConflictError
    FollowUp.enqueue_again(document, "email", to=to)
    db.session.commit()


def mark_as_sent(document: Document) -> None:
    """Record that the merchant has sent the document to the buyer, as we do not have its PDF. Commits."""
    if document.state != ISSUED or document.has_pdf:
        raise StateConflictError
    if not was_sent_by_hand(document):
        document.log_transition(ISSUED, ISSUED, "sent-by-hand", by="merchant")
        document.changed_at = now()
    db.session.commit()


def was_sent_by_hand(document: Document) -> bool:
    """Return whether the merchant has said so since the document was last recorded."""
    reasons = [move.reason for move in document.transitions if move.new != ISSUED or move.old == ISSUED]
    return "sent-by-hand" in reasons


def dismiss_alarm(document: Document, deliver: bool = True) -> None:
    """Clear the alarm of an issued document, as the merchant has seen it. Commits.

    A document whose figures differ was not shown to the buyer yet; it is now, if the merchant says so.
    """
    if document.alarm:
        _clear_alarm(document, "alarm-seen", deliver)
    db.session.commit()


def _clear_alarm(document: Document, reason: str, deliver: bool) -> None:
    document.log_transition(document.state, document.state, reason, {"alarm": document.alarm}, by="merchant")
    if document.alarm in DIFFERENCES and deliver:
        after_issue.enqueue_delivery(document)
    is_kept = document.alarm == order_changes.PAID_AGAIN
    document.alarm, document.alarm_detail, document.changed_at = "", {}, now()
    if is_kept:
        Sale.get_or_create(document.store_id, document.order_id).cancelled_at = None
    else:
        order_changes.raise_next_alarm(document)


def accept_figures(document: Document) -> None:
    """Let the account go on: the provider's figures are right, in this document and in those like it. Commits.

    Raises StateConflictError when this document does not stop its account.
    """
    draft = document.draft
    if draft is None or not first_document.accept_figures(document, draft, document.comparison):
        db.session.rollback()
        raise StateConflictError
    _clear_alarm(document, "figures-accepted", deliver=True)
    db.session.commit()


def prove_figures_again(document: Document) -> None:
    """Let the account go on with one document alone, as the merchant has changed the provider's settings. Commits.

    The document keeps its alarm. Raises StateConflictError when it does not stop its account.
    """
    if not first_document.prove_again(document):
        db.session.rollback()
        raise StateConflictError
    document.log_transition(document.state, document.state, "figures-again", by="merchant")
    document.changed_at = now()
    db.session.commit()


def may_reissue(document: Document) -> bool:
    """Return whether we ask if the document counts no more.

    It was annulled at the provider, perhaps credited there, in full or to its end, and its order paid again; or it was
    credited in full here, and its order edited since.
    """
    is_whole = _is_uncredited(document)
    asked = {
        "annulled": is_whole,
        order_changes.PAID_AGAIN: is_whole or order_changes.is_cancellation_settled(document),
        order_changes.CHANGED: not is_whole and credit_notes.creditable_amount(document) == 0,
    }
    return document.state == ISSUED and asked.get(document.alarm, False)


def reissue_document(document: Document) -> None:
    """Have the order of a document issued again that counts no more, as the merchant has looked. Commits.

    Raises StateConflictError where that is not asked.
    """
    if not may_reissue(document):
        raise StateConflictError
    credit_notes.request_reissue(document, document.corrections, asked_at=now())
    dismiss_alarm(document)


def resume_account(account: Account) -> int:
    """Let documents blocked by refused keys continue, as the keys are good again; return how many. Commits."""
    circuit_breaker.reset(account)
    stopped = db.session.scalars(
        select(Document).where(
            Document.store_id == account.store_id,
            Document.state == BLOCKED,
            Document.reason.in_(circuit_breaker.CREDENTIALS_CODES),
        )
    )
    gone_on = sum(document.transition(PENDING, by="merchant", tries=0) for document in stopped.all())
    db.session.commit()
    return gone_on


def retry_blocked(store: Store, reasons: tuple[str, ...]) -> int:
    """Retry documents blocked for one of these reasons, as a setting changed; return how many. Commits."""
    stopped = db.session.scalars(
        select(Document).where(
            Document.store_id == store.id, Document.state == BLOCKED, Document.reason.in_(reasons)
        )
    )
    gone_on = sum(document.transition(PENDING, by="merchant", tries=0) for document in stopped.all())
    db.session.commit()
    return gone_on


def refresh_drafts(store: Store) -> None:
    """Sync the provider drafts of waiting orders, as a setting or the provider changed. Commits."""
    waiting = select(Document).where(Document.store_id == store.id, Document.state == WAITING)
    account = Account.find_current(store)
    reasons = ("unpaid", "automatic-off") if account is not None and account.chosen.drafts else ()
    drafted = or_(Document.draft_id.is_not(None), Document.reason.in_(reasons))
    for document in db.session.scalars(waiting.where(drafted).order_by(Document.id.desc()).limit(500)).all():
        FollowUp.enqueue_or_restart(document, "draft")
    db.session.commit()


def _commit_or_conflict(moved: bool) -> None:
    if not moved:
        db.session.rollback()
        raise StateConflictError
    db.session.commit()
