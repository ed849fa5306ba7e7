"""Tax rates by region and day, and exemption codes: the law's tables, read from `tables/`.

Each row is a fact with its source. Which row fits an order is decided elsewhere.
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
"""Only for a business with a Portuguese number, and only for products that the merchant marked."""
PLACE_OF_SUPPLY_EXEMPTIONS = frozenset({"M05", "M16", "M40"})
"""Given by the place of supply alone, never by a setting."""
CONSUMER_ABROAD_EXEMPTION = "M44"
"""Of a service to a consumer outside the Union (EX3)."""
MARGIN_EXEMPTIONS = frozenset({"M12", "M13", "M14", "M15"})
"""Of products sold under a margin scheme: taxed here, whoever buys them in the Union (VAT8)."""
NOT_TAXED_HERE = PLACE_OF_SUPPLY_EXEMPTIONS | {CONSUMER_ABROAD_EXEMPTION, "M41", "M45"}
"""The tax is not due in Portugal, so that a simplified invoice is not allowed (DOC4)."""
SMALL_BUSINESS_EXEMPTION = "M10"
"""The exemption of a merchant under art. 53 (EXM1)."""
NON_ORDER_EXEMPTIONS = frozenset({"M04", "M46"})
"""For imports and for travellers' luggage: never applicable to an order."""
OUTSIDE_TAXABLE_AMOUNT = frozenset({"M01", "M99"})
"""Of what is only collected: deposits of containers (CIVA art. 16 n.º 6), donations."""
SERVICE_EXEMPTIONS = frozenset({"M07", "M12", "M31", "M32", "M34", "M35", "M40", "M42", "M44"})
"""Of courses, health, travel, works, licences, rights: nothing that is carried to a buyer."""


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of a line: its rate, the region of the rate and, at zero, the exemption."""

    region: str
    rate: Decimal
    code: str
    """SAF-T: RED, INT, NOR, ISE, OUT."""
    exemption: str = ""
    mention: str = ""

    @property
    def factor(self) -> Decimal:
        """The factor from a net to a gross amount: 1.23 at 23 %."""
        return 1 + self.rate / 100


@cache
def table_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a table as text, by column."""
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as table:
        return tuple(csv.DictReader(table))


def rows_in_force(table: Iterable[dict[str, str]], day: date) -> list[dict[str, str]]:
    """Return the rows that are in force on that day."""
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
    """Return the Portuguese rate in percent; None when the table does not cover that day (CIVA art. 18)."""
    for row in rows_in_force(table_rows("vat-rates"), day):
        if row["region"] == region and row["category"] == category:
            return strip_trailing_zeros(parse_amount(row["rate"]))
    return None


@cache
def oss_rate(country: str, day: date) -> Decimal | None:
    """Return the standard rate of another member state or XI; None for any other country (EU2)."""
    for row in rows_in_force(table_rows("eu-standard-rates"), day):
        if row["country"] == country:
            return strip_trailing_zeros(parse_amount(row["rate"]))
    return None


@cache
def reduced_oss_rates(country: str, day: date) -> tuple[Decimal, ...]:
    """Return the reduced rates of another member state or XI; which goods have them is not known here (EU2)."""
    rows = rows_in_force(table_rows("eu-reduced-rates"), day)
    return tuple(strip_trailing_zeros(parse_amount(row["rate"])) for row in rows if row["country"] == country)


@cache
def member_states() -> dict[str, str]:
    """Return the VAT prefix of each other member state by country code, with XI for Northern Ireland."""
    return {row["country"]: row["vat_prefix"] for row in table_rows("eu-standard-rates")}


@cache
def category_of_rate(charged: Decimal, day: date, destination: str = "") -> VatCategory | None:
    """Return the category of a rate in any of the three regions, or of the destination's standard rate; else None.

    Shops tax by delivery address, so even the rate of another region shows the category.
    """
    for category in VAT_CATEGORIES:
        if any(portuguese_rate(region, category, day) == charged for region in VAT_REGIONS):
            return category
    if destination and oss_rate(destination, day) == charged:
        return "normal"
    return None


def domestic_tax(region: str, category: VatCategory, day: date) -> Tax | None:
    """Return the tax in a Portuguese region; None when the table does not cover that day."""
    rate = portuguese_rate(region, category, day)
    return None if rate is None else Tax(region, rate, _SAFT_TAX_CODES[category])


def exemption_mention(code: str, day: date) -> str | None:
    """Return the mention that a document prints for an exemption code; None when it is not in force on that day."""
    for row in rows_in_force(table_rows("exemption-reasons"), day):
        if row["code"] == code:
            return row["mention"]
    return None


def exempt_tax(region: str, code: str, day: date) -> Tax | None:
    """Return zero tax with that exemption code in a region; None when the code is not in force on that day."""
    mention = exemption_mention(code, day)
    return None if mention is None else Tax(region, ZERO, "ISE", code, mention)


def selectable_exemptions(day: date) -> dict[str, str]:
    """Return the mention of each exemption code that a merchant may choose on that day."""
    excluded = PLACE_OF_SUPPLY_EXEMPTIONS | NON_ORDER_EXEMPTIONS
    rows = rows_in_force(table_rows("exemption-reasons"), day)
    return {row["code"]: row["mention"] for row in rows if row["code"] not in excluded}
