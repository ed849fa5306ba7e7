"""What the law and the merchant's choices say of an article: which lines must name one, and the tax it is made with.

Called by drafting (a line without SKU) and by `matching` (an article to be made). Source: rulings section 8; the rule
for lines without SKU is the merchant's own. Looks nothing up and makes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from . import tax
from .document import DraftLine, Settings
from .errors import OrderError
from .money import ZERO
from .order import Line
from .tax import Category, Tax

NAMED = ("goods", "service")
"""Kinds of line that are sold under a SKU; shipping, fees and vouchers are not asked for one."""
_CATEGORIES: dict[str, Category] = {"NOR": "normal", "INT": "intermediate", "RED": "reduced"}


def check_skus(lines: Sequence[Line], settings: Settings) -> None:
    """Nothing; OrderError `sku-missing` for a product without SKU where the merchant wants to be stopped."""
    if settings.no_sku != "block":
        return
    for line in lines:
        if line.kind in NAMED and not line.sku:
            raise OrderError("sku-missing", line=line.description)


def pieces(lines: Iterable[Line | DraftLine]) -> dict[str, Decimal]:
    """How many pieces of each SKU the lines hold; goods alone, which are what stock is kept of."""
    found: dict[str, Decimal] = {}
    for line in lines:
        if line.kind == "goods" and line.sku:
            found[line.sku] = found.get(line.sku, ZERO) + line.quantity
    return found


def home_tax(line: DraftLine, settings: Settings, day: date) -> Tax:
    """The tax of the line's article where the merchant is: never the rate, or the reason for none, of a sale abroad."""
    at = settings.ship_from
    found = tax.exempt(at, _reason(line, settings), day) or tax.domestic(
        at, _category(line, settings, day), day
    )
    if found is None:
        raise OrderError("rate-not-in-table", region=at, day=day.isoformat())
    return found


def _reason(line: DraftLine, settings: Settings) -> str:
    """The product's own reason for no tax; empty when it has none, whatever this buyer was charged."""
    if line.exemption_code and line.exemption_code not in tax.BY_RULE:
        return line.exemption_code
    if settings.regime == "art53_exempt":
        return "M10"
    exception = settings.exceptions.get(line.sku, "") if line.sku else ""
    return exception if exception.startswith("M") else ""


def _category(line: DraftLine, settings: Settings, day: date) -> Category:
    """What the goods are: as the merchant marked them, as they were taxed or charged here; else the normal rate."""
    exception = settings.exceptions.get(line.sku, "") if line.sku else ""
    for category in tax.CATEGORIES:
        if category == exception:
            return category
    if line.tax_code in _CATEGORIES:
        return _CATEGORIES[line.tax_code]
    return tax.category_of(line.charged or ZERO, day, line.region) or "normal"
