"""Keep the stock of each SKU equal at the shop and the provider; every change is in the journal before it is sent.

For each synced SKU in one pair of places, with *reserved* being what the shop sold and the provider has not taken off:

    to the shop:      shop_quantity     = max(0, whole pieces of (provider_quantity - reserved))
    to the provider:  provider_quantity = shop_quantity + reserved

Both set an absolute quantity, so a step that is repeated, or the webhook of our own change, finds nothing to do.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from shopapp import failpoints
from shopapp.connections.settings import seconds_setting
from shopapp.errors import AppError, CredentialsError, MerchantError, RefusedError, UncertainError
from shopapp.inventory import movements
from shopapp.inventory.stock_batch import StockBatch
from shopapp.inventory.store_connections import StoreConnections
from shopapp.models import Account, StockChange, SyncedSku, SyncRun, db, db_now
from shopapp.models.article import MADE
from shopapp.models.stock import (
    CAUSE_HAND,
    CAUSE_RUN,
    CAUSE_UNDO,
    CAUSE_WEBHOOK,
    DONE,
    HELD_REASON,
    LOST,
    PROVIDER,
    SHOP,
    UNDONE,
    UNSURE,
    UNSURE_REASON,
)
from shopapp.providers.stock import StockMovement

CONTESTED_COUNT, CONTESTED_WINDOW_SECONDS = 3, 3600.0
"""A quantity that we set so often within an hour, and that was changed back each time, is left to the merchant."""
RETRY_DELAY_SECONDS, MAX_RETRY_DELAY_SECONDS = 60.0, 1800.0
"""The wait after a failed call or a lost answer: twice as long each time, up to the maximum."""
SHOP_REFUSAL_REASONS = {"goods-gone": "gone", "goods-unlimited": "unlimited"}
"""Why a SKU is left alone, by the code of the shop's refusal; any other is "refused"."""


@dataclass(frozen=True)
class _Quantities:
    """The pieces of one SKU on both sides, and what the side that we set should have."""

    side: str
    """The side that we set: SHOP or PROVIDER. The other one is the source."""
    provider_quantity: Decimal
    shop_quantity: int
    target: Decimal

    @property
    def current(self) -> Decimal:
        """The quantity of the side that we set."""
        return Decimal(self.shop_quantity) if self.side == SHOP else self.provider_quantity

    @property
    def source(self) -> Decimal:
        """The quantity that the other side has to follow."""
        return self.provider_quantity if self.side == SHOP else Decimal(self.shop_quantity)

    @property
    def in_sync(self) -> bool:
        return self.current == self.target

    def at_target(self) -> _Quantities:
        """Return the quantities after the change."""
        if self.side == SHOP:
            return replace(self, shop_quantity=int(self.target))
        return replace(self, provider_quantity=self.target)


def sync_due_skus(store_id: int, connections: StoreConnections, until: float) -> bool:
    """Take due rows of one account and sync them; those not reached by the monotonic time `until` stay due.

    Return whether any were due. Commits. Raises AppError when the shop or the provider does not answer.
    """
    rows = SyncedSku.take(store_id, seconds_setting("LEASE_SECONDS"))
    if not rows:
        return False
    account = db.session.get_one(Account, rows[0].account_id)
    db.session.commit()
    if not account.stock_direction:
        for row in rows:
            row.clear_due("off")
        db.session.commit()
        return True
    if not SyncRun.has_read_catalogue(account.id):
        # Until the shop's whole list was read, nobody knows whether it contains a SKU twice.
        for row in rows:
            row.postpone(RETRY_DELAY_SECONDS, HELD_REASON)
        db.session.commit()
        return True
    batch = StockBatch(account, connections, rows)
    if batch.load():
        for index, row in enumerate(batch.rows):
            if time.monotonic() < until:
                _try_sync(batch, row, batch.rows[index:])
            else:
                row.postpone(0.0)
        db.session.commit()
    return True


def _try_sync(batch: StockBatch, row: SyncedSku, remaining: list[SyncedSku]) -> None:
    """Sync the row, or have it tried again later. Commits.

    A failure that concerns this row alone stops no other; any other is raised, and all remaining rows wait.
    """
    try:
        _sync_row(batch, row)
    except AppError as error:
        db.session.rollback()
        this_row_only = isinstance(error, (UncertainError, MerchantError)) and not isinstance(
            error, CredentialsError
        )
        for failed in [row] if this_row_only else remaining:
            delay = min(RETRY_DELAY_SECONDS * 2 ** min(failed.tries - 1, 10), MAX_RETRY_DELAY_SECONDS)
            failed.postpone(delay, error.code[:40])
        db.session.commit()
        if not this_row_only:
            raise


