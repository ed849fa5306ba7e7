"""Stock by SKU: the shop's level and the provider's held together, one alteration at a time, each in the journal.

Called by `goods`. One equation holds for each followed SKU and pair of places: the shop has what the provider has, less
what the shop sold and the provider has not taken off yet. Both ways of following set the absolute level that solves it,
so a step repeated after a crash, or the echo of our own alteration, finds nothing to do. Reads no list (`levelling`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from shopapp import connect, fault, movements
from shopapp.bench import Bench
from shopapp.fiscal.errors import RefusedError
from shopapp.models import Account, StockChange, Stocked, db, moment
from shopapp.models.stock import DONE, LOST, PLANNED, PROVIDER, SHOP, UNDONE
from shopapp.platforms.base import Platform
from shopapp.providers.base import Provider, StockMove

STUBBORN, STUBBORN_SECONDS = 3, 3600.0
"""A level that we set so often within an hour, and that was altered again each time, is left to the merchant."""
AGAIN_SECONDS = 60.0


def settle(
    store_id: int,
    open_shop: Callable[[], Platform],
    open_provider: Callable[[Account], Provider],
    until: float,
) -> bool:
    """True when due rows were taken and settled, as far as it goes before that monotonic time; False when none was due.

    Commits.
    """
    rows = Stocked.take(store_id, float(connect.setting("LEASE_SECONDS")))
    if not rows:
        return False
    account = db.session.get_one(Account, rows[0].account_id)
    db.session.commit()
    if not account.follows:
        for row in rows:
            row.rest("off")
        db.session.commit()
        return True
    bench = Bench(account, open_shop(), open_provider(account), rows)
    if bench.clear():
        for row in bench.rows:
            if time.monotonic() < until:
                _settle(bench, row)
            else:
                row.put_off(0.0)
        db.session.commit()
    return True


# one row


def _settle(bench: Bench, row: Stocked) -> None:
    """Nothing; the row's equation holds, or why it does not is known. Commits."""
    theirs, aside = bench.level(row), bench.put_aside(row)
    to_shop = bench.account.follows == "to-shop"
    wanted = max(0, int((theirs - aside).to_integral_value(ROUND_FLOOR)))
    if to_shop and row.undoes_id is None and StockChange.open_of(row.id) is None:
        known = bench.known(row)
        if known == wanted:
            row.rest(theirs=theirs, ours=wanted, read_at=moment())
            db.session.commit()
            return
    ours = _ours(bench, row)
    if ours is None:
        row.rest("unlimited" if bench.selling[row.sku] else "gone")
        db.session.commit()
        return
    target = Decimal(wanted) if to_shop else Decimal(ours) + aside
    if row.undoes_id is not None:
        target = _undone(row, Decimal(ours) if to_shop else theirs, target)
    if to_shop:
        _set_shop(bench, row, theirs, ours, int(target))
    else:
        _move_provider(bench, row, theirs, ours, target)


def _undone(row: Stocked, level: Decimal, target: Decimal) -> Decimal:
    """The level before the change that is undone; the equation's where somebody altered it since. Commits."""
    change = db.session.get_one(StockChange, row.undoes_id)
    if level in (change.after, change.before):
        change.state, target = UNDONE, change.before
    else:
        row.undoes_id = None
    db.session.commit()
    return target


def _ours(bench: Bench, row: Stocked) -> int | None:
    """The shop's level at this moment; None where it keeps none (any more)."""
    db.session.commit()
    if row.location:
        return bench.placed.get(bench.key(row))
    product = bench.product(row)
    for one in bench.shop.goods_of(product.product_id):
        if one.variant_id == product.variant_id and one.sku == row.sku:
            product.stock = one.stock
            db.session.commit()
            return one.stock
    bench.selling[row.sku] = []
    return None


