"""The lawful rate or exemption of each line (VAT7, VOU1, exemptions)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import LISBON, make_line, make_order
from shopapp.errors import Question, SettingsError
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.order import Order
from shopapp.fiscal.party import Address, Party
from tests.unit.fiscal.build import build, stop_of


def test_untaxed_lines_get_the_exemption_that_the_merchant_chose_with_its_mention() -> None:
    confirmed = Decisions({"product-tax": {"COURSE": "M07"}})
    draft = build(
        make_order(make_line("80.00", None, sku="COURSE"), total="80.00"), FiscalSettings(decisions=confirmed)
    )
    line = draft.lines[0]
    assert (line.exemption_code, line.exemption_mention, line.tax_code) == (
        "M07",
        "Isento artigo 9.º do CIVA",
        "ISE",
    )
    assert "all-untaxed" in draft.warnings


def test_an_untaxed_line_without_a_chosen_exemption_is_stopped() -> None:
    error = stop_of(make_order(make_line("80.00", None), total="80.00"), FiscalSettings())
    assert isinstance(error, SettingsError) and error.code == "exemption-missing"
    assert error.question is not None and {"M07", "M99", "normal", "reduced"} <= error.question.answers.keys()


def test_the_default_exemption_covers_a_product_only_where_the_shop_taxes_this_buyer() -> None:
    course, mug = make_line("80.00", None, sku="COURSE"), make_line("24.60")
    assert build(make_order(course, mug, total="104.60")).lines[0].exemption_code == "M07"
    buyer = Party("Ejemplo SL", "ESB12345674", vies="valid", address=Address("C 1", "28001", "Madrid", "ES"))
    for alone in (make_order(course, total="80.00"), make_order(course, total="80.00", buyer=buyer)):
        error = stop_of(alone)
        assert (error.code, error.detail["exemption"]) == ("exemption-unconfirmed", "M07")
        assert error.question is not None and error.question.subjects == ("COURSE",)
        assert error.question.answers == {
            "M07": "0.00",
            "normal": "14.96",
            "intermediate": "9.20",
            "reduced": "4.53",
        }
    for answer, vat in (("M07", "0.00"), ("normal", "14.96")):
        decided = Decisions({"product-tax": {"COURSE": answer}})
        draft = build(alone, FiscalSettings(exemption="M07", decisions=decided))
        assert (draft.gross, draft.vat) == (Decimal("80.00"), Decimal(vat))


def test_a_product_without_sku_is_known_by_its_name() -> None:
    order = make_order(make_line("80.00", None, description="Oficina"), total="80.00")
    decided = Decisions({"product-tax": {"Oficina": "M07"}})
    assert build(order, FiscalSettings(decisions=decided)).lines[0].exemption_code == "M07"


@pytest.mark.parametrize("code", ["M05", "M16", "M40", "M04", "M46"])
def test_an_exemption_that_only_the_place_gives_cannot_be_chosen(code: str) -> None:
    order = make_order(make_line("80.00", None), total="80.00")
    assert stop_of(order, FiscalSettings(exemption=code)).code == "exemption-not-lawful"


@pytest.mark.parametrize("code", ["M03", "M08", "M26", "M98"])
def test_a_withdrawn_or_unknown_exemption_is_stopped(code: str) -> None:
    order = make_order(make_line("80.00", None), total="80.00")
    assert stop_of(order, FiscalSettings(exemption=code)).code == "exemption-withdrawn"


def test_reverse_charge_needs_a_portuguese_business() -> None:
    marked = FiscalSettings(decisions=Decisions({"product-tax": {"CORK": "M33"}}))
    line = make_line("80.00", None, sku="CORK")
    assert stop_of(make_order(line, total="80.00"), marked).code == "reverse-charge-needs-business"
    firm = Party("Empresa Exemplo, Lda", "500000000", address=LISBON)
    assert build(make_order(line, total="80.00", buyer=firm), marked).lines[0].exemption_code == "M33"


def test_a_product_can_have_its_own_exemption_or_category() -> None:
    order = make_order(
        make_line("80.00", None, sku="COURSE"), make_line("10.60", "6", sku="BOOK"), total="90.60"
    )
    chosen = Decisions({"product-tax": {"COURSE": "M07", "BOOK": "reduced"}})
    draft = build(order, FiscalSettings(decisions=chosen))
    assert [line.exemption_code for line in draft.lines] == ["M07", ""]
    unknown = Decisions({"product-tax": {"COURSE": "cheap"}})
    assert stop_of(order, FiscalSettings(decisions=unknown)).code == "exception-unknown"


def test_a_rate_that_no_region_has_is_stopped() -> None:
    error = stop_of(make_order(make_line("10.00", "21"), total="10.00"))
    assert (error.code, error.detail["rate"]) == ("rate-unknown", "21")


MADRID = Address("Calle 1", "28001", "Madrid", "ES")
OSS = FiscalSettings(oss_registered=True)


def to_madrid(charged: str, price: str = "15.60", **changes: Any) -> Order:
    """Return an order of a book to a consumer in Madrid."""
    book = make_line(price, charged, sku="LIVRO", **changes)
    return make_order(book, total=price, buyer=Party("Ana", address=MADRID), ship_to=MADRID)


@pytest.mark.parametrize(
    ("charged", "answer", "vat", "subject"),
    [
        ("4", "4", "0.60", "ES 4 LIVRO"),
        ("4", "10", "1.42", "ES 4"),
        ("6", "4", "0.60", "ES 6"),
        ("10", "10", "1.42", "ES 10"),
    ],
)
def test_a_reduced_rate_abroad_is_confirmed_once_for_a_product_and_country(
    charged: str, answer: str, vat: str, subject: str
) -> None:
    error = stop_of(to_madrid(charged), OSS)
    assert error.code == "oss-reduced-rate"
    assert error.question == Question(
        "oss-rate", (f"ES {charged} LIVRO", f"ES {charged}"), {"4": "0.60", "10": "1.42", "21": "2.71"}
    )
    confirmed = replace(OSS, decisions=Decisions({"oss-rate": {subject: answer}}))
    draft = build(to_madrid(charged), confirmed)
    line = draft.lines[0]
    assert (line.region, line.vat_rate, line.tax_code, line.vat) == (
        "ES",
        Decimal(answer),
        "OUT",
        Decimal(vat),
    )
    assert ("tax-follows-law" in draft.warnings) == (charged != answer)


def test_a_confirmed_rate_that_is_not_in_force_there_is_asked_about_again() -> None:
    confirmed = replace(OSS, decisions=Decisions({"oss-rate": {"ES 6": "6"}}))
    assert stop_of(to_madrid("6"), confirmed).code == "oss-reduced-rate"


def test_a_rate_that_exists_neither_here_nor_there_is_stopped() -> None:
    assert stop_of(to_madrid("5.5"), OSS).code == "rate-unknown"


def test_a_free_line_owes_nothing_abroad() -> None:
    free = make_line("15.60", "6", sku="LIVRO", discount=Decimal("15.60"))
    mug = make_line("12.10", "21")
    order = make_order(mug, free, total="12.10", buyer=Party("Ana", address=MADRID), ship_to=MADRID)
    assert [line.vat for line in build(order, OSS).lines] == [Decimal("2.10"), Decimal("0.00")]


def test_goods_without_a_destination_for_a_buyer_abroad_are_stopped() -> None:
    buyer = Party("Ana", address=Address("Calle 1", "28001", "Madrid", "ES"))
    assert (
        stop_of(make_order(make_line(), total="10.00", buyer=buyer, ship_to=None)).code
        == "destination-missing"
    )


def test_a_product_of_several_goods_has_the_highest_of_their_rates() -> None:
    draft = build(make_order(make_line("24.60", None, parts=("reduced", "normal")), total="24.60"))
    assert draft.lines[0].vat_rate == Decimal(23) and "VAT7" in draft.rules


@pytest.mark.parametrize("charged", ["23", None])
def test_the_sale_of_a_gift_card_waits_until_the_merchant_said_when_it_is_taxed(charged: str | None) -> None:
    card = make_line("50.00", charged, kind="giftcard", sku="VALE")
    error = stop_of(make_order(card, total="50.00"))
    assert error.code == "gift-card-undecided"
    assert error.question == Question(
        "gift-card", ("VALE", "*"), {"multi-purpose": "0.00", "single-purpose": "9.35"}
    )
    both = make_order(card, make_line("24.60"), total="74.60")
    draft = build(both, FiscalSettings(decisions=Decisions({"gift-card": {"*": "multi-purpose"}})))
    assert [line.exemption_code for line in draft.lines] == ["M99", ""]
    draft = build(both, FiscalSettings(decisions=Decisions({"gift-card": {"VALE": "single-purpose"}})))
    assert (draft.lines[0].vat, draft.lines[0].vat_rate) == (Decimal("9.35"), Decimal(23))
    assert "VOU3" in draft.rules


def test_a_single_purpose_gift_card_has_the_rate_of_what_it_buys() -> None:
    chosen = {"gift-card": {"*": "single-purpose"}, "product-tax": {"VALE": "reduced"}}
    card = make_line("53.00", None, kind="giftcard", sku="VALE")
    draft = build(make_order(card, total="53.00"), FiscalSettings(decisions=Decisions(chosen)))
    assert (draft.lines[0].vat, draft.lines[0].vat_rate) == (Decimal("3.00"), Decimal(6))
    small = FiscalSettings(regime="art53_exempt", decisions=Decisions(chosen))
    assert build(make_order(card, total="53.00"), small).lines[0].exemption_code == "M10"


@pytest.mark.parametrize("code", ["M30", "M31", "M32", "M33", "M34", "M35", "M42", "M43"])
def test_a_mark_for_businesses_leaves_a_consumer_the_rate_that_was_charged(code: str) -> None:
    marked = FiscalSettings(decisions=Decisions({"product-tax": {"CORK": code}}))
    order = make_order(make_line("24.60", "23", sku="CORK"), total="24.60")
    assert (build(order, marked).lines[0].vat_rate, build(order, marked).vat) == (
        Decimal(23),
        Decimal("4.60"),
    )
    firm = Party("Empresa Exemplo, Lda", "500000000", address=LISBON)
    assert stop_of(replace(order, buyer=firm), marked).code == "tax-differs"


MADRID = Address("Calle 1", "28001", "Madrid", "ES")
SPANISH_FIRM = Party("Ejemplo SL", "ESB58378431", "Ejemplo SL", address=MADRID, vies="valid")


@pytest.mark.parametrize("code", ["M13", "M14", "M15"])
@pytest.mark.parametrize("buyer", [SPANISH_FIRM, Party("Ana", address=MADRID)])
def test_margin_goods_keep_their_scheme_in_the_union_and_new_goods_beside_them_do_not(
    code: str, buyer: Party
) -> None:
    settings = FiscalSettings(
        decisions=Decisions({"product-tax": {"USED": code}}), oss_registered=True, threshold_exceeded=True
    )
    used, new = make_line("80.00", None, sku="USED"), make_line("12.10", "21", sku="NEW")
    alone = build(make_order(used, total="80.00", buyer=buyer, ship_to=MADRID), settings)
    assert [line.exemption_code for line in alone.lines] == [code]
    assert not {"EU2", "EU3"} & set(alone.rules)
    if buyer.company:
        settings = replace(
            settings,
            decisions=Decisions({"product-tax": {"USED": code}, "tax-difference": {"21>0": "follow-law"}}),
        )
    both = build(make_order(used, new, total="92.10", buyer=buyer, ship_to=MADRID), settings)
    other = ("M16", Decimal(0)) if buyer.company else ("", Decimal(21))
    assert [(line.exemption_code, line.vat_rate) for line in both.lines] == [(code, Decimal(0)), other]


def test_margin_goods_that_leave_the_union_are_exports() -> None:
    away = Address("1 Example St", "10001", "New York", "US")
    order = make_order(make_line("80.00", None, sku="USED"), total="80.00", ship_to=away)
    assert (
        build(order, FiscalSettings(decisions=Decisions({"product-tax": {"USED": "M13"}})))
        .lines[0]
        .exemption_code
        == "M05"
    )


def test_a_download_outside_the_union_can_have_the_other_code_where_the_merchant_marked_it() -> None:
    away = Address("1 Example St", "10001", "New York", "US")
    line = make_line("30.00", None, sku="FONT", kind="service")
    order = make_order(line, total="30.00", ship_to=away, buyer=Party("Ana", address=away))
    assert build(order).lines[0].exemption_code == "M44"
    marked = build(order, FiscalSettings(decisions=Decisions({"product-tax": {"FONT": "M99"}}), kind="FS"))
    assert (marked.lines[0].exemption_code, marked.kind) == ("M99", "FR")


def test_an_order_of_gift_cards_alone_needs_no_country() -> None:
    card = make_line("50.00", None, kind="giftcard")
    chosen = FiscalSettings(decisions=Decisions({"gift-card": {"*": "multi-purpose"}}))
    assert build(make_order(card, total="50.00", buyer=Party("Ana"), ship_to=None), chosen).gross == Decimal(
        50
    )
    mug = make_order(make_line(), total="10.00", buyer=Party("Ana"), ship_to=None)
    assert stop_of(mug).code == "country-missing"


@pytest.mark.parametrize("country", ["ZZ", "Portugal Continental", "E"])
def test_a_country_that_means_none_stops_the_order(country: str) -> None:
    error = stop_of(make_order(make_line(), total="10.00", ship_to=replace(LISBON, country=country)))
    assert (error.code, error.detail["country"]) == ("country-unreadable", country)


def test_the_country_is_a_code_on_the_document() -> None:
    spelled = replace(LISBON, country="Portugal")
    draft = build(
        make_order(make_line(), total="10.00", buyer=Party("Ana", address=spelled), ship_to=spelled)
    )
    assert draft.customer.country == "PT" and draft.customer.address == LISBON
