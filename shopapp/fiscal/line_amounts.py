"""What the buyer paid for each line, in euros: after discounts, and rounded as the shop did.

The paid total is given. Each way in which shops calculate is tried until one gives it; no figure is adjusted to make it
fit (NUM1 to NUM3, DIS1, DIS2, CUR1 in docs/fiscal.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shopapp.errors import OrderError

from . import shop_rounding
from .discounts import coupon_readings, discount_tier, is_only_collected, spread_discount
from .document import RoundingLevel
from .line_tax import TaxedLine
from .money import CENT, HUNDRED, ONE, ZERO, allocate, round_to_cents, sum_amounts
from .order import ANCILLARY_KINDS, Order, OrderLine
from .shop_readings import ShopReading
from .shop_rounding import ExactLine, ShopRounding
from .tax_tables import Tax
from .trace import DecisionTrace


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """A line after all discounts, in euros: what the buyer paid for it, exactly and in cents."""

    line: OrderLine
    tax: Tax | None
    """The lawful tax; None where the line follows the goods."""
    charged_rate: Decimal
    """The rate that the shop calculated with; zero where it charged none."""
    unit_price_net: Decimal
    """Unit price before discount and without the charged tax, not rounded."""
    discount_percent: Decimal
    """Percent of the list price, not rounded."""
    net: Decimal
    """The line without the charged tax, not rounded."""
    gross: Decimal
    """What the buyer paid for the line, in cents; all lines add up to the paid total."""
    net_is_exact: bool
    """Whether the shop's price is without tax: then the net is exact and not calculated from a gross."""
    vat: Decimal | None = None
    """The charged VAT in cents where the shop rounded it line by line, separately from the subtotal."""
    own_tax: Tax | None = None
    """Of shipping and fees: the tax of a service at the rate that the shop charged (`TaxedLine.own_tax`)."""

    @property
    def unit_price_gross(self) -> Decimal:
        """Unit price before discount with the charged tax, not rounded."""
        return self.unit_price_net * (1 + self.charged_rate / HUNDRED)

    @property
    def list_gross(self) -> Decimal:
        """The line before discounts with the charged tax, not rounded."""
        return self.line.quantity * self.unit_price_gross


