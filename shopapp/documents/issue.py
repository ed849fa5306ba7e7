"""Issue one due document: draft it, claim its row, send it to the provider and record what came of it.

No transaction is open while a call waits for the network. What must hold is in docs/failure-model.md.
"""

from __future__ import annotations

import contextlib
import logging
import time
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from shopapp import failpoints, logs
from shopapp.connections import circuit_breaker
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_of
from shopapp.connections.send_window import is_too_late_to_send
from shopapp.connections.settings import seconds_setting
from shopapp.documents import order_changes, prepare, provider_drafts, shop_requests
from shopapp.documents.order_digest import order_digest
from shopapp.documents.outcome import (
    commit_transition,
    record_bug,
    record_failed_attempt,
    record_issued,
    record_not_sent,
    void_document,
)
from shopapp.errors import AppError, OrderError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.order import Order
from shopapp.inventory import catalogue, line_articles
from shopapp.models import Account, Attempt, Document, Sale, Store, db, document_queue, now
from shopapp.models.document import BLOCKED, PENDING, WAITING
from shopapp.models.lease import MAX_TAKES
from shopapp.providers.base import IssueGuarantee, Provider
from shopapp.providers.drafts import SupportsDrafts

log = logging.getLogger(__name__)


def issue_next_document() -> bool:
    """Take one due document as far as it can get now. Return False when none is due. Commits."""
    document = document_queue.take(seconds_setting("TAKE_SECONDS"))
    if document is None:
        return False
    logs.bind(store=document.store_id, document=document.id)
    failpoints.hit("after_take")
    try:
        _issue(document)
    except OperationalError:
        # no bug: the lease of the take or of the claim decides what becomes of the row
        db.session.rollback()
        log.warning("document left as it was: the database is busy or away")
    except Exception as error:
        # a bug of ours is retried a few times, then shown; it is never taken for an outcome
        db.session.rollback()
        log.exception("document %s", document.id)
        record_bug(document, error)
    return True


def _issue(document: Document) -> None:
    if document.takes > MAX_TAKES:
        commit_transition(document, BLOCKED, "internal", {"takes": document.takes})
        return
    account = document.account or Account.find_current(document.store)
    db.session.commit()
    if account is None:
        # closed since the row was taken: once the lease expires, it waits for another account
        return
    try:
        draft = _frozen_draft(document)
        if draft is None:
            draft = _draft_with_articles(document, account)
        elif not _is_still_wanted(document, account):
            return
    except AppError as error:
        of_order = error.code == "order-missing" and (document.is_sale or document.is_order_note)
        if not (of_order and order_changes.void_if_not_in_shop(document)):
            record_not_sent(document, account, error)
        return
    if draft is None:
        return
    _claim_and_send(document, account, draft)


def _claim_and_send(document: Document, account: Account, draft: Draft) -> None:
    try:
        provider = provider_of(account, "issuing", document)
        if account.pauses:
            circuit_breaker.probe(account, provider)
        if not document_queue.provider_draft_matches(
            document, draft, account
        ) and not provider_drafts.delete_draft(document, account):
            return
    except AppError as error:
        record_not_sent(document, account, error)
        return
    db.session.commit()
    failpoints.hit("before_claim")
    guarantee = provider.guarantee_for(draft.kind)
    number = document_queue.claim(document, draft, account, guarantee.value, seconds_setting("LEASE_SECONDS"))
    claimed_at = time.monotonic()
    if number is None:
        return
    failpoints.hit("after_claim")
    _send(document, account, provider, draft, claimed_at)


# drafting: nothing is sent yet, so all of it may fail and be repeated


def _frozen_draft(document: Document) -> Draft | None:
    """Return the draft of an attempt that may have arrived: these bytes are sent again, or nothing is."""
    return document.draft if document.frozen else None


