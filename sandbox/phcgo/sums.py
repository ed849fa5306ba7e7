"""Add up a document's lines in exact fractions; where the real PHC GO rounds is unknown, hence a switch.

It shares no code with the application, so that neither can repeat the other's mistake.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from .blank_records import DISCOUNT_FIELDS
from .wire import Refusal, Row


@dataclass(frozen=True)
class Sums:
    """Line amounts (with VAT where the price includes it) and their VAT, and the document's totals."""

    lines: list[tuple[Decimal, Decimal]]
    groups: dict[str, tuple[Decimal, Decimal]]
    net: Decimal
    vat: Decimal
    gross: Decimal
    discounts: Decimal
    financial: Decimal


def parse_amount(value: object) -> Decimal:
    """Parse the number. Raises Refusal when the value is not a number."""
    try:
        found = Decimal(str(value or 0))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise Refusal("messages.Rest.InvalidParameter", f"{value!r} não é um número.")
    return found


def cents(value: Fraction | int) -> Decimal:
    """Return the amount rounded to cents, half away from zero."""
    size = Decimal(math.floor(abs(Fraction(value)) * 100 + Fraction(1, 2))) / 100
    return (-size if value < 0 else size) + Decimal("0.00")


def json_number(value: Decimal) -> float | int:
    """Return the number as an int where it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def add_up_lines(lines: list[Row], price: str, rounding: str, fin: Decimal, efinv: Decimal) -> Sums:
    """Return the sums; `price` names the unit price's field, `fin` is a percentage, `efinv` an amount."""
    before = [Fraction(parse_amount(line["qtt"])) * Fraction(parse_amount(line[price])) for line in lines]
    line_worth = [each * _discount_factor(line) for each, line in zip(before, lines, strict=True)]
    whole = sum((_gross(each, line) for each, line in zip(line_worth, lines, strict=True)), Fraction(0))
    financial_factor = _financial_discount_factor(whole, fin, efinv)
    exact = [
        (_net(each, line) * financial_factor, _gross(each, line) * financial_factor)
        for each, line in zip(line_worth, lines, strict=True)
    ]
    line_amounts = [(cents(net), cents(gross - net)) for net, gross in exact]
    members: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        members[f"{parse_amount(line['iva']).normalize():f}"].append(index)
    groups = {
        rate: _group_amounts([exact[i] for i in at], [line_amounts[i] for i in at], rounding)
        for rate, at in members.items()
    }
    net, gross = _document_amounts(exact, groups, rounding)
    shown = [
        (cents(each), vat) if line.get("ivaincl") else (cents(_net(each, line)), vat)
        for each, line, (_, vat) in zip(line_worth, lines, line_amounts, strict=True)
    ]
    return Sums(
        shown, groups, net, gross - net, gross,
        discounts=cents(sum(before, Fraction(0)) - sum(line_worth, Fraction(0))),
        financial=cents(whole * (1 - financial_factor)),
    )  # fmt: skip


def _discount_factor(line: Row) -> Fraction:
    left = Fraction(1)
    for name in DISCOUNT_FIELDS:
        left *= 1 - Fraction(parse_amount(line.get(name, 0))) / 100
    return left


def _vat_factor(line: Row) -> Fraction:
    return 1 + Fraction(parse_amount(line["iva"])) / 100


def _net(worth: Fraction, line: Row) -> Fraction:
    return worth / _vat_factor(line) if line.get("ivaincl") else worth


def _gross(worth: Fraction, line: Row) -> Fraction:
    return worth if line.get("ivaincl") else worth * _vat_factor(line)


def _financial_discount_factor(whole: Fraction, fin: Decimal, efinv: Decimal) -> Fraction:
    """Return the share that remains after the financial discount."""
    if fin:
        return 1 - Fraction(fin) / 100
    return 1 - Fraction(efinv) / whole if efinv and whole else Fraction(1)


def _group_amounts(
    exact: list[tuple[Fraction, Fraction]], singly: list[tuple[Decimal, Decimal]], rounding: str
) -> tuple[Decimal, Decimal]:
    """Return net and VAT of the lines of one rate."""
    if rounding == "line":
        return sum((net for net, _ in singly), Decimal(0)), sum((vat for _, vat in singly), Decimal(0))
    net, gross = (
        cents(sum((n for n, _ in exact), Fraction(0))),
        cents(sum((g for _, g in exact), Fraction(0))),
    )
    return net, gross - net


def _document_amounts(
    exact: list[tuple[Fraction, Fraction]], groups: dict[str, tuple[Decimal, Decimal]], rounding: str
) -> tuple[Decimal, Decimal]:
    if rounding == "document":
        return cents(sum((n for n, _ in exact), Fraction(0))), cents(sum((g for _, g in exact), Fraction(0)))
    net = sum((net for net, _ in groups.values()), Decimal("0.00"))
    return net, net + sum((vat for _, vat in groups.values()), Decimal("0.00"))
