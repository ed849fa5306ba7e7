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
_PIECE_TOLERANCE = CENT * 6 / 10
"""A tax rounded for each piece is half a cent off, and a little more where the discount was rounded too."""


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

    `discount` is that of the whole order without that of shipping. Readings that come to the same on every line are no
    doubt. Raises OrderError `discount-unclear` or `tax-unclear` when no reading, or more than one, adds up.
    """
    possible = [each for each in _readings(lines, discount) if _is_possible(each, lines)]
    if not possible:
        raise OrderError("discount-unclear", discount=str(discount))
    matching: list[DiscountReading] = []
    for tax_is_exact in (True, False):
        matching = matching or [
            each for each in possible if _explains_taxes(each, lines, inclusive, tax_is_exact)
        ]
    if not matching:
        line = _line_to_report(possible[0], lines, inclusive)
        raise OrderError("tax-unclear", line=line.name, tax=str(line.tax), rate=str(line.rate or 0))
    likely = [each for each in matching if not each.coupon] or matching
    if len({_discounts_with_coupon(each, lines) for each in likely}) > 1:
        raise OrderError("discount-unclear", discount=str(discount))
    return likely[0].coupon, likely[0].line_discounts


def _readings(lines: Sequence[PayloadLine], discount: Decimal) -> list[DiscountReading]:
    """Return the readings "for the line" and "for each unit"; only one where both are the same."""
    by_line = tuple(_in_cents(line.discount) for line in lines)
    by_unit = tuple(_in_cents(line.discount * line.quantity) for line in lines)
    is_rounded = [line.discount == round_to_cents(line.discount) != ZERO for line in lines]
    figures = {
        by_line: [Decimal(each) for each in is_rounded],
        by_unit: [line.quantity if each else ZERO for line, each in zip(lines, is_rounded, strict=True)],
    }
    return [_with_rounding(discounts, discount, counts) for discounts, counts in figures.items()]


def _with_rounding(
    discounts: tuple[Decimal, ...], discount: Decimal, counts: Sequence[Decimal]
) -> DiscountReading:
    """Return the reading of these discounts, each the sum of so many figures in cents.

    Half a cent for each figure is rounding, not a coupon; so is half a cent of the whole.
    """
    rest = _in_cents(discount - sum_amounts(discounts))
    if not rest or not any(discounts) or abs(rest) > max(sum_amounts(counts), Decimal(1)) * CENT / 2:
        return DiscountReading(discounts, rest)
    weights = counts if any(counts) else discounts
    whole = round_to_cents(abs(rest))
    shares = allocate(whole, weights)
    shares[weights.index(max(weights))] += abs(rest) - whole
    sign = 1 if rest > ZERO else -1
    exact = (each + sign * share for each, share in zip(discounts, shares, strict=True))
    return DiscountReading(tuple(exact), ZERO)


def _in_cents(number: Decimal) -> Decimal:
    """Return the amount in whole cents where it is nearly that (three times a third of a cent), else unchanged."""
    return round_to_cents(number) if abs(round_to_cents(number) - number) < CENT / 50 else number


def _is_possible(reading: DiscountReading, lines: Sequence[PayloadLine]) -> bool:
    """Return whether no discount is counted twice and none exceeds its line."""
    discounted = zip(reading.line_discounts, lines, strict=True)
    return reading.coupon >= ZERO and all(
        ZERO <= discount <= max(line.price * line.quantity, ZERO) for discount, line in discounted
    )


def _discounts_with_coupon(reading: DiscountReading, lines: Sequence[PayloadLine]) -> tuple[Decimal, ...]:
    """Return each line's discount with its share of the coupon, which takes no more than the lines are worth."""
    values = [
        max(line.price * line.quantity - discount, ZERO)
        for line, discount in zip(lines, reading.line_discounts, strict=True)
    ]
    coupon = min(round_to_cents(reading.coupon), sum_amounts(values))
    shares = allocate(coupon, values) if coupon else [ZERO] * len(values)
    return tuple(discount + share for discount, share in zip(reading.line_discounts, shares, strict=True))


def _explains_taxes(
    reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool, is_exact: bool
) -> bool:
    """Return whether one meaning of `tax` (for line or unit, after or before discounts) holds on every line."""
    return any(
        not _mismatched_lines(reading, lines, inclusive, meaning, is_exact) for meaning in _TAX_MEANINGS
    )


_TAX_MEANINGS = tuple(
    (by_unit, after_discounts) for after_discounts in (True, False) for by_unit in (True, False)
)


def _mismatched_lines(
    reading: DiscountReading,
    lines: Sequence[PayloadLine],
    inclusive: bool,
    meaning: tuple[bool, bool],
    is_exact: bool,
) -> list[PayloadLine]:
    """Return the lines whose tax differs from the one expected by this meaning.

    A tax that is not exact may have been rounded for each piece.
    """
    by_unit, after_discounts = meaning
    mismatched = []
    for line, discount in zip(lines, _discounts_with_coupon(reading, lines), strict=True):
        if line.tax is None:
            continue
        value = line.price * line.quantity
        line_tax = _tax(value - discount if after_discounts else value, line.rate or ZERO, inclusive)
        expected = line_tax / line.quantity if by_unit and line.quantity else line_tax
        tolerance = _TOLERANCE if is_exact or by_unit else max(_TOLERANCE, line.quantity * _PIECE_TOLERANCE)
        if abs(line.tax - expected) > tolerance or _is_tax_missing(line, line_tax):
            mismatched.append(line)
    return mismatched


def _is_tax_missing(line: PayloadLine, expected: Decimal) -> bool:
    """Return whether a rate is shown but not charged: an error of the shop, not an exemption."""
    return line.tax == ZERO and expected >= CENT


def _tax(value: Decimal, rate: Decimal, inclusive: bool) -> Decimal:
    return value * rate / (100 + rate) if inclusive else value * rate / 100


def _line_to_report(reading: DiscountReading, lines: Sequence[PayloadLine], inclusive: bool) -> PayloadLine:
    """Return the line to name in the error: one that no meaning explains, else the first that the likeliest fails."""
    mismatched = [_mismatched_lines(reading, lines, inclusive, meaning, False) for meaning in _TAX_MEANINGS]
    return next((line for line in lines if all(line in each for each in mismatched)), mismatched[0][0])
