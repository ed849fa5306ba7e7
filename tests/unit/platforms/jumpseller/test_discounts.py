"""Discounts whose shown figures are rounded, coupons above the goods, and lines that take something off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shopapp.fiscal import invoice
from shopapp.fiscal.document import Draft, FiscalSettings
from tests.unit.platforms.jumpseller.test_orders import TODAY, delivered, payload, product, read, refusal


def draft_of(content: dict[str, Any]) -> Draft:
    return invoice.build_invoice(read(content), FiscalSettings(), TODAY)


def sums(draft: Draft) -> list[tuple[str, str, str, str]]:
    return [(str(one.vat_rate), str(one.net), str(one.vat), str(one.gross)) for one in draft.summary]


@pytest.mark.parametrize("tax", [1.245, 3.73, 3.75, None])
def test_a_coupon_in_cents_a_piece_is_the_orders_discount(tax: float | None) -> None:
    shown = {} if tax is None else {"tax": tax}
    content = payload(product(9.99, 3, discount=3.33, **shown), total=19.97, discount=10.0)
    assert sums(draft_of(content)) == [("23", "16.24", "3.73", "19.97")]


@pytest.mark.parametrize(("shown", "whole"), [(3.33, 10.0), (1.67, 5.0), (6.67, 20.0)])
def test_half_a_cent_a_piece_is_rounding_in_either_direction(shown: float, whole: float) -> None:
    content = payload(product(9.99, 3, discount=shown), total=round(29.97 - whole, 2), discount=whole)
    order = read(content)
    assert (order.lines[0].discount, order.discount) == (Decimal(str(whole)), Decimal(0))


def test_discounts_with_parts_of_a_cent_and_a_rounded_sum_are_no_coupon() -> None:
    lines = [product(9.99, discount=0.999), product(4.99, discount=0.499)]
    order = read(payload(*lines, total=13.48, discount=1.5))
    assert (sum(line.discount for line in order.lines), order.discount) == (Decimal("1.5"), Decimal(0))


def test_more_than_half_a_cent_a_piece_is_a_coupon_and_a_doubt() -> None:
    content = payload(product(9.99, 3, discount=3.33), product(50.0), total=69.95, discount=10.02)
    assert refusal(content).code == "discount-unclear"


def test_readings_that_give_the_same_lines_are_no_doubt() -> None:
    order = read(payload(product(10.0, 3, discount=1.0), total=20.0, discount=10.0))
    assert order.lines[0].discount + order.discount == Decimal(10)


@pytest.mark.parametrize(("total", "shipping"), [(4.92, "4.92"), (2.22, "2.22")])
def test_a_coupon_above_the_goods_is_worth_them_or_comes_off_the_shipping(
    total: float, shipping: str
) -> None:
    content = payload(
        product(12.3, tax=0.0), total=total, discount=15.0, **delivered(23.0, tax_=round(total * 23 / 123, 2))
    )
    assert [str(line.gross) for line in draft_of(content).lines] == ["0.00", shipping]


def test_a_line_of_no_pieces_is_left_out() -> None:
    content = payload(product(12.3), product(5.0, 0, sku="B", tax=0.94, discount=1.0), total=12.3)
    assert [line.sku for line in draft_of(content).lines] == ["A-1"]


@pytest.mark.parametrize("tax", [None, -0.43, 0.0])
def test_a_line_with_a_negative_price_is_a_discount_over_the_others(tax: float | None) -> None:
    off = product(-2.3, sku="Desconto", name="Desconto", **({} if tax is None else {"tax": tax}))
    draft = draft_of(payload(product(12.3), off, total=10.0))
    assert [(line.sku, str(line.gross)) for line in draft.lines] == [("A-1", "10.00")]
    assert sums(draft) == [("23", "8.13", "1.87", "10.00")]


def test_a_shipping_discount_beside_the_orders_own_is_not_taken_twice() -> None:
    content = payload(
        product(50.0), total=50.0, discount=0.0, shipping_discount=4.92, **delivered(23.0, tax_=0.0)
    )
    assert [line.ref for line in draft_of(content).lines] == ["1"]
