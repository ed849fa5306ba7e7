"""The documents besides the invoice: order note before payment, and transport guide from the invoice's own draft.

SAF-T (PT) 1.04 files them under WorkingDocuments and MovementOfGoods; DL 147/2003 says what a transport document must
state.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from shopapp.errors import OrderError, SettingsError

from . import totals
from .document import Draft, FiscalSettings, Transport
from .document_type import series_for
from .order import Order
from .party import Address

INVOICES_VALID_FOR_TRANSPORT = ("FT", "FR")
"""Invoices that may serve as the transport document themselves; a simplified invoice may not."""


def build_order_note(sale: Draft, settings: FiscalSettings) -> Draft:
    """Build the order note (NE): the lines of the sale, without payment, and moving no stock."""
    return replace(
        sale, kind="NE", series=series_for("NE", settings), payments=(), notes=(), moves_stock=False,
        transport=None, follows="",
    )  # fmt: skip


def build_transport_guide(
    sale: Draft, settings: FiscalSettings, today: date, transport: Transport | None
) -> Draft:
    """Build the transport guide (GT) of a sale: its goods alone, from where to where and when.

    Raises OrderError `nothing-to-move` when the sale has no goods, `total-differs` as `fit_to_total` does.
    """
    goods = [line for line in sale.lines if line.kind == "goods"]
    if not goods:
        raise OrderError("nothing-to-move")
    return replace(
        sale,
        kind="GT",
        date=today,
        series=series_for("GT", settings),
        payments=(),
        references=(),
        notes=(),
        moves_stock=False,
        transport=transport,
        follows="",
        **totals.lines_and_totals(goods, settings.rounding_level),
    )


def needs_transport(draft: Draft, order: Order) -> bool:
    """Return whether the order has goods, and a destination with street and city."""
    unloading = order.ship_to or order.buyer.address
    return (
        any(line.kind == "goods" for line in draft.lines) and unloading is not None and unloading.is_complete
    )


def plan_transport(loading: Address, unloading: Address | None, leaves: time, now: datetime) -> Transport:
    """Plan the transport for today at the hour at which the shop's parcels leave, or for tomorrow when that has passed.

    Raises SettingsError `loading-missing` or OrderError `unloading-missing` for an address without street or city.
    """
    if not loading.is_complete:
        raise SettingsError("loading-missing")
    if unloading is None or not unloading.is_complete:
        raise OrderError("unloading-missing")
    leaves_at = datetime.combine(now.date(), leaves)
    if leaves_at <= now.replace(tzinfo=None):
        leaves_at += timedelta(days=1)
    return Transport(loading, unloading, leaves_at)


def same_content(note: Draft, sale: Draft) -> bool:
    """Return whether note and invoice have the same lines: then the invoice may be made from the note."""
    return _lines_content(note) == _lines_content(sale)


def _lines_content(draft: Draft) -> list[tuple[object, ...]]:
    return [(line.sku, line.description, line.quantity, line.gross, line.vat_rate) for line in draft.lines]
