"""The work on products and stock that nobody waits for: store by store, a little at a time, at each side's own pace.

Called by `jobs`: workers do a step, the clock begins what is due. One worker at a time is at a store's goods. What is
to be done stands in the rows; a worker that dies leaves them as they are.
"""

from __future__ import annotations

import logging
import time

from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import OperationalError

from shopapp.connections import circuit_breaker
from shopapp.connections.settings import seconds_setting
from shopapp.connections.shop import record_lost_access
from shopapp.errors import AppError, CredentialsError, StoreAccessError, ThrottledError
from shopapp.inventory import bulk_create, catalogue, stock_runs, stock_sync
from shopapp.inventory.store_connections import StoreConnections
from shopapp.models import Account, Product, StockReservation, Store, SyncedSku, SyncRun, db, db_now, now
from shopapp.models.reservation import UNREAD
from shopapp.models.store import INSTALLED
from shopapp.models.sync_run import CATALOGUE_RUN, CREATE_RUN, FAILED, OPEN, STOCK_RUN, UNDO_RUN

log = logging.getLogger("quickinvoice.goods")

STEP_SECONDS = 2.0
"""How long one step stays with a store; then documents have their turn."""
MAX_TRIES = 12
DAY_SECONDS = 86400.0


def run_step() -> bool:
    """Work for up to STEP_SECONDS on one store that has something due. Return whether anything was done. Commits."""
    store = _next_store()
    if store is None or not store.acquire_lease("stock", seconds_setting("LEASE_SECONDS")):
        return False
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


def _due_conditions(store_id: object) -> list[object]:
    present = Account.store_id == store_id, Account.active_until.is_(None)
    return [
        exists().where(SyncedSku.store_id == store_id, SyncedSku.due_at <= db_now()),
        exists().where(Product.store_id == store_id, Product.stale_at <= db_now(), *present),
        exists().where(
            StockReservation.store_id == store_id,
            StockReservation.state == UNREAD,
            StockReservation.not_before <= db_now(),
        ),
        exists().where(SyncRun.store_id == store_id, SyncRun.state == OPEN, SyncRun.not_before <= db_now()),
    ]


def _next_store() -> Store | None:
    """Return a store that has something due and that no worker holds. Commits.

    The choice is random, so that a store with much work does not keep the others waiting.
    """
    free = or_(Store.stock_lease_until.is_(None), Store.stock_lease_until < db_now())
    due = select(Store).where(Store.state == INSTALLED, free, or_(*_due_conditions(Store.id)))  # type: ignore[arg-type]
    found: Store | None = db.session.scalar(due.order_by(func.random()).limit(1))
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
    """True when an open run is one page further. Commits."""
    run = SyncRun.take(store.id, seconds_setting("LEASE_SECONDS"))
    if run is None:
        return False
    account = db.session.get_one(Account, run.account_id)
    db.session.commit()
    if account.active_until is not None or (run.kind == STOCK_RUN and not account.stock_direction):
        run.end(FAILED, "off")
        return True
    if run.tries > MAX_TRIES + 1:
        log.error("run %s is given up: nobody comes to the end of its page", run.id)
        run.end(FAILED, "internal")
        return True
    before = connections.calls
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
    run.record_page_done(connections.calls - before)
    db.session.commit()
    return True


def _record_run_failure(run: SyncRun, error: AppError) -> None:
    """Nothing; the page is tried again later, or the run is over where it was tried often enough. Commits."""
    if run.tries > MAX_TRIES:
        run.end(FAILED, error.code)
        return
    wait = seconds_setting("RETRY_SECONDS") * 2 ** min(run.tries - 1, 5)
    if isinstance(error, ThrottledError) and error.retry_after:
        wait = max(error.retry_after, 1.0)
    run.save_progress(wait, reason=error.code, detail=dict(error.detail))
    db.session.commit()


def _record_failure(store: Store, account: Account | None, error: AppError) -> None:
    """Nothing; what was under way is due again by its own lease. Commits."""
    log.warning("store %s: goods: %s", store.id, error.code)
    if isinstance(error, StoreAccessError):
        record_lost_access(store, error.refused_token)
    elif isinstance(error, CredentialsError) and account is not None:
        circuit_breaker.record_failure(account, error)


# what is begun by time


def start_due_runs() -> int:
    """How many runs were begun: stock every few minutes, the whole list of goods once a day. Commits."""
    started = 0
    rows = select(Account).join(Store).where(Account.active_until.is_(None), Store.state == INSTALLED)
    following = [account for account in db.session.scalars(rows) if account.stock_direction]
    db.session.commit()
    for account in following:
        if account.refused_at is not None:
            continue
        due = stock_runs.next_stock_run_at(account)
        first = SyncRun.last(account.id, CATALOGUE_RUN) is None
        if not catalogue.is_catalogue_current(account) or first:
            if catalogue.start_catalogue_run(account, "setup"):
                started += 1
                # before anything is levelled: else their goods would be given back to the shop
                stock_runs.mark_open_orders_stale(account)
        elif _is_older(SyncRun.last(account.id, CATALOGUE_RUN), DAY_SECONDS):
            started += catalogue.start_catalogue_run(account, "clock")
        elif SyncRun.has_read_catalogue(account.id) and (due is None or due < now()):
            started += stock_runs.start_stock_run(account, "clock")
        db.session.commit()
    return started


def _is_older(run: SyncRun | None, seconds: float) -> bool:
    return run is None or (run.state != OPEN and (now() - run.begun_at).total_seconds() > seconds)
