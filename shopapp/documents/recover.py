"""Find out what became of a document in doubt, in the way that the provider's guarantee makes safe.

"Not found" proves nothing while the lost call may still take effect: a searchable provider must not show the document
after SETTLE_SECONDS (the settle window) before the row goes back to `pending`; the other guarantees have their own
proof, in each function. What must hold is in docs/failure-model.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from shopapp import logs
from shopapp.connections import circuit_breaker
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_of
from shopapp.connections.settings import seconds_setting
from shopapp.documents.outcome import (
    commit_transition,
    raise_duplicate_alarm,
    record_issued,
    require_merchant,
)
from shopapp.errors import AppError, CredentialsError, MerchantError
from shopapp.fiscal.document import Draft, Issued
from shopapp.models import Document, Sale, db, document_queue, now
from shopapp.models.document import IN_DOUBT, PENDING, REVIEW
from shopapp.models.lease import MAX_TAKES
from shopapp.providers.base import IssueGuarantee, Provider, SupportsSearch
from shopapp.providers.drafts import SupportsDrafts

log = logging.getLogger(__name__)

LOOKUP_SCHEDULE = (1, 2, 4, 10)
"""When a document in doubt is looked up, in units of LOOKUP_SECONDS after the doubt began; the last repeats."""


def recover_next_document() -> bool:
    """Look up a document in doubt. Return False when none is due. Commits."""
    document = document_queue.take_uncertain(seconds_setting("TAKE_SECONDS"))
    if document is None:
        return False
    logs.bind(store=document.store_id, document=document.id)
    account, draft = document.account, document.draft
    db.session.commit()
    if (
        account is None
        or draft is None
        or document.promise not in (guarantee.value for guarantee in _RECOVERIES)
    ):
        commit_transition(document, REVIEW, document.reason, dict(document.detail))
        return True
    if document.takes > MAX_TAKES:
        # every worker that looks it up dies: a person must look, so that the other documents continue
        require_merchant(document, REVIEW, document.reason, dict(document.detail))
        return True
    try:
        provider = provider_of(account, "issuing", document)
        db.session.commit()
        _RECOVERIES[IssueGuarantee(document.promise)](provider, document, draft)
        circuit_breaker.close(account)
        db.session.commit()
    except CredentialsError as error:
        db.session.rollback()
        circuit_breaker.record_failure(account, error)
        _schedule_next_lookup(document)
    except MerchantError as error:
        db.session.rollback()
        _record_refusal(document, error)
    except AppError as error:
        db.session.rollback()
        log.warning("document %s: not looked up: %s", document.id, error.code)
        _schedule_next_lookup(document)
        circuit_breaker.record_failure(account, error)
    return True


def _record_refusal(document: Document, error: MerchantError) -> None:
    """Record that the provider refused while a document in doubt was looked up. Commits.

    What is refused under its own key (IDEMPOTENT) does not exist: it is sent again, refused again, and the merchant is
    notified then. A draft may be refused because the lost call has just finalised it and shows it only a moment later:
    the merchant is asked once the settle window is over.
    """
    if document.promise == IssueGuarantee.DRAFT_FIRST.value and not _is_settle_window_over(document):
        _schedule_next_lookup(document)
    elif document.promise == IssueGuarantee.IDEMPOTENT.value:
        commit_transition(document, PENDING, error.code, dict(error.detail))
    else:
        require_merchant(document, REVIEW, error.code, dict(error.detail))


def _is_settle_window_over(document: Document) -> bool:
    """Return whether no lost call can take effect any more. Leaves no transaction open."""
    began = document.doubted_at or now()
    over = (now() - began).total_seconds() > seconds_setting("SETTLE_SECONDS")
    db.session.commit()
    return over


def _repeat_with_key(provider: Provider, document: Document, draft: Draft) -> None:
    """Send the same call with the same key, which gives the same document (IDEMPOTENT).

    It would make the document of an order that was cancelled meanwhile: then the merchant looks whether it exists.
    """
    if _is_unwanted(document):
        require_merchant(document, REVIEW, document.reason, dict(document.detail))
        return
    record_issued(document, provider.issue(draft, document.reference), "search")


def _finalise_draft(provider: Provider, document: Document, draft: Draft) -> None:
    """Finalise the recorded draft and no other; without one nothing fiscal has happened (DRAFT_FIRST).

    The draft of an order that was cancelled meanwhile, or an order note's that was paid, is not finalised: the row
    goes back, and is void.
    """
    if document.draft_id is None:
        commit_transition(document, PENDING, document.reason)
        return
    is_unwanted = _is_unwanted(document)
    drafting = require(provider, SupportsDrafts)
    issued = drafting.finalised_document(document.draft_id)
    if issued is None and is_unwanted:
        commit_transition(document, PENDING, document.reason)
        return
    record_issued(document, issued or drafting.finalise(document.draft_id), "search")


def _is_unwanted(document: Document) -> bool:
    """Return whether the document's order was cancelled, or paid where it is an order note. Commits."""
    sale = Sale.get_or_create(document.store_id, document.order_id)
    follows_order = document.is_sale or document.is_reissue or document.is_order_note
    is_late_note = document.is_order_note and sale.status == "paid"
    is_unwanted = is_late_note or (follows_order and sale.cancelled_at is not None)
    db.session.commit()
    return is_unwanted


def _search_provider(provider: Provider, document: Document, draft: Draft) -> None:
    """Search by reference; "not found" sends the row back only once the settle window is over (SEARCHABLE)."""
    over = _is_settle_window_over(document)
    found = require(provider, SupportsSearch).find_by_reference(document.reference, draft)
    if found:
        _record_found(document, found)
    elif over:
        commit_transition(document, PENDING, "absent")
    else:
        _schedule_next_lookup(document)


def _record_found(document: Document, found: list[Issued]) -> None:
    record_issued(document, found[0], "search")
    if len(found) > 1:
        db.session.refresh(document)
        raise_duplicate_alarm(document, found[1].number)
        db.session.commit()


def _schedule_next_lookup(document: Document) -> None:
    """Schedule the next lookup of the document, which is never given up. Commits."""
    db.session.refresh(document)
    if document.state != IN_DOUBT:
        db.session.commit()
        return
    unit = seconds_setting("LOOKUP_SECONDS")
    age = (now() - (document.doubted_at or now())).total_seconds()
    later = next(
        (times * unit - age for times in LOOKUP_SCHEDULE if times * unit > age), LOOKUP_SCHEDULE[-1] * unit
    )
    document_queue.postpone(document, later)


_RECOVERIES: dict[IssueGuarantee, Callable[[Provider, Document, Draft], None]] = {
    IssueGuarantee.IDEMPOTENT: _repeat_with_key,
    IssueGuarantee.DRAFT_FIRST: _finalise_draft,
    IssueGuarantee.SEARCHABLE: _search_provider,
}
