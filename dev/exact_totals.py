"""A shop and a provider that add up in exact fractions: the judge of the property tests.

It calls nothing of `shopapp.fiscal`: the provider's total is calculated again from the draft's lines.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from fractions import Fraction

from shopapp.fiscal.document import DraftLine, RoundingLevel


def cents(amount: Fraction) -> Fraction:
    """Round to whole cents, half up."""
    return Fraction(math.floor(amount * 100 + Fraction(1, 2)), 100)


def grouped(pairs: Iterable[tuple[Hashable, Fraction]]) -> list[Fraction]:
    """Return the sum of each key."""
    sums: dict[Hashable, Fraction] = {}
    for key, part in pairs:
        sums[key] = sums.get(key, Fraction(0)) + part
    return list(sums.values())


def provider_total(lines: Iterable[DraftLine], level: RoundingLevel) -> Fraction:
    """Return the total that a provider calculates from the lines when it rounds at this level."""
    lines = list(lines)
    nets = [
        Fraction(line.quantity) * Fraction(line.unit_price_net) * (1 - Fraction(line.discount_percent) / 100)
        for line in lines
    ]
    rates = [Fraction(line.vat_rate) / 100 for line in lines]
    if level == "line":
        return sum(
            (cents(net) + cents(net * rate) for net, rate in zip(nets, rates, strict=True)), Fraction(0)
        )
    exact = [net * (1 + rate) for net, rate in zip(nets, rates, strict=True)]
    if level == "document":
        return cents(sum(exact, Fraction(0)))
    keys = [(line.region, line.vat_rate, line.exemption_code) for line in lines]
    return sum((cents(each) for each in grouped(zip(keys, exact, strict=True))), Fraction(0))


def shop_total(
    values: list[Fraction], rates: list[Fraction], *, inclusive: bool, level: RoundingLevel
) -> Fraction:
    """Return the total that a shop asks for lines of these values (after discounts) at these rates (0.23)."""
    exact = [value if inclusive else value * (1 + rate) for value, rate in zip(values, rates, strict=True)]
    if level == "line":
        return sum((cents(each) for each in exact), Fraction(0))
    if level == "document":
        return cents(sum(exact, Fraction(0)))
    return sum((cents(each) for each in grouped(zip(rates, exact, strict=True))), Fraction(0))
