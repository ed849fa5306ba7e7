"""What a Jumpseller line's `discount` and `tax` mean: for the line or for one unit, told by what adds up.

Called by `orders` alone; pure. *Unconfirmed* by any public source, so no reading is assumed: the one that reconciles
with the order's own discount and with each line's tax is kept, where none or two do there is no document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopapp.errors import OrderError
from shopapp.fiscal.money import CENT, ZERO, allocate, round_to_cents, sum_amounts

_TOLERANCE = CENT * 11 / 10
"""Shops show a line's tax rounded or not, before or after their own spreading of a coupon."""


@dataclass(frozen=True, slots=True)
class PayloadLine:
    """A line as the payload shows it."""

    name: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    tax: Decimal | None
    """None where the payload has no such field."""
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class DiscountReading:
    """One way to read the discounts: those of each line, and the coupon that stands on none."""

    line_discounts: tuple[Decimal, ...]
    coupon: Decimal


def read_discounts(
    lines: Sequence[PayloadLine], discount: Decimal, *, inclusive: bool
) -> tuple[Decimal, tuple[Decimal, ...]]:
    """The coupon over the order and each line's discount; `discount` is the order's own, without shipping's.

    Raises OrderError `discount-unclear` or `tax-unclear` when no reading, or more than one, reconciles.
    """
    possible = [each for each in _readings(lines, discount) if _is_possible(each, lines)]
    if not possible:
        raise OrderError("discount-unclear", discount=str(discount))
    matching = [each for each in possible if _explains_taxes(each, lines, inclusive)]
    if not matching:
        wrong = _line_to_report(possible[0], lines, inclusive)
        raise OrderError("tax-unclear", line=wrong.name, tax=str(wrong.tax), rate=str(wrong.rate or 0))
    without_coupon = [each for each in matching if not each.coupon] or matching
    if len(without_coupon) > 1:
        raise OrderError("discount-unclear", discount=str(discount))
    return without_coupon[0].coupon, without_coupon[0].line_discounts


def _readings(lines: Sequence[PayloadLine], discount: Decimal) -> list[DiscountReading]:
    """For the line, and for each unit; once where both say the same."""
    by_line = tuple(_in_cents(line.discount) for line in lines)
    by_unit = tuple(_in_cents(line.discount * line.quantity) for line in lines)
    return [
        DiscountReading(taken, _in_cents(discount - sum_amounts(taken)))
        for taken in dict.fromkeys((by_line, by_unit))
    ]


def _in_cents(number: Decimal) -> Decimal:
    """The amount in cents where it is all but that (a third of a cent times three), else as it is."""
    return round_to_cents(number) if abs(round_to_cents(number) - number) < CENT / 50 else number


def _is_possible(reading: DiscountReading, lines: Sequence[PayloadLine]) -> bool:
    """Nothing taken twice and no line below zero."""
    fits = all(
        off <= line.price * line.quantity for off, line in zip(reading.line_discounts, lines, strict=True)
    )
    return reading.coupon >= ZERO and fits


def _explains_taxes(reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool) -> bool:
    """Whether one meaning of `tax` (for line or unit, after or before discounts) holds on every line."""
    return any(not _mismatched_lines(reading, lines, inclusive, meaning) for meaning in _TAX_MEANINGS)


_TAX_MEANINGS = tuple((unit, after) for after in (True, False) for unit in (True, False))


def _mismatched_lines(
    reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool, meaning: tuple[bool, bool]
) -> list[PayloadLine]:
    """The lines whose tax is not what this meaning gives."""
    by_unit, after = meaning
    values = [line.price * line.quantity for line in lines]
    left = [value - off for value, off in zip(values, reading.line_discounts, strict=True)]
    shares = allocate(round_to_cents(reading.coupon), left) if reading.coupon else [ZERO] * len(left)
    strange = []
    for line, value, rest, share in zip(lines, values, left, shares, strict=True):
        expected = _tax(rest - share if after else value, line.rate or ZERO, inclusive)
        each = expected / line.quantity if by_unit and line.quantity else expected
        if line.tax is not None and (abs(line.tax - each) > _TOLERANCE or _is_tax_missing(line, expected)):
            strange.append(line)
    return strange


def _is_tax_missing(line: PayloadLine, expected: Decimal) -> bool:
    """A rate that was shown and not collected: an error of the shop, not an exemption."""
    return line.tax == ZERO and expected >= CENT


def _tax(value: Decimal, rate: Decimal, inclusive: bool) -> Decimal:
    return value * rate / (100 + rate) if inclusive else value * rate / 100


def _line_to_report(reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool) -> PayloadLine:
    """A line to name in the refusal: one that no meaning explains, else the first that the likeliest does not."""
    for line in lines:
        if all(line in _mismatched_lines(reading, lines, inclusive, meaning) for meaning in _TAX_MEANINGS):
            return line
    return _mismatched_lines(reading, lines, inclusive, _TAX_MEANINGS[0])[0]
