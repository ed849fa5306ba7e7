"""A shop and a provider that add up in exact fractions: the judge of the property tests.

It calls nothing of `shopapp.fiscal`: the provider's total is calculated again from the draft's lines.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from shopapp.fiscal.document import DraftLine, RoundingLevel


def cents(amount: Fraction) -> Fraction:
    """Round to whole cents, half up; what is taken off, by as much as it would be added."""
    whole = Fraction(math.floor(abs(amount) * 100 + Fraction(1, 2)), 100)
    return whole if amount >= 0 else -whole


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


@dataclass(frozen=True)
class ShopLine:
    """A line as a shop calculates it: `value` is after discounts, with or without VAT as its prices are."""

    value: Fraction
    rate: Fraction
    """0.23 for 23 %."""
    quantity: Fraction = Fraction(1)


ShopRounding = Literal[
    "rate_group", "document", "line", "piece", "line-net", "piece-net", "net-and-vat", "piece-vat"
]
SHOP_ROUNDINGS: tuple[ShopRounding, ...] = get_args(ShopRounding)
"""Where shops round: once for each rate, once, each line, each piece, each net before VAT, and net and VAT apart."""


def shop_total(lines: Sequence[ShopLine], rounding: ShopRounding, *, inclusive: bool) -> Fraction:
    """Return the total that a shop asks for these lines when it rounds so.

    Where prices include VAT, there is no net to round: such a shop rounds once.
    """
    exact = [line.value if inclusive else line.value * (1 + line.rate) for line in lines]
    match rounding:
        case "rate_group":
            keys = [line.rate for line in lines]
            return sum((cents(each) for each in grouped(zip(keys, exact, strict=True))), Fraction(0))
        case "line":
            return sum((cents(each) for each in exact), Fraction(0))
        case "piece":
            pieces = zip(exact, lines, strict=True)
            return sum((cents(each / line.quantity) * line.quantity for each, line in pieces), Fraction(0))
    if inclusive or rounding == "document":
        return cents(sum(exact, Fraction(0)))
    return _total_of_nets(lines, rounding)


def _total_of_nets(lines: Sequence[ShopLine], rounding: ShopRounding) -> Fraction:
    nets = [line.value for line in lines]
    if rounding == "line-net":
        nets = [cents(net) for net in nets]
    elif rounding == "piece-net":
        nets = [cents(line.value / line.quantity) * line.quantity for line in lines]
    vats = [net * line.rate for net, line in zip(nets, lines, strict=True)]
    if rounding == "piece-vat":
        vats = [cents(vat / line.quantity) * line.quantity for vat, line in zip(vats, lines, strict=True)]
    elif rounding == "line-net":
        vats = [cents(vat) for vat in grouped(zip((line.rate for line in lines), vats, strict=True))]
    return cents(sum(nets, Fraction(0))) + cents(sum(vats, Fraction(0)))
