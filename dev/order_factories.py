"""Orders for the tests of the fiscal core: plain functions with defaults, and a strategy for any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order, OrderLine
from shopapp.fiscal.party import Address, Party

from .exact_totals import shop_total

TODAY = date(2026, 11, 20)
PAID_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LISBON = Address("Rua do Exemplo 1", "1000-100", "Lisboa", "PT")
LEVELS = ("rate_group", "document", "line")
NET_LEVELS = LEVELS


def amount(text: str) -> Decimal:
    return Decimal(text)


def make_line(price: str = "10.00", charged: str | None = "23", **changes: Any) -> OrderLine:
    """One piece of a product at that price and rate."""
    made = OrderLine(
        "A", "Artigo", Decimal(1), Decimal(price), charged=None if charged is None else Decimal(charged)
    )
    return replace(made, **changes)


def make_order(*lines: OrderLine, total: str, **changes: Any) -> Order:
    """A paid order of a consumer in Lisbon, prices with VAT."""
    made = Order(
        id="1001",
        status="paid",
        created_at=PAID_AT,
        currency="EUR",
        prices_include_tax=True,
        lines=tuple(
            replace(line, ref=line.ref if line.ref != "A" else f"L{at}") for at, line in enumerate(lines)
        ),
        total=Decimal(total),
        buyer=Party("Ana Exemplo", address=LISBON),
        paid_at=PAID_AT,
        paid_source="platform",
        ship_to=LISBON,
    )
    return replace(made, **changes)


@dataclass(frozen=True)
class ShopOrder:
    """An order, the rounding of its shop and that of the provider."""

    order: Order
    shop_level: str
    settings: FiscalSettings


RATES = (None, "6", "13", "23")


@st.composite
def order_lines(draw: st.DrawFn, *, at: int) -> OrderLine:
    """A line of goods, at any of the mainland's rates or untaxed, some with a discount."""
    quantity = draw(st.integers(1, 12))
    price = draw(st.integers(1, 30_000))
    off = draw(st.sampled_from([0, 0, 0, 1])) and draw(st.integers(0, price * quantity))
    rate = draw(st.sampled_from(RATES))
    return OrderLine(
        ref=f"L{at}",
        description=f"Artigo {at}",
        quantity=Decimal(quantity),
        unit_price=Decimal(price).scaleb(-2),
        discount=Decimal(off).scaleb(-2),
        charged=None if rate is None else Decimal(rate),
    )


@st.composite
def shop_orders(draw: st.DrawFn) -> ShopOrder:
    """Any order that some shop, rounding at some level, could have asked a total for."""
    lines: list[OrderLine] = [draw(order_lines(at=at)) for at in range(draw(st.integers(1, 8)))]
    inclusive = draw(st.booleans())
    shop_level = draw(st.sampled_from(LEVELS))
    left = sum((line.quantity * line.unit_price - line.discount for line in lines), Decimal(0))
    coupon = Decimal(draw(st.integers(0, int(left * 100)))).scaleb(-2) if draw(st.booleans()) else Decimal(0)
    if draw(st.booleans()):
        lines.append(
            OrderLine(
                "SHIP",
                "Portes de envio",
                Decimal(1),
                Decimal(draw(st.integers(1, 2_000))).scaleb(-2),
                "shipping",
                charged=draw(st.sampled_from([None, Decimal("23"), Decimal("6")])),
            )
        )
    order = make_order(*lines, total="0", prices_include_tax=inclusive, discount=coupon)
    return ShopOrder(
        replace(order, total=shop_total_of(order, shop_level)),
        shop_level,
        FiscalSettings(exemption="M07", rounding_level=draw(st.sampled_from(LEVELS))),
    )


def shop_total_of(order: Order, level: str) -> Decimal:
    """What the order's shop asks: coupon spread by largest remainder, VAT rounded at its level."""
    values = [Fraction(line.quantity * line.unit_price - line.discount) for line in order.lines]
    weights = [
        value if line.kind != "shipping" else Fraction(0)
        for value, line in zip(values, order.lines, strict=True)
    ]
    for at, share in enumerate(spread(Fraction(order.discount), weights)):
        values[at] -= share
    rates = [Fraction(line.charged or 0) / 100 for line in order.lines]
    total = shop_total(values, rates, inclusive=order.prices_include_tax, level=level)
    return Decimal(total.numerator) / Decimal(total.denominator)


def spread(whole: Fraction, weights: Sequence[Fraction]) -> list[Fraction]:
    """The whole in cents over the weights, largest remainder first, ties to the earlier."""
    base = sum(weights, Fraction(0))
    if not base or not whole:
        return [Fraction(0)] * len(weights)
    exact = [whole * 100 * weight / base for weight in weights]
    parts = [each.numerator // each.denominator for each in exact]
    left = int(whole * 100) - sum(parts)
    for at in sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))[:left]:
        parts[at] += 1
    return [Fraction(part, 100) for part in parts]
