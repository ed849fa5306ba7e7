"""The kind of document for an order, and its date: invoice, invoice-receipt, simplified invoice, or none yet.

DOC1 to DOC4 and DATE1 to DATE3 in docs/fiscal.md. No document is ever backdated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from shopapp.errors import NotYet, SettingsError

from .document import INVOICE_KINDS, DocumentKind, DraftLine, FiscalSettings
from .money import ZERO, sum_amounts
from .order import ANCILLARY_KINDS, Order
from .party import Buyer
from .place_of_supply import time_zone_of
from .tax_tables import NOT_TAXED_HERE
from .trace import DecisionTrace

SIMPLIFIED_RETAIL_LIMIT = Decimal(1000)
"""The highest total of a simplified invoice for retail goods to a consumer (DOC2)."""
SIMPLIFIED_OTHER_LIMIT = Decimal(100)
"""The highest total of every other simplified invoice (DOC2)."""


def local_day(moment: datetime, region: str) -> date:
    """Return the merchant's local day at that moment (DATE3); a moment without a zone counts as local time."""
    return moment.astimezone(ZoneInfo(time_zone_of(region))).date() if moment.tzinfo else moment.date()


def choose_document_kind(
    order: Order, settings: FiscalSettings, today: date, trace: DecisionTrace
) -> DocumentKind:
    """Choose the kind that the order's payment calls for (DOC1, DOC3, DATE1, DATE2).

    Raises NotYet `unpaid`, `cancelled` or `free` when there is nothing to issue now, SettingsError when the kind that
    the merchant chose is not an invoice.
    """
    if order.status == "cancelled":
        raise NotYet("cancelled")
    if order.status != "paid":
        trace.add_rule("DATE1", "DOC3")
        handed_over = order.goods_made_available
        if handed_over is None or local_day(handed_over, settings.ship_from) > today:
            raise NotYet("unpaid")
        trace.add_rule("DOC1", "DATE2")
        return "FT"
    if order.paid_total <= ZERO:
        raise NotYet("free")
    if settings.kind not in INVOICE_KINDS:
        raise SettingsError("kind-not-an-invoice", kind=settings.kind)
    trace.add_rule("DOC1", "DATE1")
    return settings.kind


def tax_point_of(order: Order, settings: FiscalSettings, today: date) -> date:
    """Return the day whose rates apply: that of the payment, or today for goods handed over unpaid (VAT5)."""
    if order.status == "paid" and order.paid_at is not None:
        return min(local_day(order.paid_at, settings.ship_from), today)
    return today


def add_payment_day_note(order: Order, settings: FiscalSettings, today: date, trace: DecisionTrace) -> None:
    """Print the day of the payment when the document has a later date (DATE3)."""
    if order.status != "paid" or order.paid_at is None:
        return
    paid_on = local_day(order.paid_at, settings.ship_from)
    if paid_on < today:
        trace.add_rule("DATE3")
        trace.add_note(f"Pagamento recebido em {paid_on.isoformat()}.")


def restrict_simplified_invoice(
    kind: DocumentKind,
    lines: Sequence[DraftLine],
    buyer: Buyer,
    settings: FiscalSettings,
    trace: DecisionTrace,
) -> DocumentKind:
    """Replace a simplified invoice that the law does not allow here by an invoice-receipt (DOC2, DOC4)."""
    if kind != "FS":
        return kind
    is_abroad = any(_is_taxed_abroad(line) for line in lines)
    is_retail = settings.retailer and not buyer.is_business and all(_is_goods(line) for line in lines)
    limit = SIMPLIFIED_RETAIL_LIMIT if is_retail else SIMPLIFIED_OTHER_LIMIT
    is_over_limit = sum_amounts(line.gross for line in lines) > limit and settings.regime != "art53_exempt"
    trace.add_rule("DOC4" if is_abroad else "DOC2")
    if is_abroad or is_over_limit:
        trace.add_warning("simplified-not-allowed")
        return "FR"
    return "FS"


def _is_taxed_abroad(line: DraftLine) -> bool:
    is_untaxed_service = line.kind == "service" and line.exemption_code == "M99"
    return line.tax_code == "OUT" or line.exemption_code in NOT_TAXED_HERE or is_untaxed_service


def _is_goods(line: DraftLine) -> bool:
    return line.kind == "goods" or line.kind in ANCILLARY_KINDS


def series_for(kind: DocumentKind, settings: FiscalSettings) -> str:
    """Return the merchant's series for the kind; empty when they chose no series at all.

    Raises SettingsError `series-missing` when they chose series but none for this kind.
    """
    if settings.series and not settings.series.get(kind):
        raise SettingsError("series-missing", kind=kind)
    return settings.series.get(kind, "")