# one row


def _sync_row(batch: StockBatch, row: SyncedSku) -> None:
    """Set the quantity that the equation asks for, or record why that is not done. Commits."""
    open_change = StockChange.find_open(row.id)
    if row.cause == CAUSE_RUN and row.undoes_id is None and open_change is None:
        # A run found another quantity at the provider. If the shop's last known quantity fits it already, the
        # shop need not be asked, as nothing has announced a change there.
        known_shop_quantity = batch.known_shop_quantity(row)
        if known_shop_quantity is not None:
            quantities = _quantities(batch, row, known_shop_quantity)
            if quantities.in_sync:
                _record_synced(row, quantities)
                db.session.commit()
                return
    shop_quantity = batch.read_shop_quantity(row)
    if shop_quantity is None:
        row.clear_due("unlimited" if batch.has_product(row) else "gone")
        db.session.commit()
        return
    quantities = _quantities(batch, row, shop_quantity)
    if row.undoes_id is not None:
        quantities = replace(quantities, target=_undo_target(row, quantities))
    if open_change is None:
        _bring_to_target(batch, row, quantities)
    elif open_change.side == SHOP:
        _end_shop_change(open_change, quantities.shop_quantity)
        _bring_to_target(batch, row, quantities)
    else:
        _end_movement(batch, row, open_change, quantities.provider_quantity)


def _quantities(batch: StockBatch, row: SyncedSku, shop_quantity: int) -> _Quantities:
    provider_quantity, reserved = batch.provider_quantity(row), batch.reserved(row)
    if batch.account.stock_direction == "to-shop":
        whole_pieces = int((provider_quantity - reserved).to_integral_value(ROUND_FLOOR))
        return _Quantities(SHOP, provider_quantity, shop_quantity, target=Decimal(max(0, whole_pieces)))
    return _Quantities(PROVIDER, provider_quantity, shop_quantity, target=shop_quantity + reserved)


def _undo_target(row: SyncedSku, quantities: _Quantities) -> Decimal:
    """Return the quantity before the change that is undone. Commits.

    When somebody has changed it since, nothing is undone, and the target is that of the equation.
    """
    change = db.session.get_one(StockChange, row.undoes_id)
    target = quantities.target
    if change.side == quantities.side and quantities.current in (change.after, change.before):
        target = change.before
    else:
        row.undoes_id, row.cause = None, CAUSE_RUN
    db.session.commit()
    return target


def _end_shop_change(change: StockChange, shop_quantity: int) -> None:
    """Record what became of an unfinished change at the shop, by the quantity just read there. Commits."""
    if shop_quantity == change.after:
        change.end(DONE)
    elif shop_quantity == change.before:
        change.end(LOST, "not-there")
    else:
        # it may have been set, and changed by somebody since
        change.end(UNSURE, "overtaken")
    db.session.commit()


def _end_movement(batch: StockBatch, row: SyncedSku, change: StockChange, provider_quantity: Decimal) -> None:
    """Ask the provider what became of an unfinished movement, and sync the row again after that. Commits.

    The row waits: the provider's quantity was read before the answer, so it may lack the movement.
    """
    outcome = movements.outcome_of(batch.provider, change)
    if outcome is None:
        row.postpone(RETRY_DELAY_SECONDS, UNSURE_REASON)
    else:
        if outcome == UNSURE and provider_quantity == change.after:
            outcome = DONE
        change.end(outcome, "" if outcome == DONE else "not-there")
        row.postpone(0.0)
    db.session.commit()


def _bring_to_target(batch: StockBatch, row: SyncedSku, quantities: _Quantities) -> None:
    """Change the quantity of the side that we set, unless it is right or must be left alone. Commits."""
    if quantities.in_sync:
        _record_synced(row, quantities)
        db.session.commit()
        return
    reason = _reason_to_leave_alone(batch, row, quantities)
    if reason:
        _record_left_alone(row, quantities, reason)
        db.session.commit()
        return
    change = _plan_change(batch, row, quantities)
    if change is None:
        return
    if quantities.side == SHOP:
        _set_shop_quantity(batch, row, quantities, change)
    else:
        _move_provider_stock(batch, row, quantities, change)
    db.session.commit()


