"""The taxes of a Jumpseller line or of its shipping: percentages, and fixed charges such as an ecovalor. Pure.

*Unconfirmed*: whether a fixed charge is for one piece or for the line, and whether the shop adds VAT to it; the fiscal
core tries each (`shop_readings.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import round_to_cents, strip_trailing_zeros, sum_amounts

from ..fields import Json, amount_field, text_field


def percentages(taxes: Sequence[Json]) -> list[Decimal]:
    """Return the rates of the taxes that are a percentage, without zeros."""
    rates = [amount_field(each, "rate") for each in taxes if not each.get("fixed")]
    return [strip_trailing_zeros(rate) for rate in rates if rate]


def charged_rate(taxes: Sequence[Json], line: str) -> Decimal | None:
    """Return the one percentage charged, or None for no tax. Raises OrderError `two-taxes` for more than one."""
    rates = percentages(taxes)
    if len(rates) > 1:
        raise OrderError("two-taxes", line=line, rates=[str(rate) for rate in rates])
    return rates[0] if rates else None


def fixed_charges(taxes: Sequence[Json]) -> list[Json]:
    """Return the taxes that are an amount of money."""
    return [each for each in taxes if each.get("fixed") and amount_field(each, "rate")]


def charge_on_top(taxes: Sequence[Json], flag: str) -> Decimal:
    """Return the sum of the fixed charges that are not in the price; `flag` is the field that says so."""
    return sum_amounts(amount_field(each, "rate") for each in fixed_charges(taxes) if not each.get(flag))


def with_charges_named(name: str, taxes: Sequence[Json]) -> str:
    """Return the line's name with its fixed charges, which the document must name (DL 152-D/2017)."""
    charges = [
        f"{text_field(each, 'name') or 'taxa fixa'} {round_to_cents(amount_field(each, 'rate'))} €".replace(
            ".", ","
        )
        for each in fixed_charges(taxes)
    ]
    return f"{name} (inclui {', '.join(charges)})" if charges else name
