"""Fixed charges, which are part of the taxable amount, and shipping that has two taxes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.platforms.jumpseller.test_discounts import draft_of, sums
from tests.unit.platforms.jumpseller.test_orders import payload, product, read, refusal, tax

ECOVALOR = {"id": 9, "name": "Ecovalor", "rate": 0.5, "fixed": True}


def toaster(price: float, qty: int = 1, *, inside: bool, charge_inside: bool) -> dict[str, Any]:
    charge = {**ECOVALOR, "tax_on_product_price": charge_inside}
    return product(price, qty, name="Torradeira", taxes=[tax(inside=inside), charge], tax=9.99)


def test_a_fixed_charge_in_the_price_has_the_rate_of_the_goods_and_is_named() -> None:
    draft = draft_of(payload(toaster(24.6, inside=True, charge_inside=True), total=24.6))
    assert sums(draft) == [("23", "20.00", "4.60", "24.60")]
    assert draft.lines[0].description == "Torradeira (inclui Ecovalor 0,50 €)"


@pytest.mark.parametrize(
    ("inside", "price", "total"),
    [
        # prices without VAT: the charge for each piece or for the line, with VAT or without
        (False, 20.0, 75.65),
        (False, 20.0, 75.3),
        (False, 20.0, 74.42),
        (False, 20.0, 74.3),
        # prices with VAT
        (True, 24.6, 75.3),
        (True, 24.6, 75.65),
        (True, 24.6, 74.3),
    ],
)
def test_a_fixed_charge_on_top_is_part_of_the_taxable_amount(
    inside: bool, price: float, total: float
) -> None:
    content = payload(toaster(price, 3, inside=inside, charge_inside=False), total=total)
    draft = draft_of(content)
    assert str(draft.gross) == f"{total:.2f}"
    assert [group.vat_rate for group in draft.summary] == [Decimal(23)]


def shipped(price: float, shipping_tax: float, *rates: float, inside: bool = True) -> dict[str, Any]:
    taxes = [{"rate": rate, "fixed": False, "tax_on_shipping_price": inside} for rate in rates]
    return {"shipping": price, "shipping_tax": shipping_tax, "shipping_taxes": taxes}


GOODS = [product(30.0), product(10.0, taxes=[tax(6)])]


def test_two_rates_on_shipping_are_split_as_the_goods_where_the_shops_vat_says_so() -> None:
    content = payload(*GOODS, total=44.0, **shipped(4.0, 0.62, 23.0, 6.0))
    parts = [(line.ref, line.charged, line.unit_price) for line in read(content).lines[2:]]
    assert parts == [("shipping-1", Decimal(23), Decimal(3)), ("shipping-2", Decimal(6), Decimal(1))]
    assert [str(line.gross) for line in draft_of(content).lines[2:]] == ["3.00", "1.00"]


def test_two_rates_on_shipping_are_split_as_the_shops_vat_says() -> None:
    content = payload(*GOODS, total=44.0, **shipped(4.0, 0.49, 6.0, 23.0))
    parts = {line.vat_rate: line for line in draft_of(content).lines[2:]}
    assert (parts[Decimal(6)].gross, parts[Decimal(23)].gross) == (Decimal("1.98"), Decimal("2.02"))
    assert parts[Decimal(6)].vat + parts[Decimal(23)].vat == Decimal("0.49")


def test_two_rates_each_on_the_whole_shipping_are_stopped() -> None:
    assert refusal(payload(*GOODS, total=44.0, **shipped(4.0, 0.98, 23.0, 6.0))).code == "two-taxes"


def test_two_rates_on_shipping_without_vat_in_the_price_are_split_too() -> None:
    goods = [product(30.0, taxes=[tax(inside=False)]), product(10.0, taxes=[tax(6, inside=False)])]
    content = payload(*goods, total=52.25, **shipped(4.0, 0.75, 23.0, 6.0, inside=False))
    assert [str(line.net) for line in draft_of(content).lines] == ["30.00", "10.00", "3.00", "1.00"]


def test_goods_of_which_none_are_paid_leave_shipping_at_its_own_rate() -> None:
    content = payload(product(0.0, taxes=[]), total=3.5, **shipped(3.5, 0.65, 23.0))
    assert sums(draft_of(content)) == [("23", "2.85", "0.65", "3.50")]
    assert sums(draft_of({**content, "products": []})) == [("23", "2.85", "0.65", "3.50")]
