"""Whether a Jumpseller line's `discount` and `tax` are for the line or for one unit: the reading that adds up.

Pure. No public source says which (*unconfirmed*), so neither is assumed: the reading that matches the order's own
discount and each line's tax is used. Where none does, or two different ones do, there is no document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import CENT, ZERO, allocate, round_to_cents, sum_amounts

_TOLERANCE = CENT * 11 / 10
"""A shop may or may not round a line's tax, before or after it spreads a coupon."""


@dataclass(frozen=True, slots=True)
class PayloadLine:
    """A line as it is in the payload."""

    name: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    tax: Decimal | None
    """None where the payload has no such field."""
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class DiscountReading:
    """One reading of the discounts: those of the lines, and the coupon that is on no line."""

    line_discounts: tuple[Decimal, ...]
    coupon: Decimal


def read_discounts(
    lines: Sequence[PayloadLine], discount: Decimal, *, inclusive: bool
) -> tuple[Decimal, tuple[Decimal, ...]]:
    """Return the coupon over the order and each line's discount.

    `discount` is that of the whole order without that of shipping. Raises OrderError `discount-unclear` or
    `tax-unclear` when no reading, or more than one, adds up.
    """
    possible = [each for each in _readings(lines, discount) if _is_possible(each, lines)]
    if not possible:
        raise OrderError("discount-unclear", discount=str(discount))
    matching = [each for each in possible if _explains_taxes(each, lines, inclusive)]
    if not matching:
        line = _line_to_report(possible[0], lines, inclusive)
        raise OrderError("tax-unclear", line=line.name, tax=str(line.tax), rate=str(line.rate or 0))
    without_coupon = [each for each in matching if not each.coupon] or matching
    if len(without_coupon) > 1:
        raise OrderError("discount-unclear", discount=str(discount))
    return without_coupon[0].coupon, without_coupon[0].line_discounts


def _readings(lines: Sequence[PayloadLine], discount: Decimal) -> list[DiscountReading]:
    """Return the readings "for the line" and "for each unit"; only one where both are the same."""
    by_line = tuple(_in_cents(line.discount) for line in lines)
    by_unit = tuple(_in_cents(line.discount * line.quantity) for line in lines)
    return [
        DiscountReading(discounts, _in_cents(discount - sum_amounts(discounts)))
        for discounts in dict.fromkeys((by_line, by_unit))
    ]


def _in_cents(number: Decimal) -> Decimal:
    """Return the amount in whole cents where it is nearly that (three times a third of a cent), else unchanged."""
    return round_to_cents(number) if abs(round_to_cents(number) - number) < CENT / 50 else number


def _is_possible(reading: DiscountReading, lines: Sequence[PayloadLine]) -> bool:
    """Return whether no discount is counted twice and no line is below zero."""
    discounted = zip(reading.line_discounts, lines, strict=True)
    return reading.coupon >= ZERO and all(
        discount <= line.price * line.quantity for discount, line in discounted
    )


def _explains_taxes(reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool) -> bool:
    """Return whether one meaning of `tax` (for line or unit, after or before discounts) holds on every line."""
    return any(not _mismatched_lines(reading, lines, inclusive, meaning) for meaning in _TAX_MEANINGS)


_TAX_MEANINGS = tuple(
    (by_unit, after_discounts) for after_discounts in (True, False) for by_unit in (True, False)
)


def _mismatched_lines(
    reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool, meaning: tuple[bool, bool]
) -> list[PayloadLine]:
    """Return the lines whose tax differs from the one expected by this meaning."""
    by_unit, after_discounts = meaning
    values = [line.price * line.quantity for line in lines]
    reduced = [value - discount for value, discount in zip(values, reading.line_discounts, strict=True)]
    shares = allocate(round_to_cents(reading.coupon), reduced) if reading.coupon else [ZERO] * len(reduced)
    mismatched = []
    for line, value, net_of_discount, share in zip(lines, values, reduced, shares, strict=True):
        taxed = net_of_discount - share if after_discounts else value
        line_tax = _tax(taxed, line.rate or ZERO, inclusive)
        expected = line_tax / line.quantity if by_unit and line.quantity else line_tax
        if line.tax is None:
            continue
        if abs(line.tax - expected) > _TOLERANCE or _is_tax_missing(line, line_tax):
            mismatched.append(line)
    return mismatched


def _is_tax_missing(line: PayloadLine, expected: Decimal) -> bool:
    """Return whether a rate is shown but not charged: an error of the shop, not an exemption."""
    return line.tax == ZERO and expected >= CENT


def _tax(value: Decimal, rate: Decimal, inclusive: bool) -> Decimal:
    return value * rate / (100 + rate) if inclusive else value * rate / 100


def _line_to_report(reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool) -> PayloadLine:
    """Return the line to name in the error: one that no meaning explains, else the first that the likeliest fails."""
    for line in lines:
        if all(line in _mismatched_lines(reading, lines, inclusive, meaning) for meaning in _TAX_MEANINGS):
            return line
    return _mismatched_lines(reading, lines, inclusive, _TAX_MEANINGS[0])[0]
