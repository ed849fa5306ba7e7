"""Run over the whole stock: read what changed at the provider, or undo a former run, page by page.

A run only marks SKUs as due; stock_sync changes their quantities one by one. A run that is killed continues at its
last page and repeats no change.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from shopapp.connections.provider import provider_class
from shopapp.connections.settings import seconds_setting
from shopapp.errors import NotAllowedError
from shopapp.models import (
    Account,
    Article,
    Document,
    Sale,
    StockChange,
    StockReservation,
    SyncedSku,
    SyncRun,
    db,
    sync_run,
)
from shopapp.models.article import USABLE
from shopapp.models.document import ISSUED, VOID
from shopapp.models.reservation import FREE_ORDER
from shopapp.models.stock import CAUSE_HAND, CAUSE_RUN, CAUSE_UNDO, DONE, LOST, PROVIDER, SHOP
from shopapp.models.sync_run import STOCK_RUN, UNDO_RUN
from shopapp.providers.stock import StockLevel, SupportsStock

RECHECK_SECONDS = 2.0
"""Seconds until a run looks again whether all SKUs that it marked were synced."""
UNDO_PAGE_SIZE = 20
FREE_CALLS_PER_READ = 4
"""Calls that a run every STOCK_METERED_SECONDS may take at a provider that limits calls per month; the wait after a
run grows with the calls beyond that. Every six hours this makes 480 a month, a quarter of the smallest plan that is
known (PHC GO: 2,000)."""


def start_stock_run(account: Account, cause: str) -> bool:
    """Start reading the provider's quantities. Return False when such a run is open already. Not committed."""
    started = SyncRun.start(account.store_id, account.id, STOCK_RUN, cause)
    if started and (cause != "clock" or SyncRun.last(account.id, STOCK_RUN, sync_run.DONE) is None):
        mark_open_orders_stale(account)
    return started


def mark_open_orders_stale(account: Account) -> None:
    """Have open orders read whose reservation is unknown, such as those from before stock was synced. Not committed.

    Orders that were given away are left out: what they took counts only where stock was synced at that time.
    """
    if account.stock_direction == "to-provider":
        StockReservation.release_free_orders(account.store_id)
    open_sales = select(Sale.order_id).where(
        Sale.store_id == account.store_id, Sale.status.in_(("open", "paid")),
        ~select(Document.id).where(
            Document.store_id == Sale.store_id, Document.order_id == Sale.order_id, Document.is_sale,
            Document.state.in_((ISSUED, VOID)) | (Document.reason == FREE_ORDER),
        ).exists(),
    )  # fmt: skip
    for order_id in db.session.scalars(open_sales).all():
        if StockReservation.differs(account.store_id, order_id, True):
            StockReservation.mark_stale(account.store_id, order_id)


def next_stock_run_at(account: Account) -> datetime | None:
    """Return when the clock starts the next stock run; None when there was none yet."""
    last = SyncRun.last(account.id, STOCK_RUN)
    if last is None:
        return None
    seconds = seconds_setting("STOCK_SECONDS")
    if provider_class(account.provider).capabilities.metered:
        last_done = SyncRun.last(account.id, STOCK_RUN, sync_run.DONE)
        calls = last_done.calls if last_done is not None else 0
        seconds = seconds_setting("STOCK_METERED_SECONDS") * max(1.0, calls / FREE_CALLS_PER_READ)
    return last.begun_at + timedelta(seconds=seconds)


def run_stock_page(run: SyncRun, account: Account, provider: SupportsStock) -> None:
    """Read the next page of quantities, or end the run once all SKUs that it marked are synced. Commits."""
    if run.phase == "settling":
        if SyncedSku.count_unchecked(run.id):
            run.save_progress(RECHECK_SECONDS)
            db.session.commit()
        else:
            run.end(sync_run.DONE)
        return
    former = SyncRun.last(account.id, STOCK_RUN, sync_run.DONE)
    sync_token = former.mark if former is not None else ""
    db.session.commit()
    page = provider.changed_stock_levels(sync_token, run.cursor)
    differing = run.differing + _mark_differing_due(run, account, page.levels)
    progress: dict[str, Any] = {"phase": "reading" if page.after else "settling", "cursor": page.after}
    if page.sync_token:
        progress["mark"] = page.sync_token
    seen = run.seen + len(page.levels)
    run.save_progress(seen=seen, differing=differing, tries=0, reason="", **progress)
    db.session.commit()


def _mark_differing_due(run: SyncRun, account: Account, levels: tuple[StockLevel, ...]) -> int:
    """Mark those SKUs due whose quantity is not the one we know; return how many. Not committed."""
    quantities = {(level.code, level.warehouse): level.quantity for level in levels}
    if not quantities:
        return 0
    codes = {code for code, _ in quantities}
    rows = (
        select(SyncedSku, Article.code)
        .join(Article, (Article.account_id == SyncedSku.account_id) & (Article.sku == SyncedSku.sku))
        .where(SyncedSku.account_id == account.id, Article.code.in_(codes), Article.state.in_(USABLE))
    )
    differing = 0
    for row, code in db.session.execute(rows).all():
        provider_quantity = quantities.get((code, row.warehouse))
        if provider_quantity is not None and row.theirs != provider_quantity:
            row.mark_due_now(CAUSE_RUN, run_id=run.id, reason="")
            differing += 1
    return differing


# undoing


def undo_change(change: StockChange) -> None:
    """Have the quantity set back; it is not changed again until the other side has a new one. Not committed.

    Raises NotAllowedError `not-undoable` when the change is not one of the sync, or is not the last of its SKU.
    """
    row = db.session.get(SyncedSku, change.stocked_id) if change.stocked_id else None
    account = db.session.get_one(Account, change.account_id)
    side = {"to-shop": SHOP, "to-provider": PROVIDER}.get(account.stock_direction)
    if row is None or change.state != DONE or change.cause == CAUSE_UNDO or change.side != side:
        raise NotAllowedError("not-undoable")
    later = select(StockChange.id).where(
        StockChange.stocked_id == row.id, StockChange.id > change.id, StockChange.state != LOST
    )
    if db.session.scalar(later.limit(1)) is not None:
        raise NotAllowedError("not-undoable")
    row.mark_due_now(CAUSE_UNDO, undoes_id=change.id)


def start_undo_run(account: Account, run: SyncRun) -> bool:
    """Start undoing a run's changes. Return False when an undo run is open already. Not committed."""
    return SyncRun.start(account.store_id, account.id, UNDO_RUN, "hand", of_run_id=run.id)


def run_undo_page(run: SyncRun) -> None:
    """Undo the next changes of the run, last first, and skip those that cannot be undone any more. Commits."""
    changes = select(StockChange).where(StockChange.run_id == run.of_run_id, StockChange.state == DONE)
    if run.cursor:
        changes = changes.where(StockChange.id < int(run.cursor))
    page = db.session.scalars(changes.order_by(StockChange.id.desc()).limit(UNDO_PAGE_SIZE)).all()
    if not page:
        run.end(sync_run.DONE)
        return
    undone = 0
    for change in page:
        try:
            undo_change(change)
            undone += 1
        except NotAllowedError:
            continue
    run.save_progress(cursor=str(page[-1].id), seen=run.seen + len(page), differing=run.differing + undone)
    db.session.commit()


def resync(row: SyncedSku) -> None:
    """Have this SKU synced now because the merchant asks for it, whatever it was left alone for. Not committed."""
    row.mark_due_now(CAUSE_HAND, rejected="", undoes_id=None, reason="", detail={})
