"""Articles: which lines must name one, how many of each an order takes, and the tax that a new one is created with.

"articles" in docs/fiscal.md. Nothing is looked up or created here.
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
"""Kinds of line that are sold under a SKU; shipping, fees and gift cards need none."""


def check_skus(lines: Sequence[OrderLine], settings: FiscalSettings) -> None:
    """Check that every product has a SKU, if the merchant requires it. Raises OrderError `sku-missing`."""
    if settings.no_sku != "block":
        return
    for line in lines:
        if line.kind in KINDS_WITH_SKU and not line.sku:
            raise OrderError("sku-missing", line=line.description)


def quantities_by_sku(lines: Iterable[OrderLine | DraftLine]) -> dict[str, Decimal]:
    """Return the quantity of each SKU on the lines of goods; no other kind of line has stock."""
    quantities: dict[str, Decimal] = {}
    for line in lines:
        if line.kind == "goods" and line.sku:
            quantities[line.sku] = quantities.get(line.sku, ZERO) + line.quantity
    return quantities


def domestic_article_tax(line: DraftLine, settings: FiscalSettings, day: date) -> Tax:
    """Return the domestic tax of the line's article, never the rate or the exemption of a sale abroad.

    Raises OrderError `rate-not-in-table` for a day before the tables begin.
    """
    home = settings.ship_from
    tax = tax_tables.exempt_tax(home, _article_exemption(line, settings), day) or tax_tables.domestic_tax(
        home, _article_category(line, settings, day), day
    )
    if tax is None:
        raise OrderError("rate-not-in-table", region=home, day=day.isoformat())
    return tax


def _article_exemption(line: DraftLine, settings: FiscalSettings) -> str:
    """Return the product's own exemption, empty when it has none; what this buyer was charged plays no part."""
    abroad = {*tax_tables.PLACE_OF_SUPPLY_EXEMPTIONS, tax_tables.CONSUMER_ABROAD_EXEMPTION}
    if line.exemption_code and line.exemption_code not in abroad:
        return line.exemption_code
    if settings.regime == "art53_exempt":
        return tax_tables.SMALL_BUSINESS_EXEMPTION
    chosen = settings.decisions.find("product-tax", line.sku) if line.sku else ""
    return chosen if chosen.startswith("M") else ""


def _article_category(line: DraftLine, settings: FiscalSettings, day: date) -> VatCategory:
    """Return the category that the merchant gave the product, else that of its tax or charged rate, else normal."""
    chosen = settings.decisions.find("product-tax", line.sku) if line.sku else ""
    return (
        tax_tables.category_named(chosen)
        or tax_tables.CATEGORY_BY_SAFT_TAX_CODE.get(line.tax_code)
        or tax_tables.category_of_rate(line.charged or ZERO, day, line.region)
        or ("reduced" if line.vat_rate in tax_tables.reduced_oss_rates(line.region, day) else None)
        or "normal"
    )
