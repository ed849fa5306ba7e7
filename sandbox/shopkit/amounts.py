"""The amounts of an order, calculated in floating point as the vendor does.

Checked against the one documented sample: total = subtotal - discount + product_tax + shipping + payment fee, with
the discount and the tax not rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.core.storage import Json
from sandbox.core.switches import Switches


@dataclass(frozen=True)
class LineAmounts:
    """The amounts of a whole line; `base` and `discount` as the store writes prices, with or without VAT."""

    unit_with_tax: float
    unit_without_tax: float
    base: float
    discount: float
    """Its own and its share of the coupon (and of loyalty points, where the switch says so)."""
    net_base: float
    net: float
    tax: float

    @property
    def gross(self) -> float:
        return self.net + self.tax


@dataclass(frozen=True)
class FeeAmounts:
    """Shipping or the fee of a means of payment; `discount` is as the price, with or without VAT."""

    net: float
    tax: float
    discount: float = 0.0

    @property
    def gross(self) -> float:
        return self.net + self.tax


@dataclass(frozen=True)
class OrderAmounts:
    lines: list[LineAmounts]
    discount: float
    loyalty: float
    shipping: FeeAmounts
    payment: FeeAmounts
    total: float


def order_amounts(spec: Json, switches: Switches | dict[str, str]) -> OrderAmounts:
    """Return the amounts of a complete specification."""
    includes_tax = spec["prices_include_tax"]
    bases = [_unit_price(line) * line["qty"] for line in spec["lines"]]
    lines = [
        _line_amounts(line, discount, includes_tax)
        for line, discount in zip(spec["lines"], _discounts(spec, bases, switches), strict=True)
    ]
    is_free = bool(spec["coupon"]) and spec["coupon"]["type"] == "shipping"
    shipping_tax = switches["shipping-price"]
    is_shipping_gross = includes_tax if shipping_tax == "as-goods" else shipping_tax == "with-tax"
    shipping = _fee_amounts(spec["shipping"], is_shipping_gross, is_free)
    payment = _fee_amounts(spec["payment"], is_shipping_gross, False)
    loyalty = 0.0 if switches["loyalty"] == "lines" else spec["loyalty"]
    goods = sum(
        round_half_up(line.gross) if switches["total-rounding"] == "lines" else line.gross for line in lines
    )
    total = goods + shipping.gross + payment.gross - loyalty
    return OrderAmounts(
        lines,
        sum(line.discount for line in lines),
        loyalty,
        shipping,
        payment,
        _rounded_total(total, switches["total-rounding"]) + spec["total_differs"],
    )


def _unit_price(line: Json) -> float:
    return float(line["price"] + sum(extra["price"] for extra in line["extras"]))


def _discounts(spec: Json, bases: list[float], switches: Switches | dict[str, str]) -> list[float]:
    """Return each line's discount: its own, then the coupon's share, then that of loyalty points."""
    coupon, goods = spec["coupon"], sum(bases)
    to_share = spec["loyalty"] if switches["loyalty"] == "lines" else 0.0
    percent = 0.0
    if coupon and coupon["type"] == "percent":
        percent = coupon["value"]
    elif coupon and coupon["type"] == "fixed":
        to_share += coupon["value"]
    to_share = min(to_share, goods)
    return [
        line["discount"] + base * percent / 100 + (to_share * base / goods if goods else 0.0)
        for line, base in zip(spec["lines"], bases, strict=True)
    ]


def _line_amounts(line: Json, discount: float, includes_tax: bool) -> LineAmounts:
    factor = 1 + line["tax"] / 100
    unit, quantity = _unit_price(line), line["qty"]
    base = unit * quantity
    if includes_tax:
        net = (base - discount) / factor
        return LineAmounts(unit, unit / factor, base, discount, base / factor, net, (base - discount) - net)
    net = base - discount
    return LineAmounts(unit * factor, unit, base, discount, base, net, net * line["tax"] / 100)


def _fee_amounts(fee: Json, includes_tax: bool, is_free: bool) -> FeeAmounts:
    discount = fee["price"] if is_free else fee["discount"]
    paid = fee["price"] - discount
    net = paid / (1 + fee["tax"] / 100) if includes_tax else paid
    return FeeAmounts(net, paid - net if includes_tax else net * fee["tax"] / 100, discount)


def round_half_up(value: float, digits: int = 2) -> float:
    """Round as PHP does: to 15 digits first, then half up."""
    return float(Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _rounded_total(total: float, how: str) -> float:
    if how == "binary":
        return round(total, 2)
    if how == "cut":
        return math.floor(total * 100 + 1e-9) / 100
    return round_half_up(total)
