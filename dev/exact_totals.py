"""A shop and a provider that add up in exact fractions: the judge of the property tests.

Nothing of `shopapp.fiscal` is called here; what a provider makes of a draft is worked out anew from its lines.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from fractions import Fraction

from shopapp.fiscal.document import DraftLine


def cents(amount: Fraction) -> Fraction:
    """Whole cents, half up."""
    return Fraction(math.floor(amount * 100 + Fraction(1, 2)), 100)


def grouped(pairs: Iterable[tuple[Hashable, Fraction]]) -> list[Fraction]:
    """The sum of each key."""
    sums: dict[Hashable, Fraction] = {}
    for key, part in pairs:
        sums[key] = sums.get(key, Fraction(0)) + part
    return list(sums.values())


def provider_total(lines: Iterable[DraftLine], level: str) -> Fraction:
    """What a provider that rounds at this level makes of the lines as they are sent."""
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


def shop_total(values: list[Fraction], rates: list[Fraction], *, inclusive: bool, level: str) -> Fraction:
    """What a shop asks for lines of these values (after discounts) at these rates (0.23)."""
    exact = [value if inclusive else value * (1 + rate) for value, rate in zip(values, rates, strict=True)]
    if level == "line":
        return sum((cents(each) for each in exact), Fraction(0))
    if level == "document":
        return cents(sum(exact, Fraction(0)))
    return sum((cents(each) for each in grouped(zip(rates, exact, strict=True))), Fraction(0))
