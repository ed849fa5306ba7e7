"""Add up a document's lines in exact fractions; where the real iGEST rounds is unknown, hence a switch.

It shares no code with the application, so that neither can repeat the other's mistake.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .document_request import Line


@dataclass(frozen=True)
class Amounts:
    """Net, VAT and gross in cents; net + vat = gross."""

    net: Decimal
    vat: Decimal
    gross: Decimal

    def texts(self) -> dict[str, str]:
        return {"net": str(self.net), "vat": str(self.vat), "gross": str(self.gross)}


@dataclass(frozen=True)
class Sums:
    """The amounts of each line, of each group (region, rate, exemption code) and of the document."""

    lines: list[Amounts]
    groups: dict[tuple[str, str, str], Amounts]
    total: Amounts


def add_up_lines(lines: Sequence[Line], rounding: str, prices: str) -> Sums:
    """Return the sums; `rounding` is `rate-group`, `line` or `document`, `prices` is `net` or `gross`."""
    exact = [_exact(line, prices) for line in lines]
    line_amounts = [_rounded(net, gross) for net, gross in exact]
    if rounding == "line":
        line_amounts = [_rounded_separately(net, gross - net) for net, gross in exact]
    members: dict[tuple[str, str, str], list[int]] = {}
    for index, line in enumerate(lines):
        members.setdefault((line.region, decimal_text(line.rate), line.exemption), []).append(index)
    groups = {
        key: _sum([line_amounts[i] for i in inside])
        if rounding == "line"
        else _rounded(sum(exact[i][0] for i in inside), sum(exact[i][1] for i in inside))
        for key, inside in members.items()
    }
    if rounding == "document":
        total = _rounded(sum(net for net, _ in exact), sum(gross for _, gross in exact))
    else:
        total = _sum(list(groups.values()))
    return Sums(line_amounts, groups, total)


def decimal_text(number: Decimal) -> str:
    """Return the number without trailing zeros or exponent: 23, 4.9, 100."""
    written = format(number, "f")
    return (written.rstrip("0").rstrip(".") if "." in written else written) or "0"


def cents(amount: Fraction | int) -> Decimal:
    """Return the amount rounded half up to cents; amounts are never negative here."""
    return Decimal(math.floor(Fraction(amount) * 100 + Fraction(1, 2))) / 100 + Decimal("0.00")


def _exact(line: Line, prices: str) -> tuple[Fraction, Fraction]:
    worth = Fraction(line.quantity) * Fraction(line.price) * (1 - Fraction(line.discount) / 100)
    factor = 1 + Fraction(line.rate) / 100
    return (worth / factor, worth) if prices == "gross" else (worth, worth * factor)


def _rounded(net: Fraction | int, gross: Fraction | int) -> Amounts:
    """Round net and gross; the VAT is the difference."""
    rounded_net, rounded_gross = cents(net), cents(gross)
    return Amounts(rounded_net, rounded_gross - rounded_net, rounded_gross)


def _rounded_separately(net: Fraction, vat: Fraction) -> Amounts:
    rounded_net, rounded_vat = cents(net), cents(vat)
    return Amounts(rounded_net, rounded_vat, rounded_net + rounded_vat)


def _sum(parts: list[Amounts]) -> Amounts:
    zero = Decimal("0.00")
    return Amounts(
        sum((p.net for p in parts), zero),
        sum((p.vat for p in parts), zero),
        sum((p.gross for p in parts), zero),
    )
