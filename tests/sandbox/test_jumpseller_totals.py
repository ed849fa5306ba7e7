"""The Jumpseller stand-in's own arithmetic: totals, discounts, VAT, rounding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sandbox.jumpseller.amounts import allocate_cents, calculate_amounts
from sandbox.jumpseller.switches import SWITCHES
from tests.sandbox.jumpseller_client import SADO, SERRA, JumpsellerClient


def test_a_gift_card_lowers_only_the_amount_left_to_pay(jumpseller: JumpsellerClient) -> None:
    plain = jumpseller.place_order(lines=[{"sku": "TACA-01"}])
    order = jumpseller.place_order(lines=[{"sku": "TACA-01"}], gift_card="10.00")
    assert (order["total"], order["gift_cards_discount"]) == (2.3, 10.0)
    assert order["tax"] == plain["tax"]
    assert jumpseller.place_order(lines=[{"sku": "TACA-01"}], gift_card="99.00")["total"] == 0.0


def test_free_delivery_is_in_both_discounts_and_once_in_the_total(jumpseller: JumpsellerClient) -> None:
    order = jumpseller.place_order(lines=[{"sku": "TACA-01"}], shipping={"price": "4.99", "discount": "4.99"})
    assert (order["discount"], order["shipping_discount"], order["total"]) == (4.99, 4.99, 12.3)
    assert order["shipping_tax"] == 0.0
    assert order["promotions"][0]["name"] == "Portes grátis"


def test_two_taxes_and_a_fixed_one_on_a_line(jumpseller: JumpsellerClient) -> None:
    taxes: list[Any] = [{"rate": "23"}, {"rate": "0.50", "fixed": True, "name": "Ecovalor"}]
    inside = jumpseller.place_order(lines=[{"price": "12.80", "qty": 2, "tax": taxes}])
    assert (inside["total"], inside["tax"]) == (25.6, 5.6)
    added = jumpseller.place_order(SERRA, lines=[{"price": "10.00", "qty": 2, "tax": taxes}])
    assert (added["tax"], added["total"]) == (5.6, 25.6)
    assert [tax["fixed"] for tax in added["products"][0]["taxes"]] == [False, True]


def test_a_coupon_in_percent_can_be_limited_to_some_products(jumpseller: JumpsellerClient) -> None:
    order = jumpseller.place_order(
        lines=[{"sku": "TACA-01"}, {"sku": "LIV-OLA-01"}],
        coupon={"code": "LIVROS10", "percent": "10", "skus": ["LIV-OLA-01"]},
    )
    assert [line["discount"] for line in order["products"]] == [0.0, 1.59]


def test_an_order_can_be_made_whose_total_is_a_cent_off(jumpseller: JumpsellerClient) -> None:
    assert jumpseller.place_order(lines=[{"sku": "TACA-01"}], total_differs="0.01")["total"] == 12.31


def test_outside_the_eu_nothing_is_taxed_unless_the_order_says_so(jumpseller: JumpsellerClient) -> None:
    order = jumpseller.place_order(lines=[{"sku": "TACA-01"}, {"sku": "TACA-01", "tax": "23"}], address="us")
    assert [len(line["taxes"]) for line in order["products"]] == [0, 1]
    assert order["products"][0]["tax"] == 0.0


@given(
    some.decimals("0", "5000", places=2),
    some.lists(some.decimals("0", "900", places=2), min_size=1, max_size=12),
)
@settings(max_examples=100)
def test_spread_amounts_add_up_to_the_original(whole: Decimal, weights: list[Decimal]) -> None:
    parts = allocate_cents(whole, weights)
    assert sum(parts) == (whole if sum(weights) else 0)


ROUNDINGS = ["line", "rate", "document", "line-net", "net-and-vat", "piece"]
PRICES = some.decimals("0.01", "900", places=2)
LINES = some.lists(
    some.tuples(PRICES, some.integers(1, 9), some.sampled_from(["23", "13", "6", None])), min_size=1
)


@given(
    LINES,
    some.booleans(),
    some.sampled_from(ROUNDINGS),
    some.decimals("0", "20", places=2),
)
@settings(max_examples=100)
def test_every_total_is_the_sum_that_the_platform_documents(
    lines: list[tuple[Decimal, int, str | None]], inclusive: bool, rounding: str, shipping: Decimal
) -> None:
    spec = {
        "prices_include_tax": inclusive,
        "lines": [
            {
                "price": str(price),
                "qty": qty,
                "discount": "0",
                "sku": None,
                "type": "physical",
                "taxes": [{"rate": rate, "fixed": False}] if rate else [],
            }
            for price, qty, rate in lines
        ],
        "shipping": {"price": str(shipping), "discount": "0", "taxes": [{"rate": "23", "fixed": False}]},
        "coupon": {"code": "X", "amount": "0.01"},
        "gift_card": "0",
        "total_differs": "0",
    }
    positions = {switch.name: switch.default for switch in SWITCHES} | {"shop-rounding": rounding}
    order = calculate_amounts(spec, positions)
    goods = sum(price * qty for price, qty, _ in lines)
    added = Decimal(0) if inclusive else order.tax + order.shipping_tax
    assert order.total == goods + shipping - Decimal("0.01") + added


@pytest.mark.parametrize(("shop", "inclusive"), [(SADO, True), (SERRA, False)])
def test_each_shop_says_whether_its_prices_include_tax(
    jumpseller: JumpsellerClient, shop: str, inclusive: bool
) -> None:
    order = jumpseller.place_order(shop, lines=[{"price": "1.00", "tax": "23"}])
    assert order["products"][0]["taxes"][0]["tax_on_product_price"] is inclusive
