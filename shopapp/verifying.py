"""After a backup was restored: nothing is issued before each provider was asked what it issued since.

Called by the commands `flask hold` and `flask verify`. What no provider can tell waits for a person. Issues nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from shopapp import comparing, connect, reconciling
from shopapp.fiscal.errors import AppError, OrderError
from shopapp.models import Account, Document, FollowUp, Pulse, Store, db, now
from shopapp.models.states import BLOCKED, PENDING, REVIEW, WAITING
from shopapp.models.store import INSTALLED
from shopapp.models.ticket import HOLD
from shopapp.providers.base import Once

log = logging.getLogger("quickinvoice.verifying")

MARGIN = timedelta(days=1)
LONGEST = timedelta(days=30)


def hold() -> None:
    """Nothing; no document is issued and no doubt resolved until `verify` has found all well. Commits."""
    if db.session.get(Pulse, HOLD) is None:
        beat = db.session.get(Pulse, "clock")
        Pulse.beat(HOLD, since=beat.beat_at.isoformat() if beat else "")


def verify() -> list[str]:
    """What could not be compared, a line for each store; when there is none issuing goes on. Commits."""
    hold()
    since = _since()
    failed = []
    for number in db.session.scalars(
        select(Store.id).where(Store.state == INSTALLED).order_by(Store.id)
    ).all():
        store = db.session.get_one(Store, number)
        db.session.commit()
        try:
            _verify(store, since)
        except (AppError, OrderError) as error:
            db.session.rollback()
            failed.append(f"{store.platform} {store.code}: {error.code}")
    if not failed:
        db.session.execute(delete(Pulse).where(Pulse.name == HOLD))
        db.session.commit()
    return failed


def _since() -> datetime:
    """From when on the provider may know more than we do: the last beat before we were stopped, and a day."""
    held = db.session.get_one(Pulse, HOLD)
    last = held.told().get("since")
    return (datetime.fromisoformat(last) if last else now() - LONGEST) - MARGIN


def _verify(store: Store, since: datetime) -> None:
    """Nothing; the store's orders and each of its accounts' documents are compared, the rest is left to a person."""
    accounts = db.session.scalars(
        select(Account).where(Account.store_id == store.id, Account.credentials_sealed.is_not(None))
    ).all()
    db.session.commit()
    unsure = [account for account in accounts if not _told(account, since)]
    if store.ready_at is not None:
        # orders that came since are rows again before anyone decides about them
        store.reconciled_at, store.combed_at = min(since, store.reconciled_at or since), None
        db.session.commit()
        reconciling.compare(store)
    for account in unsure:
        _leave_to_a_person(account)


def _told(account: Account, since: datetime) -> bool:
    """True when nothing of this account can be issued twice: its provider told all, or takes a key only once."""
    by_key = connect.provider_of(account).once is Once.BY_KEY
    db.session.commit()
    return comparing.compare(account, since) or by_key


def _leave_to_a_person(account: Account) -> None:
    """Nothing; what is not issued as far as we know may have been: the merchant looks before it is. Commits."""
    mine = Document.account_id == account.id
    if account.active_until is None:
        mine = or_(mine, Document.account_id.is_(None))
    due = or_(
        Document.state.in_((PENDING, BLOCKED)),
        (Document.state == WAITING) & (Document.reason == "automatic-off"),
    )
    rows = select(Document).where(Document.store_id == account.store_id, mine, due)
    for document in db.session.scalars(rows).all():
        if document.state != PENDING and not document.move(PENDING, "restored"):
            continue
        if document.move(REVIEW, "restored", account_id=account.id):
            FollowUp.owe(document, "notice", number=document.attempt + 1)
    db.session.commit()
