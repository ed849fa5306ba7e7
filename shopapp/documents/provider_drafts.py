"""What an order that waits is owed meanwhile: the provider's draft that follows it, and its order note.

`watch` is called by `issuing` when a row waits, `removed` before a claim, `draft` and `close_note` by `followups`.
Never signs anything and never writes a draft anew: one is known to be gone before another is opened. Decision 0005.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from shopapp import failpoints
from shopapp.connections import circuit_breaker
from shopapp.connections.contracts import require
from shopapp.documents import outcome, prepare
from shopapp.documents.prepare import CAUSE_ORDER_NOTE
from shopapp.errors import AppError, CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.fiscal import transport as fiscal_transport
from shopapp.fiscal.document import Draft
from shopapp.fiscal.order import Order
from shopapp.inventory import line_articles
from shopapp.models import Account, Document, FollowUp, db, document_queue, now
from shopapp.models.document import BLOCKED, ISSUED, ISSUING, PENDING, VOID, WAITING
from shopapp.providers.base import IssueGuarantee
from shopapp.providers.drafts import SupportsDrafts

log = logging.getLogger(__name__)

MAX_NOTE_TRIES = 3
"""How often a draft waits for the order note that it is to be made out of."""
KEPT_AS_DRAFT = "kept-as-draft"
"""Why an order note waits that the merchant wants as a draft only."""
DRAFTABLE_REASONS = ("unpaid", "automatic-off")
"""What a sale waits for that may have a draft meanwhile."""


def enqueue_waiting_drafts(document: Document, account: Account, order: Order) -> None:
    """Nothing; the order waits for payment or for the merchant: its draft and its note are owed. Commits."""
    chosen, ready_at = account.settings, document.store.ready_at
    is_after_activation = ready_at is not None and order.created_at >= ready_at
    if chosen.get("notes") and order.status == "open" and is_after_activation and document.cause == "sale":
        Document.create_if_absent(
            document.store, order.id, CAUSE_ORDER_NOTE, kind="NE", total=order.paid_total
        )
        note = Document.find(document.store_id, order.id, CAUSE_ORDER_NOTE)
        if note is not None and note.state == WAITING:
            FollowUp.enqueue_or_restart(note, "draft")
        elif note is not None and note.state == ISSUED:
            _flag_changed_order_note(note, account, order)
    if document.draft_id or (chosen.get("drafts") and (is_after_activation or order.status == "paid")):
        FollowUp.enqueue_or_restart(document, "draft")
    db.session.commit()


# the draft


def sync_draft(document: Document, followup: FollowUp) -> None:
    """Nothing; the provider's draft of a row that waits is now what the order is: made, made anew, or removed."""
    account = Account.find_current(document.store)
    db.session.commit()
    if document.state not in (WAITING, VOID) or document.frozen:
        return
    expected: Draft | None = None
    problem: AppError | None = None
    if account is not None and document.state == WAITING:
        _wait_for_order_note(document, followup)
        try:
            expected = _expected_draft(document, account)
        except (TransientError, CredentialsError):
            raise
        except AppError as why:
            problem = why
    if expected is not None and account is not None and _is_draft_current(document, expected, account):
        return
    if not delete_draft(document, account):
        return
    if expected is not None and account is not None:
        _create_draft(document, account, expected)
    if document.state == VOID and (draft_account := document.account or account) is not None:
        _delete_unrecorded_drafts(document, draft_account)
    if problem is not None:
        raise problem


def _expected_draft(document: Document, account: Account) -> Draft | None:
    """The draft that ought to stand at the provider now, by the merchant's choice and the order's state."""
    chosen = account.settings
    is_note = document.cause == CAUSE_ORDER_NOTE
    if not (chosen.get("notes") and chosen.get("note_drafts") if is_note else chosen.get("drafts")):
        return None
    order = prepare.fetch_order(document)
    if order.status not in ("open", "paid"):
        return None
    if is_note:
        return line_articles.attach_articles(prepare.prepare_order_note(order, account), account, document)
    if document.reason not in DRAFTABLE_REASONS:
        return None
    return line_articles.attach_articles(
        prepare.prepare_invoice(prepare.as_if_paid(order), account, document), account, document
    )


