"""The tax of shipping and fees: that of the goods in the same order, split where the goods differ.

VAT4 and VAT6 in docs/fiscal.md: the shop's own split has priority; otherwise the gross is shared in proportion to what
was paid for the goods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shopapp.errors import OrderError

from .line_amounts import LineAmounts, total_line_discounts
from .line_tax import TaxedLine
from .money import ONE, ZERO, allocate, sum_amounts
from .order import ANCILLARY_KINDS, Order, OrderLine
from .tax_tables import Tax
from .trace import DecisionTrace


@dataclass(frozen=True, slots=True)
class LineShare:
    """A line, or the part of a shipping line, that has one tax."""

    amounts: LineAmounts
    tax: Tax
    ref: str
    gross: Decimal
    fraction: Decimal = ONE
    """The part of the line, between 0 and 1."""


GoodsLine = tuple[LineAmounts, Tax]


def assign_taxes(lines: Sequence[LineAmounts], trace: DecisionTrace) -> list[LineShare]:
    """Give every line one tax: its own, or that of the goods where it has none (shipping, fees, untaxed gifts).

    Shipping that cost nothing gets no line (DIS3). Raises OrderError `shipping-untaxed` when there are no goods to
    follow.
    """
    goods = [(each, each.tax) for each in lines if each.tax and each.line.kind != "giftcard"]
    shares: list[LineShare] = []
    for each in lines:
        if each.tax is not None:
            shares.append(LineShare(each, each.tax, each.line.ref, each.gross))
        elif not each.gross and each.line.kind in ANCILLARY_KINDS:
            trace.add_rule("DIS3")
        elif not goods:
            raise OrderError("shipping-untaxed", line=each.line.description)
        elif not each.gross:
            shares.append(LineShare(each, _tax_of_largest(goods), each.line.ref, each.gross))
        else:
            shares += _share_among_goods(each, goods, trace)
    return shares


def _tax_of_largest(goods: Sequence[GoodsLine]) -> Tax:
    return max(goods, key=lambda pair: pair[0].gross)[1]


def _share_among_goods(
    each: LineAmounts, goods: Sequence[GoodsLine], trace: DecisionTrace
) -> list[LineShare]:
    """Tax the line like the goods: at the rate among theirs that the shop chose, else in proportion (VAT6)."""
    trace.add_rule("VAT4")
    weights: dict[Tax, Decimal] = {}
    for other, tax in goods:
        weights[tax] = weights.get(tax, ZERO) + other.gross
    only_tax = next(iter(weights)) if len(weights) == 1 else None
    chosen = _tax_charged_by_shop(each, goods) or only_tax
    if chosen:
        return [LineShare(each, chosen, each.line.ref, each.gross)]
    trace.add_rule("VAT6")
    parts = zip(weights, allocate(each.gross, list(weights.values())), strict=True)
    kept = [(tax, gross) for tax, gross in parts if gross]
    if len(kept) == 1:
        return [LineShare(each, kept[0][0], each.line.ref, each.gross)]
    return [
        LineShare(each, tax, f"{each.line.ref}-{number}", gross, gross / each.gross)
        for number, (tax, gross) in enumerate(kept, 1)
    ]


def _tax_charged_by_shop(each: LineAmounts, goods: Sequence[GoodsLine]) -> Tax | None:
    """Return the tax of those goods that the shop charged at the same rate as the line; None when there are none."""
    if not each.charged_rate:
        return None
    return next(
        (tax for other, tax in goods if other.charged_rate == each.charged_rate and other.gross), None
    )


def split_untaxed_shipping(order: Order, lines: Sequence[TaxedLine]) -> list[TaxedLine] | None:
    """Split shipping that the shop shows untaxed into one line for each tax of the goods, charged at that rate (VAT6).

    For a shop with prices without tax that adds the goods' tax to shipping and shows only its price. Return None when
    prices include tax, no shipping is untaxed or there are no goods to follow.
    """
    is_untaxed = [each.line.kind in ANCILLARY_KINDS and each.line.charged is None for each in lines]
    if order.prices_include_tax or not any(is_untaxed):
        return None
    discounts = total_line_discounts([each.line for each in lines], order.discount)
    weights: dict[Tax, Decimal] = {}
    for each, discount in zip(lines, discounts, strict=True):
        if each.tax is not None and each.line.kind != "giftcard":
            net = each.line.quantity * each.line.unit_price - discount
            weights[each.tax] = weights.get(each.tax, ZERO) + net * each.tax.factor
    if not sum_amounts(weights.values()):
        return None
    split: list[TaxedLine] = []
    for each, untaxed in zip(lines, is_untaxed, strict=True):
        split += _split_by_tax(each.line, weights) if untaxed else [each]
    return split


def _split_by_tax(line: OrderLine, weights: dict[Tax, Decimal]) -> list[TaxedLine]:
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
    return [TaxedLine(part, None, tax.rate) for part, (tax, _, _) in zip(lines, parts, strict=True)]
