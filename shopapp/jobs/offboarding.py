"""Uninstall stores that left: void what is pending, wipe what is kept, and restore it after a reinstall.

Thirty days without access and without a webhook count as an uninstall. The credentials of a provider are wiped only
when none of its documents is in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select

from shopapp.documents import outcome
from shopapp.logs import log_event
from shopapp.models import Account, Document, FollowUp, Store, Webhook, db, now
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUING, PENDING, REVIEW, VOID, WAITING
from shopapp.models.followup import DUE
from shopapp.models.store import INSTALLED, REAUTHORISE, UNINSTALLED

SILENCE_LIMIT = timedelta(days=30)
ESCALATE_AFTER = timedelta(hours=72)
"""How long a document may be in doubt while its store is uninstalled, its account disconnected or its keys refused;
then a person decides. So long the keys of a disconnected account wait for what was begun.
"""
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
    left = ((Store.state == UNINSTALLED) & (Store.uninstalled_at < until)) | (Account.disconnected_at < until)
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
    """Wipe the credentials of accounts that their merchant left and nothing needs; return how many. Commits.

    The store is uninstalled, or the merchant disconnected the account.
    """
    left = (Store.state == UNINSTALLED) | Account.disconnected_at.is_not(None)
    rows = (
        select(Account)
        .join(Store, Store.id == Account.store_id)
        .where(left, Account.credentials_sealed.is_not(None), ~_is_needed())
        .with_for_update(of=Account, skip_locked=True)
    )
    found = db.session.scalars(rows.limit(_BATCH)).all()
    for account in found:
        account.credentials, account.tails = None, {}
        log_event("credentials-wiped", store=account.store_id, account=account.id)
    db.session.commit()
    return len(found)


def _is_needed() -> ColumnElement[bool]:
    """Return the condition that an account is needed to end what was begun with it."""
    uses = or_(Document.account_id == Account.id, Document.draft_account_id == Account.id)
    unsure = select(Document.id).where(uses, Document.state.in_((ISSUING, IN_DOUBT)))
    due = select(FollowUp.id).where(FollowUp.document_id == Document.id, FollowUp.state == DUE)
    is_recent = Account.disconnected_at > now() - ESCALATE_AFTER
    begun = select(Document.id).where(uses, is_recent, or_(Document.state == PENDING, due.exists()))
    return or_(unsure.exists(), begun.exists())