def _is_draft_current(document: Document, expected: Draft, account: Account) -> bool:
    """True when the draft over there says this already; the day alone is no reason to make it anew."""
    former = document.draft
    if document.draft_id is None or former is None:
        return False
    transport = former.transport if expected.transport else None
    return document_queue.provider_draft_matches(
        document, replace(expected, date=former.date, transport=transport), account
    )


def delete_draft(document: Document, account: Account | None) -> bool:
    """True when the draft that the row knew is gone over there and forgotten here; no other is opened before.

    Where somebody signed it by hand meanwhile it is a document: recorded as this row's, and False. One at another
    account than `account` holds nobody up: what cannot be removed there now is owed.
    """
    draft_id, draft_account_id = document.draft_id, document.draft_account_id or document.account_id
    if draft_id is None:
        return True
    draft_account = db.session.get(Account, draft_account_id) if draft_account_id else account
    db.session.commit()
    if draft_account is None:
        return True
    try:
        found = require(circuit_breaker.open_provider(draft_account, document), SupportsDrafts).drop_draft(
            draft_id
        )
    except AppError as error:
        db.session.rollback()
        circuit_breaker.record_failure(draft_account, error)
        if draft_account is account:
            raise _as_retryable(error) from error
        FollowUp.enqueue(document, "spare", number=draft_account.id, account=draft_account.id, draft=draft_id)
        return document_queue.clear_provider_draft(document, draft_id)
    failpoints.hit("early_after_drop")
    if found is not None:
        outcome.record_issued(document, found, "search")
        return False
    return document_queue.clear_provider_draft(document, draft_id)


def delete_orphan_draft(document: Document, followup: FollowUp) -> None:
    """Nothing; a draft that was left at a former account is gone; one that became a document raises the alarm."""
    draft_account = db.session.get_one(Account, followup.detail["account"])
    db.session.commit()
    found = require(circuit_breaker.open_provider(draft_account, document), SupportsDrafts).drop_draft(
        followup.detail["draft"]
    )
    if found is not None:
        outcome.record_issued(document, found, "search")


def _create_draft(document: Document, account: Account, expected: Draft) -> None:
    """Nothing; a new draft at the provider, recorded as the row's only one; otherwise it is spare and removed."""
    provider = circuit_breaker.open_provider(account, document)
    if not isinstance(provider, SupportsDrafts):
        return
    if provider.guarantee_for(expected.kind) is not IssueGuarantee.DRAFT_FIRST:
        return
    try:
        opened = provider.open_draft(expected, document.reference)
    except AppError as error:
        # one of which we never learned is spare: it goes with the others when the row is settled
        db.session.rollback()
        circuit_breaker.record_failure(account, error)
        line_articles.invalidate_articles(expected, account, error)
        raise _as_retryable(error) from error
    failpoints.hit("early_before_record")
    if opened.total is not None and opened.total != expected.gross:
        provider.drop_draft(opened.draft_id)
        raise RefusedError("draft-total-differs", ours=str(expected.gross), theirs=str(opened.total))
    if not document_queue.record_waiting_draft(
        document, expected, opened.draft_id, account, IssueGuarantee.DRAFT_FIRST.value
    ):
        provider.drop_draft(opened.draft_id)
        raise TransientError("draft-not-ours")
    failpoints.hit("early_after_record")
    if document.cause == CAUSE_ORDER_NOTE:
        _enqueue_sale_draft(document)


def _delete_unrecorded_drafts(document: Document, account: Account) -> None:
    """Nothing; drafts of which we never learned are gone too, now that the row is given up."""
    provider = circuit_breaker.open_provider(account, document)
    if not isinstance(provider, SupportsDrafts):
        return
    if provider.guarantee_for(document.draft.kind if document.draft else "FR") is IssueGuarantee.DRAFT_FIRST:
        provider.drop_drafts(document.reference)


def _as_retryable(error: AppError) -> AppError:
    """The failure as a call that issues nothing means it: unknown is only a matter of asking again."""
    if isinstance(error, UncertainError):
        return TransientError("draft-unsure", **error.detail)
    return error


