"""What the law and the merchant's choices say of an article: which lines must name one, and the tax it is made with.

Called by drafting (a line without SKU) and by `matching` (an article to be made). Source: rulings section 8; the rule
for lines without SKU is the merchant's own. Looks nothing up and makes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from shopapp.errors import OrderError

from . import tax_tables
from .document import DraftLine, FiscalSettings
from .money import ZERO
from .order import OrderLine
from .tax_tables import Tax, VatCategory

KINDS_WITH_SKU = ("goods", "service")
"""Kinds of line that are sold under a SKU; shipping, fees and vouchers are not asked for one."""


def check_skus(lines: Sequence[OrderLine], settings: FiscalSettings) -> None:
    """Nothing; OrderError `sku-missing` for a product without SKU where the merchant wants to be stopped."""
    if settings.no_sku != "block":
        return
    for line in lines:
        if line.kind in KINDS_WITH_SKU and not line.sku:
            raise OrderError("sku-missing", line=line.description)


def quantities_by_sku(lines: Iterable[OrderLine | DraftLine]) -> dict[str, Decimal]:
    """How many pieces of each SKU the lines hold; goods alone, which are what stock is kept of."""
    found: dict[str, Decimal] = {}
    for line in lines:
        if line.kind == "goods" and line.sku:
            found[line.sku] = found.get(line.sku, ZERO) + line.quantity
    return found


def domestic_article_tax(line: DraftLine, settings: FiscalSettings, day: date) -> Tax:
    """The tax of the line's article where the merchant is: never the rate, or the reason for none, of a sale abroad."""
    at = settings.ship_from
    found = tax_tables.exempt_tax(at, _article_exemption(line, settings), day) or tax_tables.domestic_tax(
        at, _article_category(line, settings, day), day
    )
    if found is None:
        raise OrderError("rate-not-in-table", region=at, day=day.isoformat())
    return found


def _article_exemption(line: DraftLine, settings: FiscalSettings) -> str:
    """The product's own reason for no tax; empty when it has none, whatever this buyer was charged."""
    if line.exemption_code and line.exemption_code not in tax_tables.PLACE_OF_SUPPLY_EXEMPTIONS:
        return line.exemption_code
    if settings.regime == "art53_exempt":
        return tax_tables.SMALL_BUSINESS_EXEMPTION
    exception = settings.exceptions.get(line.sku, "") if line.sku else ""
    return exception if exception.startswith("M") else ""


def _article_category(line: DraftLine, settings: FiscalSettings, day: date) -> VatCategory:
    """What the goods are: as the merchant marked them, as they were taxed or charged here; else the normal rate."""
    exception = settings.exceptions.get(line.sku, "") if line.sku else ""
    return (
        tax_tables.category_named(exception)
        or tax_tables.CATEGORY_BY_SAFT_TAX_CODE.get(line.tax_code)
        or tax_tables.category_of_rate(line.charged or ZERO, day, line.region)
        or "normal"
    )
