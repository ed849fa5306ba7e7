"""What nobody rang for: leases that ran out, orders that no hook announced, hooks that went missing, old bodies.

Called by `jobs` from the clock and the workers; safe to run twice at once. Bounded batches; sends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import select

from shopapp import connect, opening, settling
from shopapp.fiscal.errors import AppError, CredentialsError, OrderError
from shopapp.models import Attempt, Document, Hook, Move, Sale, Store, Ticket, db, now
from shopapp.models.states import IN_DOUBT, ISSUED, MOST_TAKES, PENDING, REVIEW, WAITING

log = logging.getLogger("quickinvoice.sweeping")

T = TypeVar("T")

OVERLAP = timedelta(days=3)
HOOK_LEASE = 60.0


def expire_leases() -> int:
    """How many documents lost their worker in mid-send and are now in doubt (or wait for a person). Commits."""
    count = 0
    for document in Document.expired():
        Attempt.end(document.id, document.attempt, "unknown", "worker-died")
        settling.doubt(document, "worker-died", {})
        if document.state == IN_DOUBT and Attempt.deaths(document.id) >= MOST_TAKES:
            # it kills whoever sends it
            settling.moved(document, REVIEW, "worker-died", notice=True)
        count += 1
    db.session.commit()
    return count


def watch_hooks(every: float) -> int:
    """How many stores had their hooks checked, and mended where they were missing, doubled or paused. Commits."""
    due = Store.due_for_hooks(every)
    db.session.commit()
    for store in due:
        if store.lease("hooks", HOOK_LEASE):
            _for_store(store, "hooks", partial(_listen, store))
    return len(due)


def _listen(store: Store) -> None:
    first = store.hooks_checked_at is None
    mended = connect.listen(store)
    if mended and not first:
        store.hooks_problem = mended
        db.session.commit()
        log.warning("store %s: hooks were %s and are mended", store.id, mended)


def reread_tokens() -> None:
    """Nothing; where signatures were refused, the store's hooks token is read again (at most once in ten minutes)."""
    refused = db.session.scalars(
        select(Store).where(Store.refused_hooks > 0, Store.state == "installed")
    ).all()
    db.session.commit()
    for store in refused:
        _for_store(store, "token", partial(connect.reread_hooks_token, store))
        store.refused_hooks = 0
        db.session.commit()


def reconcile(every: float) -> int:
    """How many orders were found that no hook announced. Commits."""
    found = 0
    due = Store.due_for_reconciling(every)
    db.session.commit()
    for store in due:
        found += _for_store(store, "reconcile", partial(_compare, store)) or 0
    return found


def _compare(store: Store) -> int:
    """How many paid orders of the store had no row: they have one now. Reads the newest pages, then the unpaid ones."""
    since = max(store.reconciled_at or store.installed_at, store.installed_at) - OVERLAP
    began, found = now(), 0
    db.session.commit()
    for summary in connect.platform_of(store).paid_orders(since):
        if Document.of(store.id, summary.order_id) is None and opening.owe(store, summary.order_id):
            found += 1
        db.session.commit()
    _unpaid(store, began)
    store.reconciled_at = began
    db.session.commit()
    return found


def _unpaid(store: Store, began: datetime) -> None:
    """Nothing; documents that wait for payment are read again when they are young enough to be paid yet."""
    rows = db.session.scalars(
        select(Document).where(
            Document.store_id == store.id,
            Document.state == WAITING,
            Document.reason == "unpaid",
            Document.created_at > began - timedelta(days=60),
        )
    ).all()
    for document in rows:
        document.move(PENDING)
    db.session.commit()


def notice_cancelled() -> int:
    """How many issued documents turned out to answer an order cancelled while they were sent: each is flagged."""
    noted = select(Move.id).where(Move.document_id == Document.id, Move.reason == "cancelled-after")
    rows = db.session.scalars(
        select(Document)
        .join(Sale, (Sale.store_id == Document.store_id) & (Sale.order_id == Document.order_id))
        .where(
            Document.state == ISSUED,
            Document.kind != "NC",
            Sale.cancelled_at.is_not(None),
            ~noted.exists(),
        )
        .limit(50)
    ).all()
    for document in rows:
        opening.cancelled(document)
    db.session.commit()
    return len(rows)


def clean() -> None:
    """Nothing; bodies of old hooks and used tickets go. Commits."""
    Hook.wipe_old_bodies()
    Ticket.sweep()
    db.session.commit()


def _for_store(store: Store, what: str, act: Callable[[], T]) -> T | None:
    """What `act` gives; a failure of one store is logged and never stops the others."""
    try:
        return act()
    except CredentialsError:
        db.session.rollback()
        connect.lost_access(store)
    except (AppError, OrderError) as error:
        db.session.rollback()
        log.warning("store %s: %s failed: %s", store.id, what, error.code)
    except Exception:
        db.session.rollback()
        log.exception("store %s: %s failed", store.id, what)
    return None
