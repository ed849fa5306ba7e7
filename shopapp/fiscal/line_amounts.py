"""What each line came to for the buyer: discounts and coupon on the lines, the shop's own rounding found, euros.

Called by drafting once the lines are rated. Source: fiscal-pt section 5 (NUM1 to NUM3, DIS1, DIS2, CUR1) and rulings
section 8. The paid total is the truth; this room finds how the shop arrived at it and never bends a figure to it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shopapp.errors import OrderError

from .document import RoundingLevel
from .line_tax import ANCILLARY_KINDS
from .money import HUNDRED, ONE, ZERO, allocate, round_parts_to_total, round_to_cents, sum_amounts
from .order import Order, OrderLine
from .trace import DecisionTrace


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """A line with all its discounts, in euros: what it came to, exactly and in cents."""

    line: OrderLine
    charged_rate: Decimal
    """The rate that the shop reckoned with; zero where it charged none."""
    unit_price_net: Decimal
    """Unit price before discount and without the charged tax, not rounded."""
    discount_percent: Decimal
    """Percent of the list price, not rounded."""
    net: Decimal
    """The line without the charged tax, not rounded."""
    gross: Decimal
    """What the buyer paid for the line, in cents; all lines add up to the paid total."""
    net_is_exact: bool
    """The shop's price is without tax, so that the net is a sum and not taken out of a gross."""

    @property
    def unit_price_gross(self) -> Decimal:
        """Unit price before discount with the charged tax, not rounded."""
        return self.unit_price_net * (1 + self.charged_rate / HUNDRED)


def line_discounts(order: Order) -> list[Decimal]:
    """What is taken off each line: its own discount and its part of the coupon, which spares shipping (DIS2)."""
    values = [line.quantity * line.unit_price - line.discount for line in order.lines]
    covered = _values_under_coupon(order, values, (*ANCILLARY_KINDS, "giftcard"))
    if order.discount > sum_amounts(covered):
        covered = _values_under_coupon(order, values, ANCILLARY_KINDS)
    if order.discount > sum_amounts(covered):
        raise OrderError("discount-exceeds", discount=str(order.discount), lines=str(sum_amounts(covered)))
    shares = allocate(round_to_cents(order.discount), covered) if order.discount else [ZERO] * len(values)
    return [line.discount + share for line, share in zip(order.lines, shares, strict=True)]


def _values_under_coupon(order: Order, values: Sequence[Decimal], spared: Sequence[str]) -> list[Decimal]:
    """The values that a coupon is spread over; gift cards are spared too as long as the goods can bear it."""
    return [ZERO if line.kind in spared else value for line, value in zip(order.lines, values, strict=True)]


def check_lines(order: Order) -> None:
    """Nothing when every line can stand on a document; raises OrderError for a negative or empty one (DIS1)."""
    if not order.lines:
        raise OrderError("no-lines")
    for line in order.lines:
        if line.quantity <= ZERO:
            raise OrderError("quantity-not-positive", line=line.description, quantity=str(line.quantity))
        if line.unit_price < ZERO or line.discount < ZERO:
            raise OrderError("negative-line", line=line.description)
        if line.discount > line.quantity * line.unit_price:
            raise OrderError(
                "discount-exceeds", discount=str(line.discount), lines=str(line.unit_price * line.quantity)
            )
    if order.total < ZERO or order.gift_cards < ZERO or order.discount < ZERO:
        raise OrderError("negative-total", total=str(order.total))


def check_currency(order: Order, trace: DecisionTrace) -> None:
    """Nothing when the order is in euros or brings its exchange rate; raises OrderError `currency` (CUR1)."""
    if order.currency == "EUR":
        return
    trace.add_rule("CUR1")
    if not order.exchange_rate or order.exchange_rate <= ZERO:
        raise OrderError("currency", currency=order.currency)


