"""Stock by SKU: the shop's level and the provider's held together, one alteration at a time, each in the journal.

Called by `goods`. One equation holds for each followed SKU and pair of places: the shop has what the provider has, less
what the shop sold and the provider has not taken off yet. Both ways of following set the absolute level that solves it,
so a step repeated after a crash, or the echo of our own alteration, finds nothing to do. Reads no list (`levelling`).
"""

from __future__ import annotations

import secrets
import time
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from shopapp import connect, fault, movements
from shopapp.bench import Bench, Sides
from shopapp.fiscal.errors import AppError, CredentialsError, MerchantError, RefusedError, UncertainError
from shopapp.models import Account, Product, Run, StockChange, Stocked, db, moment
from shopapp.models.article import MADE
from shopapp.models.stock import (
    DONE,
    HAND,
    HELD,
    LOST,
    PROVIDER,
    RUN,
    SHOP,
    UNASKED,
    UNDO,
    UNDONE,
    UNSURE,
)
from shopapp.providers.base import StockMove

STUBBORN, STUBBORN_SECONDS = 3, 3600.0
"""A level that we set so often within an hour, and that was altered again each time, is left to the merchant."""
AGAIN_SECONDS, AGAIN_LONGEST = 60.0, 1800.0
"""After how long a SKU is tried again whose call failed, or whose answer was lost: each time twice as long."""


def settle(store_id: int, sides: Sides, until: float) -> bool:
    """True when due rows were taken and settled, as far as it goes before that monotonic time; False when none was due.

    Commits.
    """
    rows = Stocked.take(store_id, float(connect.setting("LEASE_SECONDS")))
    if not rows:
        return False
    account = db.session.get_one(Account, rows[0].account_id)
    db.session.commit()
    # before the shop's list was read once, nobody knows of a SKU whether it stands in it twice
    if not account.follows or not Run.has_read(account.id):
        for row in rows:
            if account.follows:
                row.put_off(AGAIN_SECONDS, HELD)
            else:
                row.rest("off")
        db.session.commit()
        return True
    bench = Bench(account, sides.shop, sides.provider(account), sides.pace(account), rows)
    if bench.clear():
        for at, row in enumerate(bench.rows):
            if time.monotonic() < until:
                _try(bench, row, bench.rows[at:])
            else:
                row.put_off(0.0)
        db.session.commit()
    return True


def _try(bench: Bench, row: Stocked, left: list[Stocked]) -> None:
    """Nothing; the row is settled, or tried again later. Raises what keeps all of them from being settled. Commits."""
    try:
        _settle(bench, row)
    except AppError as error:
        db.session.rollback()
        alone = isinstance(error, (UncertainError, MerchantError)) and not isinstance(error, CredentialsError)
        for one in [row] if alone else left:
            one.put_off(min(AGAIN_SECONDS * 2 ** min(one.tries - 1, 10), AGAIN_LONGEST), error.code[:40])
        db.session.commit()
        if not alone:
            raise


# one row


def _settle(bench: Bench, row: Stocked) -> None:
    """Nothing; the row's equation holds, or why it does not is known. Commits."""
    theirs, aside = bench.level(row), bench.put_aside(row)
    to_shop = bench.account.follows == "to-shop"
    wanted = max(0, int((theirs - aside).to_integral_value(ROUND_FLOOR)))
    change = StockChange.open_of(row.id)
    # what a run found differs at the provider: what is known of the shop holds unless something told otherwise
    if row.cause == RUN and row.undoes_id is None and change is None:
        known = bench.known(row)
        if known is not None and (known == wanted if to_shop else theirs == known + aside):
            _rest(row, theirs, known, "")
            db.session.commit()
            return
    ours = _ours(bench, row)
    if ours is None:
        row.rest("unlimited" if bench.selling[row.sku] else "gone")
        db.session.commit()
        return
    target = Decimal(wanted) if to_shop else ours + aside
    if row.undoes_id is not None:
        target = _before(row, to_shop, Decimal(ours) if to_shop else theirs, target)
    if change is not None and not _went_on(bench, row, change, theirs, ours, target):
        return
    (_set_shop if to_shop else _move_provider)(bench, row, theirs, ours, target)


def _before(row: Stocked, to_shop: bool, level: Decimal, target: Decimal) -> Decimal:
    """The level before the change that is undone; the equation's where somebody altered it since. Commits."""
    change = db.session.get_one(StockChange, row.undoes_id)
    if (change.side == SHOP) is to_shop and level in (change.after, change.before):
        target = change.before
    else:
        row.undoes_id, row.cause = None, RUN
    db.session.commit()
    return target


def _ours(bench: Bench, row: Stocked) -> int | None:
    """The shop's level at this moment; None where it keeps none (any more). Commits."""
    db.session.commit()
    if row.location:
        return bench.placed.get(bench.key(row))
    product = bench.product(row)
    for one in bench.shop.goods_of(product.product_id):
        if one.variant_id == product.variant_id and one.sku == row.sku:
            product.stock = one.stock
            db.session.commit()
            return one.stock
    _told_of(bench, row)
    return None


def _told_of(bench: Bench, row: Stocked) -> None:
    """Nothing; the product is not what we knew, and is read again. Commits."""
    Product.tell(row.store_id, bench.product(row).product_id)
    bench.selling[row.sku] = []
    db.session.commit()


