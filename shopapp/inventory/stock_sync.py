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

from shopapp import failpoints
from shopapp.connections.settings import seconds_setting
from shopapp.errors import AppError, CredentialsError, MerchantError, RefusedError, UncertainError
from shopapp.inventory import movements
from shopapp.inventory.stock_batch import StockBatch, StoreConnections
from shopapp.models import Account, Product, StockChange, SyncedSku, SyncRun, db, db_now
from shopapp.models.article import MADE
from shopapp.models.stock import (
    CAUSE_HAND,
    CAUSE_RUN,
    CAUSE_UNDO,
    DONE,
    HELD_REASON,
    LOST,
    PROVIDER,
    SHOP,
    UNDONE,
    UNSURE,
    UNSURE_REASON,
)
from shopapp.providers.base import StockMovement

CONTESTED_COUNT, CONTESTED_WINDOW_SECONDS = 3, 3600.0
"""A level that we set so often within an hour, and that was altered again each time, is left to the merchant."""
RETRY_DELAY_SECONDS, MAX_RETRY_DELAY_SECONDS = 60.0, 1800.0
"""After how long a SKU is tried again whose call failed, or whose answer was lost: each time twice as long."""


def sync_due_skus(store_id: int, connections: StoreConnections, until: float) -> bool:
    """True when due rows were taken and settled, as far as it goes before that monotonic time; False when none was due.

    Commits.
    """
    rows = SyncedSku.take(store_id, seconds_setting("LEASE_SECONDS"))
    if not rows:
        return False
    account = db.session.get_one(Account, rows[0].account_id)
    db.session.commit()
    # before the shop's list was read once, nobody knows of a SKU whether it stands in it twice
    if not account.stock_direction or not SyncRun.has_read_catalogue(account.id):
        for row in rows:
            if account.stock_direction:
                row.postpone(RETRY_DELAY_SECONDS, HELD_REASON)
            else:
                row.clear_due("off")
        db.session.commit()
        return True
    batch = StockBatch(
        account, connections.shop, connections.provider(account), connections.rate_limiter(account), rows
    )
    if batch.load_levels():
        for at, row in enumerate(batch.rows):
            if time.monotonic() < until:
                _try_sync(batch, row, batch.rows[at:])
            else:
                row.postpone(0.0)
        db.session.commit()
    return True


def _try_sync(batch: StockBatch, row: SyncedSku, remaining: list[SyncedSku]) -> None:
    """Nothing; the row is settled, or tried again later. Raises what keeps all of them from being settled. Commits."""
    try:
        _sync_row(batch, row)
    except AppError as error:
        db.session.rollback()
        alone = isinstance(error, (UncertainError, MerchantError)) and not isinstance(error, CredentialsError)
        for one in [row] if alone else remaining:
            one.postpone(
                min(RETRY_DELAY_SECONDS * 2 ** min(one.tries - 1, 10), MAX_RETRY_DELAY_SECONDS),
                error.code[:40],
            )
        db.session.commit()
        if not alone:
            raise


# one row


def _sync_row(batch: StockBatch, row: SyncedSku) -> None:
    """Nothing; the row's equation holds, or why it does not is known. Commits."""
    provider_quantity, reserved = batch.provider_quantity(row), batch.reserved_quantity(row)
    to_shop = batch.account.stock_direction == "to-shop"
    wanted = max(0, int((provider_quantity - reserved).to_integral_value(ROUND_FLOOR)))
    change = StockChange.find_open(row.id)
    # what a run found differs at the provider: what is known of the shop holds unless something told otherwise
    if row.cause == CAUSE_RUN and row.undoes_id is None and change is None:
        known_shop_quantity = batch.known_shop_quantity(row)
        if known_shop_quantity is not None and (
            known_shop_quantity == wanted if to_shop else provider_quantity == known_shop_quantity + reserved
        ):
            _record_synced(row, provider_quantity, known_shop_quantity, "")
            db.session.commit()
            return
    shop_quantity = _read_shop_quantity(batch, row)
    if shop_quantity is None:
        row.clear_due("unlimited" if batch.products[row.sku] else "gone")
        db.session.commit()
        return
    target = Decimal(wanted) if to_shop else shop_quantity + reserved
    if row.undoes_id is not None:
        target = _undo_target(row, to_shop, Decimal(shop_quantity) if to_shop else provider_quantity, target)
    if change is not None and not _resolve_open_change(
        batch, row, change, provider_quantity, shop_quantity, target
    ):
        return
    (_set_shop_quantity if to_shop else _move_provider_stock)(
        batch, row, provider_quantity, shop_quantity, target
    )


