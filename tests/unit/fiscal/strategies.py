"""Hypothesis strategies for orders whose total a shop could have asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from dev.order_factories import LEVELS, make_order, shop_total_of
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order, OrderLine

RATES = (None, "6", "13", "23")


@dataclass(frozen=True)
class ShopOrder:
    """An order, and fiscal settings with the provider's rounding level."""

    order: Order
    settings: FiscalSettings


@st.composite
def order_lines(draw: st.DrawFn, *, at: int) -> OrderLine:
    """Generate a product line at any of the mainland's rates or untaxed, some with a discount."""
    quantity = draw(st.integers(1, 12))
    price = draw(st.integers(1, 30_000))
    discount = draw(st.sampled_from([0, 0, 0, 1])) and draw(st.integers(0, price * quantity))
    rate = draw(st.sampled_from(RATES))
    return OrderLine(
        ref=f"L{at}",
        description=f"Artigo {at}",
        quantity=Decimal(quantity),
        unit_price=Decimal(price).scaleb(-2),
        discount=Decimal(discount).scaleb(-2),
        charged=None if rate is None else Decimal(rate),
    )


@st.composite
def shop_orders(draw: st.DrawFn) -> ShopOrder:
    """Generate any order; the shop and the provider each round at some level."""
    lines: list[OrderLine] = [draw(order_lines(at=at)) for at in range(draw(st.integers(1, 8)))]
    inclusive = draw(st.booleans())
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
    untaxed = {line.description: "M07" for line in lines if line.kind == "goods" and line.charged is None}
    order = make_order(*lines, total="0", prices_include_tax=inclusive, discount=coupon)
    return ShopOrder(
        replace(order, total=shop_total_of(order, draw(st.sampled_from(LEVELS)))),
        FiscalSettings(
            decisions=Decisions({"product-tax": untaxed}), rounding_level=draw(st.sampled_from(LEVELS))
        ),
    )
