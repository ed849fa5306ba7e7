"""Keep the provider's draft and the order note of a waiting order in step with the order.

Finalises nothing, and never changes a draft: one is known to be gone before another is opened. Why:
docs/decisions/0005-what-phc-go-changed-above-the-providers.md.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from shopapp import failpoints
from shopapp.connections import circuit_breaker
from shopapp.connections.contracts import require
from shopapp.documents import outcome, prepare
from shopapp.errors import AppError, CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.fiscal import transport as fiscal_transport
from shopapp.fiscal.document import Draft
from shopapp.fiscal.order import Order
from shopapp.inventory import line_articles
from shopapp.models import Account, Document, FollowUp, db, document_queue, now
from shopapp.models.cause import ORDER_NOTE
from shopapp.models.document import BLOCKED, ISSUED, ISSUING, PENDING, VOID, WAITING
from shopapp.providers.base import IssueGuarantee
from shopapp.providers.drafts import SupportsDrafts

log = logging.getLogger(__name__)

MAX_NOTE_TRIES = 3
"""How often a draft waits for the order note that it follows."""
KEPT_AS_DRAFT = "kept-as-draft"
"""The reason of an order note that waits because the merchant wants it as a draft only."""
DRAFTABLE_REASONS = ("unpaid", "automatic-off")
"""The reasons for which a sale may wait and have a draft."""


def enqueue_waiting_drafts(document: Document, account: Account, order: Order) -> None:
    """Enqueue the draft of an order that waits for payment or for the merchant, and request its order note. Commits."""
    chosen, ready_at = account.chosen, document.store.ready_at
    is_after_activation = ready_at is not None and order.created_at >= ready_at
    if chosen.notes and order.status == "open" and is_after_activation and document.is_sale:
        Document.create_if_absent(document.store, order.id, ORDER_NOTE, kind="NE", total=order.paid_total)
        note = Document.find(document.store_id, order.id, ORDER_NOTE)
        if note is not None and note.state == WAITING:
            FollowUp.enqueue_or_restart(note, "draft")
        elif note is not None and note.state == ISSUED:
            _flag_changed_order_note(note, account, order)
    if document.draft_id or (chosen.drafts and (is_after_activation or order.status == "paid")):
        FollowUp.enqueue_or_restart(document, "draft")
    db.session.commit()


# the draft


def sync_draft(document: Document, followup: FollowUp) -> None:
    """Create, replace or delete the provider's draft of a waiting row, so that it matches the order.

    Raises AppError when the provider can't be asked, or when no lawful draft of the order exists.
    """
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
    """Return the draft that the provider should hold now; None by the merchant's choice or the order's state."""
    chosen = account.chosen
    is_note = document.is_order_note
    if not (chosen.notes and chosen.note_drafts if is_note else chosen.drafts):
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
    """Return whether the provider's draft matches already; another date alone is no reason to replace it."""
    former = document.draft
    if document.draft_id is None or former is None:
        return False
    transport = former.transport if expected.transport else None
    return document_queue.provider_draft_matches(
        document, replace(expected, date=former.date, transport=transport), account
    )


def delete_draft(document: Document, account: Account | None) -> bool:
    """Delete the provider draft that the row holds, and forget it. Commits.

    Return False when somebody has finalised it at the provider: it is a document then, recorded as this row's. Raises
    AppError when it can't be deleted, except at another account than `account`, where the deletion is enqueued.
    """
    draft_id, draft_account_id = document.draft_id, document.draft_account_id or document.account_id
    if draft_id is None:
        return True
    draft_account = db.session.get(Account, draft_account_id) if draft_account_id else account
    db.session.commit()
    if draft_account is None:
        return True
    try:
        found = require(
            circuit_breaker.open_provider(draft_account, "issuing", document), SupportsDrafts
        ).drop_draft(draft_id)
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


def clean_former_account(document: Document, account_id: int | None) -> None:
    """Enqueue deleting the drafts whose ids we never received, where the row leaves the account. Not committed."""
    current = Account.find_current(document.store)
    drafted = document.promise == IssueGuarantee.DRAFT_FIRST.value
    if drafted and account_id is not None and (current is None or current.id != account_id):
        FollowUp.enqueue(document, "spare", number=-account_id, account=account_id)


def delete_orphan_draft(document: Document, followup: FollowUp) -> None:
    """Delete a draft that was left at a former account; one that became a document raises the duplicate alarm.

    Without an id, all of the document's drafts there are deleted.
    """
    draft_account = db.session.get_one(Account, followup.detail["account"])
    db.session.commit()
    provider = require(circuit_breaker.open_provider(draft_account, "issuing", document), SupportsDrafts)
    if "draft" not in followup.detail:
        provider.drop_drafts(document.reference)
        return
    found = provider.drop_draft(followup.detail["draft"])
    if found is not None:
        outcome.record_issued(document, found, "search")


