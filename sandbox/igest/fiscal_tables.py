"""VAT rates by region and means of payment, as of 2026-11-20.

Never shared with the application, so that the stand-in detects a mistake there.
"""

from __future__ import annotations

from decimal import Decimal

# normal, intermediate, reduced
REGION_RATES: dict[str, dict[str, str]] = {
    "PT": {"23": "NOR", "13": "INT", "6": "RED", "0": "ISE"},
    "PT-MA": {"22": "NOR", "12": "INT", "4": "RED", "0": "ISE"},
    "PT-AC": {"16": "NOR", "9": "INT", "4": "RED", "0": "ISE"},
}

# sales through the one-stop shop: each country's standard rate first, then the reduced ones
OSS_RATES: dict[str, tuple[str, ...]] = {
    "AT": ("20", "10", "13", "19", "4.9"),
    "BE": ("21", "6", "12"),
    "BG": ("20", "9"),
    "CY": ("19", "5", "9", "3"),
    "CZ": ("21", "12"),
    "DE": ("19", "7"),
    "DK": ("25",),
    "EE": ("24", "9", "13"),
    "ES": ("21", "10", "4"),
    "FI": ("25.5", "10", "13.5"),
    "FR": ("20", "0.9", "1.05", "5.5", "8.5", "10", "13", "2.1"),
    "GR": ("24", "6", "13", "17", "4"),
    "HR": ("25", "5", "13"),
    "HU": ("27", "5", "18"),
    "IE": ("23", "9", "13.5"),
    "IT": ("22", "5", "10", "4"),
    "LT": ("21", "5", "12"),
    "LU": ("17", "8", "14", "3"),
    "LV": ("21", "5", "12"),
    "MT": ("18", "5", "7"),
    "NL": ("21", "9"),
    "PL": ("23", "5", "8"),
    "RO": ("21", "11"),
    "SE": ("25", "6", "12"),
    "SI": ("22", "5", "9.5"),
    "SK": ("23", "5", "19"),
    "XI": ("20", "5"),
}

PAYMENT_CODES = frozenset(
    ["CC", "CD", "CH", "CI", "CO", "CS", "DE", "LC", "MB", "NU", "OU", "PR", "TB", "TR"]
)


def is_known_rate(rate: Decimal, region: str) -> bool:
    """Return whether the region has the rate; every region has zero."""
    if region in REGION_RATES:
        return any(rate == Decimal(value) for value in REGION_RATES[region])
    return rate == 0 or any(rate == Decimal(value) for value in OSS_RATES.get(region, ()))
