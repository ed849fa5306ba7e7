"""What the buyer paid for each line, in euros: after discounts, and rounded as the shop did.

The paid total is given. The levels of rounding are tried until one gives it; no figure is adjusted to make it fit (NUM1
to NUM3, DIS1, DIS2, CUR1 in docs/fiscal.md).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shopapp.errors import OrderError

from .document import RoundingLevel
from .line_tax import TaxedLine
from .money import HUNDRED, ONE, ZERO, allocate, round_parts_to_total, round_to_cents, sum_amounts
from .order import ANCILLARY_KINDS, Order, OrderLine
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

    @property
    def unit_price_gross(self) -> Decimal:
        """Unit price before discount with the charged tax, not rounded."""
        return self.unit_price_net * (1 + self.charged_rate / HUNDRED)


def check_lines(order: Order) -> None:
    """Check that every line can be on a document. Raises OrderError for an empty or a negative one (DIS1)."""
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
    """Check that the order is in euros or has an exchange rate. Raises OrderError `currency` (CUR1)."""
    if order.currency == "EUR":
        return
    trace.add_rule("CUR1")
    if not order.exchange_rate or order.exchange_rate <= ZERO:
        raise OrderError("currency", currency=order.currency)


def total_line_discounts(lines: Sequence[OrderLine], coupon: Decimal) -> list[Decimal]:
    """Return the discount of each line: its own, and its share of the coupon, from which shipping is excluded (DIS2).

    Gift cards are excluded too, unless the coupon exceeds the value of the other lines. Raises OrderError
    `discount-exceeds`.
    """
    values = [line.quantity * line.unit_price - line.discount for line in lines]
    covered = _values_under_coupon(lines, values, (*ANCILLARY_KINDS, "giftcard"))
    if coupon > sum_amounts(covered):
        covered = _values_under_coupon(lines, values, ANCILLARY_KINDS)
    if coupon > sum_amounts(covered):
        raise OrderError("discount-exceeds", discount=str(coupon), lines=str(sum_amounts(covered)))
    shares = allocate(round_to_cents(coupon), covered) if coupon else [ZERO] * len(values)
    return [line.discount + share for line, share in zip(lines, shares, strict=True)]


def _values_under_coupon(
    lines: Sequence[OrderLine], values: Sequence[Decimal], spared_kinds: Sequence[str]
) -> list[Decimal]:
    return [ZERO if line.kind in spared_kinds else value for line, value in zip(lines, values, strict=True)]


def price_lines(
    order: Order, lines: Sequence[TaxedLine], trace: DecisionTrace
) -> tuple[list[LineAmounts], RoundingLevel] | None:
    """Price the lines as the shop did, and return them with the level at which the shop rounded.

    Return None when no level of rounding gives the paid total (NUM1 to NUM3).
    """
    discounts = total_line_discounts([each.line for each in lines], order.discount)
    if any(discounts):
        trace.add_rule("DIS1", *(("DIS2",) if order.discount else ()))
    trace.add_rule("NUM1")
    nets, exact_grosses = _exact_amounts(order, lines, discounts)
    found = _find_rounding_level(lines, exact_grosses, order.paid_total)
    if found is None:
        return None
    level, grosses = found
    trace.add_rule("NUM3" if level == "line" else "NUM2")
    amounts = [
        _line_amounts(each, discount, net, gross, order.prices_include_tax)
        for each, discount, net, gross in zip(lines, discounts, nets, grosses, strict=True)
    ]
    return (amounts if order.currency == "EUR" else _convert_to_euros(order, amounts, trace)), level


def total_by_rate(order: Order, lines: Sequence[TaxedLine]) -> Decimal:
    """Return the total of a shop that rounds once for each rate: the figure to show when no rounding fits."""
    discounts = total_line_discounts([each.line for each in lines], order.discount)
    _, exact_grosses = _exact_amounts(order, lines, discounts)
    rates = [each.charged_rate for each in lines]
    return sum_amounts(_rounded_sums(exact_grosses, rates).values())


def _exact_amounts(
    order: Order, lines: Sequence[TaxedLine], discounts: Sequence[Decimal]
) -> tuple[list[Decimal], list[Decimal]]:
    """Return the net and the gross of each line, not rounded."""
    nets, grosses = [], []
    for each, discount in zip(lines, discounts, strict=True):
        value = each.line.quantity * each.line.unit_price - discount
        factor = 1 + each.charged_rate / HUNDRED
        nets.append(value / factor if order.prices_include_tax else value)
        grosses.append(value if order.prices_include_tax else value * factor)
    return nets, grosses


def _line_amounts(
    taxed: TaxedLine, discount: Decimal, net: Decimal, gross: Decimal, price_includes_tax: bool
) -> LineAmounts:
    line, rate = taxed.line, taxed.charged_rate
    list_price = line.quantity * line.unit_price
    return LineAmounts(
        line=line,
        tax=taxed.tax,
        charged_rate=rate,
        unit_price_net=line.unit_price / (1 + rate / HUNDRED) if price_includes_tax else line.unit_price,
        discount_percent=discount / list_price * HUNDRED if list_price else ZERO,
        net=net,
        gross=gross,
        net_is_exact=not price_includes_tax,
    )


# how the shop rounded


def _find_rounding_level(
    lines: Sequence[TaxedLine], exact: Sequence[Decimal], total: Decimal
) -> tuple[RoundingLevel, list[Decimal]] | None:
    """Return the first level of rounding that gives the total, and the lines in cents at that level.

    The last two attempts repeat the first two with shipping rounded separately from the goods, as some shops do.
    """
    rates = [each.charged_rate for each in lines]
    is_ancillary = [each.line.kind in ANCILLARY_KINDS for each in lines]
    # lines with the same key are rounded together
    attempts: tuple[tuple[RoundingLevel, Sequence[Hashable]], ...] = (
        ("rate_group", rates),
        ("document", [None] * len(lines)),
        ("line", range(len(lines))),
        ("rate_group", list(zip(rates, is_ancillary, strict=True))),
        ("document", is_ancillary),
    )
    for level, keys in attempts:
        rounded = _rounded_sums(exact, keys)
        if sum_amounts(rounded.values()) == total:
            return level, _distribute_rounded_sums(exact, rates, keys, rounded)
    return None


def _rounded_sums(exact: Sequence[Decimal], keys: Sequence[Hashable]) -> dict[Hashable, Decimal]:
    return {
        key: round_to_cents(sum_amounts(exact[at] for at in members))
        for key, members in _positions_by_key(keys).items()
    }


def _positions_by_key(keys: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    positions: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        positions.setdefault(key, []).append(at)
    return positions


def _distribute_rounded_sums(
    exact: Sequence[Decimal],
    rates: Sequence[Decimal],
    keys: Sequence[Hashable],
    rounded: Mapping[Hashable, Decimal],
) -> list[Decimal]:
    """Spread each rounded sum over its rates, and each rate's part over its lines, by largest remainder."""
    grosses = [ZERO] * len(exact)
    for key, members in _positions_by_key(keys).items():
        by_rate = [
            [members[at] for at in same_rate]
            for same_rate in _positions_by_key([rates[at] for at in members]).values()
        ]
        rate_sums = round_parts_to_total(
            rounded[key], [sum_amounts(exact[at] for at in same_rate) for same_rate in by_rate]
        )
        for same_rate, rate_sum in zip(by_rate, rate_sums, strict=True):
            parts = round_parts_to_total(rate_sum, [exact[at] for at in same_rate])
            for at, part in zip(same_rate, parts, strict=True):
                grosses[at] = part
    return grosses


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
