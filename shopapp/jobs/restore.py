"""Hold all issuing after a backup was restored, until each provider was asked what it has issued since.

What a provider can't list goes to review. Issues nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from shopapp.connections.provider import provider_of
from shopapp.documents import audit
from shopapp.errors import AppError, OrderError
from shopapp.models import Account, Document, FollowUp, Heartbeat, Store, db, now
from shopapp.models.document import BLOCKED, PENDING, REVIEW, WAITING
from shopapp.models.heartbeat import ISSUING_HOLD
from shopapp.models.store import INSTALLED
from shopapp.orders import polling
from shopapp.providers.base import IssueGuarantee

log = logging.getLogger(__name__)

MARGIN = timedelta(days=1)
MAX_LOOKBACK = timedelta(days=30)


def hold_issuing() -> None:
    """Let no document be issued or looked up until `verify_restore` succeeds. Commits."""
    if db.session.get(Heartbeat, ISSUING_HOLD) is None:
        beat = db.session.get(Heartbeat, "clock")
        Heartbeat.beat(ISSUING_HOLD, since=beat.beat_at.isoformat() if beat else "")


def verify_restore() -> list[str]:
    """Compare each store with its shop and its providers; end the hold when all could be compared. Commits.

    Return a line for each store that could not.
    """
    hold_issuing()
    since = _audit_since()
    failed = []
    for number in db.session.scalars(
        select(Store.id).where(Store.state == INSTALLED).order_by(Store.id)
    ).all():
        store = db.session.get_one(Store, number)
        db.session.commit()
        try:
            _verify_store(store, since)
        except (AppError, OrderError) as error:
            db.session.rollback()
            failed.append(f"{store.platform} {store.code}: {error.code}")
    if not failed:
        db.session.execute(delete(Heartbeat).where(Heartbeat.name == ISSUING_HOLD))
        db.session.commit()
    return failed


def _audit_since() -> datetime:
    """Return the time from which the provider may know more than we do: the backup's last clock tick minus a margin."""
    held = db.session.get_one(Heartbeat, ISSUING_HOLD)
    last = held.read_note().get("since")
    return (datetime.fromisoformat(last) if last else now() - MAX_LOOKBACK) - MARGIN


def _verify_store(store: Store, since: datetime) -> None:
    """Compare the store's orders and its accounts' documents; send to review what no provider lists. Commits."""
    accounts = db.session.scalars(
        select(Account).where(Account.store_id == store.id, Account.credentials_sealed.is_not(None))
    ).all()
    db.session.commit()
    unsure = [account for account in accounts if not _is_safe_to_issue(account, since)]
    if store.ready_at is not None:
        # orders placed since the backup become rows again before anyone decides about them
        store.reconciled_at, store.combed_at = min(since, store.reconciled_at or since), None
        db.session.commit()
        polling.poll_orders(store)
    for account in unsure:
        _send_to_review(account)


def _is_safe_to_issue(account: Account, since: datetime) -> bool:
    """Return whether nothing can be issued twice: the provider lists all that it issued, or takes a key only once."""
    by_key = provider_of(account, "issuing").guarantee is IssueGuarantee.IDEMPOTENT
    db.session.commit()
    return audit.audit_account(account, since) or by_key


def _send_to_review(account: Account) -> None:
    """Send to review what may have been issued after the backup: the merchant looks before it is issued. Commits."""
    of_account = Document.account_id == account.id
    if account.active_until is None:
        of_account = or_(of_account, Document.account_id.is_(None))
    due = or_(
        Document.state.in_((PENDING, BLOCKED)),
        (Document.state == WAITING) & (Document.reason == "automatic-off"),
    )
    rows = select(Document).where(Document.store_id == account.store_id, of_account, due)
    for document in db.session.scalars(rows).all():
        if document.state != PENDING and not document.transition(PENDING, "restored"):
            continue
        if document.transition(REVIEW, "restored", account_id=account.id):
            FollowUp.enqueue(document, "notice", number=document.attempt + 1)
    db.session.commit()
