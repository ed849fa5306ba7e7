"""Orders with plausible defaults, and the total that a shop would ask for them: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from shopapp.fiscal.document import RoundingLevel
from shopapp.fiscal.order import Order, OrderLine
from shopapp.fiscal.party import Address, Party

from .exact_totals import ShopLine, ShopRounding, shop_total

TODAY = date(2026, 11, 20)
PAID_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LISBON = Address("Rua do Exemplo 1", "1000-100", "Lisboa", "PT")
LEVELS: tuple[RoundingLevel, ...] = ("rate_group", "document", "line")


def make_line(price: str = "10.00", charged: str | None = "23", **changes: Any) -> OrderLine:
    """Make a line of one piece at that price and charged rate."""
    line = OrderLine(
        "A", "Artigo", Decimal(1), Decimal(price), charged=None if charged is None else Decimal(charged)
    )
    return replace(line, **changes)


def make_order(*lines: OrderLine, total: str, **changes: Any) -> Order:
    """Make a paid order of a consumer in Lisbon, prices with VAT; a line with ref A gets L0, L1, ..."""
    order = Order(
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
    return replace(order, **changes)


def shop_total_of(order: Order, rounding: ShopRounding, *, is_rest_lost: bool = False) -> Decimal:
    """Return the total that the order's shop asks when it rounds so.

    The coupon is spread over the products by largest remainder; what they can't take comes off the shipping or is lost.
    """
    lines = [line for line in order.lines if line.quantity]
    values = [Fraction(line.value) for line in lines]
    products = [
        max(value, Fraction(0)) if line.kind != "shipping" else Fraction(0)
        for value, line in zip(values, lines, strict=True)
    ]
    coupon = Fraction(order.discount)
    on_products = min(coupon, sum(products, Fraction(0)))
    shipping = [
        value if line.kind == "shipping" else Fraction(0) for value, line in zip(values, lines, strict=True)
    ]
    rest = Fraction(0) if is_rest_lost else min(coupon - on_products, sum(shipping, Fraction(0)))
    for amount, weights in ((on_products, products), (rest, shipping)):
        for at, share in enumerate(spread(amount, weights)):
            values[at] -= share
    total = shop_total(
        [
            ShopLine(value, Fraction(line.charged or 0) / 100, Fraction(line.quantity))
            for value, line in zip(values, lines, strict=True)
        ],
        rounding,
        inclusive=order.prices_include_tax,
    )
    return Decimal(total.numerator) / Decimal(total.denominator)


def spread(whole: Fraction, weights: Sequence[Fraction]) -> list[Fraction]:
    """Spread an amount in cents over the weights: largest remainder first, ties to the earlier.

    No part is more than its weight, as no shop takes more off a line than it costs; what no part can take is lost.
    """
    base = sum(weights, Fraction(0))
    if not base or not whole:
        return [Fraction(0)] * len(weights)
    exact = [whole * 100 * weight / base for weight in weights]
    parts = [each.numerator // each.denominator for each in exact]
    left = int(whole * 100) - sum(parts)
    for at in sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at)):
        if left and parts[at] + 1 <= weights[at] * 100:
            parts[at] += 1
            left -= 1
    return [Fraction(part, 100) for part in parts]