def _set_shop(bench: Bench, row: Stocked, theirs: Decimal, ours: int, target: int) -> None:
    """Nothing; the shop has the target, unless the merchant or somebody else will not have it so. Commits."""
    change = _recovered(row, Decimal(ours), Decimal(target))
    if ours == target:
        row.rest(theirs=theirs, ours=ours, read_at=moment(), **_rejected(row, theirs))
    elif change is None and (why := _forbidden(row, str(theirs), Decimal(target))):
        row.rest(why, theirs=theirs, ours=ours, read_at=moment())
    else:
        change = change or _planned(bench, row, SHOP, Decimal(ours), Decimal(target), str(theirs))
        product = bench.product(row)
        db.session.commit()
        fault.point("stock_before_send")
        try:
            bench.shop.set_stock(product.product_id, product.variant_id, target, row.location)
        except RefusedError as error:
            change.end(LOST, error.code)
            row.rest({"goods-gone": "gone", "goods-unlimited": "unlimited"}.get(error.code, "refused"))
        else:
            fault.point("stock_after_send")
            change.end(DONE)
            if not row.location:
                product.stock = target
            row.rest(
                theirs=theirs, ours=target, read_at=moment(), changed_at=moment(), **_rejected(row, theirs)
            )
    db.session.commit()


def _rejected(row: Stocked, truth: Decimal | int) -> dict[str, Any]:
    """What the row keeps of an undoing that is done: the level that is not to be followed."""
    return {"rejected": "" if row.undoes_id is None else str(truth), "undoes_id": None}


def _recovered(row: Stocked, level: Decimal, target: Decimal) -> StockChange | None:
    """The change that a former worker planned and that is still to be made; one that arrived is done. Not committed."""
    change = StockChange.open_of(row.id)
    if change is None:
        return None
    if change.side == SHOP and level == change.after:
        change.end(DONE)
    elif change.side == SHOP and level == change.before and change.after == target:
        return change
    elif change.side == SHOP:
        change.end(LOST, "overtaken")
    return None


def _forbidden(row: Stocked, truth: str, target: Decimal) -> str:
    """Why the level may not be altered: the merchant undid just this, or somebody puts it back each time."""
    if row.cause in ("hand", "undo"):
        return ""
    if row.rejected and row.rejected == truth:
        return "undone"
    latest = StockChange.latest_of(row.id, STUBBORN, STUBBORN_SECONDS)
    again = len(latest) == STUBBORN and all(one.after == target for one in latest)
    return "contested" if again else ""


def _planned(
    bench: Bench, row: Stocked, side: str, before: Decimal, after: Decimal, truth: str
) -> StockChange:
    """The alteration as it is about to be made, in the journal before it is sent. Commits."""
    change = StockChange(
        store_id=row.store_id, account_id=row.account_id, stocked_id=row.id, run_id=row.run_id,
        order_id=row.order_id, sku=row.sku, name=bench.product(row).name, warehouse=row.warehouse,
        location=row.location, side=side, before=before, after=after, cause=row.cause or "run", state=PLANNED,
        reference=f"QI-S-{secrets.token_hex(8)}", truth=truth, undoes_id=row.undoes_id, planned_at=moment(),
        sent_at=moment(),
    )  # fmt: skip
    db.session.add(change)
    db.session.flush()
    db.session.refresh(change)
    db.session.commit()
    return change


def _move_provider(bench: Bench, row: Stocked, theirs: Decimal, ours: int, target: Decimal) -> None:
    """Nothing; the provider has the target, by one movement, or it is not known yet whether it has. Commits."""
    if not _movement_ended(bench, row, theirs):
        return
    if theirs == target:
        row.rest(theirs=theirs, ours=ours, read_at=moment(), **_rejected(row, ours))
    elif why := _forbidden(row, str(ours), target):
        row.rest(why, theirs=theirs, ours=ours, read_at=moment())
    else:
        change = _planned(bench, row, PROVIDER, theirs, target, str(ours))
        code = bench.articles[row.sku].code
        move = StockMove(code, row.warehouse, target - theirs, change.reference, "Acerto pelo stock da loja")
        if not movements.sent(bench.provider, change, move):
            row.put_off(float(connect.setting("SETTLE_SECONDS")), "unsure")
        elif change.state == DONE:
            row.rest(theirs=target, ours=ours, read_at=moment(), changed_at=moment(), **_rejected(row, ours))
        else:
            row.rest("refused", {"answer": change.reason})
    db.session.commit()


def _movement_ended(bench: Bench, row: Stocked, theirs: Decimal) -> bool:
    """True when no movement of the row is open any more: it was made, or it certainly was not. Commits."""
    change = StockChange.open_of(row.id)
    if change is None:
        return True
    ended = movements.ended_by_now(bench.provider, change)
    if ended is None and theirs == change.after:
        ended = DONE
    if ended is None:
        row.put_off(AGAIN_SECONDS, "unsure")
    else:
        change.end(ended, "" if ended == DONE else "not-there")
    db.session.commit()
    return ended is not None
