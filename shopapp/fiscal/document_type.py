"""Which document an order takes, dated when: invoice, invoice-receipt or simplified invoice, or none yet.

Called by drafting. Sources: fiscal-pt sections 3 and 3.2 (CIVA art. 29, 36 and 40). Never dates anything back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from shopapp.errors import NotYet, OrderError, SettingsError

from .document import DocumentKind, Draft, DraftLine, FiscalSettings
from .line_tax import ANCILLARY_KINDS
from .money import ZERO
from .order import Order
from .party import Buyer
from .place_of_supply import time_zone_of
from .trace import DecisionTrace

SIMPLIFIED_RETAIL_LIMIT = Decimal(1000)
"""Simplified invoice for retail goods to a consumer, and from here on his name and address (DOC2, ID3); inclusive."""
SIMPLIFIED_OTHER_LIMIT = Decimal(100)


def local_day(moment: datetime, region: str) -> date:
    """The day of the moment where the merchant is, never in UTC (DATE3); a moment without zone is taken as it is."""
    return moment.astimezone(ZoneInfo(time_zone_of(region))).date() if moment.tzinfo else moment.date()


def choose_document_kind(
    order: Order, settings: FiscalSettings, today: date, trace: DecisionTrace
) -> DocumentKind:
    """The kind that the order's payment calls for (DOC1, DOC3, DATE1, DATE2).

    Raises NotYet `unpaid`, `cancelled` or `free` when there is nothing to issue now.
    """
    if order.status == "cancelled":
        raise NotYet("cancelled")
    if order.status != "paid":
        handed_over = order.goods_made_available
        trace.add_rule("DATE1", "DOC3")
        if handed_over is None or local_day(handed_over, settings.ship_from) > today:
            raise NotYet("unpaid")
        trace.add_rule("DOC1", "DATE2")
        return "FT"
    if order.paid_total <= ZERO:
        raise NotYet("free")
    if settings.kind not in ("FT", "FR", "FS"):
        raise SettingsError("kind-not-an-invoice", kind=settings.kind)
    trace.add_rule("DOC1", "DATE1")
    return settings.kind


def tax_point_of(order: Order, settings: FiscalSettings, today: date) -> date:
    """The day whose rates hold: the payment's, or today's for goods handed over unpaid (CIVA art. 8; VAT5)."""
    if order.status == "paid" and order.paid_at is not None:
        return min(local_day(order.paid_at, settings.ship_from), today)
    return today


def add_payment_day_note(order: Order, settings: FiscalSettings, today: date, trace: DecisionTrace) -> None:
    """The real payment day is printed when the document has another date (art. 36 n.º 5 f); DATE3)."""
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
    """A simplified invoice only where the law allows one, else an invoice-receipt (DOC2, DOC4)."""
    if kind != "FS":
        return kind
    total = sum((line.gross for line in lines), ZERO)
    abroad = any(line.tax_code == "OUT" or line.exemption_code in ("M05", "M16", "M40") for line in lines)
    retail = settings.retailer and not buyer.is_business and all(_is_goods(line) for line in lines)
    limit = SIMPLIFIED_RETAIL_LIMIT if retail else SIMPLIFIED_OTHER_LIMIT
    trace.add_rule("DOC4" if abroad else "DOC2")
    if abroad or (total > limit and settings.regime != "art53_exempt"):
        trace.add_warning("simplified-not-allowed")
        return "FR"
    return "FS"


def _is_goods(line: DraftLine) -> bool:
    return line.kind == "goods" or line.kind in ANCILLARY_KINDS


def series_for(kind: DocumentKind, settings: FiscalSettings) -> str:
    """The merchant's series for the kind; raises SettingsError when he chose series but none for this kind."""
    if settings.series and not settings.series.get(kind):
        raise SettingsError("series-missing", kind=kind)
    return settings.series.get(kind, "")


def check_customer_named(draft: Draft, buyer: Buyer) -> None:
    """Nothing when the customer is named as far as the law asks; raises OrderError `customer-incomplete` (ID3, ID4)."""
    customer = draft.customer
    if draft.kind == "FS" or not customer.name_and_address_required:
        return
    missing = [] if customer.name else ["name"]
    if not (customer.address and customer.address.is_complete):
        missing.append("address")
    if missing:
        raise OrderError(
            "customer-incomplete", missing=missing, business=buyer.is_business, total=str(draft.gross)
        )
