"""Shipping and fees have the tax of the products (VAT4, VAT6, DIS3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import make_line, make_order
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import Draft, FiscalSettings
from shopapp.fiscal.order import Order
from tests.unit.fiscal.build import build, stop_of


def shipped(price: str, charged: str | None, *goods: Any, total: str, **changes: Any) -> Order:
    delivery = make_line(price, charged, kind="shipping", ref="SHIP", description="Portes")
    return make_order(*goods, delivery, total=total, **changes)


def test_shipping_taxed_at_the_rate_of_some_product_keeps_it() -> None:
    draft = build(shipped("4.92", "23", make_line("24.60"), make_line("10.60", "6"), total="40.12"))
    assert [(line.ref, line.vat_rate) for line in draft.lines][-1] == ("SHIP", Decimal(23))


@pytest.mark.parametrize("charged", [None, "13"])
def test_shipping_untaxed_or_at_a_rate_of_no_product_is_split_in_proportion(charged: str | None) -> None:
    draft = build(shipped("4.00", charged, make_line("60.00"), make_line("20.00", "6"), total="84.00"))
    parts = [(line.vat_rate, line.gross) for line in draft.lines if line.kind == "shipping"]
    assert parts == [(Decimal(23), Decimal("3.00")), (Decimal(6), Decimal("1.00"))]
    assert "VAT6" in draft.rules


def test_shipping_of_books_gets_the_rate_of_the_books() -> None:
    order = shipped("4.00", "23", make_line("20.00", "6"), total="26.12", prices_include_tax=False)
    draft = build(order)
    assert [line.vat_rate for line in draft.lines] == [Decimal(6), Decimal(6)]
    assert draft.lines[-1].gross == Decimal("4.92")


def test_shipping_that_cost_nothing_has_no_line() -> None:
    free = make_line("4.99", "23", kind="shipping", ref="SHIP", discount=Decimal("4.99"))
    draft = build(make_order(make_line("34.99"), free, total="34.99"))
    assert [line.ref for line in draft.lines] == ["L0"] and "DIS3" in draft.rules


def test_a_free_gift_is_on_the_document_at_no_price() -> None:
    gift = make_line("0.00", None, ref="GIFT")
    draft = build(make_order(make_line("24.60"), gift, total="24.60"), FiscalSettings())
    assert [(line.ref, line.gross, line.exemption_code) for line in draft.lines][-1] == (
        "GIFT",
        Decimal("0.00"),
        "",
    )


def test_shipping_without_a_product_is_stopped() -> None:
    gift = make_line("0.00", None, ref="GIFT")
    assert stop_of(shipped("5.00", None, gift, total="5.00")).code == "shipping-untaxed"


def rates_of_shipping(draft: Draft) -> list[tuple[str, str]]:
    return [(str(line.vat_rate), str(line.gross)) for line in draft.lines if line.kind == "shipping"]


def deciding(**products: str) -> FiscalSettings:
    return FiscalSettings(decisions=Decisions({"product-tax": products}))


@pytest.mark.parametrize(("sku", "reason"), [("DEP", "M99"), ("DEP", "M01"), ("COURSE", "M07")])
def test_a_deposit_and_a_course_carry_no_shipping(sku: str, reason: str) -> None:
    other = make_line("90.00", None, sku=sku)
    draft = build(shipped("5.00", None, make_line("9.00"), other, total="104.00"), deciding(**{sku: reason}))
    assert rates_of_shipping(draft) == [("23", "5.00")]


def test_beside_a_download_alone_shipping_is_a_service_at_the_rate_charged() -> None:
    book = make_line("10.00", "6", kind="service")
    assert rates_of_shipping(build(shipped("5.00", "23", book, total="15.00"))) == [("23", "5.00")]
    assert rates_of_shipping(build(shipped("5.00", None, book, total="15.00"))) == [("6", "5.00")]


def test_shipping_at_the_rate_that_the_shop_charged_where_the_merchant_chose_that() -> None:
    order = shipped("4.92", "23", make_line("10.60", "6"), total="15.52")
    follows, as_charged = build(order), build(order, FiscalSettings(shipping_tax="as-charged"))
    assert rates_of_shipping(follows) == [("6", "4.92")] and "shipping-tax-changed" in follows.warnings
    assert rates_of_shipping(as_charged) == [("23", "4.92")] and not as_charged.warnings


def test_a_deposit_has_no_part_in_a_coupon_that_the_shop_spread_over_all_lines() -> None:
    deposit = make_line("2.00", None, sku="DEP")
    order = make_order(
        make_line("20.00"), deposit, total="23.94", prices_include_tax=False, discount=Decimal("2.20")
    )
    draft = build(order, deciding(DEP="M99"))
    assert [(str(line.gross), line.discount_percent > 0) for line in draft.lines] == [
        ("21.94", True),
        ("2.00", False),
    ]
