"""What nobody rang for: leases that ran out, orders that no hook announced, hooks that went missing, old bodies.

Called by `jobs` from the clock and the workers; safe to run twice at once. Bounded batches; sends nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import select

from shopapp import connect, opening, reconciling, settling
from shopapp.fiscal.errors import AppError, CredentialsError, OrderError
from shopapp.models import Attempt, Document, Hook, Knock, Move, Ordered, Pulse, Sale, Store, Ticket, db, now
from shopapp.models.states import IN_DOUBT, ISSUED, MOST_TAKES, REVIEW

log = logging.getLogger("quickinvoice.sweeping")

T = TypeVar("T")

CLEAN_EVERY = 3600.0
HOOK_LEASE = 60.0
RECONCILE_LEASE = 120.0
RECONCILE_BEAT = 20.0
"""Seconds after which one beat of the clock begins no further store."""


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
        if store.lease("hooks", min(HOOK_LEASE, every)):
            _for_store(store, "hooks", partial(_listen, store))
    return len(due)


def _listen(store: Store) -> None:
    first = store.hooks_checked_at is None
    mended = connect.listen(store)
    if mended and not first:
        _mended(store, mended)


def _mended(store: Store, what: str) -> None:
    """Nothing; what was wrong with the hooks and when it was mended is kept for the merchant to read. Commits."""
    store.hooks_problem, store.hooks_problem_at = what, now()
    store.unheard, store.unheard_at = 0, None
    db.session.commit()
    log.warning("store %s: hooks were %s and are mended", store.id, what)


def wake_silent_hooks(seconds: float) -> int:
    """How many stores had their hooks made anew because paid orders came and no hook did. Commits.

    A platform need not show that it paused a hook (Jumpseller's API is not known to), so silence is the sign.
    """
    woken = 0
    due = Store.unheard_for(seconds)
    db.session.commit()
    for store in due:
        # each event is paused alone, and what we do to products ourselves is told too
        products = connect.platform_class(store.platform).product_events
        if store.unheard_at is None or Hook.any_since(store.id, store.unheard_at, but=products):
            # one was lost, the others come
            store.unheard, store.unheard_at = 0, None
            db.session.commit()
        elif store.lease("hooks", min(HOOK_LEASE, seconds)):
            woken += _for_store(store, "hooks", partial(_listen_anew, store)) or 0
    return woken


def _listen_anew(store: Store) -> int:
    connect.listen(store, anew=True)
    _mended(store, "silent")
    return 1


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
    found, until = 0, time.monotonic() + RECONCILE_BEAT
    due = Store.due_for_reconciling(every)
    db.session.commit()
    for store in due:
        # a shop that fails is asked again when its lease is over, and a slow one never stops the clock for long
        if time.monotonic() < until and store.lease("reconcile", min(RECONCILE_LEASE, every)):
            found += _for_store(store, "reconcile", partial(reconciling.compare, store)) or 0
    return found


def notice_cancelled() -> int:
    """How many issued documents turned out to answer an order cancelled while they were sent: each is flagged."""
    told = Move.reason.in_(("cancelled-after", "note-cancelled"))
    noted = select(Move.id).where(Move.document_id == Document.id, told)
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
    """Nothing; once an hour bodies of old hooks, used tickets and old knocks go. Commits."""
    if not Pulse.due("clean", CLEAN_EVERY):
        return
    Hook.wipe_old_bodies()
    Ticket.sweep()
    Knock.sweep()
    Ordered.forget()
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
