"""Discounts that are on no line: coupons, and negative lines, which are a discount over the others.

DIS1 and DIS2 in docs/fiscal.md. A discount takes from the goods first; what is only collected (a deposit, a donation)
and gift cards come next, shipping last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from .line_tax import TaxedLine
from .money import ZERO, round_parts_to_total, round_to_cents, sum_amounts
from .order import ANCILLARY_KINDS, OrderLine
from .tax_tables import OUTSIDE_TAXABLE_AMOUNT, Tax


def discount_tier(line: OrderLine, tax: Tax | None) -> int:
    """Return after which other lines a discount takes from this one: 0 goods and services, 2 shipping and fees."""
    if line.kind in ANCILLARY_KINDS:
        return 2
    return 1 if line.kind == "giftcard" or is_only_collected(tax) else 0


def is_only_collected(tax: Tax | None) -> bool:
    """Return whether the line is outside the taxable amount, as a deposit or a donation is."""
    return tax is not None and tax.exemption in OUTSIDE_TAXABLE_AMOUNT


def coupon_readings(lines: Sequence[TaxedLine], coupon: Decimal) -> Iterator[tuple[Decimal, ...]]:
    """Yield the discounts of the lines, their own included, in each way in which a shop may apply the coupon.

    A coupon above the value of the goods was worth no more than they, or its rest came off the shipping; the odd cents
    of a share went by the sorted lines, by the order's own, or were never rounded: the paid total says which.
    """
    own = [each.line.discount for each in lines]
    if not coupon:
        yield tuple(own)
        return
    values = [max(each.line.value, ZERO) for each in lines]
    seen: set[tuple[Decimal, ...]] = set()
    in_order = sorted(range(len(lines)), key=lambda at: lines[at].position)
    for cents_go_by in (range(len(lines)), in_order, None):
        for amount, tiers in _coupon_spreads(lines, values, coupon):
            shares = spread_discount(amount, values, tiers, cents_go_by)
            discounts = tuple(discount + share for discount, share in zip(own, shares, strict=True))
            if discounts not in seen:
                seen.add(discounts)
                yield discounts


def _coupon_spreads(
    lines: Sequence[TaxedLine], values: Sequence[Decimal], coupon: Decimal
) -> Iterator[tuple[Decimal, Sequence[int]]]:
    """Yield what the coupon may be worth, with the tiers of the lines from which it takes that."""
    tiers = [discount_tier(each.line, each.tax) for each in lines]
    yield coupon, tiers
    for last in (0, 1):
        worth = sum_amounts(value for value, tier in zip(values, tiers, strict=True) if tier <= last)
        yield min(coupon, worth), tiers
    yield coupon, [tier // 2 for tier in tiers]
    yield coupon, [0] * len(tiers)


def spread_discount(
    discount: Decimal,
    values: Sequence[Decimal],
    tiers: Sequence[int],
    cents_go_by: Sequence[int] | None = (),
) -> list[Decimal]:
    """Spread an amount over lines in proportion to their values; the next tier takes what is left (DIS2).

    Of equal remainders of a cent, the one that comes first in `cents_go_by` gets it, by default the first line; with
    None, no share is rounded.
    """
    shares = [ZERO] * len(values)
    left = round_to_cents(discount)
    for tier in sorted(set(tiers)):
        members = [at for at in (cents_go_by or range(len(values))) if tiers[at] == tier]
        weights = [values[at] for at in members]
        whole = sum_amounts(weights)
        if left >= whole:
            parts = weights
        elif cents_go_by is None:
            parts = [left * weight / whole for weight in weights]
        else:
            parts = round_parts_to_total(left, [left * weight / whole for weight in weights], weights)
        for at, part in zip(members, parts, strict=True):
            shares[at] = part
        left = max(round_to_cents(left - whole), ZERO)
    return shares
