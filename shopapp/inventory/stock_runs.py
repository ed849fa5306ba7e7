"""Runs over stock: what changed at the provider is read page by page, or a former run is undone change by change.

Called by `goods`. A run only finds which SKUs are to be looked at; `stocking` settles them one by one, so that a run
killed anywhere goes on where it stopped and repeats no alteration.
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
)
from shopapp.models.article import USABLE
from shopapp.models.reservation import FREE_ORDER
from shopapp.models.states import ISSUED, VOID
from shopapp.models.stock import CAUSE_HAND, CAUSE_RUN, DONE, LOST, PROVIDER, SHOP
from shopapp.models.stock import CAUSE_UNDO as UNDOING
from shopapp.models.sync_run import DONE as OVER
from shopapp.models.sync_run import STOCK_RUN, UNDO_RUN
from shopapp.providers.stock import StockLevel, SupportsStock

RECHECK_SECONDS = 2.0
"""Seconds until it is asked again whether all that a run found is settled."""
UNDO_PAGE_SIZE = 20
FREE_CALLS_PER_READ = 4
"""Calls of a reading that STOCK_METERED_SECONDS are for, where a program counts them: one that takes more comes as much
later. Every six hours that is 480 a month, a quarter of the smallest plan that is known (PHC GO: 2,000)."""


def start_stock_run(account: Account, cause: str) -> bool:
    """True when a reading of the provider's levels began; False when one is under way. Not committed."""
    began = SyncRun.start(account.store_id, account.id, STOCK_RUN, cause)
    if began and (cause != "clock" or SyncRun.last(account.id, STOCK_RUN, OVER) is None):
        mark_open_orders_stale(account)
    return began


def mark_open_orders_stale(account: Account) -> None:
    """Nothing; orders under way that are not known, as from before stock was followed, are read. Not committed.

    What was given away is none of them: who follows what counts from now on.
    """
    if account.stock_direction == "to-provider":
        StockReservation.release_free_orders(account.store_id)
    open_sales = select(Sale.order_id).where(
        Sale.store_id == account.store_id, Sale.status.in_(("open", "paid")),
        ~select(Document.id).where(
            Document.store_id == Sale.store_id, Document.order_id == Sale.order_id, Document.cause == "sale",
            Document.state.in_((ISSUED, VOID)) | (Document.reason == FREE_ORDER),
        ).exists(),
    )  # fmt: skip
    for order_id in db.session.scalars(open_sales).all():
        if StockReservation.differs(account.store_id, order_id, True):
            StockReservation.mark_stale(account.store_id, order_id)


def next_stock_run_at(account: Account) -> datetime | None:
    """When the clock has the levels read again; None where they were never read."""
    last = SyncRun.last(account.id, STOCK_RUN)
    if last is None:
        return None
    every = seconds_setting("STOCK_SECONDS")
    if provider_class(account.provider).capabilities.metered:
        whole = SyncRun.last(account.id, STOCK_RUN, OVER)
        calls = whole.calls if whole is not None else 0
        every = seconds_setting("STOCK_METERED_SECONDS") * max(1.0, calls / FREE_CALLS_PER_READ)
    return last.begun_at + timedelta(seconds=every)


def run_stock_page(run: SyncRun, account: Account, provider: SupportsStock) -> None:
    """Nothing; the run is one page further: levels read, then the SKUs that it found settled, then done. Commits."""
    if run.phase == "settling":
        if SyncedSku.count_unchecked(run.id):
            run.save_progress(RECHECK_SECONDS)
            db.session.commit()
        else:
            run.end(OVER)
        return
    former = SyncRun.last(account.id, STOCK_RUN, OVER)
    mark = former.mark if former is not None else ""
    db.session.commit()
    found = provider.changed_stock_levels(mark, run.cursor)
    differing = _mark_differing_due(run, account, found.levels)
    further: dict[str, Any] = {"phase": "reading", "cursor": found.after}
    if not found.after:
        further = {"phase": "settling", "cursor": ""}
    if found.sync_token:
        further["mark"] = found.sync_token
    seen, differing = run.seen + len(found.levels), run.differing + differing
    run.save_progress(seen=seen, differing=differing, tries=0, reason="", **further)
    db.session.commit()


def _mark_differing_due(run: SyncRun, account: Account, levels: tuple[StockLevel, ...]) -> int:
    """How many followed rows have another level than we knew: these are due. Not committed."""
    quantities = {(one.code, one.warehouse): one.quantity for one in levels}
    if not quantities:
        return 0
    codes = {code for code, _ in quantities}
    rows = (
        select(SyncedSku, Article.code)
        .join(Article, (Article.account_id == SyncedSku.account_id) & (Article.sku == SyncedSku.sku))
        .where(SyncedSku.account_id == account.id, Article.code.in_(codes), Article.state.in_(USABLE))
    )
    found = 0
    for row, code in db.session.execute(rows).all():
        level = quantities.get((code, row.warehouse))
        if level is not None and (row.theirs is None or row.theirs != level):
            row.mark_due_now(CAUSE_RUN, run_id=run.id, reason="")
            found += 1
    return found


# undoing


def undo_change(change: StockChange) -> None:
    """Nothing; the level is to be as before, and is not set again until the other side has another. Not committed.

    NotAllowedError `not-undoable` where it is no level that followed another, or another change came after it.
    """
    row = db.session.get(SyncedSku, change.stocked_id) if change.stocked_id else None
    account = db.session.get_one(Account, change.account_id)
    side = {"to-shop": SHOP, "to-provider": PROVIDER}.get(account.stock_direction)
    if row is None or change.state != DONE or change.cause == UNDOING or change.side != side:
        raise NotAllowedError("not-undoable")
    later = select(StockChange.id).where(
        StockChange.stocked_id == row.id, StockChange.id > change.id, StockChange.state != LOST
    )
    if db.session.scalar(later.limit(1)) is not None:
        raise NotAllowedError("not-undoable")
    row.mark_due_now(UNDOING, undoes_id=change.id)


def start_undo_run(account: Account, run: SyncRun) -> bool:
    """True when the undoing of that run began; False when another is under way. Not committed."""
    return SyncRun.start(account.store_id, account.id, UNDO_RUN, "hand", of_run_id=run.id)


def run_undo_page(run: SyncRun) -> None:
    """Nothing; some more changes of the run are undone, the last first; what can't be any more is left. Commits."""
    mine = select(StockChange).where(StockChange.run_id == run.of_run_id, StockChange.state == DONE)
    if run.cursor:
        mine = mine.where(StockChange.id < int(run.cursor))
    some = db.session.scalars(mine.order_by(StockChange.id.desc()).limit(UNDO_PAGE_SIZE)).all()
    done = 0
    for change in some:
        try:
            undo_change(change)
            done += 1
        except NotAllowedError:
            continue
    if some:
        run.save_progress(cursor=str(some[-1].id), seen=run.seen + len(some), differing=run.differing + done)
        db.session.commit()
    else:
        run.end(OVER)


def resync(row: SyncedSku) -> None:
    """Nothing; the merchant wants this SKU looked at now, whatever it was left alone for. Not committed."""
    row.mark_due_now(CAUSE_HAND, rejected="", undoes_id=None, reason="", detail={})
