"""The tax of shipping and fees: that of the goods that are carried, split where their taxes differ.

VAT4 and VAT6 in docs/fiscal.md: the shop's own split has priority; otherwise the gross is shared in proportion to what
was paid for the goods. Where no goods are paid, shipping is a service at the rate that the shop charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopapp.errors import OrderError

from .document import FiscalSettings
from .line_amounts import LineAmounts
from .line_tax import is_carried
from .money import ONE, ZERO, allocate, sum_amounts
from .order import ANCILLARY_KINDS
from .tax_tables import OUTSIDE_TAXABLE_AMOUNT, Tax
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


def assign_taxes(
    lines: Sequence[LineAmounts], settings: FiscalSettings, trace: DecisionTrace
) -> list[LineShare]:
    """Give every line one tax: its own, or that of the goods where it has none (shipping, fees, untaxed gifts).

    Shipping that cost nothing gets no line (DIS3), nor does a gift beside which nothing is taxed. Raises OrderError
    `shipping-untaxed` when the shop charged no rate on shipping and there is nothing to follow.
    """
    goods = _lines_to_follow(lines)
    shares: list[LineShare] = []
    for each in lines:
        if each.tax is not None:
            shares.append(LineShare(each, each.tax, each.line.ref, each.gross))
        elif each.line.kind not in ANCILLARY_KINDS:
            tax = _tax_of_gift(goods, lines)
            shares += [LineShare(each, tax, each.line.ref, each.gross)] if tax else []
        elif not each.gross:
            trace.add_rule("DIS3")
        else:
            shares += _shares_of_shipping(each, goods, settings, trace)
    return shares


def _lines_to_follow(lines: Sequence[LineAmounts]) -> list[GoodsLine]:
    """Return the goods that are carried, or everything else that is sold where nothing is carried."""
    sold = [(each, each.tax) for each in lines if each.tax and each.line.kind != "giftcard"]
    carried = [(each, tax) for each, tax in sold if is_carried(each.line, tax)]
    return carried or [(each, tax) for each, tax in sold if tax.exemption not in OUTSIDE_TAXABLE_AMOUNT]


def _tax_of_gift(goods: Sequence[GoodsLine], lines: Sequence[LineAmounts]) -> Tax | None:
    """Return the tax of the most valuable goods, else of the shipping; None where there is neither."""
    if goods:
        return max(goods, key=lambda pair: (pair[0].gross, pair[0].list_gross, pair[1].rate))[1]
    return next((each.own_tax for each in lines if each.own_tax), None)


def _shares_of_shipping(
    each: LineAmounts, goods: Sequence[GoodsLine], settings: FiscalSettings, trace: DecisionTrace
) -> list[LineShare]:
    trace.add_rule("VAT4")
    if each.own_tax and (settings.shipping_tax == "as-charged" or not _is_any_carried_and_paid(goods)):
        shares = [LineShare(each, each.own_tax, each.line.ref, each.gross)]
    elif goods:
        shares = _share_among_goods(each, goods, trace)
    else:
        raise OrderError("shipping-untaxed", line=each.line.description)
    if each.charged_rate and any(share.tax.rate != each.charged_rate for share in shares):
        trace.add_warning("shipping-tax-changed")
    return shares


def _is_any_carried_and_paid(goods: Sequence[GoodsLine]) -> bool:
    return any(each.gross and is_carried(each.line, tax) for each, tax in goods)


def _share_among_goods(
    each: LineAmounts, goods: Sequence[GoodsLine], trace: DecisionTrace
) -> list[LineShare]:
    """Tax the line like the goods: those that the shop charged at its rate, else all in proportion (VAT6)."""
    weights = _weights(_charged_like(each, goods) or goods)
    if len(weights) == 1:
        return [LineShare(each, next(iter(weights)), each.line.ref, each.gross)]
    trace.add_rule("VAT6")
    # the cent goes to the highest rate, not to the first line
    by_rate = sorted(weights, key=lambda tax: (-tax.rate, tax.region, tax.exemption))
    parts = dict(zip(by_rate, allocate(each.gross, [weights[tax] for tax in by_rate]), strict=True))
    kept = [(tax, parts[tax]) for tax in weights if parts[tax]]
    if len(kept) == 1:
        return [LineShare(each, kept[0][0], each.line.ref, each.gross)]
    return [
        LineShare(each, tax, f"{each.line.ref}-{number}", gross, gross / each.gross)
        for number, (tax, gross) in enumerate(kept, 1)
    ]


def _charged_like(each: LineAmounts, goods: Sequence[GoodsLine]) -> list[GoodsLine]:
    """Return the goods that were paid and that the shop charged at the same rate as the line."""
    if not each.charged_rate:
        return []
    return [pair for pair in goods if pair[0].charged_rate == each.charged_rate and pair[0].gross]


def _weights(goods: Sequence[GoodsLine]) -> dict[Tax, Decimal]:
    """Return what was paid for the goods of each tax; where all were given away, their list prices."""
    paid: dict[Tax, Decimal] = {}
    listed: dict[Tax, Decimal] = {}
    for each, tax in goods:
        paid[tax] = paid.get(tax, ZERO) + each.gross
        listed[tax] = listed.get(tax, ZERO) + each.list_gross
    return paid if sum_amounts(paid.values()) else listed
