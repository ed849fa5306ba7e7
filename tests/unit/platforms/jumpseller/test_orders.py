"""Jumpseller's orders are read correctly: each oddity of its payloads, each position of the stand-in's switches."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.jumpseller import order_format, order_spec, platform_state
from shopapp.errors import OrderError
from shopapp.fiscal import invoice
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order
from shopapp.fiscal.party import Address
from shopapp.json_text import parse_json
from shopapp.platforms.jumpseller import orders

TODAY = date(2026, 11, 20)
ADDRESS = {
    "name": "Ana",
    "surname": "Exemplo",
    "address": "Rua do Exemplo 1",
    "city": "Lisboa",
    "postal": "1000-100",
    "country_code": "PT",
}


def tax(rate: Any = 23.0, *, inside: bool = True, **more: Any) -> dict[str, Any]:
    return {"id": 1, "name": "IVA", "rate": rate, "fixed": False, "tax_on_product_price": inside, **more}


def product(price: float, qty: int = 1, **more: Any) -> dict[str, Any]:
    """Return a line of the payload; it has `tax` only when given, as in real payloads."""
    made = {
        "id": 7,
        "sku": "A-1",
        "name": "Artigo",
        "qty": qty,
        "price": price,
        "discount": 0.0,
        "type": "physical",
    }
    return {**made, "taxes": [tax()], **more}


def payload(*products: dict[str, Any], total: float, **more: Any) -> dict[str, Any]:
    return {
        "id": 1847,
        "created_at": "2026-11-20 10:00:00 UTC",
        "completed_at": "2026-11-20 10:05:00 UTC",
        "currency": "EUR",
        "status_enum": "paid",
        "total": total,
        "discount": 0.0,
        "shipping_discount": 0.0,
        "gift_cards_discount": 0.0,
        "shipping": 0.0,
        "shipping_tax": 0.0,
        "shipping_taxes": [],
        "shipping_address": ADDRESS,
        "billing_address": {**ADDRESS, "taxid": None},
        "billing_information": None,
        "customer": {"email": "ana@example.pt", "fullname": "Ana Exemplo", "phone": None},
        "additional_fields": [],
        "products": list(products),
        **more,
    }


def read(content: Mapping[str, Any], history: list[dict[str, Any]] | None = None) -> Order:
    """Read the payload as if it had arrived in an answer."""
    return orders.order_from(parse_json(json.dumps(content).encode()), history or [])


def refusal(content: Mapping[str, Any]) -> OrderError:
    with pytest.raises(OrderError) as why:
        read(content)
    return why.value


# The envelope


def test_the_wrapper_may_be_there_or_not() -> None:
    bare = payload(product(24.6), total=24.6)
    assert read({"order": bare}) == read(bare)


def test_numbers_are_read_exactly_and_never_as_floats() -> None:
    order = read(payload(product(0.1), product(0.2), total=0.3))
    assert str(order.total) == "0.3" and order.lines[0].unit_price + order.lines[1].unit_price == order.total


def test_a_total_loses_the_noise_of_a_float_and_no_part_of_a_cent_that_was_meant() -> None:
    assert read(payload(product(24.6), total=24.599999999999998)).total == Decimal("24.60")
    assert refusal(payload(product(24.605), total=24.605)).detail == {"field": "total"}


@pytest.mark.parametrize(
    ("written", "read_as"), [(" LIV-1\t", "LIV-1"), ("   ", ""), ("L  1", "L  1"), (12, "12")]
)
def test_a_sku_has_no_blanks_around_it(written: Any, read_as: str) -> None:
    order = read(payload(product(24.6, sku=written), total=24.6))
    assert order.lines[0].sku == read_as


def test_a_choice_for_a_sku_holds_where_the_shop_has_blanks_around_it() -> None:
    order = read(payload(product(24.6, sku=" LIV-1 ", taxes=[]), total=24.6))
    draft = invoice.build_invoice(
        order, FiscalSettings(decisions=Decisions({"product-tax": {"LIV-1": "M07"}})), TODAY
    )
    assert [(line.sku, line.exemption_code) for line in draft.lines] == [("LIV-1", "M07")]


def test_a_parsed_float_is_refused_for_it_may_have_lost_a_cent() -> None:
    with pytest.raises(OrderError) as why:
        orders.order_from(payload(product(24.6), total=24.6))
    assert why.value.code == "order-unreadable"


@pytest.mark.parametrize("field", ["id", "created_at", "currency", "total"])
def test_an_order_without_its_essentials_cannot_be_read(field: str) -> None:
    why = refusal({**payload(product(24.6), total=24.6), field: None})
    assert (why.code, why.detail) == ("order-unreadable", {"field": field})


@pytest.mark.parametrize(
    ("status_enum", "status"),
    [
        ("paid", "paid"),
        ("pending_payment", "open"),
        ("created", "open"),
        ("something_new", "open"),
        (None, "open"),
        ("canceled", "cancelled"),
        ("abandoned", "abandoned"),
    ],
)
def test_only_the_enum_decides_the_status_and_an_unknown_one_is_open(
    status_enum: str | None, status: str
) -> None:
    content = payload(product(24.6), total=24.6, status_enum=status_enum, status="Paid", status_name="Paid")
    assert read(content).status == status


def test_all_the_optional_blocks_may_be_null() -> None:
    nothing = dict.fromkeys(
        ("shipping_address", "billing_address", "billing_information", "customer", "additional_fields",
         "shipping_taxes", "pickup_address", "payment_method_type", "payment_method_name", "additional_information",
         "coupons", "promotions", "discount", "shipping", "gift_cards_discount", "completed_at")
    )  # fmt: skip
    order = read({**payload(product(24.6, sku=None), total=24.6), **nothing})
    assert (order.ship_to, order.buyer.address, order.lines[0].sku) == (None, None, "")


def test_absent_fields_are_like_null_ones() -> None:
    content = payload(product(24.6), total=24.6)
    for name in (
        "shipping_address",
        "billing_information",
        "additional_fields",
        "shipping_discount",
        "completed_at",
    ):
        del content[name]
    assert read(content).total == Decimal("24.6")


# Tax


@pytest.mark.parametrize("rate", [23, 23.0, "23", "23.0", "23.000"])
def test_a_rate_may_be_a_number_or_text(rate: Any) -> None:
    order = read(payload(product(24.6, taxes=[tax(rate, amount="4.600")]), total=24.6))
    assert str(order.lines[0].charged) == "23"


@pytest.mark.parametrize("taxes", [[], [tax(0)], None])
def test_a_line_without_tax_says_so_and_not_why(taxes: Any) -> None:
    assert read(payload(product(24.6, taxes=taxes, tax=0.0), total=24.6)).lines[0].charged is None


def test_two_taxes_on_a_line_are_stopped() -> None:
    why = refusal(payload(product(24.6, taxes=[tax(23), tax(6)]), total=24.6))
    assert (why.code, why.detail["rates"]) == ("two-taxes", ["23", "6"])


def test_a_tax_together_with_one_of_zero_counts_as_one_tax() -> None:
    assert read(payload(product(24.6, taxes=[tax(23), tax(0)]), total=24.6)).lines[0].charged == Decimal(23)


def test_the_lines_own_flag_says_that_prices_exclude_tax() -> None:
    order = read(payload(product(20.0, taxes=[tax(inside=False)], tax=4.6), total=24.6))
    assert not order.prices_include_tax
    assert invoice.build_invoice(order, FiscalSettings(), TODAY).gross == Decimal("24.60")


def test_lines_that_disagree_about_prices_are_stopped() -> None:
    content = payload(product(20.0, taxes=[tax(inside=False)]), product(24.6), total=49.2)
    assert refusal(content).code == "prices-mixed"


def test_a_rate_that_was_shown_but_not_charged_is_an_error() -> None:
    assert refusal(payload(product(24.6, tax=0.0), total=24.6)).code == "tax-unclear"


def test_tax_on_a_line_that_shows_none_is_an_error() -> None:
    assert refusal(payload(product(24.6, taxes=[], tax=4.6), total=24.6)).code == "tax-unclear"


def test_a_gift_card_line_is_a_gift_card_even_when_it_shows_tax() -> None:
    order = read(payload(product(25.0, type="gift_card"), total=25.0))
    assert order.lines[0].kind == "giftcard"
    settings = FiscalSettings(decisions=Decisions({"gift-card": {"*": "multi-purpose"}}))
    assert invoice.build_invoice(order, settings, TODAY).vat == Decimal("0.00")


def test_a_digital_product_is_a_service() -> None:
    assert (
        read(payload(product(6.15, type="digital"), total=6.15, shipping_address=None)).lines[0].kind
        == "service"
    )


# Discounts


def discounted(*lines: dict[str, Any], total: float, discount: float, **more: Any) -> dict[str, Any]:
    return payload(*lines, total=total, discount=discount, **more)


def test_a_line_discount_for_the_line_is_read_as_such() -> None:
    order = read(discounted(product(10.0, 3, discount=3.0), total=27.0, discount=3.0))
    assert (order.lines[0].discount, order.discount) == (Decimal(3), Decimal(0))


def test_a_line_discount_for_each_unit_is_read_as_such() -> None:
    order = read(discounted(product(10.0, 3, discount=1.0), total=27.0, discount=3.0))
    assert (order.lines[0].discount, order.discount) == (Decimal(3), Decimal(0))


def test_a_third_of_a_cent_for_each_unit_is_cents_again() -> None:
    order = read(discounted(product(9.99, 3, discount=1.666667), total=24.97, discount=5.0))
    assert order.lines[0].discount == Decimal("5.00")


def test_a_discount_on_no_line_is_a_coupon_over_the_order() -> None:
    order = read(discounted(product(20.0), product(10.0), total=27.0, discount=3.0, coupons="OBRIGADO"))
    assert order.discount == Decimal(3)
    made = invoice.build_invoice(order, FiscalSettings(), TODAY)
    assert [line.gross for line in made.lines] == [Decimal("18.00"), Decimal("9.00")]


def test_the_discount_includes_the_shipping_discount_which_counts_once() -> None:
    content = discounted(
        product(50.0), total=50.0, discount=28.77, shipping=28.77, shipping_discount=28.77, shipping_tax=5.38,
        shipping_taxes=[{"rate": 23.0, "fixed": False, "tax_on_shipping_price": True}],
    )  # fmt: skip
    order = read(content)
    assert order.discount == Decimal(0)
    made = invoice.build_invoice(order, FiscalSettings(), TODAY)
    assert [line.ref for line in made.lines] == ["1"] and made.gross == Decimal("50.00")


def test_discounts_above_the_orders_own_are_stopped() -> None:
    assert (
        refusal(discounted(product(10.0, 2, discount=6.0), total=15.0, discount=5.0)).code
        == "discount-unclear"
    )


def test_two_readings_that_both_reconcile_and_differ_are_stopped() -> None:
    content = discounted(product(10.0, 3, discount=1.0), product(50.0), total=70.0, discount=10.0)
    assert refusal(content).code == "discount-unclear"


@pytest.mark.parametrize(("off", "coupon"), [("3.00", "7.00"), ("1.00", "9.00")])
def test_the_lines_tax_decides_between_the_two_readings(off: str, coupon: str) -> None:
    left = [Decimal(30) - Decimal(off), Decimal(50)]
    values = [each - Decimal(coupon) * each / sum(left) for each in left]
    first, second = (float(round(value * 23 / 123, 6)) for value in values)
    content = discounted(
        product(10.0, 3, discount=1.0, tax=first), product(50.0, tax=second), total=70.0, discount=10.0
    )
    assert read(content).lines[0].discount == Decimal(off)


# Shipping


def delivered(
    rate: float | None, *, inside: bool = True, shipping: float = 4.92, tax_: float = 0.92
) -> dict[str, Any]:
    taxes = [] if rate is None else [{"rate": rate, "fixed": False, "tax_on_shipping_price": inside}]
    return {"shipping": shipping, "shipping_tax": tax_, "shipping_taxes": taxes}


def test_shipping_is_a_line_with_the_rate_that_it_was_charged() -> None:
    order = read(payload(product(24.6), total=29.52, **delivered(23.0)))
    line = order.lines[-1]
    assert (line.kind, line.unit_price, line.charged) == ("shipping", Decimal("4.92"), Decimal(23))


def test_untaxed_shipping_has_no_rate() -> None:
    order = read(payload(product(24.6), total=29.52, **delivered(None, tax_=0.0)))
    assert order.lines[-1].charged is None


def test_shipping_with_tax_on_top_is_brought_to_the_basis_of_the_prices() -> None:
    order = read(payload(product(24.6), total=29.52, **delivered(23.0, inside=False, shipping=4.0)))
    assert order.prices_include_tax and order.lines[-1].unit_price == Decimal("4.92")


def test_shipping_with_tax_included_beside_prices_without_tax_adds_up() -> None:
    lines = product(20.0, taxes=[tax(inside=False)])
    order = read(payload(lines, total=29.52, **delivered(23.0)))
    assert not order.prices_include_tax
    assert invoice.build_invoice(order, FiscalSettings(), TODAY).gross == Decimal("29.52")


def test_no_shipping_makes_no_line() -> None:
    assert len(read(payload(product(24.6), total=24.6)).lines) == 1


# People and addresses


@pytest.mark.parametrize(
    ("taxid", "fields", "expected"),
    [
        ("100000002", [], "100000002"),
        ("-", [("NIF", "100000002", "billing")], "100000002"),
        (None, [("NIF / Contribuinte", "100000002", "contact")], "100000002"),
        (None, [("N&ordm; de Contribuinte", "100000002", "other")], "100000002"),
        (None, [("VAT number", "DE136695976", "billing")], "DE136695976"),
        (None, [("NIF", "100000002", "shipping"), ("NIF", "500000000", "billing")], "500000000"),
        (None, [("Quer fatura com NIF?", "Sim", "other")], ""),
        (None, [("Referência para a fatura", "100000002", "billing")], ""),
        (None, [("NIF", None, "billing")], ""),
        ("000000000", [("NIF", "100000002", "billing")], "100000002"),
        ("sem NIF", [("NIF", "NIF: 100000002", "billing")], "NIF: 100000002"),
        ("&nbsp;100 000 002", [], "100 000 002"),
        ("500000000", [("NIF", "100000002", "billing")], "500000000"),
    ],
)
def test_the_tax_id_comes_from_the_field_meant_for_it(taxid: Any, fields: list[Any], expected: str) -> None:
    content = payload(
        product(24.6),
        total=24.6,
        billing_address={**ADDRESS, "taxid": taxid},
        additional_fields=[
            {"label": label, "value": value, "id": 1, "area": area} for label, value, area in fields
        ],
        additional_information="o meu NIF: 500000000",
    )
    assert read(content).buyer.tax_id == expected


def test_the_buyer_is_named_by_the_billing_address_and_the_company_is_kept() -> None:
    information = {"company_name": "Empresa Exemplo, Lda", "taxpayer_type": None}
    buyer = read(payload(product(24.6), total=24.6, billing_information=information)).buyer
    assert (buyer.name, buyer.company, buyer.email) == (
        "Ana Exemplo",
        "Empresa Exemplo, Lda",
        "ana@example.pt",
    )
    assert buyer.address == Address("Rua do Exemplo 1", "1000-100", "Lisboa", "PT")


def test_a_pickup_is_a_sale_at_the_shop_wherever_the_buyer_lives() -> None:
    madrid = {**ADDRESS, "country_code": "ES", "postal": "28001"}
    content = payload(product(24.6), total=24.6, shipping_option="store_pickup", shipping_address=madrid)
    assert read(content).ship_to == Address(country="PT")


def test_a_sale_at_the_counter_is_a_sale_at_the_shop_to_a_buyer_who_need_not_give_a_name() -> None:
    nobody = {"billing_address": None, "shipping_address": None, "customer": None}
    order = read(payload(product(24.6), total=24.6, source={"created_from": "pos"}, **nobody))
    assert (order.ship_to, order.buyer.is_erased) == (Address(country="PT"), False)
    assert invoice.build_invoice(order, FiscalSettings(), TODAY).customer.name == "Consumidor final"


def test_the_shop_of_a_pickup_is_in_portugal_where_its_address_names_no_country() -> None:
    shop = {"address": "Rua da Loja 1", "city": "Porto", "postal": "4000-001"}
    order = read(payload(product(24.6), total=24.6, shipping_option="store_pickup", pickup_address=shop))
    assert order.ship_to == Address("Rua da Loja 1", "4000-001", "Porto", "PT")


@pytest.mark.parametrize("gone", [None, "", {}, "blank", "place kept"])
def test_a_buyer_whose_data_the_shop_deleted_never_becomes_the_final_consumer(gone: Any) -> None:
    blank = dict.fromkeys(("name", "surname", "address", "city", "postal", "email", "fullname", "taxid"), " ")
    kept = {"blank": {"country_code": "PT", "id": 5}, "place kept": {"city": "Lisboa", "postal": "1000-100"}}
    left = {**blank, **kept[gone]} if gone in ("blank", "place kept") else gone
    order = read(
        payload(product(24.6), total=24.6, billing_address=left, shipping_address=left, customer=left)
    )
    assert order.buyer.is_erased
    with pytest.raises(OrderError) as why:
        invoice.build_invoice(order, FiscalSettings(), TODAY)
    assert why.value.code == "customer-erased"


@pytest.mark.parametrize("kept", ["billing_address", "shipping_address", "customer"])
def test_a_buyer_of_whom_anything_is_left_was_not_deleted(kept: str) -> None:
    content = payload(product(24.6), total=24.6)
    gone = {name: None for name in ("billing_address", "shipping_address", "customer") if name != kept}
    assert not read({**content, **gone}).buyer.is_erased


def spanish(**country: str) -> dict[str, Any]:
    place = {**ADDRESS, "city": "Madrid", "postal": "28001", "country_code": None, **country}
    return payload(product(12.3, taxes=[]), total=12.3, billing_address=place, shipping_address=place)


@pytest.mark.parametrize(
    "country", [{"country_code": "ESP", "country": "Espanha"}, {"country": "Espanha"}, {"country_code": "es"}]
)
def test_a_country_is_read_from_a_code_of_three_letters_or_a_name(country: dict[str, str]) -> None:
    settings = FiscalSettings(decisions=Decisions({"product-tax": {"A-1": "M07"}}))
    draft = invoice.build_invoice(read(spanish(**country)), settings, TODAY)
    assert (draft.customer.country, draft.lines[0].exemption_code, draft.rules[3]) == ("ES", "M07", "EU1")


@pytest.mark.parametrize(("country", "code"), [("ZZ", "country-unreadable"), (None, "country-missing")])
def test_an_address_in_no_known_country_stops_the_order(country: str | None, code: str) -> None:
    with pytest.raises(OrderError) as why:
        invoice.build_invoice(read(spanish(country_code=country)), FiscalSettings(exemption="M07"), TODAY)  # type: ignore[arg-type]
    assert why.value.code == code


# Texts


def test_every_text_is_as_a_person_reads_it() -> None:
    place = {
        **ADDRESS,
        "name": "Ana &amp; Rui",
        "surname": "<i>Exemplo</i>",
        "address": "Rua d&#39;Ouro 1",
        "city": "&Eacute;vora",
    }
    content = payload(
        product(12.3, name="<b>Pires</b> &amp; Caneca &#39;L&#39;", sku="A&amp;B"), total=16.3, shipping=4.0,
        shipping_method_name="Correio <br>normal", billing_address=place, shipping_address=place,
        billing_information={"company_name": "Exemplo &amp; Filhos"}, additional_information="<p>Obrigado</p>",
    )  # fmt: skip
    order = read(content)
    assert [line.description for line in order.lines] == ["Pires & Caneca 'L'", "Correio normal"]
    assert (order.buyer.name, order.buyer.company) == ("Ana & Rui Exemplo", "Exemplo & Filhos")
    assert order.ship_to == Address("Rua d'Ouro 1", "1000-100", "Évora", "PT")
    # a SKU is a key and no text: the catalogue has the same
    assert (order.note, order.lines[0].sku) == ("Obrigado", "A&amp;B")


# Payment


def history_entry(message: str, moment: str) -> dict[str, Any]:
    return {"order_history": {"id": 1, "message": message, "created_at": moment}}


def test_the_history_says_when_the_order_was_paid() -> None:
    history = [
        history_entry("Encomenda criada. Estado: Pagamento Pendente.", "2026-11-20 10:00:00 UTC"),
        history_entry("Estado alterado para Pago.", "2026-11-20 11:30:00 UTC"),
        history_entry("Fatura FR 2026FR/1: encomenda paga.", "2026-11-20 12:00:00 UTC"),
    ]
    order = read(payload(product(24.6), total=24.6), history)
    assert (order.paid_at, order.paid_source) == (datetime(2026, 11, 20, 11, 30, tzinfo=UTC), "history")


def test_without_history_the_completion_date_is_used() -> None:
    order = read(payload(product(24.6), total=24.6))
    assert (order.paid_at, order.paid_source) == (datetime(2026, 11, 20, 10, 5, tzinfo=UTC), "completed_at")


def test_an_order_that_is_not_paid_has_no_payment_day() -> None:
    order = read(payload(product(24.6), total=24.6, status_enum="pending_payment"))
    assert (order.paid_at, order.paid_source) == (None, "")


@pytest.mark.parametrize(
    ("kind", "name", "information", "expected"),
    [
        ("ifthenpay", "Multibanco", None, "multibanco"),
        ("eupago", "Pagamento", "Entidade 99999 | Referência 000", "multibanco"),
        ("eupago", "MB WAY", None, "mbway"),
        ("stripe", "Cartão", None, "card"),
        ("easypaycc", None, None, "card"),
        ("paypal", "PayPal", None, "paypal"),
        ("manual", "Transferência bancária", None, "transfer"),
        ("manual", "À cobrança", None, "cash_on_delivery"),
        ("manual", "Outro", None, "manual"),
        (None, None, None, ""),
    ],
)
def test_the_payment_means_is_read_from_its_type(
    kind: Any, name: Any, information: Any, expected: str
) -> None:
    content = {"payment_method_type": kind, "payment_method_name": name, "payment_information": information}
    assert orders.payment_method(content) == expected


def test_gift_cards_used_belong_to_what_was_paid() -> None:
    order = read(payload(product(49.2), total=29.2, gift_cards_discount=20.0))
    assert (order.total, order.gift_cards, order.paid_total) == (
        Decimal("29.2"),
        Decimal(20),
        Decimal("49.2"),
    )
    settings = FiscalSettings(decisions=Decisions({"gift-card-use": {"*": "multi-purpose"}}))
    made = invoice.build_invoice(order, settings, TODAY)
    assert made.gross == Decimal("49.20") and "CO" in {means.mechanism for means in made.payments}


# Orders of the stand-in

SPEC = {
    "lines": [
        {"name": "Taça", "price": "12.30", "qty": 3, "discount": "1.50", "taxes": ["IVA 23%"]},
        {"name": "Livro", "price": "15.90", "qty": 2, "taxes": ["IVA 6%"]},
        {"name": "Vinho", "price": "8.95", "qty": 1, "taxes": ["IVA 13%"]},
    ],
    "coupon": {"code": "X", "percent": "10"},
    "shipping": {"price": "4.92"},
}
SWITCHES = {
    "line-discount": ("unit", "line"),
    "line-tax": ("unit", "line"),
    "order-tax": ("without-shipping", "with-shipping"),
    "coupon": ("lines", "order"),
    "rate": ("number", "text"),
    "shop-rounding": ("line", "rate", "document"),
}


@pytest.fixture(scope="module")
def shop_world() -> platform_state.PlatformState:
    return platform_state.PlatformState(None, "http://127.0.0.1:1", "http://localhost:1")


@pytest.mark.parametrize("inclusive", [True, False], ids=["with-vat", "without-vat"])
@pytest.mark.parametrize("positions", list(itertools.product(*SWITCHES.values())), ids="-".join)
def test_the_sandbox_is_read_to_the_cent_in_each_position(
    positions: tuple[str, ...], inclusive: bool, shop_world: platform_state.PlatformState
) -> None:
    for name, position in zip(SWITCHES, positions, strict=True):
        shop_world.switches.set(name, position)
    shop = shop_world.first_shop()
    made = {
        "id": 1000, "spec": order_spec.complete_spec(shop, {**SPEC, "prices_include_tax": inclusive}), "status": "paid",
        "created_at": "2026-11-20 10:00:00 UTC", "completed_at": "2026-11-20 10:05:00 UTC",
        "shipment": "unfulfilled", "history": [], "documents": [], "raw": {},
    }  # fmt: skip
    content = json.dumps({"order": order_format.order_json(shop, made, shop_world.switches)}).encode()
    draft = invoice.build_invoice(orders.order_from(parse_json(content)), FiscalSettings(), TODAY)
    amounts = order_format.order_amounts(made, shop_world.switches)
    assert draft.gross == amounts.total
    assert abs(draft.vat - amounts.tax - amounts.shipping_tax) <= Decimal("0.01")


def _read_shipment(shipment: str | None) -> Order:
    given = payload(product(12.3), total=12.3, shipment_status_enum=shipment)
    return orders.order_from(parse_json(json.dumps(given)))


@pytest.mark.parametrize("shipment", [None, "", "unfulfilled", "not_applicable"])
def test_goods_that_the_shop_has_not_sent_are_still_here(shipment: str | None) -> None:
    assert not _read_shipment(shipment).has_left


@pytest.mark.parametrize(
    "shipment", ["requested", "in_transit", "delivered", "failed", "pickup_available", "fulfilled", "new one"]
)
def test_goods_of_any_other_shipment_may_have_left(shipment: str) -> None:
    assert _read_shipment(shipment).has_left