def _undo_target(row: SyncedSku, to_shop: bool, level: Decimal, target: Decimal) -> Decimal:
    """The level before the change that is undone; the equation's where somebody altered it since. Commits."""
    change = db.session.get_one(StockChange, row.undoes_id)
    if (change.side == SHOP) is to_shop and level in (change.after, change.before):
        target = change.before
    else:
        row.undoes_id, row.cause = None, CAUSE_RUN
    db.session.commit()
    return target


def _read_shop_quantity(batch: StockBatch, row: SyncedSku) -> int | None:
    """The shop's level at this moment; None where it keeps none (any more). Commits."""
    db.session.commit()
    if row.location:
        return batch.shop_quantities_by_location.get(batch.shop_stock_key(row))
    product = batch.product(row)
    for one in batch.shop.items_of_product(product.product_id):
        if one.variant_id == product.variant_id and one.sku == row.sku:
            product.stock = one.stock
            db.session.commit()
            return one.stock
    _mark_product_stale(batch, row)
    return None


def _mark_product_stale(batch: StockBatch, row: SyncedSku) -> None:
    """Nothing; the product is not what we knew, and is read again. Commits."""
    Product.mark_stale(row.store_id, batch.product(row).product_id)
    batch.products[row.sku] = []
    db.session.commit()


def _resolve_open_change(
    batch: StockBatch,
    row: SyncedSku,
    change: StockChange,
    provider_quantity: Decimal,
    shop_quantity: int,
    target: Decimal,
) -> bool:
    """True when what became of an unfinished change is known, and the levels just read are of after it. Commits."""
    if change.side == SHOP:
        if shop_quantity == change.after:
            change.end(DONE)
        elif shop_quantity != change.before:
            # it may have been set, and altered since
            change.end(UNSURE, "overtaken")
        else:
            change.end(LOST, "not-there")
        db.session.commit()
        return True
    ended = movements.outcome_of(batch.provider, change)
    if ended is None:
        row.postpone(RETRY_DELAY_SECONDS, UNSURE_REASON)
    else:
        ended = DONE if ended == UNSURE and provider_quantity == change.after else ended
        change.end(ended, "" if ended == DONE else "not-there")
        row.postpone(0.0)
    db.session.commit()
    return False


def _set_shop_quantity(
    batch: StockBatch, row: SyncedSku, provider_quantity: Decimal, shop_quantity: int, target: Decimal
) -> None:
    """Nothing; the shop has the target, unless the merchant or somebody else will not have it so. Commits."""
    if shop_quantity == target:
        _record_synced(row, provider_quantity, shop_quantity, provider_quantity)
    elif why := _uncounted_reason(batch, row, provider_quantity) or _forbidden_reason(
        row, provider_quantity, target
    ):
        row.clear_due(why, theirs=provider_quantity, ours=shop_quantity, read_at=db_now())
    elif change := _plan_change(batch, row, SHOP, Decimal(shop_quantity), target, provider_quantity):
        product, claimed = batch.product(row), time.monotonic()
        failpoints.hit("stock_before_send")
        movements.check_send_window(claimed)
        try:
            batch.shop.set_stock(product.product_id, product.variant_id, int(target), row.location)
        except RefusedError as error:
            change.end(LOST, error.code)
            if error.code == "goods-gone":
                _mark_product_stale(batch, row)
            why = {"goods-gone": "gone", "goods-unlimited": "unlimited"}.get(error.code, "refused")
            row.clear_due(
                why, {"answer": error.code}, theirs=provider_quantity, ours=shop_quantity, read_at=db_now()
            )
        else:
            failpoints.hit("stock_after_send")
            change.end(DONE)
            if not row.location:
                product.stock = int(target)
            _record_synced(row, provider_quantity, int(target), provider_quantity, changed_at=db_now())
    db.session.commit()


