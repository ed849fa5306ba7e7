"""Hypothesis strategies for orders whose total a shop could have asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from dev.exact_totals import SHOP_ROUNDINGS, ShopRounding
from dev.order_factories import LEVELS, make_order, shop_total_of
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order, OrderLine

RATES = (None, "6", "13", "23")
DEPOSIT = "DEP"
"""The SKU of containers' deposits."""


@dataclass(frozen=True)
class ShopOrder:
    """An order, fiscal settings with the provider's rounding level, and where the shop rounded."""

    order: Order
    settings: FiscalSettings
    shop_rounding: ShopRounding


@st.composite
def order_lines(draw: st.DrawFn, *, at: int) -> OrderLine:
    """Generate a product line at any of the mainland's rates or untaxed, some with a discount or parts of a cent."""
    quantity = draw(st.integers(1, 12))
    price = Decimal(draw(st.integers(1, 30_000))).scaleb(draw(st.sampled_from([-2, -2, -2, -3, -4])))
    most = int(price * quantity * 100)
    discount = draw(st.sampled_from([0, 0, 0, 1])) and draw(st.integers(0, most))
    rate = draw(st.sampled_from(RATES))
    return OrderLine(
        ref=f"L{at}",
        description=f"Artigo {at}",
        quantity=Decimal(quantity),
        unit_price=price,
        kind=draw(st.sampled_from(["goods", "goods", "goods", "service"])),
        discount=Decimal(discount).scaleb(-2),
        charged=None if rate is None else Decimal(rate),
    )


@st.composite
def odd_lines(draw: st.DrawFn, left: Decimal) -> list[OrderLine]:
    """Generate lines that are not on the document as they are: of no pieces, negative; and a deposit."""
    found = []
    if draw(st.booleans()):
        found.append(OrderLine("NONE", "Nada", Decimal(0), Decimal("5.00"), charged=Decimal(23)))
    if draw(st.booleans()):
        found.append(
            OrderLine(DEPOSIT, "Depósito", Decimal(draw(st.integers(1, 6))), Decimal("0.10"), sku=DEPOSIT)
        )
    if draw(st.booleans()):
        price = -Decimal(draw(st.integers(1, max(1, int(left * 50))))).scaleb(-2)
        rate = draw(st.sampled_from(RATES))
        charged = None if rate is None else Decimal(rate)
        kind = draw(st.sampled_from(["fee", "goods"]))
        found.append(OrderLine("OFF", "Desconto", Decimal(1), price, kind, charged=charged))
    return found


@st.composite
def shop_orders(draw: st.DrawFn, *, plain: bool = False) -> ShopOrder:
    """Generate any order; the shop and the provider each round at some level. A plain one has products alone."""
    lines: list[OrderLine] = [draw(order_lines(at=at)) for at in range(draw(st.integers(1, 8)))]
    inclusive = draw(st.booleans())
    left = sum((line.value for line in lines), Decimal(0))
    coupon = Decimal(0)
    if not plain and draw(st.booleans()):
        # no shop gives a coupon of parts of a cent: only goods in whole cents are given away altogether
        most = 110 if all(line.value == round(line.value, 2) for line in lines) else 90
        coupon = Decimal(draw(st.integers(0, int(left * most)))).scaleb(-2)
    elif not plain and left > 1 and draw(st.booleans()):
        lines += draw(odd_lines(left))
    if not plain and draw(st.booleans()):
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
    rounding = draw(st.sampled_from(SHOP_ROUNDINGS))
    total = shop_total_of(order, rounding, is_rest_lost=draw(st.booleans()))
    untaxed = {line.description: "M07" for line in lines if line.charged is None}
    decisions = Decisions({"product-tax": {**untaxed, DEPOSIT: "M99"}})
    settings = FiscalSettings(decisions=decisions, rounding_level=draw(st.sampled_from(LEVELS)))
    return ShopOrder(replace(order, total=max(total, Decimal(0))), settings, rounding)
