"""Tax rates by region and day, and the reasons for charging none: the law's tables, read from `tables/`.

Called by the rules that rate a line. The tables are facts with a source in each row; nothing here decides
which row fits an order, and nothing here knows today's date.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from .money import ZERO, parse_amount, strip_trailing_zeros

VatCategory = Literal["normal", "intermediate", "reduced"]

TABLES = Path(__file__).parent / "tables"
VAT_REGIONS = ("PT", "PT-MA", "PT-AC")
VAT_CATEGORIES: tuple[VatCategory, ...] = get_args(VatCategory)
"""Highest rate first."""
_SAFT_TAX_CODES: dict[VatCategory, str] = {"normal": "NOR", "intermediate": "INT", "reduced": "RED"}
CATEGORY_BY_SAFT_TAX_CODE = {code: category for category, code in _SAFT_TAX_CODES.items()}

REVERSE_CHARGE_EXEMPTIONS = frozenset({"M30", "M31", "M32", "M33", "M34", "M35", "M42", "M43"})
"""Only for a business with a Portuguese number, and only where the merchant marked the product (section 2.6)."""
PLACE_OF_SUPPLY_EXEMPTIONS = frozenset({"M05", "M16", "M40"})
"""Given by the place of supply alone, never by a setting (fiscal-pt section 8)."""
SMALL_BUSINESS_EXEMPTION = "M10"
"""The exemption of a merchant under art. 53 (EXM1)."""
NON_ORDER_EXEMPTIONS = frozenset({"M04", "M46"})
"""About importing and about travellers' luggage: never right for an order (fiscal-pt section 1)."""


@dataclass(frozen=True, slots=True)
class Tax:
    """What one line owes: the rate, the region it belongs to and, at zero, the reason."""

    region: str
    rate: Decimal
    code: str
    """SAF-T: RED, INT, NOR, ISE, OUT."""
    exemption: str = ""
    mention: str = ""

    @property
    def factor(self) -> Decimal:
        """What a net amount is multiplied with to have the tax in it."""
        return 1 + self.rate / 100


@cache
def table_rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one table as text."""
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as table:
        return tuple(csv.DictReader(table))


def rows_in_force(table: Iterable[dict[str, str]], day: date) -> list[dict[str, str]]:
    """The rows that are valid on that day."""
    written = day.isoformat()
    return [
        row
        for row in table
        if row["valid_from"] <= written and (not row.get("valid_until") or written <= row["valid_until"])
    ]


def category_named(text: str) -> VatCategory | None:
    """Return the category of that name; None when there is no such category."""
    return next((category for category in VAT_CATEGORIES if category == text), None)


@cache
def portuguese_rate(region: str, category: VatCategory, day: date) -> Decimal | None:
    """The Portuguese rate in percent, or None when the table does not reach that day (CIVA art. 18; section 2.1)."""
    for row in rows_in_force(table_rows("vat-rates"), day):
        if row["region"] == region and row["category"] == category:
            return strip_trailing_zeros(parse_amount(row["rate"]))
    return None


@cache
def oss_rate(country: str, day: date) -> Decimal | None:
    """The standard rate of another member state (or XI), or None when it is not one (rule EU2)."""
    for row in rows_in_force(table_rows("eu-standard-rates"), day):
        if row["country"] == country:
            return strip_trailing_zeros(parse_amount(row["rate"]))
    return None


@cache
def member_states() -> dict[str, str]:
    """Country code to VAT prefix of the other member states, with XI for Northern Ireland."""
    return {row["country"]: row["vat_prefix"] for row in table_rows("eu-standard-rates")}


@cache
def category_of_rate(charged: Decimal, day: date, destination: str = "") -> VatCategory | None:
    """The category that a charged rate stands for in one of the three regions or as an OSS rate, else None.

    Rulings section 8: shops tax by delivery address, so the rate of another region still tells the category.
    """
    for category in VAT_CATEGORIES:
        if any(portuguese_rate(region, category, day) == charged for region in VAT_REGIONS):
            return category
    if destination and oss_rate(destination, day) == charged:
        return "normal"
    return None


def domestic_tax(region: str, category: VatCategory, day: date) -> Tax | None:
    """The tax of a Portuguese region, or None when the table does not reach that day."""
    found = portuguese_rate(region, category, day)
    return None if found is None else Tax(region, found, _SAFT_TAX_CODES[category])


def exemption_mention(code: str, day: date) -> str | None:
    """The words that stand for an exemption code on the document, or None when it is not in force on that day."""
    for row in rows_in_force(table_rows("exemption-reasons"), day):
        if row["code"] == code:
            return row["mention"]
    return None


def exempt_tax(region: str, code: str, day: date) -> Tax | None:
    """Zero tax for that reason in the ship-from region, or None when the reason is not in force on that day."""
    words = exemption_mention(code, day)
    return None if words is None else Tax(region, ZERO, "ISE", code, words)


def selectable_exemptions(day: date) -> dict[str, str]:
    """The codes that a merchant may choose on that day, with their mention (for the settings form)."""
    closed = PLACE_OF_SUPPLY_EXEMPTIONS | NON_ORDER_EXEMPTIONS
    found = rows_in_force(table_rows("exemption-reasons"), day)
    return {row["code"]: row["mention"] for row in found if row["code"] not in closed}
