"""Documents that answer no sale by themselves: the order note before it, the transport guide beside it.

Called by `preparing`. Source: fiscal-pt section 3 (SAF-T MovementOfGoods, WorkingDocuments), DL 147/2003 for what a
transport document names. Takes the lines of the sale's own draft; reckons nothing anew but their sums.
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
"""Invoices that may serve as transport document themselves; a simplified one may not."""


def build_order_note(sale: Draft, settings: FiscalSettings) -> Draft:
    """The order as the customer placed it: the sale's lines, no payment, no stock (kind NE)."""
    return replace(
        sale, kind="NE", series=series_for("NE", settings), payments=(), notes=(), moves_stock=False,
        transport=None, follows="",
    )  # fmt: skip


def build_transport_guide(
    sale: Draft, settings: FiscalSettings, today: date, transport: Transport | None
) -> Draft:
    """The transport guide of a sale: its goods alone, from where to where and when (kind GT).

    OrderError `nothing-to-move` when none of its lines travels.
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
    """True when goods of this order go to a place that is known; a course, or a pot fetched at the shop, does not."""
    unloading = order.ship_to or order.buyer.address
    return (
        any(line.kind == "goods" for line in draft.lines) and unloading is not None and unloading.is_complete
    )


def plan_transport(loading: Address, unloading: Address | None, leaves: time, now: datetime) -> Transport:
    """From where to where, and when: today at the hour at which the shop's parcels leave, tomorrow once it is past.

    SettingsError `loading-missing`, OrderError `unloading-missing`: a place that cannot be found is none.
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
    """True when the invoice says of its lines what the note said: then it may be made out of it."""
    return _lines_content(note) == _lines_content(sale)


def _lines_content(draft: Draft) -> list[tuple[object, ...]]:
    return [(line.sku, line.description, line.quantity, line.gross, line.vat_rate) for line in draft.lines]
