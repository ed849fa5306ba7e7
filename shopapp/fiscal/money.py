"""Cents: rounding half up, and spreading an amount over parts without losing a cent.

Amounts are rounded here and nowhere else; floats are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
SIX_DECIMALS = Decimal("0.000001")


MAX_EXPONENT = 30
"""The largest power of ten, up or down, in an amount: beyond it, writing a number out could fill the memory."""


def parse_amount(written: str | int | Decimal) -> Decimal:
    """Read a number as written.

    Raises ValueError for a float, an empty text, an exponent beyond MAX_EXPONENT, or anything else that is no number.
    """
    if isinstance(written, bool) or not isinstance(written, str | int | Decimal):
        raise ValueError("an amount is text, an integer or a Decimal")
    try:
        number = Decimal(written)
    except InvalidOperation as wrong:
        raise ValueError("not a number") from wrong
    if not number.is_finite():
        raise ValueError("not a finite number")
    exponent = number.as_tuple().exponent
    if abs(int(exponent)) > MAX_EXPONENT or abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError("an exponent that no amount has")
    return number


def round_to_cents(number: Decimal) -> Decimal:
    """Round to whole cents, half up (NUM2)."""
    return number.quantize(CENT, ROUND_HALF_UP)


def round_to_six_decimals(number: Decimal) -> Decimal:
    """Round to six decimals, half up, as unit prices and discount percentages are sent."""
    return number.quantize(SIX_DECIMALS, ROUND_HALF_UP)


def strip_trailing_zeros(number: Decimal) -> Decimal:
    """Return the same number without trailing zeros and without an exponent: 23, 25.5, 0."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return Decimal(text) if text not in ("-0", "") else ZERO


def sum_amounts(numbers: Iterable[Decimal]) -> Decimal:
    """Return the sum: a Decimal also when there is nothing to add."""
    return sum(numbers, ZERO)


def vat_inside(gross: Decimal, rate: Decimal) -> Decimal:
    """Return the VAT in cents that is inside a gross amount at that percentage (NUM2)."""
    return round_to_cents(gross - round_to_cents(gross / (ONE + rate / HUNDRED)))


def allocate(whole: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Spread the amount in cents over parts by weight: largest remainder first, ties to the earlier (DIS2).

    Weights are not negative. When all are zero, the first part takes everything.
    """
    weight = sum_amounts(weights)
    if not weights:
        return []
    if not weight:
        return [whole] + [ZERO] * (len(weights) - 1)
    return round_parts_to_total(whole, [whole * each / weight for each in weights])


def round_parts_to_total(
    whole: Decimal, exact: Sequence[Decimal], limits: Sequence[Decimal] | None = None
) -> list[Decimal]:
    """Round the exact parts to cents that add up to `whole`, none above its limit.

    Each part is truncated, then those with the largest remainders get a cent. Where the limits allow less, the parts
    add up to less.
    """
    parts = [each.quantize(CENT, ROUND_DOWN) for each in exact]
    if limits is not None:
        parts = [min(part, limit) for part, limit in zip(parts, limits, strict=True)]
    left = int((whole - sum_amounts(parts)) / CENT)
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    if left < 0:
        order.reverse()
    step = CENT if left > 0 else -CENT
    has_changed = True
    while left and has_changed:
        has_changed = False
        for at in order:
            changed = parts[at] + step
            if left and changed >= ZERO and (limits is None or changed <= limits[at]):
                parts[at], has_changed = changed, True
                left += -1 if step > ZERO else 1
    return parts
