"""What shipping and fees owe: the tax of the goods that they come with, split where the goods differ.

Called by figures and drafting. Source: fiscal-pt section 2.3 (VAT4: CIVA art. 16 n.º 5 b); VAT6, where no
text fixes the split: in proportion to the discounted gross of the goods, unless the shop made its own), rulings
section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .errors import OrderError
from .grounds import Grounds
from .money import ONE, ZERO, added, spread
from .order import Line, Order
from .pricing import Priced, discounts
from .rating import FOLLOWERS
from .tax import Tax


@dataclass(frozen=True, slots=True)
class Share:
    """A line, or the part of a shipping line, that owes one tax."""

    priced: Priced
    tax: Tax
    ref: str
    gross: Decimal
    part: Decimal = ONE
    """How much of the line this is."""


Rated = tuple[Priced, Tax]


def shares(priced: Sequence[Priced], taxes: Sequence[Tax | None], grounds: Grounds) -> list[Share]:
    """Every line with its tax; those that have none of their own (shipping, fees, gifts) follow the goods."""
    goods = [
        (each, tax) for each, tax in zip(priced, taxes, strict=True) if tax and each.line.kind != "giftcard"
    ]
    result: list[Share] = []
    for each, tax in zip(priced, taxes, strict=True):
        if tax is not None:
            result.append(Share(each, tax, each.line.ref, each.gross))
        elif not each.gross and each.line.kind in FOLLOWERS:
            grounds.rule("DIS3")
        elif not goods:
            raise OrderError("shipping-untaxed", line=each.line.description)
        elif not each.gross:
            result.append(Share(each, _largest(goods), each.line.ref, each.gross))
        else:
            result += _following(each, goods, grounds)
    return result


def _largest(goods: Sequence[Rated]) -> Tax:
    return max(goods, key=lambda pair: pair[0].gross)[1]


def _following(each: Priced, goods: Sequence[Rated], grounds: Grounds) -> list[Share]:
    """The line under the tax of the goods: the shop's own choice among them, else in proportion (VAT6)."""
    grounds.rule("VAT4")
    weights: dict[Tax, Decimal] = {}
    for other, tax in goods:
        weights[tax] = weights.get(tax, ZERO) + other.gross
    chosen = _chosen(each, goods) or (next(iter(weights)) if len(weights) == 1 else None)
    if chosen:
        return [Share(each, chosen, each.line.ref, each.gross)]
    grounds.rule("VAT6")
    parts = zip(weights, spread(each.gross, list(weights.values())), strict=True)
    kept = [(tax, gross) for tax, gross in parts if gross]
    if len(kept) == 1:
        return [Share(each, kept[0][0], each.line.ref, each.gross)]
    return [
        Share(each, tax, f"{each.line.ref}-{at}", gross, gross / each.gross)
        for at, (tax, gross) in enumerate(kept, 1)
    ]


def _chosen(each: Priced, goods: Sequence[Rated]) -> Tax | None:
    """The tax of the goods that the shop charged the same rate on, where it charged shipping any."""
    if not each.charged:
        return None
    return next((tax for other, tax in goods if other.charged == each.charged and other.gross), None)


def split_before_tax(order: Order, taxes: Sequence[Tax | None]) -> Order | None:
    """The order with its untaxed shipping shared out among the goods' rates, where prices are without tax.

    For a shop that adds tax to shipping at the goods' rates and shows one price; None where that cannot be.
    """
    open_ = [line.kind in FOLLOWERS and line.charged is None for line in order.lines]
    if order.prices_include_tax or not any(open_):
        return None
    weights: dict[Tax, Decimal] = {}
    for line, tax, off in zip(order.lines, taxes, discounts(order), strict=True):
        if tax is not None and line.kind != "giftcard":
            weights[tax] = weights.get(tax, ZERO) + (line.quantity * line.unit_price - off) * tax.factor
    if not added(weights.values()):
        return None
    lines: list[Line] = []
    for line, is_open in zip(order.lines, open_, strict=True):
        lines += _split(line, weights) if is_open else [line]
    return replace(order, lines=tuple(lines))


def _split(line: Line, weights: dict[Tax, Decimal]) -> list[Line]:
    prices = spread(line.unit_price * line.quantity, list(weights.values()))
    offs = spread(line.discount, prices) if line.discount else [ZERO] * len(prices)
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