def _is_still_wanted(document: Document, account: Account) -> bool:
    """Return whether the order of a frozen draft is still paid, or that of an order note still open. Commits.

    If not, the row has moved to the state that says why.
    """
    if not (document.is_sale or document.is_reissue or document.is_order_note):
        return True
    try:
        order = prepare.read_order(document, "issuing")
    except OrderError:
        # it could be read when it was drafted, and what was sold then is what the draft says
        return True
    if document.is_order_note:
        return order.status == "open" or provider_drafts.should_issue_order_note(document, account, order)
    if order.status == "paid":
        return True
    sale = Sale.get_or_create(document.store_id, document.order_id)
    sale.status, sale.cancelled_at = order.status, sale.cancelled_at or now()
    if order.status == "cancelled":
        void_document(document, "cancelled")
    else:
        document.transition(WAITING, "unpaid")
    db.session.commit()
    return False


def _draft_with_articles(document: Document, account: Account) -> Draft | None:
    """Return the draft of the order as it is now, or None when there is nothing to issue and the row was moved
    instead.
    """
    draft = _prepare_draft(document, account)
    return None if draft is None else line_articles.attach_articles(draft, account, document)


def _prepare_draft(document: Document, account: Account) -> Draft | None:
    if document.is_credit_note:
        return prepare.prepare_credit_note(document, account)
    began = now()
    db.session.commit()
    order = prepare.fetch_order(document, "issuing")
    if document.is_transport_guide:
        if order.status == "cancelled":
            void_document(document, "cancelled")
            db.session.commit()
            return None
        return prepare.prepare_transport_guide(document, account, order)
    _record_order(document, order, began)
    shop_requests.confirm_request(document, order.created_at)
    catalogue.record_reservation(account, order, began)
    if document.is_order_note:
        if not provider_drafts.should_issue_order_note(document, account, order):
            return None
        draft = prepare.prepare_order_note(order, account)
    else:
        if not _should_issue(document, account, order):
            return None
        draft = prepare.prepare_invoice(order, account, document)
    _record_buyer(document, draft)
    return draft


def _record_order(document: Document, order: Order, began: datetime) -> None:
    """Store the order's figures and its buyer, so that the list shows them even if drafting fails. Commits.

    `began` is when reading it began: a cancellation that was read later is not taken back.
    """
    sale = Sale.get_or_create(document.store_id, document.order_id)
    sale.record(
        order.status, order.paid_at, order.paid_source,
        total=order.paid_total, currency=order.currency[:3], ordered_at=order.created_at,
    )  # fmt: skip
    sale.checked_at = began
    if order.status == "cancelled" and sale.cancelled_at is None:
        sale.cancelled_at = now()
    elif order.status == "paid" and sale.cancelled_at is not None and sale.cancelled_at < began:
        sale.cancelled_at = None
    sale.order_digest = document.order_digest = order_digest(order)
    document.paid_at = order.paid_at if order.status == "paid" else None
    document.total = order.paid_euros
    document.vat_check = prepare.vies_proof(document, order)
    buyer = order.buyer
    if buyer.name or buyer.company or buyer.tax_id:
        name = buyer.company or buyer.name
        known = {"name": name, "tax_id": buyer.tax_id, "address": None, "email": buyer.email}
        document.set_buyer(known)
    db.session.commit()


def _record_buyer(document: Document, draft: Draft) -> None:
    """Store the buyer as the document will name them. Commits."""
    document.set_buyer(draft.customer.as_buyer())
    db.session.commit()


def _should_issue(document: Document, account: Account, order: Order) -> bool:
    """Return whether to invoice the order now; if not, the row has moved to the state that says why. Commits."""
    if order.status == "cancelled":
        void_document(document, "cancelled")
        # the webhook of the cancellation finds the row void, and does nothing more
        order_changes.void_related_documents(document.store_id, document.order_id)
        db.session.commit()
    elif order.status != "paid":
        _move_to_waiting(document, account, order, "unpaid")
    elif _was_asked_for(document):
        db.session.commit()
        return True
    elif document.is_sale and _predates_activation(document.store, order, document.paid_at):
        commit_transition(document, WAITING, "older")
    elif not account.chosen.automatic:
        _move_to_waiting(document, account, order, "automatic-off")
    else:
        db.session.commit()
        return True
    return False