def _went_on(
    bench: Bench, row: Stocked, change: StockChange, theirs: Decimal, ours: int, target: Decimal
) -> bool:
    """True when what became of an unfinished change is known, and the levels just read are of after it. Commits."""
    if change.side == SHOP:
        if ours == change.after:
            change.end(DONE)
        elif ours != change.before:
            # it may have been set, and altered since
            change.end(UNSURE, "overtaken")
        else:
            change.end(LOST, "not-there")
        db.session.commit()
        return True
    ended = movements.ended_by_now(bench.provider, change)
    if ended is None:
        row.put_off(AGAIN_SECONDS, UNASKED)
    else:
        ended = DONE if ended == UNSURE and theirs == change.after else ended
        change.end(ended, "" if ended == DONE else "not-there")
        row.put_off(0.0)
    db.session.commit()
    return False


def _set_shop(bench: Bench, row: Stocked, theirs: Decimal, ours: int, target: Decimal) -> None:
    """Nothing; the shop has the target, unless the merchant or somebody else will not have it so. Commits."""
    if ours == target:
        _rest(row, theirs, ours, theirs)
    elif why := _uncounted(bench, row, theirs) or _forbidden(row, theirs, target):
        row.rest(why, theirs=theirs, ours=ours, read_at=moment())
    elif change := _planned(bench, row, SHOP, Decimal(ours), target, theirs):
        product, claimed = bench.product(row), time.monotonic()
        fault.point("stock_before_send")
        movements.in_time(claimed)
        try:
            bench.shop.set_stock(product.product_id, product.variant_id, int(target), row.location)
        except RefusedError as error:
            change.end(LOST, error.code)
            if error.code == "goods-gone":
                _told_of(bench, row)
            why = {"goods-gone": "gone", "goods-unlimited": "unlimited"}.get(error.code, "refused")
            row.rest(why, {"answer": error.code}, theirs=theirs, ours=ours, read_at=moment())
        else:
            fault.point("stock_after_send")
            change.end(DONE)
            if not row.location:
                product.stock = int(target)
            _rest(row, theirs, int(target), theirs, changed_at=moment())
    db.session.commit()


def _move_provider(bench: Bench, row: Stocked, theirs: Decimal, ours: int, target: Decimal) -> None:
    """Nothing; the provider has the target, by one movement, or it is not known yet whether it has. Commits."""
    truth = Decimal(ours)
    if theirs == target:
        _rest(row, theirs, ours, truth)
    elif why := _forbidden(row, truth, target):
        row.rest(why, theirs=theirs, ours=ours, read_at=moment())
    elif change := _planned(bench, row, PROVIDER, theirs, target, truth):
        code = bench.articles[row.sku].code
        move = StockMove(code, row.warehouse, target - theirs, change.reference, "Acerto pelo stock da loja")
        try:
            known = movements.sent(bench.provider, change, move)
        except AppError as error:
            change.end(LOST, error.code)
            db.session.commit()
            raise
        if not known:
            row.put_off(AGAIN_SECONDS, UNASKED)
        elif change.state == DONE:
            _rest(row, target, ours, truth, changed_at=moment())
        else:
            row.rest("refused", {"answer": change.reason}, theirs=theirs, ours=ours, read_at=moment())
    db.session.commit()


def _rest(row: Stocked, theirs: Decimal, ours: int, truth: Decimal | str, **more: Any) -> None:
    """Nothing; both levels are known and as they are to be, an undoing among them done. Not committed."""
    rejected = ""
    if row.undoes_id is not None:
        db.session.get_one(StockChange, row.undoes_id).state, rejected = UNDONE, str(truth)
        more["reason"] = "undone"
    more.update(theirs=theirs, ours=ours, read_at=moment(), rejected=rejected, undoes_id=None)
    if not row.rest(**more) and "changed_at" in more:
        # told of anew meanwhile; or we stood still, and another set a later level before ours
        Stocked.wake(row.account_id, [row.sku], "hook")


def _uncounted(bench: Bench, row: Stocked, theirs: Decimal) -> str:
    """Why the shop keeps its level: we made the article, and nobody has said yet how many of it there are."""
    made = bench.articles[row.sku].state == MADE
    never = theirs <= 0 and (row.theirs is None or row.theirs <= 0)
    return "uncounted" if made and never and row.cause not in (HAND, UNDO) else ""


def _forbidden(row: Stocked, truth: Decimal, target: Decimal) -> str:
    """Why the level may not be altered: the merchant undid just this, or somebody puts it back each time."""
    if row.cause in (HAND, UNDO):
        return ""
    if row.rejected and Decimal(row.rejected) == truth:
        return "undone"
    latest = StockChange.latest_of(row.id, STUBBORN, STUBBORN_SECONDS)
    again = len(latest) == STUBBORN and all(one.after == target for one in latest)
    return "contested" if again else ""


def _planned(
    bench: Bench, row: Stocked, side: str, before: Decimal, after: Decimal, truth: Decimal
) -> StockChange | None:
    """The alteration as it is about to be made, in the journal before it is sent; None for a row told of anew. Commits.

    Also None where we stood still, and another has the row by now.
    """
    if not row.is_taken():
        db.session.rollback()
        return None
    return StockChange.plan(
        store_id=row.store_id, account_id=row.account_id, stocked_id=row.id, run_id=row.run_id,
        order_id=row.order_id, sku=row.sku, name=bench.product(row).name, warehouse=row.warehouse,
        location=row.location, side=side, before=before, after=after, cause=row.cause or RUN,
        reference=f"QI-S-{secrets.token_hex(8)}", truth=str(truth), undoes_id=row.undoes_id, sent_at=moment(),
    )  # fmt: skip
