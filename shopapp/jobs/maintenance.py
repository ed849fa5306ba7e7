"""Find what no webhook announces: expired leases, missed orders, missing webhooks, rows that may be deleted.

Safe to run twice at once, and in bounded batches. Issues nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Select, func, select, update

from shopapp import logs
from shopapp.connections.shop import platform_class, record_lost_access
from shopapp.connections.subscriptions import (
    platforms_without_webhooks,
    reread_webhook_token,
    subscribe_webhooks,
)
from shopapp.documents import order_changes, outcome
from shopapp.errors import AppError, OrderError, StoreAccessError
from shopapp.models import (
    Attempt,
    BrowserSession,
    Document,
    DocumentPdf,
    Heartbeat,
    LoginAttempt,
    OneTimeToken,
    Sale,
    SignInRequest,
    StockReservation,
    Store,
    Transition,
    Webhook,
    cached_statement,
    db,
    document_queue,
    now,
    record_facts,
)
from shopapp.models.base import execute_update
from shopapp.models.document import IN_DOUBT, ISSUED, REVIEW
from shopapp.models.lease import MAX_TAKES
from shopapp.orders import polling
from shopapp.platforms.base import SupportsProducts, SupportsWebhookSecret

log = logging.getLogger(__name__)

T = TypeVar("T")

CLEAN_INTERVAL = 3600.0
WEBHOOK_LEASE_SECONDS = 60.0
POLL_LEASE_SECONDS = 120.0
UNHEARD_POLL_SECONDS = 30.0
"""How often a store without webhooks is polled at most; a tenth of the usual interval where that is longer."""
POLL_BUDGET_SECONDS = 20.0
"""Seconds of a tick of the clock after which no further store is polled."""


def expire_leases() -> int:
    """Mark documents as in doubt whose worker died while sending; return how many. Commits."""
    count = 0
    for document in document_queue.expired_leases():
        Attempt.end(document.id, document.attempt, "unknown", "worker-died")
        outcome.mark_uncertain(document, "worker-died", {})
        if document.state == IN_DOUBT and Attempt.count_worker_deaths(document.id) >= MAX_TAKES:
            # every worker that sends it dies
            outcome.require_merchant(document, REVIEW, "worker-died")
        count += 1
    db.session.commit()
    return count


def check_webhooks(every: float) -> int:
    """Check the webhooks of due stores, and fix missing, duplicate or paused ones; return how many stores. Commits."""
    due = Store.due_for_webhook_check(every)
    db.session.commit()
    for store in due:
        if store.acquire_lease("hooks", min(WEBHOOK_LEASE_SECONDS, every)):
            _run_for_store(store, "hooks", partial(_check_store_webhooks, store))
    return len(due)


def _check_store_webhooks(store: Store) -> None:
    first = store.hooks_checked_at is None
    fixed = subscribe_webhooks(store)
    if fixed and not first:
        _record_webhook_repair(store, fixed)


def _record_webhook_repair(store: Store, what: str) -> None:
    """Record what was wrong with the webhooks and when it was fixed, to show the merchant. Commits."""
    store.hooks_problem, store.hooks_problem_at = what, now()
    store.unheard, store.unheard_at = 0, None
    db.session.commit()
    log.warning("store %s: webhooks were %s and are fixed", store.id, what)


def resubscribe_silent_webhooks(seconds: float) -> int:
    """Recreate the webhooks of stores whose paid orders no webhook announced; return how many stores. Commits.

    A platform need not show that it paused a webhook (Jumpseller's API is not known to), so silence is the sign.
    """
    resubscribed = 0
    due = Store.with_unannounced_orders(seconds)
    db.session.commit()
    for store in due:
        # a platform pauses events one by one, and our own changes to products cause webhooks too
        platform = platform_class(store.platform)
        products = platform.product_events if issubclass(platform, SupportsProducts) else ()
        if store.unheard_at is None or Webhook.exists_since(
            store.id, store.unheard_at, except_events=products
        ):
            # one webhook was lost, but others come
            store.unheard, store.unheard_at = 0, None
            db.session.commit()
        elif store.acquire_lease("hooks", min(WEBHOOK_LEASE_SECONDS, seconds)):
            resubscribed += _run_for_store(store, "hooks", partial(_resubscribe_store_webhooks, store)) or 0
    return resubscribed


def _resubscribe_store_webhooks(store: Store) -> int:
    subscribe_webhooks(store, recreate=True)
    _record_webhook_repair(store, "silent")
    return 1


def reread_webhook_tokens() -> None:
    """Read the webhook token again of stores whose webhooks had a wrong signature, or tell the merchant. Commits."""
    refused = db.session.scalars(
        select(Store).where(Store.refused_hooks > 0, Store.state == "installed")
    ).all()
    db.session.commit()
    for store in refused:
        _run_for_store(store, "token", partial(reread_webhook_token, store))
        if not issubclass(platform_class(store.platform), SupportsWebhookSecret):
            # only the merchant knows the right one
            store.hooks_problem, store.hooks_problem_at = "refused", now()
        store.refused_hooks = 0
        db.session.commit()


def poll_due_stores(every: float) -> int:
    """Poll the orders of due stores; return how many orders no webhook had announced. Commits."""
    found, until = 0, time.monotonic() + POLL_BUDGET_SECONDS
    sooner = min(every, max(every / 10, UNHEARD_POLL_SECONDS))
    due = Store.due_for_polling(every, sooner, platforms_without_webhooks())
    db.session.commit()
    for store in due:
        # a shop that fails is polled again when its lease is over, and a slow one never delays the clock for
        # long
        if time.monotonic() < until and store.acquire_lease("reconcile", min(POLL_LEASE_SECONDS, every)):
            found += _run_for_store(store, "reconcile", partial(polling.poll_orders, store)) or 0
    return found


def flag_cancelled() -> int:
    """Flag issued documents whose order was cancelled while they were sent; return how many. Commits."""
    rows = db.session.scalars(_unflagged_cancelled()).all()
    for document in rows:
        order_changes.apply_cancellation(document)
    db.session.commit()
    return len(rows)


@cached_statement
def _unflagged_cancelled() -> Select[Document]:
    """Select issued documents whose order is cancelled, and that were never flagged for it."""
    is_cancel_flag = Transition.reason.in_(("cancelled-after", "unpaid-after", "note-cancelled"))
    flagged = select(Transition.id).where(Transition.document_id == Document.id, is_cancel_flag)
    return (
        select(Document)
        .join(Sale, (Sale.store_id == Document.store_id) & (Sale.order_id == Document.order_id))
        .where(
            Document.state == ISSUED,
            Document.kind != "NC",
            Sale.cancelled_at.is_not(None),
            ~flagged.exists(),
        )
        .limit(50)
    )


def delete_expired_rows() -> None:
    """Once an hour, delete the bodies of old webhooks, expired tokens and other rows past their time. Commits."""
    if not Heartbeat.beat_if_due("clean", CLEAN_INTERVAL):
        return
    Webhook.wipe_old_bodies()
    OneTimeToken.delete_expired()
    SignInRequest.delete_old()
    BrowserSession.delete_ended()
    LoginAttempt.delete_old()
    StockReservation.delete_old()
    DocumentPdf.delete_old()
    db.session.commit()


def mark_older_distance_sales(limit: int = 200) -> int:
    """Mark distance sales among the documents that earlier releases issued, some at a time; return how many. Commits.

    Only once: the heartbeat says up to which document this is done.
    """

    def mark(rows: Sequence[Document]) -> int:
        found = [
            one.id for one in rows if one.draft is not None and document_queue.is_distance_sale(one.draft)
        ]
        execute_update(update(Document).where(Document.id.in_(found)).values(is_distance_sale=True))
        return len(found)

    return _for_older_documents("older-distance-sales", mark, limit)


def record_older_facts(limit: int = 200) -> int:
    """Store payments and warnings of documents that earlier releases issued, some at a time; return how many. Commits.

    Only once, as above.
    """

    def record(rows: Sequence[Document]) -> int:
        drafts = [(one.id, one.draft) for one in rows if one.state == ISSUED]
        for document_id, draft in drafts:
            if draft is not None:
                record_facts(document_id, draft)
        return len(drafts)

    return _for_older_documents("older-facts", record, limit)


def _for_older_documents(task: str, act: Callable[[Sequence[Document]], int], limit: int) -> int:
    """Do it for the next of those documents that there were when the task began; return what it returns. Commits."""
    beat = db.session.get(Heartbeat, task, populate_existing=True)
    note = (
        beat.read_note()
        if beat
        else {"done": 0, "last": db.session.scalar(select(func.max(Document.id))) or 0}
    )
    if beat and note["done"] >= note["last"]:
        db.session.rollback()
        return 0
    part = select(Document).where(Document.id > note["done"], Document.id <= note["last"])
    rows = db.session.scalars(part.order_by(Document.id).limit(limit)).all()
    count = act(rows)
    Heartbeat.beat(task, done=rows[-1].id if rows else note["last"], last=note["last"])
    return count


def _run_for_store(store: Store, what: str, act: Callable[[], T]) -> T | None:
    """Return what `act` returns, or None when it failed: one store's failure is logged and never stops the others."""
    logs.begin(store=store.id)
    try:
        return act()
    except StoreAccessError as error:
        db.session.rollback()
        record_lost_access(store, error.refused_token)
    except (AppError, OrderError) as error:
        db.session.rollback()
        log.warning("store %s: %s failed: %s", store.id, what, error.code)
    except Exception:
        db.session.rollback()
        log.exception("store %s: %s failed", store.id, what)
    finally:
        logs.begin()
    return None
