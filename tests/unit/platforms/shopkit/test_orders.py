"""Shopkit's orders read to the cent: every trap of its figures that the vendor's sample and themes show."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shopapp.errors import OrderError
from shopapp.fiscal.order import Order
from shopapp.json_text import parse_json
from shopapp.platforms.shopkit.orders import order_from

from .payloads import ADDRESS, VENDOR_SAMPLE, order, product


def error_of(payload: Any) -> OrderError:
    with pytest.raises(OrderError) as raised:
        order_from(payload)
    return raised.value


def figures(found: Order) -> list[tuple[str, Decimal, Decimal | None]]:
    """Return kind, value and rate of each line."""
    return [(line.kind, line.value, line.charged) for line in found.lines]


def test_the_vendors_own_sample_is_read() -> None:
    found = order_from(parse_json(json.dumps(VENDOR_SAMPLE)))
    assert (found.total, found.discount, found.prices_include_tax) == (Decimal("157.03"), 0, False)
    assert figures(found) == [
        ("goods", Decimal("69.588"), Decimal(23)), ("goods", Decimal("64.188"), None),
        ("shipping", Decimal("7.25"), None),
    ]  # fmt: skip
    assert [line.description for line in found.lines][0] == "Shelving Tree with Birds (Azul / Small)"
    assert (found.status, found.has_left, found.paid_source) == ("paid", True, "platform")
    assert found.payments[0].method == "multibanco"


def test_a_discount_for_the_line_and_one_for_each_piece_are_told_apart_by_the_total() -> None:
    by_line = order_from(order(product("10.00", 23, 2, discount=2.0), total=22.14, discount=2.0))
    by_piece = order_from(order(product("10.00", 23, 2, discount=1.0), total=22.14, discount=2.0))
    assert figures(by_line) == figures(by_piece) == [("goods", Decimal(18), Decimal(23))]


def test_prices_with_tax_are_read_by_the_lines() -> None:
    found = order_from(
        order(product("10.00", 23, 2, shows="gross", discount=2.46), total=22.14, discount=2.46)
    )
    assert found.prices_include_tax
    assert figures(found) == [("goods", Decimal("22.14"), Decimal(23))]


def test_a_wholesale_order_without_tax_in_its_prices_is_read_by_the_lines_too() -> None:
    payload = order(product("10.00", 23, 2), total=24.6, wholesale=True, tax_settings={"included": True})
    found = order_from(payload)
    assert (found.prices_include_tax, found.lines[0].unit_price) == (False, Decimal(10))


@pytest.mark.parametrize("text", ["10,00", "10.00", 10])
def test_a_price_may_be_a_number_or_a_text_with_a_comma(text: Any) -> None:
    line = product("10.00", 23) | {"price": text, "price_without_tax": text, "price_with_tax": "12,30"}
    assert figures(order_from(order(line, total=12.3))) == [("goods", Decimal(10), Decimal(23))]
    assert order_from(order(product("1234.50", 0), total="1.234,50")).total == Decimal("1234.50")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["10,0,0", "1,234.50", "dez", "", None, True, [], "1E+400"])
def test_a_price_that_cannot_be_read_is_never_a_zero(text: Any) -> None:
    line = product("10.00", 23) | {"price_without_tax": text, "price_with_tax": text}
    assert error_of(order(line, total=12.3)).code == "order-unreadable"


def test_shipping_and_the_payment_fee_are_lines_of_their_own() -> None:
    payload = order(
        product("10.00", 23), total=20.91, shipping__value=5.0, shipping__tax=1.15, shipping__tax_percent="23",
        payment__value=2.0, payment__tax=0.46, payment__title="À Cobrança", payment__method="on_delivery",
    )  # fmt: skip
    found = order_from(payload)
    assert figures(found)[1:] == [("shipping", Decimal(5), Decimal(23)), ("fee", Decimal(2), Decimal(23))]
    assert found.lines[-1].description == "Taxa de pagamento (À Cobrança)"
    assert found.payments[0].method == "cash_on_delivery"


def test_tax_on_shipping_without_a_rate_is_that_of_the_goods_that_gives_it() -> None:
    payload = order(
        product("10.00", 13), product("10.00", 23), total=28.75, shipping__value=4.2, shipping__tax=0.95
    )
    assert error_of(payload).code == "tax-unclear"
    payload = order(
        product("10.00", 13), product("10.00", 23), total=28.77, shipping__value=4.2, shipping__tax=0.97
    )
    assert figures(order_from(payload))[-1] == ("shipping", Decimal("4.2"), Decimal(23))


def test_tax_inside_the_shipping_is_told_by_the_total() -> None:
    goods = product("10.00", 23, shows="gross")
    payload = order(goods, total=17.3, shipping__value=5.0, shipping__tax=0.93, shipping__tax_percent=23)
    assert figures(order_from(payload))[-1] == ("shipping", Decimal(5), Decimal(23))


@pytest.mark.parametrize(
    ("value", "discount", "order_discount"), [(5.0, 0, 0), (5.0, 5.0, 5.0), (5.0, 5.0, 0), (0, 0, 0)]
)
def test_a_coupon_of_free_shipping_leaves_none(value: float, discount: float, order_discount: float) -> None:
    payload = order(
        product("10.00", 23), total=12.3, coupon={"code": "GRATIS", "type": "shipping", "value": 0},
        shipping__value=value, shipping__discount=discount, discount=order_discount,
    )  # fmt: skip
    assert figures(order_from(payload)) == [("goods", Decimal(10), Decimal(23))]


def test_points_before_and_after_vat_are_told_apart_by_the_total() -> None:
    rewards = {"redeemed": True, "discount": 2.0}
    before = order_from(order(product("10.00", 23), total=9.84, discount=2.0, rewards=rewards))
    assert (before.prices_include_tax, before.discount) == (False, Decimal(2))
    after = order_from(order(product("10.00", 23), total=10.3, discount=2.0, rewards=rewards))
    assert (after.prices_include_tax, after.discount) == (True, Decimal(2))
    assert figures(after) == [("goods", Decimal("12.3"), Decimal(23))]


def test_a_fixed_coupon_in_parts_of_a_cent_is_on_the_lines() -> None:
    lines = [product("10.00", 23, discount=discount) for discount in (1.6666666666666667, 1.6666666666666667)]
    found = order_from(order(*lines, total=20.5, discount=3.3333333333333335))
    assert [line.discount for line in found.lines] == [Decimal("1.6666666667")] * 2


@pytest.mark.parametrize(("extras", "total"), [(3.0, 28.29), (1.5, 28.29), (3.0, 24.6)])
def test_extras_are_in_the_price_however_the_shop_states_them(extras: float, total: float) -> None:
    line = product("10.00", 23, 2, price_extras=extras, extras=[{"title": "Gravação", "value": "Ana"}])
    found = order_from(order(line, total=total))
    assert found.lines[0].value * Decimal("1.23") == Decimal(str(total))
    assert found.lines[0].description == "Caneca [Gravação: Ana]"


def test_two_readings_that_differ_are_stopped() -> None:
    # a coupon of 2.50 over both lines, or 2.50 for the second piece of the first
    lines = [product("20.00", 23, 2, discount=2.5), product("20.00", 23)]
    coupon = {"code": "X", "type": "fixed", "value": 2.5, "discount": 2.5}
    assert error_of(order(*lines, total=67.65, discount=5.0, coupon=coupon)).code == "discount-unclear"


def test_a_line_that_the_shop_does_not_show_counts_where_the_total_needs_it() -> None:
    hidden = product("2.00", 23, is_product=False)
    assert len(order_from(order(product("10.00", 23), hidden, total=12.3)).lines) == 1
    assert len(order_from(order(product("10.00", 23), hidden, total=14.76)).lines) == 2
    assert error_of(order(product("10.00", 23), hidden, total=13.0)).code == "total-differs"


def test_an_order_without_tax_is_read_without_it_whatever_rate_its_lines_name() -> None:
    payload = order(product("10.00", 23), total=10.0, product_tax=0, total_tax=0, tax_exemption="m16")
    assert figures(order_from(payload)) == [("goods", Decimal(10), None)]


def test_what_does_not_add_up_is_stopped_with_both_figures() -> None:
    error = error_of(order(product("10.00", 23), total=12.0))
    assert (error.code, error.detail) == ("total-differs", {"paid": "12.00", "lines": "12.30"})
    error = error_of(order(product("10.00", 23), product("10.00", 23), total=25.0))
    assert (error.code, error.detail["lines"]) == ("total-differs", "24.60")


def test_tax_that_the_lines_do_not_have_is_stopped() -> None:
    payload = order(product("10.00", 23), total=12.3, product_tax=1.3)
    assert error_of(payload).code == "tax-unclear"
    line = product("10.00", 23) | {"price_with_tax": 11.3}
    assert error_of(order(line, total=11.3)).code == "tax-unclear"


def test_lines_with_and_without_tax_in_their_price_are_stopped() -> None:
    payload = order(product("10.00", 23), product("10.00", 23, shows="gross"), total=24.6)
    assert error_of(payload).code == "prices-mixed"


def test_parts_of_a_cent_are_what_was_asked_of_the_buyer_or_unreadable() -> None:
    line = product("127.6675", 23)
    found = order_from(order(line, total=157.031025, payment__data={"value": 157.03}))
    assert found.total == Decimal("157.03")
    assert error_of(order(line, total=157.031025, payment__data=None)).code == "order-unreadable"


@pytest.mark.parametrize(
    ("alias", "paid", "status"),
    [
        ("pending", True, "paid"), ("delivered", False, "open"), ("canceled", True, "cancelled"),
        ("returned", True, "paid"), ("unheard_of", "1", "paid"), ("sent", 0, "open"),
    ],
)  # fmt: skip
def test_paid_is_independent_of_the_state(alias: str, paid: Any, status: str) -> None:
    found = order_from(order(product("10.00", 0), total=10.0, status_alias=alias, paid=paid))
    assert (found.status, found.is_returned) == (status, alias == "returned")
    assert (found.paid_at is not None) == (status == "paid")


def test_what_may_have_left_is_said() -> None:
    left = {
        alias: order_from(order(product("10.00", 0), total=10.0, status_alias=alias, sent_at="")).has_left
        for alias in ("pending", "waiting_stock", "canceled", "sent", "waiting_return", "unheard_of")
    }
    assert left == {
        "pending": False, "waiting_stock": False, "canceled": False,
        "sent": True, "waiting_return": True, "unheard_of": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "text", "country"),
    [
        (("PT", "PRT"), "Portugal - Madeira", "PT"), (("", ""), "Portugal - Açores", "PT"),
        (("", "PTM"), "Portugal – Madeira", "PT"), (("", "ESP"), "Espanha", "ES"), (("", ""), "Alemanha", "DE"),
        (("", ""), "Atlântida", "Atlântida"),
    ],
)  # fmt: skip
def test_a_country_is_read_from_its_codes_or_its_text(
    codes: tuple[str, str], text: str, country: str
) -> None:
    block = {**ADDRESS, "country_code_alpha_2": codes[0], "country_code": codes[1], "country": text}
    found = order_from(order(product("10.00", 0), total=10.0, client__billing=block, client__delivery=block))
    assert found.ship_to is not None and found.ship_to.country == country


def test_a_part_of_portugal_that_contradicts_the_postal_code_stops_only_what_is_taxed_there() -> None:
    block = {**ADDRESS, "country": "Portugal - Madeira"}
    changes = {"client__billing": block, "client__delivery": block}
    assert order_from(order(product("10.00", 22), total=12.2, **changes)).ship_to is not None
    digital = product("10.00", 22, type="digital")
    assert error_of(order(digital, total=12.2, **changes)).code == "postal-code-unreadable"
    block["zip_code"] = ""
    assert error_of(order(digital, total=12.2, **changes)).code == "postal-code-missing"
    block["zip_code"] = "9000-001"
    assert order_from(order(digital, total=12.2, **changes)).lines[0].kind == "service"


def test_goods_that_the_buyer_takes_at_the_shop_go_to_its_address() -> None:
    shop = {
        "address": "Cais 1",
        "zip_code": "9500-001",
        "city": "Ponta Delgada",
        "country": "Portugal - Açores",
    }
    found = order_from(order(product("10.00", 0), total=10.0, payment__type="pick_up", payment__data=shop))
    assert found.ship_to is not None
    assert (found.ship_to.postal_code, found.ship_to.country) == ("9500-001", "PT")


def test_the_buyer_is_the_one_of_the_billing_address() -> None:
    billing = {**ADDRESS, "name": "Olaria, Lda.", "address": "Rua 2"}
    payload = order(product("10.00", 0), total=10.0, client__billing=billing, client__company="Olaria, Lda.")
    buyer = order_from(payload).buyer
    assert (buyer.name, buyer.company, buyer.tax_id) == ("Olaria, Lda.", "Olaria, Lda.", "PT999999990")
    assert buyer.address is not None and buyer.address.street == "Rua 2 2.º Esq."
    assert not buyer.is_erased
    assert order_from(order(product("10.00", 0), total=10.0, client=None)).buyer.is_erased


def test_an_address_that_says_only_its_country_gives_way_to_one_that_says_more() -> None:
    bare = {"country": "Portugal - Continental"}
    payload = order(product("10.00", 0), total=10.0, client__billing=bare)
    buyer = order_from(payload).buyer
    assert buyer.address is not None and buyer.address.street == "Rua das Flores 1 2.º Esq."
    found = order_from(order(product("10.00", 0), total=10.0, client__billing=bare, client__delivery=bare))
    assert found.ship_to is not None and (found.ship_to.country, found.ship_to.street) == ("PT", "")


@pytest.mark.parametrize("name", ["id", "total", "created_at", "currency", "products"])
def test_an_order_without_what_it_needs_is_stopped(name: str) -> None:
    payload = order(product("10.00", 0), total=10.0) | {name: None}
    assert error_of(payload).code in ("order-unreadable", "no-lines")