def _was_asked_for(document: Document) -> bool:
    """Return whether the merchant asked for it by now; locks the row, so that no request is missed meanwhile."""
    asked_at = select(Document.asked_at).where(Document.id == document.id).with_for_update()
    return db.session.scalar(asked_at) is not None


def _move_to_waiting(document: Document, account: Account, order: Order, reason: str) -> None:
    if commit_transition(document, WAITING, reason):
        provider_drafts.enqueue_waiting_drafts(document, account, order)


def _predates_activation(store: Store, order: Order, paid_at: datetime | None) -> bool:
    """Return whether the order, and its payment if that is proved, is older than the merchant's start of issuing."""
    if store.ready_at is None:
        return True
    if order.created_at >= store.ready_at:
        return False
    payment_proved = order.paid_source in ("platform", "history")
    return not (payment_proved and paid_at is not None and paid_at >= store.ready_at)


# sending


def _send(document: Document, account: Account, provider: Provider, draft: Draft, claimed_at: float) -> None:
    failpoints.hit("before_send")
    if is_too_late_to_send(claimed_at):
        Attempt.end(document.id, document.attempt, "not-sent", "too-late")
        commit_transition(document, PENDING, "", {})
        return
    try:
        by_draft = document.promise == IssueGuarantee.DRAFT_FIRST.value
        issued = (_send_by_draft if by_draft else _send_directly)(provider, document, draft)
    except AppError as error:
        failpoints.hit("after_send")
        if error.code == "note-unusable":
            error = provider_drafts.mark_order_note_unusable(document, error)
        record_failed_attempt(document, account, error)
        line_articles.invalidate_articles(draft, account, error)
    except Exception as error:  # the outcome is unknown unless the provider's answer says otherwise
        failpoints.hit("after_send")
        log.exception("document %s while sending", document.id)
        record_failed_attempt(document, account, UncertainError("outcome-unknown", how=type(error).__name__))
    else:
        failpoints.hit("after_send")
        record_issued(document, issued, "provider")


def _send_directly(provider: Provider, document: Document, draft: Draft) -> Issued:
    """Send the document in one call, which is never repeated here: whether it may be is decided in recover.py."""
    return provider.issue(draft, document.reference)


def _send_by_draft(provider: Provider, document: Document, draft: Draft) -> Issued:
    """Open a draft, record its id as the only one, compare its total and finalise it (DRAFT_FIRST).

    A worker that comes too late has only opened an orphan draft, and deletes it.
    """
    drafting = require(provider, SupportsDrafts)
    if document.draft_id is None:
        try:
            opened = drafting.open_draft(draft, document.reference)
        except UncertainError as unsure:
            # at worst an orphan draft is left: opening another is safe
            raise TransientError("draft-unsure", **unsure.detail) from unsure
        failpoints.hit("draft_before_record")
        if not document_queue.record_draft(document, opened.draft_id):
            return _delete_orphan_draft(drafting, opened.draft_id)
        failpoints.hit("draft_after_record")
        if opened.total is not None and opened.total != draft.gross:
            raise RefusedError("draft-total-differs", ours=str(draft.gross), theirs=str(opened.total))
    if not document_queue.renew_lease(document, seconds_setting("LEASE_SECONDS")):
        raise TransientError("draft-not-ours")
    return drafting.finalise(str(document.draft_id))


def _delete_orphan_draft(provider: SupportsDrafts, draft_id: str) -> Issued:
    """Delete a draft that is not the row's; return the document if somebody has finalised it at the provider.

    Raises TransientError `draft-not-ours` otherwise.
    """
    finalised = None
    with contextlib.suppress(AppError):  # a failure changes nothing: another worker has the row by now
        finalised = provider.drop_draft(draft_id)
    if finalised is None:
        raise TransientError("draft-not-ours")
    return finalised
