"""What a Jumpseller line's `discount` and `tax` mean: for the line or for one unit, told by what adds up.

Called by `orders` alone; pure. *Unconfirmed* by any public source, so no reading is assumed: the one that reconciles
with the order's own discount and with each line's tax is kept, where none or two do there is no document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopapp.fiscal.errors import OrderError
from shopapp.fiscal.money import CENT, ZERO, added, cents, spread

_NEAR = CENT * 11 / 10
"""Shops show a line's tax rounded or not, before or after their own spreading of a coupon."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as the payload shows it."""

    name: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    tax: Decimal | None
    """None where the payload has no such field."""
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the discounts: those of each line, and the coupon that stands on none."""

    taken: tuple[Decimal, ...]
    coupon: Decimal


def read(
    lines: Sequence[Shown], discount: Decimal, *, inclusive: bool
) -> tuple[Decimal, tuple[Decimal, ...]]:
    """The coupon over the order and each line's discount; `discount` is the order's own, without shipping's.

    Raises OrderError `discount-unclear` or `tax-unclear` when no reading, or more than one, reconciles.
    """
    possible = [each for each in _readings(lines, discount) if _is_possible(each, lines)]
    if not possible:
        raise OrderError("discount-unclear", discount=str(discount))
    told = [each for each in possible if _agrees(each, lines, inclusive)]
    if not told:
        wrong = _strangest(possible[0], lines, inclusive)
        raise OrderError("tax-unclear", line=wrong.name, tax=str(wrong.tax), rate=str(wrong.rate or 0))
    whole = [each for each in told if not each.coupon] or told
    if len(whole) > 1:
        raise OrderError("discount-unclear", discount=str(discount))
    return whole[0].coupon, whole[0].taken


def _readings(lines: Sequence[Shown], discount: Decimal) -> list[Reading]:
    """For the line, and for each unit; once where both say the same."""
    by_line = tuple(_in_cents(line.discount) for line in lines)
    by_unit = tuple(_in_cents(line.discount * line.quantity) for line in lines)
    return [Reading(taken, _in_cents(discount - added(taken))) for taken in dict.fromkeys((by_line, by_unit))]


def _in_cents(number: Decimal) -> Decimal:
    """The amount in cents where it is all but that (a third of a cent times three), else as it is."""
    return cents(number) if abs(cents(number) - number) < CENT / 50 else number


def _is_possible(reading: Reading, lines: Sequence[Shown]) -> bool:
    """Nothing taken twice and no line below zero."""
    fits = all(off <= line.price * line.quantity for off, line in zip(reading.taken, lines, strict=True))
    return reading.coupon >= ZERO and fits


def _agrees(reading: Reading, lines: Sequence[Shown], inclusive: bool) -> bool:
    """Whether one meaning of `tax` (for line or unit, after or before discounts) holds on every line."""
    return any(not _strangers(reading, lines, inclusive, meaning) for meaning in _MEANINGS)


_MEANINGS = tuple((unit, after) for after in (True, False) for unit in (True, False))


def _strangers(
    reading: Reading, lines: Sequence[Shown], inclusive: bool, meaning: tuple[bool, bool]
) -> list[Shown]:
    """The lines whose tax is not what this meaning gives."""
    by_unit, after = meaning
    values = [line.price * line.quantity for line in lines]
    left = [value - off for value, off in zip(values, reading.taken, strict=True)]
    shares = spread(cents(reading.coupon), left) if reading.coupon else [ZERO] * len(left)
    strange = []
    for line, value, rest, share in zip(lines, values, left, shares, strict=True):
        expected = _tax(rest - share if after else value, line.rate or ZERO, inclusive)
        each = expected / line.quantity if by_unit and line.quantity else expected
        if line.tax is not None and (abs(line.tax - each) > _NEAR or _is_missing(line, expected)):
            strange.append(line)
    return strange


def _is_missing(line: Shown, expected: Decimal) -> bool:
    """A rate that was shown and not collected: an error of the shop, not an exemption."""
    return line.tax == ZERO and expected >= CENT


def _tax(value: Decimal, rate: Decimal, inclusive: bool) -> Decimal:
    return value * rate / (100 + rate) if inclusive else value * rate / 100


def _strangest(reading: Reading, lines: Sequence[Shown], inclusive: bool) -> Shown:
    """A line to name in the refusal: one that no meaning explains, else the first that the likeliest does not."""
    for line in lines:
        if all(line in _strangers(reading, lines, inclusive, meaning) for meaning in _MEANINGS):
            return line
    return _strangers(reading, lines, inclusive, _MEANINGS[0])[0]