def _move_provider_stock(
    batch: StockBatch, row: SyncedSku, provider_quantity: Decimal, shop_quantity: int, target: Decimal
) -> None:
    """Nothing; the provider has the target, by one movement, or it is not known yet whether it has. Commits."""
    truth = Decimal(shop_quantity)
    if provider_quantity == target:
        _record_synced(row, provider_quantity, shop_quantity, truth)
    elif why := _forbidden_reason(row, truth, target):
        row.clear_due(why, theirs=provider_quantity, ours=shop_quantity, read_at=db_now())
    elif change := _plan_change(batch, row, PROVIDER, provider_quantity, target, truth):
        code = batch.articles[row.sku].code
        move = StockMovement(
            code, row.warehouse, target - provider_quantity, change.reference, "Acerto pelo stock da loja"
        )
        try:
            known = movements.send_movement(batch.provider, change, move)
        except AppError as error:
            change.end(LOST, error.code)
            db.session.commit()
            raise
        if not known:
            row.postpone(RETRY_DELAY_SECONDS, UNSURE_REASON)
        elif change.state == DONE:
            _record_synced(row, target, shop_quantity, truth, changed_at=db_now())
        else:
            row.clear_due(
                "refused",
                {"answer": change.reason},
                theirs=provider_quantity,
                ours=shop_quantity,
                read_at=db_now(),
            )
    db.session.commit()


def _record_synced(
    row: SyncedSku, provider_quantity: Decimal, shop_quantity: int, truth: Decimal | str, **more: Any
) -> None:
    """Nothing; both levels are known and as they are to be, an undoing among them done. Not committed."""
    rejected = ""
    if row.undoes_id is not None:
        db.session.get_one(StockChange, row.undoes_id).state, rejected = UNDONE, str(truth)
        more["reason"] = "undone"
    more.update(
        theirs=provider_quantity, ours=shop_quantity, read_at=db_now(), rejected=rejected, undoes_id=None
    )
    if not row.clear_due(**more) and "changed_at" in more:
        # told of anew meanwhile; or we stood still, and another set a later level before ours
        SyncedSku.mark_due(row.account_id, [row.sku], "hook")


def _uncounted_reason(batch: StockBatch, row: SyncedSku, provider_quantity: Decimal) -> str:
    """Why the shop keeps its level: we made the article, and nobody has said yet how many of it there are."""
    made = batch.articles[row.sku].state == MADE
    never = provider_quantity <= 0 and (row.theirs is None or row.theirs <= 0)
    return "uncounted" if made and never and row.cause not in (CAUSE_HAND, CAUSE_UNDO) else ""


def _forbidden_reason(row: SyncedSku, truth: Decimal, target: Decimal) -> str:
    """Why the level may not be altered: the merchant undid just this, or somebody puts it back each time."""
    if row.cause in (CAUSE_HAND, CAUSE_UNDO):
        return ""
    if row.rejected and Decimal(row.rejected) == truth:
        return "undone"
    latest = StockChange.recent_done(row.id, CONTESTED_COUNT, CONTESTED_WINDOW_SECONDS)
    again = len(latest) == CONTESTED_COUNT and all(one.after == target for one in latest)
    return "contested" if again else ""


def _plan_change(
    batch: StockBatch, row: SyncedSku, side: str, before: Decimal, after: Decimal, truth: Decimal
) -> StockChange | None:
    """The alteration as it is about to be made, in the journal before it is sent; None for a row told of anew. Commits.

    Also None where we stood still, and another has the row by now.
    """
    if not row.confirm_lease():
        db.session.rollback()
        return None
    return StockChange.plan(
        store_id=row.store_id, account_id=row.account_id, stocked_id=row.id, run_id=row.run_id,
        order_id=row.order_id, sku=row.sku, name=batch.product(row).name, warehouse=row.warehouse,
        location=row.location, side=side, before=before, after=after, cause=row.cause or CAUSE_RUN,
        reference=f"QI-S-{secrets.token_hex(8)}", truth=str(truth), undoes_id=row.undoes_id, sent_at=db_now(),
    )  # fmt: skip
