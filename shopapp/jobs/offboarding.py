"""Uninstall stores that left: void what is pending, wipe what is kept, and restore it after a reinstall.

Thirty days without access and without a webhook count as an uninstall. The credentials of a provider are wiped only
when none of its documents is in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from shopapp.documents import outcome
from shopapp.logs import log_event
from shopapp.models import Account, Document, Store, Webhook, db, now
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUING, PENDING, REVIEW, VOID, WAITING
from shopapp.models.store import INSTALLED, REAUTHORISE, UNINSTALLED

SILENCE_LIMIT = timedelta(days=30)
ESCALATE_AFTER = timedelta(hours=72)
"""How long a document may be in doubt while its store is uninstalled or its keys are refused; then a person decides."""
_BATCH = 200


def uninstall_silent_stores() -> int:
    """Uninstall stores that have been without access and webhooks for SILENCE_LIMIT; return how many. Commits."""
    count = 0
    lost = select(Store).where(Store.state == REAUTHORISE, Store.lost_at < now() - SILENCE_LIMIT)
    for store in db.session.scalars(lost.limit(_BATCH)).all():
        if not Webhook.exists_since(store.id, now() - SILENCE_LIMIT):
            uninstall_store(store)
            count += 1
    db.session.commit()
    return count


def uninstall_store(store: Store) -> None:
    """Mark the store as uninstalled, wipe its tokens and end its sessions. Commits."""
    store.state, store.uninstalled_at = UNINSTALLED, now()
    store.installation += 1
    store.access_token = store.refresh_token = store.hooks_token = None
    db.session.commit()
    log_event("store-uninstalled", store=store.id)


def void_pending() -> int:
    """Void what uninstalled stores still had to issue; return how many documents. Commits."""
    to_issue = Document.state.in_((PENDING, WAITING, BLOCKED))
    documents = _documents_of(Store.state == UNINSTALLED, to_issue)
    count = sum(outcome.void_document(document, "uninstalled") for document in documents)
    db.session.commit()
    return count


def restore_after_reinstall() -> int:
    """Let voided documents wait for the merchant, as the store is back; return how many. Commits."""
    back = (
        (Store.state == INSTALLED)
        & (Store.installed_at > now() - timedelta(days=1))
        & (Store.installation > 1)
    )
    documents = _documents_of(back, (Document.state == VOID) & (Document.reason == "uninstalled"))
    count = sum(document.transition(WAITING, "older") for document in documents)
    db.session.commit()
    return count


def _documents_of(stores: ColumnElement[bool], documents: ColumnElement[bool]) -> Sequence[Document]:
    ids = list(db.session.scalars(select(Store.id).where(stores)))
    if not ids:
        return []
    return db.session.scalars(
        select(Document).where(Document.store_id.in_(ids), documents).limit(_BATCH)
    ).all()


def escalate_uncertain() -> int:
    """Send documents to review that could not be looked up for ESCALATE_AFTER; return how many. Commits."""
    until = now() - ESCALATE_AFTER
    left = (Store.state == UNINSTALLED) & (Store.uninstalled_at < until)
    rows = (
        select(Document)
        .join(Store, Store.id == Document.store_id)
        .join(Account, Account.id == Document.account_id)
        .where(Document.state == IN_DOUBT, left | (Account.refused_at < until))
    )
    found = db.session.scalars(rows.limit(_BATCH)).all()
    return sum(
        outcome.require_merchant(document, REVIEW, document.reason, dict(document.detail))
        for document in found
    )


def wipe_credentials() -> int:
    """Wipe the credentials of uninstalled stores' accounts with nothing in doubt; return how many accounts. Commits."""
    open_still = select(Document.id).where(
        Document.account_id == Account.id, Document.state.in_((ISSUING, IN_DOUBT))
    )
    rows = (
        select(Account)
        .join(Store, Store.id == Account.store_id)
        .where(Store.state == UNINSTALLED, Account.credentials_sealed.is_not(None), ~open_still.exists())
    )
    found = db.session.scalars(rows.limit(_BATCH)).all()
    for account in found:
        account.credentials, account.tails = None, {}
        log_event("credentials-wiped", store=account.store_id, account=account.id)
    db.session.commit()
    return len(found)