def compute_line_amounts(
    order: Order, rates: Sequence[Decimal], trace: DecisionTrace
) -> tuple[list[LineAmounts], RoundingLevel]:
    """The lines as the shop reckoned them with these rates, and its level of rounding.

    Raises OrderError `total-differs` when no level of rounding gives the paid total.
    """
    taken = line_discounts(order)
    if any(taken):
        trace.add_rule("DIS1", *(("DIS2",) if order.discount else ()))
    nets, exact = [], []
    for line, off, rate in zip(order.lines, taken, rates, strict=True):
        value = line.quantity * line.unit_price - off
        factor = 1 + rate / HUNDRED
        nets.append(value / factor if order.prices_include_tax else value)
        exact.append(value if order.prices_include_tax else value * factor)
    trace.add_rule("NUM1")
    level, grosses = _find_rounding_level(order.lines, exact, rates, order.paid_total)
    trace.add_rule("NUM3" if level == "line" else "NUM2")
    lines = [
        _line_amounts(line, off, rate, net, gross, order.prices_include_tax)
        for line, off, rate, net, gross in zip(order.lines, taken, rates, nets, grosses, strict=True)
    ]
    return (lines if order.currency == "EUR" else _convert_to_euros(order, lines, trace)), level


def _line_amounts(
    line: OrderLine, off: Decimal, rate: Decimal, net: Decimal, gross: Decimal, inclusive: bool
) -> LineAmounts:
    whole = line.quantity * line.unit_price
    percent = off / whole * HUNDRED if whole else ZERO
    unit = line.unit_price / (1 + rate / HUNDRED) if inclusive else line.unit_price
    return LineAmounts(line, rate, unit, percent, net, gross, not inclusive)


def _find_rounding_level(
    lines: Sequence[OrderLine], exact: Sequence[Decimal], rates: Sequence[Decimal], total: Decimal
) -> tuple[RoundingLevel, list[Decimal]]:
    """The first level of rounding that gives the total, and the lines in cents at that level (rulings section 8).

    Last come the first two with shipping rounded apart from the goods, as a shop does that states its tax apart.
    """
    apart = [line.kind in ANCILLARY_KINDS for line in lines]
    levels: tuple[tuple[RoundingLevel, list[Hashable]], ...] = (
        ("rate_group", list(rates)),
        ("document", [None] * len(lines)),
        ("line", list(range(len(lines)))),
        ("rate_group", list(zip(rates, apart, strict=True))),
        ("document", list(apart)),
    )
    for level, keys in levels:
        rounded = {
            key: round_to_cents(sum_amounts(exact[at] for at in inside))
            for key, inside in _positions_by_key(keys).items()
        }
        if sum_amounts(rounded.values()) == total:
            return level, _distribute_rounded_sums(exact, rates, keys, rounded)
    by_group = [
        round_to_cents(sum_amounts(exact[at] for at in inside))
        for inside in _positions_by_key(rates).values()
    ]
    raise OrderError("total-differs", paid=str(total), lines=str(sum_amounts(by_group)))


def _positions_by_key(keys: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    members: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        members.setdefault(key, []).append(at)
    return members


def _distribute_rounded_sums(
    exact: Sequence[Decimal],
    rates: Sequence[Decimal],
    keys: Sequence[Hashable],
    rounded: Mapping[Hashable, Decimal],
) -> list[Decimal]:
    """Each rounded sum over its rates, and each rate's part over its lines, by largest remainder."""
    parts = [ZERO] * len(exact)
    for key, inside in _positions_by_key(keys).items():
        by_rate = [
            [inside[at] for at in some] for some in _positions_by_key([rates[at] for at in inside]).values()
        ]
        wholes = round_parts_to_total(
            rounded[key], [sum_amounts(exact[at] for at in some) for some in by_rate]
        )
        for some, whole in zip(by_rate, wholes, strict=True):
            for at, part in zip(some, round_parts_to_total(whole, [exact[at] for at in some]), strict=True):
                parts[at] = part
    return parts


def _convert_to_euros(order: Order, lines: list[LineAmounts], trace: DecisionTrace) -> list[LineAmounts]:
    """The lines in euros: the paid total converted once, then spread (CUR1)."""
    rate = order.exchange_rate or ONE
    total = round_to_cents(order.paid_total / rate)
    trace.add_note(
        f"Total pago: {order.paid_total} {order.currency}; câmbio: 1 EUR = {rate} {order.currency}."
    )
    parts = allocate(total, [each.gross for each in lines])
    return [
        replace(
            each,
            unit_price_net=each.unit_price_net / rate,
            net=each.net / rate,
            gross=part,
            net_is_exact=False,
        )
        for each, part in zip(lines, parts, strict=True)
    ]
