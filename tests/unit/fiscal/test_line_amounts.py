"""The amount paid for each line: the shop's rounding, other currencies, and impossible lines (NUM1 to NUM3, CUR1)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dev.exact_totals import SHOP_ROUNDINGS, ShopRounding
from dev.order_factories import make_line, make_order, shop_total_of
from shopapp.errors import OrderError
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.order import Order
from tests.unit.fiscal.build import M07, build, stop_of


def test_a_total_that_no_rounding_explains_is_stopped_with_both_figures() -> None:
    error = stop_of(make_order(make_line("10.00"), make_line("5.00"), total="15.02"))
    assert isinstance(error, OrderError)
    assert (error.code, error.detail) == ("total-differs", {"paid": "15.02", "lines": "15.00"})
    assert "NUM1" in error.rules


@pytest.mark.parametrize(
    ("total", "level", "vat"), [("0.37", "rate_group", "0.07"), ("0.36", "line", "0.06")]
)
def test_the_shops_rounding_is_found_and_followed(total: str, level: str, vat: str) -> None:
    order = make_order(*[make_line("0.10")] * 3, total=total, prices_include_tax=False)
    draft = build(order)
    assert (draft.rounding, draft.net, draft.vat) == (level, Decimal("0.30"), Decimal(vat))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": Decimal(-1)}, "quantity-not-positive"),
        ({"unit_price": Decimal("-1.00"), "kind": "giftcard"}, "negative-line"),
        ({"discount": Decimal("-1.00")}, "negative-line"),
        ({"discount": Decimal("10.01")}, "discount-exceeds"),
    ],
)
def test_a_line_that_no_document_can_have_is_stopped(changes: Any, code: str) -> None:
    assert stop_of(make_order(make_line("10.00", **changes), total="10.00")).code == code


def test_an_order_without_lines_or_with_too_large_a_coupon_is_stopped() -> None:
    assert stop_of(make_order(total="1.00")).code == "no-lines"
    assert (
        stop_of(make_order(make_line(), total="1.00", discount=Decimal("10.01"))).code == "discount-exceeds"
    )
    assert stop_of(make_order(make_line(), total="-1.00")).code == "negative-total"


def test_another_currency_is_converted_once_and_printed_on_the_document() -> None:
    order = make_order(*[make_line("3.33")] * 3, total="9.99", currency="USD", exchange_rate=Decimal("1.16"))
    draft = build(order)
    assert draft.gross == Decimal("8.61")
    assert sum(line.gross for line in draft.lines) == Decimal("8.61")
    assert draft.notes[0].startswith("Total pago: 9.99 USD")
    assert stop_of(replace(order, exchange_rate=None)).code == "currency"


@pytest.mark.parametrize(
    ("lines", "total", "net"),
    [
        # each piece at 9.59 with VAT
        ([make_line("7.80", quantity=Decimal(80))], "767.20", "623.74"),
        # the net of each line in cents, then VAT by rate: 0.13 + 0.13 and 0.06
        ([make_line("0.125"), make_line("0.125")], "0.32", "0.26"),
        # net 0.38 and VAT 0.09 apart, where 0.375 and its VAT are 0.46
        ([make_line("0.125"), make_line("0.25")], "0.47", "0.38"),
        # VAT of each piece in cents, 4 x 0.01, and the subtotal 1.1052 once: its odd cent is not VAT
        (
            [
                make_line("0.006", None),
                make_line("0.234", None, quantity=Decimal(4)),
                make_line("0.0408", "13", quantity=Decimal(4)),
            ],
            "1.15",
            "1.11",
        ),
    ],
)
def test_rarer_roundings_of_shops_are_found(lines: list[Any], total: str, net: str) -> None:
    draft = build(make_order(*lines, total=total, prices_include_tax=False))
    assert (str(draft.gross), str(draft.net)) == (total, net)


@pytest.mark.parametrize(("total", "shipping"), [("5.00", "5.00"), ("3.00", "3.00")])
def test_a_coupon_above_the_goods_is_worth_them_or_comes_off_the_shipping(total: str, shipping: str) -> None:
    delivery = make_line("5.00", kind="shipping", ref="SHIP")
    draft = build(make_order(make_line("30.00"), delivery, total=total, discount=Decimal("32.00")))
    assert [str(line.gross) for line in draft.lines] == ["0.00", shipping]


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_negative_line_is_a_discount_over_the_others(inclusive: bool) -> None:
    off = make_line("-1.00", kind="fee", ref="OFF")
    total = "51.00" if inclusive else "60.69"
    order = make_order(
        make_line("40.00"), make_line("12.00", "6"), off, total=total, prices_include_tax=inclusive
    )
    draft = build(order)
    assert [line.ref for line in draft.lines] == ["L0", "L1"] and str(draft.gross) == total
    assert all(line.discount_percent > 0 for line in draft.lines)


COUPON_LINES = ((1, "0.01"), (1, "0.04"), (3, "2.60"), (4, "2.46"), (5, "1.28"), (6, "22.32"), (7, "0.0008"))
"""Pieces and net price of each line. The last line costs 0.0056: a coupon can take no cent off it."""
UNTAXED = replace(M07, decisions=Decisions({"product-tax": {"Artigo": "M07"}}))


def order_with_coupon(total: Decimal) -> Order:
    lines = [make_line(price, None, quantity=Decimal(pieces)) for pieces, price in COUPON_LINES]
    return make_order(*lines, total=str(total), prices_include_tax=False, discount=Decimal("137.38"))


@pytest.mark.parametrize("rounding", SHOP_ROUNDINGS)
def test_a_coupon_takes_nothing_off_a_line_of_less_than_a_cent(rounding: ShopRounding) -> None:
    total = shop_total_of(order_with_coupon(Decimal(0)), rounding)
    assert build(order_with_coupon(total), UNTAXED).gross == total


def test_a_total_that_needs_a_line_below_zero_is_stopped() -> None:
    assert stop_of(order_with_coupon(Decimal("20.68")), UNTAXED).code == "total-differs"
