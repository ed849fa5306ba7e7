"""Compare the provider's own documents with our rows: find those that we don't know, and those gone or annulled.

Where a provider can neither list nor read its documents, nothing is asked. Issues nothing.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from shopapp.connections import circuit_breaker
from shopapp.connections.api_usage import Purpose
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_class, provider_of
from shopapp.documents import after_issue, figures, outcome
from shopapp.errors import AppError, RefusedError
from shopapp.fiscal.document import Issued
from shopapp.models import Account, Attempt, Document, FollowUp, Store, db, db_now, now
from shopapp.models.cause import SALE
from shopapp.models.document import ISSUED, ISSUING
from shopapp.models.store import INSTALLED
from shopapp.providers.base import Provider, SupportsDocumentState, SupportsListing

log = logging.getLogger(__name__)

AUDIT_INTERVAL = 86400.0
RETRY_INTERVAL = 3600.0
AUDIT_WINDOW = timedelta(days=30)
LISTING_DELAY = timedelta(hours=1)
"""How long after its issue a document may be missing from the provider's list."""
CLOCK_SKEW = timedelta(hours=12)
"""How far the provider's clock, or the time zone of its days, may be from ours."""
MAX_READS = 50
"""Documents read one by one a day, where there is no list: a plan may limit the calls per month."""
STATE_REFRESH_INTERVAL = timedelta(minutes=10)


def audit_due_account() -> int:
    """Audit at most one due account, as the provider may be slow; return how many were audited. Commits."""
    account = _take_due_account()
    if account is None:
        return 0
    try:
        audit_account(account, now() - AUDIT_WINDOW, reads="comfort")
    except AppError as error:
        db.session.rollback()
        log.warning("account %s: audit failed: %s", account.id, error.code)
        account.compared_at = now() - timedelta(seconds=AUDIT_INTERVAL - RETRY_INTERVAL)
        db.session.commit()
    return 1


def _take_due_account() -> Account | None:
    """Return an account that is due, marked as audited so that no other clock takes it. Commits."""
    due = or_(Account.compared_at.is_(None), Account.compared_at < db_now(-AUDIT_INTERVAL))
    well = (Store.state == INSTALLED) & Account.is_available() & Account.credentials_sealed.is_not(None)
    found = db.session.scalar(
        select(Account)
        .join(Store, Store.id == Account.store_id)
        .where(due, well)
        .order_by(Account.id)
        .limit(1)
    )
    taken = None
    if found is not None:
        taken = db.session.scalar(
            update(Account)
            .where(Account.id == found.id, due)
            .values(compared_at=db_now())
            .returning(Account.id)
        )
    db.session.commit()
    return found if taken else None


def audit_account(account: Account, since: datetime, reads: Purpose = "issuing") -> bool:
    """Record what the provider has issued since `since` and raise alarms. Commits. Raises the provider's errors.

    Return whether the provider listed all of it; where it has no list, the documents that we know are read one by
    one, for the purpose `reads`.
    """
    provider = provider_of(account, "issuing")
    db.session.commit()
    listed = (
        provider.list_by_reference_prefix("QI-", since) if isinstance(provider, SupportsListing) else None
    )
    if listed is None:
        _read_one_by_one(account, provider_of(account, reads))
        return False
    seen: set[str] = set()
    for reference, issued in listed:
        seen.add(reference)
        _compare_document(account, reference, issued)
    for document in _documents_expected_in_list(account, since):
        if document.reference not in seen:
            _flag_document(document, "gone")
    return True


def _compare_document(account: Account, reference: str, issued: Issued) -> None:
    """Compare one document of the provider with the row of its reference. Commits."""
    document = db.session.scalar(
        select(Document).where(Document.reference == reference).execution_options(populate_existing=True)
    )
    if document is None:
        document = _recreate_document(account, reference, issued)
    if document is None or document.store_id != account.store_id or document.state == ISSUING:
        # it belongs to another store at the same account, or an attempt that is under way records it
        db.session.commit()
    elif document.state == ISSUED and document.number == issued.number:
        _record_provider_state(document, issued)
    elif document.state == ISSUED and any(
        move.reason == "duplicate" and move.detail.get("number") == issued.number
        for move in document.transitions
    ):
        db.session.commit()
    else:
        document.account_id = document.account_id or account.id
        db.session.commit()
        log.warning("document %s: found at the provider as %s", document.id, issued.number)
        outcome.record_issued(document, issued, "search")