# the order note


def should_issue_order_note(note: Document, account: Account, order: Order) -> bool:
    """True when the order's note is to be issued now; otherwise its row has moved. Commits."""
    chosen = account.settings
    if order.status in ("cancelled", "abandoned"):
        outcome.void_document(note, "cancelled")
        db.session.commit()
    elif order.status == "paid" or not chosen.get("notes"):
        outcome.void_document(note, "note-needless")
        db.session.commit()
    elif chosen.get("note_drafts"):
        if outcome.commit_transition(note, WAITING, KEPT_AS_DRAFT):
            FollowUp.enqueue_or_restart(note, "draft")
            db.session.commit()
    else:
        return True
    return False


def _wait_for_order_note(document: Document, followup: FollowUp) -> None:
    """Nothing, unless the order's note is on its way: then TransientError, a few times, as the draft follows it."""
    note = (
        Document.find(document.store_id, document.order_id, CAUSE_ORDER_NOTE)
        if document.cause == "sale"
        else None
    )
    db.session.commit()
    if note is None or followup.tries > MAX_NOTE_TRIES:
        return
    if note.state in (PENDING, ISSUING) or (note.reason == KEPT_AS_DRAFT and note.draft_id is None):
        raise TransientError("note-first")


def _enqueue_sale_draft(note: Document) -> None:
    sale = Document.find(note.store_id, note.order_id)
    if sale is not None and sale.state == WAITING:
        FollowUp.enqueue_or_restart(sale, "draft")
    db.session.commit()


def close_order_note(document: Document, followup: FollowUp) -> None:
    """Nothing; the sale has its document: a note that was not issued by then is given up, a draft of it too.

    The one that the document was made out of stays where it is.
    """
    note = Document.find(document.store_id, document.order_id, CAUSE_ORDER_NOTE)
    if note is not None and note.state in (WAITING, PENDING, BLOCKED):
        used = document.draft is not None and note.draft_id == document.draft.follows
        if note.transition(VOID, "note-used" if used else "note-needless") and not used:
            outcome.discard_document(note)
    elif note is not None and note.state == ISSUED:
        flag_open_order_note(note, "note-changed")
    db.session.commit()


def _flag_changed_order_note(note: Document, account: Account, order: Order) -> None:
    """Nothing; an issued note of which the order is no longer what it says is told of."""
    try:
        expected = prepare.prepare_order_note(order, account)
    except AppError:
        # what is wrong with the order its own document says
        return
    if note.draft is not None and not fiscal_transport.same_content(note.draft, expected):
        flag_open_order_note(note, "note-changed")


def flag_open_order_note(note: Document, code: str) -> bool:
    """True when it is an issued order note of which no invoice was made: the merchant is told, once for each code.

    No program is known to let us close or annul one: it stands open there until he does. Not committed.
    """
    if note.cause != CAUSE_ORDER_NOTE:
        return False
    sale = Document.find(note.store_id, note.order_id)
    invoice = sale.draft if sale is not None and sale.state == ISSUED else None
    if invoice is not None and invoice.follows and invoice.follows == note.provider_id:
        return False
    if not any(move.reason == code for move in note.transitions):
        note.log_transition(ISSUED, ISSUED, code)
        if note.alarm in ("", "note-changed") and note.provider_state != "annulled":
            note.alarm, note.alarm_detail = code, {}
        note.changed_at = now()
    return True


def mark_order_note_unusable(document: Document, error: AppError) -> AppError:
    """The failure that sends the sale on without its order note: the note is marked, so that nothing follows it."""
    note = Document.find(document.store_id, document.order_id, CAUSE_ORDER_NOTE)
    if note is not None:
        note.alarm, note.alarm_detail, note.changed_at = "note-unusable", dict(error.detail), now()
    db.session.commit()
    return TransientError("note-unusable")


def void_order_note(store_id: int, order_id: str) -> None:
    """Nothing; the order was cancelled: its note is given up as far as it is none yet. Not committed."""
    note = Document.find(store_id, order_id, CAUSE_ORDER_NOTE)
    if note is not None and note.state in (WAITING, BLOCKED):
        outcome.void_document(note, "cancelled")
