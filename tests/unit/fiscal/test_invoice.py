"""From order to draft: each rule of the road with real figures, and each reason to stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import LISBON, PAID_AT, TODAY, make_line, make_order
from shopapp.errors import AppError, NotYet, OrderError, SettingsError
from shopapp.fiscal import invoice
from shopapp.fiscal.document import Draft, FiscalSettings
from shopapp.fiscal.order import Order, Payment
from shopapp.fiscal.party import Address, Party

M07 = FiscalSettings(exemption="M07")


def draft(order: Order, settings: FiscalSettings = M07, today: date = TODAY) -> Draft:
    return invoice.build_invoice(order, settings, today)


def stopped(order: Order, settings: FiscalSettings = M07, today: date = TODAY) -> AppError:
    with pytest.raises(AppError) as why:
        invoice.build_invoice(order, settings, today)
    return why.value


# the document


def test_a_paid_order_is_an_invoice_receipt_of_today_and_carries_the_rules_that_decided() -> None:
    made = draft(make_order(make_line("24.60"), total="24.60"))
    assert (made.kind, made.date, made.net, made.vat, made.gross) == (
        "FR", TODAY, Decimal("20.00"), Decimal("4.60"), Decimal("24.60"),
    )  # fmt: skip
    assert {"DOC1", "VAT1", "NUM1", "ID1"} <= set(made.rules)
    assert made.customer.name == "Ana Exemplo" and not made.customer.print_tax_id


def test_equal_orders_give_equal_bytes_and_the_bytes_give_the_draft_back() -> None:
    order = make_order(make_line("9.99", quantity=Decimal(3)), total="29.97")
    made = draft(order)
    assert made.digest() == draft(order).digest()
    assert Draft.from_bytes(made.to_bytes()) == made


def test_a_payment_of_another_day_is_printed_and_nothing_is_dated_back() -> None:
    made = draft(make_order(make_line("24.60"), total="24.60"), today=date(2026, 11, 23))
    assert made.date == date(2026, 11, 23)
    assert made.notes == ("Pagamento recebido em 2026-11-20.",)


def test_the_rate_is_that_of_the_payment_day_though_the_document_is_of_a_later_one() -> None:
    paid = datetime(2024, 9, 30, 12, tzinfo=UTC)
    order = make_order(make_line("10.50", None, category="reduced"), total="10.50", paid_at=paid)
    made = draft(order, FiscalSettings(ship_from="PT-MA"), date(2024, 10, 1))
    assert made.lines[0].vat_rate == Decimal(5) and made.date == date(2024, 10, 1)


@pytest.mark.parametrize(
    ("status", "code"), [("open", "unpaid"), ("abandoned", "unpaid"), ("cancelled", "cancelled")]
)
def test_an_order_that_is_not_paid_waits(status: Any, code: str) -> None:
    why = stopped(make_order(make_line(), total="10.00", status=status, paid_at=None))
    assert isinstance(why, NotYet) and why.code == code


def test_goods_handed_over_unpaid_are_an_invoice_without_means_of_payment() -> None:
    order = make_order(make_line(), total="10.00", status="open", paid_at=None, goods_made_available=PAID_AT)
    made = draft(order)
    assert (made.kind, made.payments) == ("FT", ())
    assert stopped(order, today=date(2026, 11, 19)).code == "unpaid"


def test_a_free_order_waits_for_the_merchant() -> None:
    why = stopped(make_order(make_line(), total="0.00", discount=Decimal("10.00")))
    assert isinstance(why, NotYet) and why.code == "free"


@pytest.mark.parametrize(
    ("total", "business", "retailer", "regime", "kind"),
    [
        ("1000.00", False, True, "normal", "FS"),
        ("1000.01", False, True, "normal", "FR"),
        ("100.00", True, True, "normal", "FS"),
        ("100.01", True, True, "normal", "FR"),
        ("100.01", False, False, "normal", "FR"),
        ("1500.00", False, True, "art53_exempt", "FS"),
    ],
)
def test_a_simplified_invoice_keeps_within_its_limits(
    total: str, business: bool, retailer: bool, regime: Any, kind: str
) -> None:
    buyer = Party("Ana Exemplo", "500000000" if business else "", address=LISBON)
    charged = "23" if regime == "normal" else None
    order = make_order(make_line(total, charged), total=total, buyer=buyer)
    assert draft(order, FiscalSettings(kind="FS", retailer=retailer, regime=regime)).kind == kind


def test_a_simplified_invoice_never_leaves_the_country() -> None:
    to = Address("1 Example St", "10001", "New York", "US")
    made = draft(make_order(make_line("10.00", None), total="10.00", ship_to=to), FiscalSettings(kind="FS"))
    assert made.kind == "FR" and "DOC4" in made.rules


def test_the_series_of_the_kind_is_taken_and_its_absence_stops() -> None:
    order = make_order(make_line(), total="10.00")
    assert draft(order, FiscalSettings(series={"FR": "2026FR"})).series == "2026FR"
    why = stopped(order, FiscalSettings(series={"FT": "2026FT"}))
    assert isinstance(why, SettingsError) and (why.code, why.detail) == ("series-missing", {"kind": "FR"})


# the customer


def test_a_business_without_an_address_is_stopped_and_told_what_is_missing() -> None:
    why = stopped(make_order(make_line(), total="10.00", buyer=Party("", "500000000"), ship_to=None))
    assert (why.code, why.detail["missing"]) == ("customer-incomplete", ["name", "address"])


def test_a_consumer_without_a_name_is_called_final_consumer_below_a_thousand() -> None:
    order = make_order(make_line("999.99"), total="999.99", buyer=Party())
    assert draft(order).customer.name == "Consumidor final"
    dear = make_order(make_line("1000.00"), total="1000.00", buyer=Party())
    assert stopped(dear).code == "customer-incomplete"


# tax


def test_untaxed_lines_take_the_reason_that_the_merchant_chose_with_its_mention() -> None:
    made = draft(make_order(make_line("80.00", None), total="80.00"))
    line = made.lines[0]
    assert (line.exemption_code, line.exemption_mention, line.tax_code) == (
        "M07",
        "Isento artigo 9.º do CIVA",
        "ISE",
    )
    assert "all-untaxed" in made.warnings


def test_a_mixed_order_with_one_untaxed_line_is_not_warned_about() -> None:
    made = draft(make_order(make_line("80.00", None), make_line("24.60"), total="104.60"))
    assert "all-untaxed" not in made.warnings


def test_an_untaxed_line_without_a_chosen_reason_is_stopped() -> None:
    why = stopped(make_order(make_line("80.00", None), total="80.00"), FiscalSettings())
    assert isinstance(why, SettingsError) and why.code == "exemption-missing"


@pytest.mark.parametrize("code", ["M05", "M16", "M40", "M04", "M46"])
def test_a_reason_that_only_the_place_gives_cannot_be_chosen(code: str) -> None:
    order = make_order(make_line("80.00", None), total="80.00")
    assert stopped(order, FiscalSettings(exemption=code)).code == "exemption-not-lawful"


@pytest.mark.parametrize("code", ["M03", "M08", "M26", "M98"])
def test_a_withdrawn_or_unknown_reason_is_stopped(code: str) -> None:
    order = make_order(make_line("80.00", None), total="80.00")
    assert stopped(order, FiscalSettings(exemption=code)).code == "exemption-withdrawn"


def test_reverse_charge_needs_a_portuguese_business() -> None:
    marked = FiscalSettings(exceptions={"CORK": "M33"})
    line = make_line("80.00", None, sku="CORK")
    assert stopped(make_order(line, total="80.00"), marked).code == "reverse-charge-needs-business"
    firm = Party("Empresa Exemplo, Lda", "500000000", address=LISBON)
    assert draft(make_order(line, total="80.00", buyer=firm), marked).lines[0].exemption_code == "M33"


def test_a_product_can_have_its_own_reason_or_category() -> None:
    order = make_order(
        make_line("80.00", None, sku="COURSE"), make_line("10.60", "6", sku="BOOK"), total="90.60"
    )
    made = draft(order, FiscalSettings(exceptions={"COURSE": "M07", "BOOK": "reduced"}))
    assert [line.exemption_code for line in made.lines] == ["M07", ""]
    assert stopped(order, FiscalSettings(exceptions={"COURSE": "cheap"})).code == "exception-unknown"


def test_the_law_decides_the_rate_and_the_merchant_decides_once_per_cause() -> None:
    order = make_order(make_line("61.00", "22"), total="61.00")
    why = stopped(order, FiscalSettings())
    assert why.code == "tax-differs"
    assert why.detail["cause"] == "22>23"
    assert (why.detail["vat_charged"], why.detail["vat"]) == ("11.00", "11.41")
    assert stopped(order, FiscalSettings(on_tax_difference={"22>23": "stop"})).code == "tax-differs"
    made = draft(order, FiscalSettings(on_tax_difference={"22>23": "follow-law"}))
    assert (made.gross, made.vat, made.lines[0].charged) == (Decimal("61.00"), Decimal("11.41"), Decimal(22))
    assert "tax-follows-law" in made.warnings


def test_a_shop_that_charged_tax_on_an_export_is_asked_about_it() -> None:
    to = Address("1 Example St", "10001", "New York", "US")
    order = make_order(make_line("123.00"), total="123.00", ship_to=to)
    assert stopped(order).detail["cause"] == "23>0"
    made = draft(order, FiscalSettings(on_tax_difference={"23>0": "follow-law"}))
    assert (made.net, made.vat, made.lines[0].exemption_code) == (Decimal("123.00"), Decimal("0.00"), "M05")


def test_a_rate_that_no_region_has_is_stopped() -> None:
    why = stopped(make_order(make_line("10.00", "21"), total="10.00"))
    assert (why.code, why.detail["rate"]) == ("rate-unknown", "21")


def test_goods_without_a_destination_for_a_buyer_abroad_are_stopped() -> None:
    buyer = Party("Ana", address=Address("Calle 1", "28001", "Madrid", "ES"))
    assert (
        stopped(make_order(make_line(), total="10.00", buyer=buyer, ship_to=None)).code
        == "destination-missing"
    )


def test_a_product_of_several_goods_has_the_highest_of_their_rates() -> None:
    made = draft(make_order(make_line("24.60", None, parts=("reduced", "normal")), total="24.60"))
    assert made.lines[0].vat_rate == Decimal(23) and "VAT7" in made.rules


def test_gift_cards_wait_for_the_merchants_choice_and_then_carry_no_tax() -> None:
    card = make_line("50.00", "23", kind="giftcard")
    assert stopped(make_order(card, total="50.00")).code == "gift-card-undecided"
    made = draft(
        make_order(card, make_line("24.60"), total="74.60"), FiscalSettings(gift_cards="multi-purpose")
    )
    assert [line.exemption_code for line in made.lines] == ["M99", ""]


# shipping


def shipped(price: str, charged: str | None, *goods: Any, total: str, **changes: Any) -> Order:
    delivery = make_line(price, charged, kind="shipping", ref="SHIP", description="Portes")
    return make_order(*goods, delivery, total=total, **changes)


def test_shipping_taxed_at_a_rate_that_some_goods_have_is_the_shops_own_split() -> None:
    made = draft(shipped("4.92", "23", make_line("24.60"), make_line("10.60", "6"), total="40.12"))
    assert [(line.ref, line.vat_rate) for line in made.lines][-1] == ("SHIP", Decimal(23))


@pytest.mark.parametrize("charged", [None, "13"])
def test_shipping_untaxed_or_at_a_foreign_rate_is_split_in_proportion(charged: str | None) -> None:
    made = draft(shipped("4.00", charged, make_line("60.00"), make_line("20.00", "6"), total="84.00"))
    parts = [(line.vat_rate, line.gross) for line in made.lines if line.kind == "shipping"]
    assert parts == [(Decimal(23), Decimal("3.00")), (Decimal(6), Decimal("1.00"))]
    assert "VAT6" in made.rules


def test_flat_tax_on_the_shipping_of_books_follows_the_books() -> None:
    order = shipped("4.00", "23", make_line("20.00", "6"), total="26.12", prices_include_tax=False)
    made = draft(order)
    assert [line.vat_rate for line in made.lines] == [Decimal(6), Decimal(6)]
    assert made.lines[-1].gross == Decimal("4.92")


def test_shipping_that_came_to_nothing_makes_no_line() -> None:
    free = make_line("4.99", "23", kind="shipping", ref="SHIP", discount=Decimal("4.99"))
    made = draft(make_order(make_line("34.99"), free, total="34.99"))
    assert [line.ref for line in made.lines] == ["L0"] and "DIS3" in made.rules


def test_a_gift_in_the_parcel_stands_on_the_document_at_nothing() -> None:
    gift = make_line("0.00", None, ref="GIFT")
    made = draft(make_order(make_line("24.60"), gift, total="24.60"), FiscalSettings())
    assert [(line.ref, line.gross, line.exemption_code) for line in made.lines][-1] == (
        "GIFT",
        Decimal("0.00"),
        "",
    )


def test_shipping_alone_has_no_goods_to_follow() -> None:
    gift = make_line("0.00", None, ref="GIFT")
    assert stopped(shipped("5.00", None, gift, total="5.00")).code == "shipping-untaxed"


# money


def test_a_total_that_no_rounding_explains_is_stopped_with_both_figures() -> None:
    why = stopped(make_order(make_line("10.00"), make_line("5.00"), total="15.02"))
    assert isinstance(why, OrderError)
    assert (why.code, why.detail) == ("total-differs", {"paid": "15.02", "lines": "15.00"})
    assert "NUM1" in why.rules


@pytest.mark.parametrize(
    ("total", "level", "vat"), [("0.37", "rate_group", "0.07"), ("0.36", "line", "0.06")]
)
def test_the_shops_rounding_is_found_and_followed(total: str, level: str, vat: str) -> None:
    order = make_order(*[make_line("0.10")] * 3, total=total, prices_include_tax=False)
    made = draft(order)
    assert (made.rounding, made.net, made.vat) == (level, Decimal("0.30"), Decimal(vat))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": Decimal(0)}, "quantity-not-positive"),
        ({"quantity": Decimal(-1)}, "quantity-not-positive"),
        ({"unit_price": Decimal("-1.00")}, "negative-line"),
        ({"discount": Decimal("-1.00")}, "negative-line"),
        ({"discount": Decimal("10.01")}, "discount-exceeds"),
    ],
)
def test_a_line_that_cannot_stand_on_a_document_is_stopped(changes: Any, code: str) -> None:
    assert stopped(make_order(make_line("10.00", **changes), total="10.00")).code == code


def test_an_order_without_lines_or_with_too_large_a_coupon_is_stopped() -> None:
    assert stopped(make_order(total="1.00")).code == "no-lines"
    assert (
        stopped(make_order(make_line(), total="1.00", discount=Decimal("10.01"))).code == "discount-exceeds"
    )
    assert stopped(make_order(make_line(), total="-1.00")).code == "negative-total"


def test_gift_cards_used_are_a_means_of_payment_and_not_a_discount() -> None:
    order = make_order(make_line("49.20"), total="29.20", gift_cards=Decimal("20.00"))
    order = replace(order, payments=(Payment("card", Decimal("29.20")),))
    made = draft(order)
    assert made.gross == Decimal("49.20")
    assert [(means.mechanism, means.amount) for means in made.payments] == [
        ("CC", Decimal("29.20")),
        ("CO", Decimal("20.00")),
    ]
    assert "VOU2" in made.rules


@pytest.mark.parametrize("total", ["49.20", "29.20"])
def test_a_list_of_payments_tells_whether_the_total_counts_the_card(total: str) -> None:
    payments = (Payment("gift_card", Decimal("20.00")), Payment("multibanco", Decimal("29.20")))
    made = draft(make_order(make_line("49.20"), total=total, payments=payments))
    assert made.gross == Decimal("49.20")
    assert {means.mechanism for means in made.payments} == {"MB", "CO"}


def test_an_unknown_means_of_payment_is_other() -> None:
    made = draft(make_order(make_line(), total="10.00", payments=(Payment("webpay_plus", Decimal("10.00")),)))
    assert [means.mechanism for means in made.payments] == ["OU"]


def test_another_currency_is_converted_once_and_said_on_the_document() -> None:
    order = make_order(*[make_line("3.33")] * 3, total="9.99", currency="USD", exchange_rate=Decimal("1.16"))
    made = draft(order)
    assert made.gross == Decimal("8.61")
    assert sum(line.gross for line in made.lines) == Decimal("8.61")
    assert made.notes[0].startswith("Total pago: 9.99 USD")
    assert stopped(replace(order, exchange_rate=None)).code == "currency"
