"""What the shop may have charged where its order does not say: VAT on a fixed charge, and the tax of shipping.

Each reading is a list of lines; the one that gives the paid total is the shop's (`line_amounts.price_lines`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .discounts import coupon_readings
from .line_tax import TaxedLine, is_carried
from .money import HUNDRED, ONE, ZERO, allocate, sum_amounts
from .order import ANCILLARY_KINDS, Order
from .tax_tables import Tax


@dataclass(frozen=True, slots=True)
class ShopReading:
    """One reading of the order's lines, and the rules that hold when it is the shop's."""

    lines: Sequence[TaxedLine]
    rules: tuple[str, ...] = ()


def shop_readings(order: Order, lines: Sequence[TaxedLine]) -> Iterator[ShopReading]:
    """Yield every reading of the lines, the likeliest first; the lines are sorted by what they are."""
    with_charges = list(_with_fixed_charges(order, sorted(lines, key=lambda each: each.sort_key)))
    for each in with_charges:
        yield ShopReading(each)
    for each in with_charges:
        for split in _untaxed_shipping(order, each):
            yield ShopReading(split, ("VAT6",))


def _with_fixed_charges(order: Order, lines: Sequence[TaxedLine]) -> Iterator[Sequence[TaxedLine]]:
    """Yield the lines with their fixed charges in the price: for a piece or for the line, with VAT on it or without."""
    if not any(each.line.fixed_charge for each in lines):
        yield lines
        return
    for is_by_piece in (True, False):
        for is_taxed in (True, False):
            yield [_with_charge(each, is_by_piece, is_taxed, order.prices_include_tax) for each in lines]


def _with_charge(each: TaxedLine, is_by_piece: bool, is_taxed: bool, price_includes_tax: bool) -> TaxedLine:
    """Return the line at a price that makes the charge part of the taxable amount (CIVA art. 16 n.º 5)."""
    line, factor = each.line, 1 + each.charged_rate / HUNDRED
    charge = line.fixed_charge if is_by_piece else line.fixed_charge / line.quantity
    if is_taxed and price_includes_tax:
        charge *= factor
    elif not is_taxed and not price_includes_tax:
        charge /= factor
    return replace(each, line=replace(line, unit_price=line.unit_price + charge, fixed_charge=ZERO))


def _untaxed_shipping(order: Order, lines: Sequence[TaxedLine]) -> Iterator[list[TaxedLine]]:
    """Yield the lines with untaxed shipping split by the taxes of the goods and charged at their rates (VAT6).

    For a shop with prices without tax that adds the goods' tax to shipping and shows only its price: split by the nets
    of the goods, then by their prices with tax.
    """
    is_untaxed = [each.line.kind in ANCILLARY_KINDS and each.line.charged is None for each in lines]
    if order.prices_include_tax or not any(is_untaxed):
        return
    discounts = next(coupon_readings(lines, order.discount))
    for with_tax in (False, True):
        weights: dict[Tax, Decimal] = {}
        for each, discount in zip(lines, discounts, strict=True):
            if each.tax is not None and is_carried(each.line, each.tax):
                net = each.line.quantity * each.line.unit_price - discount
                weight = net * each.tax.factor if with_tax else net
                weights[each.tax] = weights.get(each.tax, ZERO) + weight
        if sum_amounts(weights.values()):
            yield [
                part
                for each, untaxed in zip(lines, is_untaxed, strict=True)
                for part in (_split_by_tax(each, weights) if untaxed else [each])
            ]


def _split_by_tax(each: TaxedLine, weights: dict[Tax, Decimal]) -> list[TaxedLine]:
    line = each.line
    prices = allocate(line.unit_price * line.quantity, list(weights.values()))
    discounts = allocate(line.discount, prices) if line.discount else [ZERO] * len(prices)
    parts = [
        (tax, price, discount)
        for tax, price, discount in zip(weights, prices, discounts, strict=True)
        if price and discount <= price
    ]
    lines = [
        replace(line, quantity=ONE, unit_price=price, discount=discount, charged=tax.rate)
        for tax, price, discount in parts
    ]
    if len(lines) > 1:
        lines = [replace(part, ref=f"{line.ref}-{number}") for number, part in enumerate(lines, 1)]
    return [
        TaxedLine(part, None, tax.rate, position=each.position)
        for part, (tax, _, _) in zip(lines, parts, strict=True)
    ]
