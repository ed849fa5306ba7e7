"""Runs over stock: what changed at the provider is read page by page, or a former run is undone change by change.

Called by `goods`. A run only finds which SKUs are to be looked at; `stocking` settles them one by one, so that a run
killed anywhere goes on where it stopped and repeats no alteration.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from shopapp import connect
from shopapp.fiscal.errors import NotAllowedError
from shopapp.models import Account, Article, Document, Ordered, Run, Sale, StockChange, Stocked, db
from shopapp.models.article import USABLE
from shopapp.models.ordered import FREE
from shopapp.models.run import DONE as OVER
from shopapp.models.run import STOCK, UNDO
from shopapp.models.states import ISSUED, VOID
from shopapp.models.stock import DONE, HAND, LOST, PROVIDER, RUN, SHOP
from shopapp.models.stock import UNDO as UNDOING
from shopapp.providers.base import Provider, StockLevel

WAIT = 2.0
"""Seconds until it is asked again whether all that a run found is settled."""
UNDO_PAGE = 20
READING_CALLS = 4
"""Calls of a reading that STOCK_METERED_SECONDS are for, where a program counts them: one that takes more comes as much
later. Every six hours that is 480 a month, a quarter of the smallest plan that is known (PHC GO: 2,000)."""


def begin(account: Account, cause: str) -> bool:
    """True when a reading of the provider's levels began; False when one is under way. Not committed."""
    began = Run.begin(account.store_id, account.id, STOCK, cause)
    if began and (cause != "clock" or Run.last(account.id, STOCK, OVER) is None):
        tell_anew(account)
    return began


def tell_anew(account: Account) -> None:
    """Nothing; orders under way that are not known, as from before stock was followed, are read. Not committed.

    What was given away is none of them: who follows what counts from now on.
    """
    if account.follows == "to-provider":
        Ordered.leave_given(account.store_id)
    open_sales = select(Sale.order_id).where(
        Sale.store_id == account.store_id, Sale.status.in_(("open", "paid")),
        ~select(Document.id).where(
            Document.store_id == Sale.store_id, Document.order_id == Sale.order_id, Document.cause == "sale",
            Document.state.in_((ISSUED, VOID)) | (Document.reason == FREE),
        ).exists(),
    )  # fmt: skip
    for order_id in db.session.scalars(open_sales).all():
        if Ordered.is_otherwise(account.store_id, order_id, True):
            Ordered.tell(account.store_id, order_id)


def next_at(account: Account) -> datetime | None:
    """When the clock has the levels read again; None where they were never read."""
    last = Run.last(account.id, STOCK)
    if last is None:
        return None
    every = float(connect.setting("STOCK_SECONDS"))
    if connect.provider_class(account.provider).capabilities.metered:
        whole = Run.last(account.id, STOCK, OVER)
        calls = whole.calls if whole is not None else 0
        every = float(connect.setting("STOCK_METERED_SECONDS")) * max(1.0, calls / READING_CALLS)
    return last.begun_at + timedelta(seconds=every)


def page(run: Run, account: Account, provider: Provider) -> None:
    """Nothing; the run is one page further: levels read, then the SKUs that it found settled, then done. Commits."""
    if run.phase == "settling":
        if Stocked.left_of(run.id):
            run.keep(WAIT)
            db.session.commit()
        else:
            run.end(OVER)
        return
    former = Run.last(account.id, STOCK, OVER)
    mark = former.mark if former is not None else ""
    db.session.commit()
    found = provider.changed_levels(mark, run.cursor)
    differing = _wake(run, account, found.levels)
    further: dict[str, Any] = {"phase": "reading", "cursor": found.after}
    if not found.after:
        further = {"phase": "settling", "cursor": ""}
    if found.mark:
        further["mark"] = found.mark
    seen, differing = run.seen + len(found.levels), run.differing + differing
    run.keep(seen=seen, differing=differing, tries=0, reason="", **further)
    db.session.commit()


def _wake(run: Run, account: Account, levels: tuple[StockLevel, ...]) -> int:
    """How many followed rows have another level than we knew: these are due. Not committed."""
    told = {(one.code, one.warehouse): one.quantity for one in levels}
    if not told:
        return 0
    codes = {code for code, _ in told}
    rows = (
        select(Stocked, Article.code)
        .join(Article, (Article.account_id == Stocked.account_id) & (Article.sku == Stocked.sku))
        .where(Stocked.account_id == account.id, Article.code.in_(codes), Article.state.in_(USABLE))
    )
    found = 0
    for row, code in db.session.execute(rows).all():
        level = told.get((code, row.warehouse))
        if level is not None and (row.theirs is None or row.theirs != level):
            row.wake_now(RUN, run_id=run.id, reason="")
            found += 1
    return found


# undoing


def undo(change: StockChange) -> None:
    """Nothing; the level is to be as before, and is not set again until the other side has another. Not committed.

    NotAllowedError `not-undoable` where it is no level that followed another, or another change came after it.
    """
    row = db.session.get(Stocked, change.stocked_id) if change.stocked_id else None
    account = db.session.get_one(Account, change.account_id)
    side = {"to-shop": SHOP, "to-provider": PROVIDER}.get(account.follows)
    if row is None or change.state != DONE or change.cause == UNDOING or change.side != side:
        raise NotAllowedError("not-undoable")
    later = select(StockChange.id).where(
        StockChange.stocked_id == row.id, StockChange.id > change.id, StockChange.state != LOST
    )
    if db.session.scalar(later.limit(1)) is not None:
        raise NotAllowedError("not-undoable")
    row.wake_now(UNDOING, undoes_id=change.id)


def begin_undo(account: Account, run: Run) -> bool:
    """True when the undoing of that run began; False when another is under way. Not committed."""
    return Run.begin(account.store_id, account.id, UNDO, "hand", of_run_id=run.id)


def undo_page(run: Run) -> None:
    """Nothing; some more changes of the run are undone, the last first; what can't be any more is left. Commits."""
    mine = select(StockChange).where(StockChange.run_id == run.of_run_id, StockChange.state == DONE)
    if run.cursor:
        mine = mine.where(StockChange.id < int(run.cursor))
    some = db.session.scalars(mine.order_by(StockChange.id.desc()).limit(UNDO_PAGE)).all()
    done = 0
    for change in some:
        try:
            undo(change)
            done += 1
        except NotAllowedError:
            continue
    if some:
        run.keep(cursor=str(some[-1].id), seen=run.seen + len(some), differing=run.differing + done)
        db.session.commit()
    else:
        run.end(OVER)


def put_right(row: Stocked) -> None:
    """Nothing; the merchant wants this SKU looked at now, whatever it was left alone for. Not committed."""
    row.wake_now(HAND, rejected="", undoes_id=None, reason="", detail={})