def _create_draft(document: Document, account: Account, expected: Draft) -> None:
    """Open a draft at the provider and record it as the row's only one; delete it when the row has moved on."""
    provider = circuit_breaker.open_provider(account, "comfort", document)
    if not isinstance(provider, SupportsDrafts):
        return
    if provider.guarantee_for(expected.kind) is not IssueGuarantee.DRAFT_FIRST:
        return
    try:
        opened = provider.open_draft(expected, document.reference)
    except AppError as error:
        # a draft whose id we never received is an orphan: all are deleted once the row is issued or void
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
    if document.is_order_note:
        _enqueue_sale_draft(document)


def _delete_unrecorded_drafts(document: Document, account: Account) -> None:
    """Delete all drafts of a voided row, including those whose ids we never received."""
    provider = circuit_breaker.open_provider(account, "issuing", document)
    if not isinstance(provider, SupportsDrafts):
        return
    if provider.guarantee_for(document.draft.kind if document.draft else "FR") is IssueGuarantee.DRAFT_FIRST:
        provider.drop_drafts(document.reference)


def _as_retryable(error: AppError) -> AppError:
    """Return the error of a call that issues nothing: an unknown outcome becomes one that may be retried."""
    if isinstance(error, UncertainError):
        return TransientError("draft-unsure", **error.detail)
    return error


# the order note


def should_issue_order_note(note: Document, account: Account, order: Order) -> bool:
    """Return whether to issue the order's note now; if not, its row has moved to the state that says why. Commits."""
    chosen = account.chosen
    if order.status in ("cancelled", "abandoned"):
        outcome.void_document(note, "cancelled")
        db.session.commit()
    elif order.status == "paid" or not chosen.notes:
        outcome.void_document(note, "note-needless")
        db.session.commit()
    elif chosen.note_drafts:
        if outcome.commit_transition(note, WAITING, KEPT_AS_DRAFT):
            FollowUp.enqueue_or_restart(note, "draft")
            db.session.commit()
    else:
        return True
    return False


def _wait_for_order_note(document: Document, followup: FollowUp) -> None:
    """Raise TransientError while the note that the draft follows is being issued, at most MAX_NOTE_TRIES times."""
    note = Document.find(document.store_id, document.order_id, ORDER_NOTE) if document.is_sale else None
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
    """Void the order note of a sale that was invoiced, and its draft, unless the invoice follows it. Commits.

    A note that was issued and that no invoice follows is flagged for the merchant.
    """
    note = Document.find(document.store_id, document.order_id, ORDER_NOTE)
    if note is not None and note.state in (WAITING, PENDING, BLOCKED):
        used = document.draft is not None and note.draft_id == document.draft.follows
        if note.transition(VOID, "note-used" if used else "note-needless") and not used:
            outcome.discard_document(note)
    elif note is not None and note.state == ISSUED:
        flag_open_order_note(note, "note-changed")
    db.session.commit()


def _flag_changed_order_note(note: Document, account: Account, order: Order) -> None:
    """Flag an issued note when the order no longer matches it. Not committed."""
    try:
        expected = prepare.prepare_order_note(order, account)
    except AppError:
        # the order's own document reports what is wrong with it
        return
    if note.draft is not None and not fiscal_transport.same_content(note.draft, expected):
        flag_open_order_note(note, "note-changed")


def flag_open_order_note(note: Document, code: str) -> bool:
    """Flag an issued order note that no invoice follows, once for each code. Not committed.

    Return whether the document is such a note. No call is known that closes or annuls one: it stays open at the
    provider until the merchant closes it.
    """
    if not note.is_order_note:
        return False
    sale = Document.find(note.store_id, note.order_id)
    invoice = sale.draft if sale is not None and sale.state == ISSUED else None
    if invoice is not None and invoice.follows and invoice.follows == note.provider_id:
        return False
    if not any(move.reason == code for move in note.transitions):
        note.log_transition(ISSUED, ISSUED, code)
        if note.alarm in ("", "note-changed") and note.provider_state != "annulled":
            note.alarm, note.alarm_detail = code, {}
            FollowUp.notify_of_alarm(note)
        note.changed_at = now()
    return True


def mark_order_note_unusable(document: Document, error: AppError) -> AppError:
    """Mark the order note so that nothing follows it; return the error that retries the sale without it. Commits."""
    note = Document.find(document.store_id, document.order_id, ORDER_NOTE)
    if note is not None:
        note.alarm, note.alarm_detail, note.changed_at = "note-unusable", dict(error.detail), now()
        FollowUp.notify_of_alarm(note)
    db.session.commit()
    return TransientError("note-unusable")