def select_lines(order: Order) -> Order:
    """Return the order without lines of no pieces, which are on no document.

    Raises OrderError where a line can be on none or nothing is left (DIS1).
    """
    lines = tuple(line for line in order.lines if line.quantity)
    for line in lines:
        if line.quantity < ZERO:
            raise OrderError("quantity-not-positive", line=line.description, quantity=str(line.quantity))
        if line.discount < ZERO or line.is_negative and line.kind == "giftcard":
            raise OrderError("negative-line", line=line.description)
        if line.value < ZERO and not line.is_negative:
            raise OrderError(
                "discount-exceeds", discount=str(line.discount), lines=str(line.unit_price * line.quantity)
            )
    if all(line.is_negative for line in lines):
        raise OrderError("no-lines")
    if order.total < ZERO or order.gift_cards < ZERO or order.discount < ZERO:
        raise OrderError("negative-total", total=str(order.total))
    return replace(order, lines=lines)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way in which the shop may have calculated the order, before rounding."""

    reading: ShopReading
    exact: Sequence[ExactLine]


def price_lines(
    order: Order, readings: Iterable[ShopReading], trace: DecisionTrace
) -> tuple[list[LineAmounts], RoundingLevel]:
    """Price the lines as the shop did, and return them with the level at which the shop rounded.

    Negative lines come back as a discount over the others. Raises OrderError `total-differs` or `discount-exceeds` when
    nothing gives the paid total (NUM1 to NUM3).
    """
    if order.discount or any(line.discount or line.is_negative for line in order.lines):
        trace.add_rule("DIS1", *(("DIS2",) if order.discount else ()))
    trace.add_rule("NUM1")
    candidate, rounding = _find_rounding(order, readings)
    trace.add_rule("NUM3" if rounding.level == "line" else "NUM2", *candidate.reading.rules)
    amounts = _positive_amounts(order, candidate, rounding)
    return (amounts if order.currency == "EUR" else _convert_to_euros(order, amounts, trace)), rounding.level


def _candidates(order: Order, readings: Iterable[ShopReading]) -> Iterator[Candidate]:
    for reading in readings:
        for discounts in coupon_readings(reading.lines, order.discount):
            exact = [
                _exact_line(each, discount, order.prices_include_tax)
                for each, discount in zip(reading.lines, discounts, strict=True)
            ]
            yield Candidate(reading, exact)


def _exact_line(each: TaxedLine, discount: Decimal, price_includes_tax: bool) -> ExactLine:
    line, factor = each.line, 1 + each.charged_rate / HUNDRED
    list_price = line.quantity * line.unit_price
    value = list_price - discount
    return ExactLine(
        quantity=line.quantity,
        rate=each.charged_rate,
        net=value / factor if price_includes_tax else value,
        gross=value if price_includes_tax else value * factor,
        list_gross=list_price if price_includes_tax else list_price * factor,
        is_ancillary=line.kind in ANCILLARY_KINDS,
    )


def _find_rounding(order: Order, readings: Iterable[ShopReading]) -> tuple[Candidate, ShopRounding]:
    """Return what gives the paid total: the usual roundings of every candidate first, then the rarer ones."""
    tried: list[Candidate] = []
    for candidate in _candidates(order, readings):
        for rounding in shop_rounding.USUAL:
            if rounding.total(candidate.exact) == order.paid_total:
                return candidate, rounding
        tried.append(candidate)
    separate = () if order.prices_include_tax else shop_rounding.SEPARATE
    for candidate in tried:
        for rounding in (*shop_rounding.BY_PIECE, *separate):
            if rounding.total(candidate.exact) == order.paid_total:
                return candidate, rounding
    raise _mismatch(order, tried[0])


def _mismatch(order: Order, likeliest: Candidate) -> OrderError:
    """Return the error with the total of a shop that rounds once for each rate."""
    values = sum_amounts(max(line.value, ZERO) for line in order.lines)
    if order.discount > values:
        return OrderError("discount-exceeds", discount=str(order.discount), lines=str(values))
    shop_total = shop_rounding.USUAL[0].total(likeliest.exact)
    return OrderError("total-differs", paid=str(order.paid_total), lines=str(shop_total))


def _positive_amounts(order: Order, candidate: Candidate, rounding: ShopRounding) -> list[LineAmounts]:
    """Return the lines in their order without the negative ones, whose amount is taken off the others."""
    pairs = zip(candidate.reading.lines, candidate.exact, strict=True)
    lines, exact = zip(*(pair for pair in pairs if not pair[0].line.is_negative), strict=True)
    grosses = rounding.grosses(exact)
    amounts = [
        replace(_line_amounts(each, line, gross, rounding, order.prices_include_tax), vat=vat)
        for each, line, gross, vat in zip(lines, exact, grosses, rounding.vats(exact), strict=True)
    ]
    amounts = reduce_lines(amounts, sum_amounts(grosses) - order.paid_total)
    in_order = sorted(range(len(lines)), key=lambda at: lines[at].position)
    return [amounts[at] for at in in_order]


def _line_amounts(
    taxed: TaxedLine, exact: ExactLine, gross: Decimal, rounding: ShopRounding, price_includes_tax: bool
) -> LineAmounts:
    line, list_gross = taxed.line, exact.list_gross
    # a price that the shop rounded for each piece is the piece's price
    has_other_price = rounding.is_by_piece or not gross or abs(exact.gross - gross) > CENT
    scale = gross / exact.gross if has_other_price and exact.gross else ONE
    return LineAmounts(
        line=line,
        tax=taxed.tax,
        charged_rate=taxed.charged_rate,
        unit_price_net=list_gross / exact.factor / line.quantity * scale,
        discount_percent=(list_gross - exact.gross) / list_gross * HUNDRED if list_gross else ZERO,
        net=gross / exact.factor if rounding.net_of is None else rounding.net_of(exact),
        gross=gross,
        net_is_exact=not price_includes_tax and rounding.net_of is not None,
        own_tax=taxed.own_tax,
    )


def reduce_lines(lines: list[LineAmounts], reduction: Decimal) -> list[LineAmounts]:
    """Take the amount off the lines as a discount, the goods first.

    A deposit or donation that had a part in a discount of the goods gives it to them.
    """
    tiers = [discount_tier(each.line, each.tax) for each in lines]
    if any(each.discount_percent for each, tier in zip(lines, tiers, strict=True) if tier == 0):
        whole = [_without_discount(each) if is_only_collected(each.tax) else each for each in lines]
        reduction += sum_amounts(each.gross for each in whole) - sum_amounts(each.gross for each in lines)
        lines = whole
    shares = spread_discount(reduction, [each.gross for each in lines], tiers)
    return [_with_discount(each, share) if share else each for each, share in zip(lines, shares, strict=True)]


def _without_discount(each: LineAmounts) -> LineAmounts:
    if each.line.kind == "giftcard" or not each.discount_percent:
        return each
    gross = round_to_cents(each.list_gross)
    return replace(each, discount_percent=ZERO, net=gross, gross=gross)


def _with_discount(each: LineAmounts, share: Decimal) -> LineAmounts:
    gross = each.gross - share
    percent = each.discount_percent + share / each.list_gross * HUNDRED if gross else HUNDRED
    net = gross / (1 + each.charged_rate / HUNDRED)
    return replace(each, discount_percent=percent, net=net, gross=gross, net_is_exact=False)


def _convert_to_euros(order: Order, lines: list[LineAmounts], trace: DecisionTrace) -> list[LineAmounts]:
    """Convert the paid total once, then spread it over the lines (CUR1)."""
    rate = order.exchange_rate or ONE
    total = round_to_cents(order.paid_total / rate)
    trace.add_note(
        f"Total pago: {order.paid_total} {order.currency}; câmbio: 1 EUR = {rate} {order.currency}."
    )
    grosses = allocate(total, [each.gross for each in lines])
    return [
        replace(
            each,
            unit_price_net=each.unit_price_net / rate,
            net=each.net / rate,
            gross=gross,
            net_is_exact=False,
        )
        for each, gross in zip(lines, grosses, strict=True)
    ]
