"""What shipping and fees owe: the tax of the goods that they come with, split where the goods differ.

Called by figures and drafting. Source: fiscal-pt section 2.3 (VAT4: CIVA art. 16 n.º 5 b); VAT6, where no
text fixes the split: in proportion to the discounted gross of the goods, unless the shop made its own), rulings
section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shopapp.errors import OrderError

from .line_amounts import LineAmounts, line_discounts
from .line_tax import ANCILLARY_KINDS
from .money import ONE, ZERO, allocate, sum_amounts
from .order import Order, OrderLine
from .tax_tables import Tax
from .trace import DecisionTrace


@dataclass(frozen=True, slots=True)
class LineShare:
    """A line, or the part of a shipping line, that owes one tax."""

    amounts: LineAmounts
    tax: Tax
    ref: str
    gross: Decimal
    fraction: Decimal = ONE
    """How much of the line this is."""


TaxedLine = tuple[LineAmounts, Tax]


def assign_taxes(
    amounts: Sequence[LineAmounts], taxes: Sequence[Tax | None], trace: DecisionTrace
) -> list[LineShare]:
    """Every line with its tax; those that have none of their own (shipping, fees, gifts) follow the goods."""
    goods = [
        (each, tax) for each, tax in zip(amounts, taxes, strict=True) if tax and each.line.kind != "giftcard"
    ]
    result: list[LineShare] = []
    for each, tax in zip(amounts, taxes, strict=True):
        if tax is not None:
            result.append(LineShare(each, tax, each.line.ref, each.gross))
        elif not each.gross and each.line.kind in ANCILLARY_KINDS:
            trace.add_rule("DIS3")
        elif not goods:
            raise OrderError("shipping-untaxed", line=each.line.description)
        elif not each.gross:
            result.append(LineShare(each, _tax_of_largest(goods), each.line.ref, each.gross))
        else:
            result += _share_among_goods(each, goods, trace)
    return result


def _tax_of_largest(goods: Sequence[TaxedLine]) -> Tax:
    return max(goods, key=lambda pair: pair[0].gross)[1]


def _share_among_goods(
    each: LineAmounts, goods: Sequence[TaxedLine], trace: DecisionTrace
) -> list[LineShare]:
    """The line under the tax of the goods: the shop's own choice among them, else in proportion (VAT6)."""
    trace.add_rule("VAT4")
    weights: dict[Tax, Decimal] = {}
    for other, tax in goods:
        weights[tax] = weights.get(tax, ZERO) + other.gross
    chosen = _tax_charged_by_shop(each, goods) or (next(iter(weights)) if len(weights) == 1 else None)
    if chosen:
        return [LineShare(each, chosen, each.line.ref, each.gross)]
    trace.add_rule("VAT6")
    parts = zip(weights, allocate(each.gross, list(weights.values())), strict=True)
    kept = [(tax, gross) for tax, gross in parts if gross]
    if len(kept) == 1:
        return [LineShare(each, kept[0][0], each.line.ref, each.gross)]
    return [
        LineShare(each, tax, f"{each.line.ref}-{at}", gross, gross / each.gross)
        for at, (tax, gross) in enumerate(kept, 1)
    ]


def _tax_charged_by_shop(each: LineAmounts, goods: Sequence[TaxedLine]) -> Tax | None:
    """The tax of the goods that the shop charged the same rate on, where it charged shipping any."""
    if not each.charged_rate:
        return None
    return next(
        (tax for other, tax in goods if other.charged_rate == each.charged_rate and other.gross), None
    )


def split_untaxed_shipping(order: Order, taxes: Sequence[Tax | None]) -> Order | None:
    """The order with its untaxed shipping shared out among the goods' rates, where prices are without tax.

    For a shop that adds tax to shipping at the goods' rates and shows one price; None where that cannot be.
    """
    untaxed = [line.kind in ANCILLARY_KINDS and line.charged is None for line in order.lines]
    if order.prices_include_tax or not any(untaxed):
        return None
    weights: dict[Tax, Decimal] = {}
    for line, tax, off in zip(order.lines, taxes, line_discounts(order), strict=True):
        if tax is not None and line.kind != "giftcard":
            weights[tax] = weights.get(tax, ZERO) + (line.quantity * line.unit_price - off) * tax.factor
    if not sum_amounts(weights.values()):
        return None
    lines: list[OrderLine] = []
    for line, is_untaxed in zip(order.lines, untaxed, strict=True):
        lines += _split_line(line, weights) if is_untaxed else [line]
    return replace(order, lines=tuple(lines))


def _split_line(line: OrderLine, weights: dict[Tax, Decimal]) -> list[OrderLine]:
    prices = allocate(line.unit_price * line.quantity, list(weights.values()))
    offs = allocate(line.discount, prices) if line.discount else [ZERO] * len(prices)
    parts = [
        (tax, price, off)
        for tax, price, off in zip(weights, prices, offs, strict=True)
        if price and off <= price
    ]
    return [
        replace(
            line,
            ref=f"{line.ref}-{at}" if len(parts) > 1 else line.ref,
            quantity=ONE,
            unit_price=price,
            discount=off,
            charged=tax.rate,
        )
        for at, (tax, price, off) in enumerate(parts, 1)
    ]