def _reason_to_leave_alone(batch: StockBatch, row: SyncedSku, quantities: _Quantities) -> str:
    """Return why the quantity must not be changed; "" when it may. docs/stock.md explains the reasons."""
    if row.cause in (CAUSE_HAND, CAUSE_UNDO):
        return ""
    if quantities.side == SHOP and batch.article(row).state == MADE:
        provider_never_had_any = quantities.provider_quantity <= 0 and (row.theirs is None or row.theirs <= 0)
        if provider_never_had_any:
            return "uncounted"
    if row.rejected and Decimal(row.rejected) == quantities.source:
        return "undone"
    latest = StockChange.recent_done(row.id, CONTESTED_COUNT, CONTESTED_WINDOW_SECONDS)
    if len(latest) == CONTESTED_COUNT and all(change.after == quantities.target for change in latest):
        return "contested"
    return ""


def _plan_change(batch: StockBatch, row: SyncedSku, quantities: _Quantities) -> StockChange | None:
    """Write the change into the journal before it is sent. Commits.

    Return None when the row became due again in the meantime, or another worker took it over.
    """
    if not row.confirm_lease():
        db.session.rollback()
        return None
    return StockChange.plan(
        store_id=row.store_id, account_id=row.account_id, stocked_id=row.id, run_id=row.run_id,
        order_id=row.order_id, sku=row.sku, name=batch.product(row).name, warehouse=row.warehouse,
        location=row.location, side=quantities.side, before=quantities.current, after=quantities.target,
        cause=row.cause or CAUSE_RUN, reference=f"QI-S-{secrets.token_hex(8)}", truth=str(quantities.source),
        undoes_id=row.undoes_id, sent_at=db_now(),
    )  # fmt: skip


def _set_shop_quantity(
    batch: StockBatch, row: SyncedSku, quantities: _Quantities, change: StockChange
) -> None:
    """Set the target at the shop. Not committed.

    Raises AppError when it is unknown whether it was set, or when it was not: the change stays planned,
    and the next step compares it with the shop.
    """
    product, target = batch.product(row), int(quantities.target)
    planned_at = time.monotonic()
    failpoints.hit("stock_before_send")
    movements.check_send_window(planned_at)
    try:
        batch.shop.set_stock(product.product_id, product.variant_id, target, row.location)
    except RefusedError as error:
        change.end(LOST, error.code)
        if error.code == "goods-gone":
            batch.mark_product_stale(row)
        reason = SHOP_REFUSAL_REASONS.get(error.code, "refused")
        _record_left_alone(row, quantities, reason, {"answer": error.code})
        return
    failpoints.hit("stock_after_send")
    change.end(DONE)
    if not row.location:
        product.stock = target
    _record_synced(row, quantities.at_target(), changed_at=db_now())


def _move_provider_stock(
    batch: StockBatch, row: SyncedSku, quantities: _Quantities, change: StockChange
) -> None:
    """Send the provider one movement of the difference to the target. Not committed.

    When the answer is lost the change stays planned, and the row waits until the provider can be asked about the
    movement. Raises AppError when nothing was moved; this is committed.
    """
    code, missing = batch.article(row).code, quantities.target - quantities.current
    movement = StockMovement(code, row.warehouse, missing, change.reference, "Acerto pelo stock da loja")
    try:
        outcome_known = movements.send_movement(batch.provider, change, movement)
    except AppError as error:
        change.end(LOST, error.code)
        db.session.commit()
        raise
    if not outcome_known:
        row.postpone(RETRY_DELAY_SECONDS, UNSURE_REASON)
    elif change.state == DONE:
        _record_synced(row, quantities.at_target(), changed_at=db_now())
    else:
        _record_left_alone(row, quantities, "refused", {"answer": change.reason})


def _record_left_alone(
    row: SyncedSku, quantities: _Quantities, reason: str, detail: dict[str, Any] | None = None
) -> None:
    """Record why the row is left alone until something makes it due. Not committed."""
    provider_quantity, shop_quantity = quantities.provider_quantity, quantities.shop_quantity
    row.clear_due(reason, detail, theirs=provider_quantity, ours=shop_quantity, read_at=db_now())


def _record_synced(row: SyncedSku, quantities: _Quantities, **more: Any) -> None:
    """Record both quantities, which are as they should be, and the end of an undo. Not committed."""
    rejected = ""
    if row.undoes_id is not None:
        undone_change = db.session.get_one(StockChange, row.undoes_id)
        undone_change.state = UNDONE
        rejected = str(quantities.source)
        more["reason"] = "undone"
    cleared = row.clear_due(
        theirs=quantities.provider_quantity,
        ours=quantities.shop_quantity,
        read_at=db_now(),
        rejected=rejected,
        undoes_id=None,
        **more,
    )
    if not cleared and "changed_at" in more:
        # The row became due in the meantime, or another worker set a later quantity before ours arrived.
        SyncedSku.mark_due(row.account_id, [row.sku], CAUSE_WEBHOOK)
