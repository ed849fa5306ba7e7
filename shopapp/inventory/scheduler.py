"""Do background work on products and stock: one store at a time, in short steps, within each side's rate limit."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.exc import OperationalError

from shopapp import logs
from shopapp.connections import circuit_breaker
from shopapp.connections.settings import seconds_setting
from shopapp.connections.shop import record_lost_access
from shopapp.errors import AppError, CredentialsError, StoreAccessError, ThrottledError
from shopapp.inventory import bulk_create, catalogue, stock_runs, stock_sync
from shopapp.inventory.store_connections import StoreConnections
from shopapp.models import (
    Account,
    Product,
    StockReservation,
    Store,
    SyncedSku,
    SyncRun,
    cached_statement,
    db,
    db_now,
    now,
)
from shopapp.models.reservation import UNREAD
from shopapp.models.store import INSTALLED
from shopapp.models.sync_run import CATALOGUE_RUN, CREATE_RUN, FAILED, OPEN, STOCK_RUN, UNDO_RUN

log = logging.getLogger(__name__)

STEP_SECONDS = 2.0
"""How long one step works for a store before documents have their turn."""
MAX_TRIES = 12
"""Retries of one page after which a run fails."""
DAY_SECONDS = 86400.0


def run_step() -> bool:
    """Work for up to STEP_SECONDS on one store that has something due. Return whether anything was done. Commits."""
    store = _next_store()
    if store is None or not store.acquire_lease("stock", seconds_setting("LEASE_SECONDS")):
        return False
    logs.bind(store=store.id)
    db.session.refresh(store)
    lease = store.stock_lease_until
    connections = StoreConnections(store)
    db.session.commit()
    until, worked = time.monotonic() + STEP_SECONDS, False
    try:
        while time.monotonic() < until and _run_next_task(store, connections, until):
            worked = True
    except AppError as error:
        db.session.rollback()
        _record_failure(store, connections.last_account, error)
    except OperationalError:
        raise
    except Exception:
        # A bug here must not stop documents. The row being worked on is due again when its lease expires.
        db.session.rollback()
        log.exception("store %s: stock step failed", store.id)
    finally:
        db.session.rollback()
        store.release_lease("stock", lease)
    return worked


def _has_due_work() -> ColumnElement[bool]:
    """Return the condition that a store has something due."""
    unread_reservation = (StockReservation.state == UNREAD) & (StockReservation.not_before <= db_now())
    open_run = (SyncRun.state == OPEN) & (SyncRun.not_before <= db_now())
    return or_(
        exists().where(SyncedSku.store_id == Store.id, SyncedSku.due_at <= db_now()),
        exists().where(
            Product.store_id == Store.id,
            Product.stale_at <= db_now(),
            Account.store_id == Store.id,
            Account.active_until.is_(None),
        ),
        exists().where(StockReservation.store_id == Store.id, unread_reservation),
        exists().where(SyncRun.store_id == Store.id, open_run),
    )


@cached_statement
def _random_due_store() -> Select[Store]:
    free = or_(Store.stock_lease_until.is_(None), Store.stock_lease_until < db_now())
    due = select(Store).where(Store.state == INSTALLED, free, _has_due_work())
    return due.order_by(func.random()).limit(1)


def _next_store() -> Store | None:
    """Return a store that has something due and that no worker holds. Commits.

    The choice is random, so that a store with much work does not keep the others waiting.
    """
    found: Store | None = db.session.scalar(_random_due_store())
    db.session.commit()
    return found


def any_due() -> bool:
    """Return whether some store has something due and no worker holds it. Commits."""
    return _next_store() is not None


def _run_next_task(store: Store, connections: StoreConnections, until: float) -> bool:
    """Do the first task that is due: an order, a product, some SKUs, or a page of a run. Commits."""
    account = Account.find_current(store)
    db.session.commit()
    if catalogue.refresh_stale_reservation(store, account, connections.shop):
        return True
    if account is not None:
        rate_limiter = connections.rate_limiter(account)
        if catalogue.refresh_stale_product(account, connections.shop, rate_limiter):
            return True
    if stock_sync.sync_due_skus(store.id, connections, until):
        return True
    return _run_page(store, connections)


def _run_page(store: Store, connections: StoreConnections) -> bool:
    """Do the next page of an open run, if one is due. Return whether one was. Commits."""
    run = SyncRun.take(store.id, seconds_setting("LEASE_SECONDS"))
    if run is None:
        return False
    account = db.session.get_one(Account, run.account_id)
    db.session.commit()
    if account.active_until is not None or (run.kind == STOCK_RUN and not account.stock_direction):
        run.end(FAILED, "off")
        return True
    if run.tries > MAX_TRIES + 1:
        log.error("run %s failed: no worker finishes its page", run.id)
        run.end(FAILED, "internal")
        return True
    calls_before = connections.calls
    try:
        if run.kind == CATALOGUE_RUN:
            catalogue.run_catalogue_page(run, account, connections.shop, connections.rate_limiter(account))
        elif run.kind == STOCK_RUN:
            stock_runs.run_stock_page(run, account, connections.provider(account))
        elif run.kind == CREATE_RUN:
            bulk_create.run_bulk_create_page(run, account, connections.rate_limiter(account))
        elif run.kind == UNDO_RUN:
            stock_runs.run_undo_page(run)
    except AppError as error:
        db.session.rollback()
        _record_run_failure(run, error)
        raise
    run.record_page_done(connections.calls - calls_before)
    db.session.commit()
    return True


def _record_run_failure(run: SyncRun, error: AppError) -> None:
    """Schedule the page again, or end the run after MAX_TRIES. Commits."""
    if run.tries > MAX_TRIES:
        run.end(FAILED, error.code)
        return
    delay = seconds_setting("RETRY_SECONDS") * 2 ** min(run.tries - 1, 5)
    if isinstance(error, ThrottledError) and error.retry_after:
        delay = max(error.retry_after, 1.0)
    run.save_progress(delay, reason=error.code, detail=dict(error.detail))
    db.session.commit()


def _record_failure(store: Store, account: Account | None, error: AppError) -> None:
    """Log the failure and record refused credentials. Commits.

    The task is due again when its lease expires.
    """
    log.warning("store %s: stock step ended by %s", store.id, error.code)
    if isinstance(error, StoreAccessError):
        record_lost_access(store, error.refused_token)
    elif isinstance(error, CredentialsError) and account is not None:
        circuit_breaker.record_failure(account, error)


# runs that the clock starts


def start_due_runs() -> int:
    """Start the runs that are due: stock every few minutes, the whole catalogue once a day. Commits.

    Return how many were started.
    """
    installed = select(Account).join(Store).where(Account.active_until.is_(None), Store.state == INSTALLED)
    syncing = [account for account in db.session.scalars(installed) if account.stock_direction]
    db.session.commit()
    started = 0
    for account in syncing:
        if account.refused_at is None:
            started += _start_due_run(account)
            db.session.commit()
    return started


def _start_due_run(account: Account) -> bool:
    """Start the catalogue or the stock run that the account is due for, if any. Not committed."""
    last_catalogue_run = SyncRun.last(account.id, CATALOGUE_RUN)
    if last_catalogue_run is None or not catalogue.is_catalogue_current(account):
        started = catalogue.start_catalogue_run(account, "setup")
        if started:
            # Read the open orders before any quantity is set: otherwise the shop would sell their pieces again.
            stock_runs.mark_open_orders_stale(account)
        return started
    if last_catalogue_run.state != OPEN and _seconds_since(last_catalogue_run.begun_at) > DAY_SECONDS:
        return catalogue.start_catalogue_run(account, "clock")
    if not SyncRun.has_read_catalogue(account.id):
        return False
    due_at = stock_runs.next_stock_run_at(account)
    if due_at is None or due_at < now():
        return stock_runs.start_stock_run(account, "clock")
    return False


def _seconds_since(moment: datetime) -> float:
    return (now() - moment).total_seconds()