def _recreate_document(account: Account, reference: str, issued: Issued) -> Document | None:
    """Create the row of a document that we issued and that a restored backup lacks. Not committed."""
    parts = re.fullmatch(
        rf"QI-{account.store_id}-([^-]+)(?:-(dossier|transport|credit|reissue)(\d*))?", reference
    )
    if parts is None:
        return None
    order, word, count = parts.groups()
    cause = f"{word}:{count}" if count else word or SALE
    original = None if cause == SALE else Document.find(account.store_id, order)
    kind = {"credit": "NC", "transport": "GT", "dossier": "NE"}.get(word or "", "") or issued.number[:2]
    Document.create_if_absent(
        account.store, order, cause, account_id=account.id, original_id=original.id if original else None,
        kind=kind if kind.isalpha() and kind.isupper() else "", total=issued.storable_total,
    )  # fmt: skip
    return Document.find(account.store_id, order, cause)


def _record_provider_state(document: Document, issued: Issued) -> None:
    """Record the document's state at the provider; flag it once if it was annulled there. Commits."""
    if document.provider_state != issued.provider_state[:40]:
        document.provider_state, document.changed_at = issued.provider_state[:40], now()
    document.provider_state_at = now()
    if issued.provider_state == "annulled":
        _flag_document(document, "annulled")
    elif not document.alarm:
        figures.compare_again(document, issued)
    # it may be told only some time after the document
    after_issue.enqueue_transport_code(document, issued)
    db.session.commit()


def _flag_document(document: Document, alarm: str) -> None:
    """Raise the alarm and notify the merchant, once for each document and alarm. Commits."""
    if not any(move.reason == alarm for move in document.transitions):
        document.alarm, document.alarm_detail = alarm, {"number": document.number or ""}
        document.log_transition(ISSUED, ISSUED, alarm, {"number": document.number or ""})
        document.changed_at = now()
        FollowUp.notify_of_alarm(document)
        log.error("document %s: %s at the provider", document.id, alarm)
    db.session.commit()


def _documents_expected_in_list(account: Account, since: datetime) -> list[Document]:
    """Return the rows that the provider's list must contain: sent neither before the list begins nor just now."""
    sent = select(Attempt.id).where(Attempt.document_id == Document.id)
    before = sent.where(Attempt.started_at <= since + CLOCK_SKEW)
    rows = select(Document).where(
        Document.account_id == account.id, Document.state == ISSUED,
        Document.issued_at > since, Document.issued_at < now() - LISTING_DELAY, sent.exists(), ~before.exists(),
    )  # fmt: skip
    return list(db.session.scalars(rows))


def _read_one_by_one(account: Account, provider: Provider) -> None:
    """Read documents one by one, those read longest ago first. Commits."""
    if not isinstance(provider, SupportsDocumentState):
        return
    rows = (
        select(Document)
        .where(
            Document.account_id == account.id, Document.state == ISSUED, Document.provider_id != "",
            Document.issued_at > now() - AUDIT_WINDOW,
        )
        .order_by(Document.provider_state_at.asc().nulls_first(), Document.id)
    )  # fmt: skip
    documents = db.session.scalars(rows.limit(MAX_READS)).all()
    db.session.commit()
    for document in documents:
        _read_provider_state(provider, document)


def _read_provider_state(provider: SupportsDocumentState, document: Document) -> None:
    try:
        issued = provider.read_document(document.provider_id)
    except RefusedError as error:
        if error.code == "document-gone":
            _flag_document(document, "gone")
        return
    _record_provider_state(document, issued)


def request_state_refresh(document: Document) -> bool:
    """Enqueue reading the document's state at the provider, because somebody opened its page. Commits.

    Return False when it was read within ten minutes, or the provider can't be asked now.
    """
    is_due = _can_refresh_state(document)
    if is_due:
        FollowUp.enqueue_or_restart(document, "state")
        db.session.commit()
    return is_due


def _can_refresh_state(document: Document) -> bool:
    account, known = document.account, document.provider_state_at
    fresh = known is not None and known > now() - STATE_REFRESH_INTERVAL
    if account is None or fresh or document.state != ISSUED or not document.provider_id:
        return False
    return circuit_breaker.is_closed(account) and issubclass(
        provider_class(account.provider), SupportsDocumentState
    )


def refresh_state(document: Document) -> bool:
    """Read the document's state at the provider. Return whether it could be read. Commits.

    After a failure nothing changes: it is read when the page is opened again, or by the daily audit.
    """
    account = document.account
    if account is None or not _can_refresh_state(document):
        return False
    try:
        provider = require(provider_of(account, "comfort"), SupportsDocumentState)
        db.session.commit()
        _read_provider_state(provider, document)
    except AppError as error:
        db.session.rollback()
        log.warning("document %s: state not read: %s", document.id, error.code)
        return False
    return True
