"""The buyer's tax number: normalised, checked, printed or kept off the document (ID1 to ID5, EU4)."""

from __future__ import annotations

import pytest

from shopapp.errors import OrderError, UnreachableError
from shopapp.fiscal.party import (
    Address,
    Party,
    foreign_vat_number,
    identify_buyer,
    parse_tax_id,
    vies_query_number,
)
from shopapp.fiscal.tax_ids import FINAL_CONSUMER, is_nif
from shopapp.fiscal.trace import DecisionTrace


def buyer(number: str, country: str = "PT", **more: str) -> Party:
    return Party("Ana Exemplo", number, address=Address("Rua 1", "1000-100", "Lisboa", country), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written", ["100000002", "PT100000002", "PT 100 000 002", "100.000.002", "100-000-002"]
)
def test_a_portuguese_number_is_normalised_to_nine_digits(written: str) -> None:
    found = identify_buyer(buyer(written), "PT", DecisionTrace())
    assert (found.tax_id, found.print_tax_id, found.is_business) == ("100000002", True, False)


@pytest.mark.parametrize(
    "written",
    ["", "-", " ", "999999990", "999 999 990", "PT999999990", "999999999", "0", "000000000", "N/A", "n.d.", "sem NIF",
     "s/ NIF", "Não tenho", "consumidor final", "sem n.º de contribuinte", "NIF:", "não aplicável", "sin NIF", "xxx"],
)  # fmt: skip
def test_a_buyer_without_number_is_the_final_consumer_and_none_is_printed(written: str) -> None:
    trace = DecisionTrace()
    found = identify_buyer(buyer(written), "PT", trace)
    assert (found.tax_id, found.print_tax_id) == (FINAL_CONSUMER, False)
    assert "ID1" in trace.rules


@pytest.mark.parametrize("written", ["123456780", "12345678", "111111111", "PT12", "abc", "Sim, 100000002"])
def test_a_portuguese_number_that_fails_its_check_stops_the_order(written: str) -> None:
    trace = DecisionTrace()
    with pytest.raises(OrderError) as raised:
        identify_buyer(buyer(written), "PT", trace)
    assert raised.value.code == "nif-invalid"
    assert "ID5" in trace.rules


@pytest.mark.parametrize(
    "written",
    ["NIF: 100 000 002", "Contribuinte 100000002", "N.º de contribuinte: 100000002", "NIF n.º 100000002",
     "nif100000002", "100000002PT", "100000002 (PT)", "Número fiscal: PT100000002", "１０００００００２",
     "100000002\u200b"],
)  # fmt: skip
def test_a_label_around_a_number_and_full_width_digits_are_read(written: str) -> None:
    found = identify_buyer(buyer(written), "PT", DecisionTrace())
    assert (found.tax_id, found.print_tax_id) == ("100000002", True)


@pytest.mark.parametrize("written", ["ΕΛ100000002", "РТ100000002", "10000000٢", "100000002д"])
@pytest.mark.parametrize("country", ["PT", "GR", "US"])
def test_a_number_with_letters_or_digits_of_another_script_is_nobodys(written: str, country: str) -> None:
    with pytest.raises(OrderError) as raised:
        identify_buyer(buyer(written, country), country, DecisionTrace())
    assert raised.value.code == "nif-unreadable"


def test_the_name_of_a_country_or_the_prefix_of_another_is_not_lost_with_a_label() -> None:
    assert foreign_vat_number(buyer("VAT DE 136695976")) == "DE136695976"
    assert foreign_vat_number(buyer("CIF: B58378431", "Espanha")) == "ESB58378431"


def check_digit(eight: str) -> str:
    rest = sum(int(digit) * weight for digit, weight in zip(eight, range(9, 1, -1), strict=True)) % 11
    return eight + str(0 if rest < 2 else 11 - rest)


@pytest.mark.parametrize("start", ["4", "40", "73", "76", "92", "93", "94", "95", "96", "97", "0"])
def test_an_unknown_prefix_is_refused_though_the_check_digit_fits(start: str) -> None:
    assert not is_nif(check_digit(start.ljust(8, "1")))


@pytest.mark.parametrize("start", ["1", "2", "3", "45", "5", "6", "70", "75", "79", "90", "91", "98"])
def test_a_known_prefix_is_accepted(start: str) -> None:
    assert is_nif(check_digit(start.ljust(8, "1")))


@pytest.mark.parametrize(
    ("number", "business"), [("5", True), ("6", True), ("71", True), ("98", True), ("2", False)]
)
def test_the_number_shows_who_is_a_business(number: str, business: bool) -> None:
    found = identify_buyer(buyer(check_digit(number.ljust(8, "1"))), "PT", DecisionTrace())
    assert found.is_business is business


def test_a_company_name_makes_a_business_only_with_a_valid_number() -> None:
    assert identify_buyer(
        buyer("100000002", company="Ana Exemplo, Unipessoal"), "PT", DecisionTrace()
    ).is_business
    assert not identify_buyer(buyer("", company="Ana Exemplo, Unipessoal"), "PT", DecisionTrace()).is_business


def test_a_telephone_number_as_tax_id_stops_the_order() -> None:
    number = check_digit("91111111")
    with pytest.raises(OrderError) as raised:
        identify_buyer(buyer(number, phone=f"+351 {number}"), "PT", DecisionTrace())
    assert raised.value.code == "nif-is-telephone"


def test_a_foreign_number_gets_the_prefix_of_its_country_if_its_form_fits() -> None:
    assert foreign_vat_number(buyer("136695976", "DE")) == "DE136695976"
    assert foreign_vat_number(buyer("GR 094259216", "GR")) == "EL094259216"
    assert foreign_vat_number(buyer("100000002", "PT")) == ""
    assert vies_query_number(buyer("136695976", "DE")) == "DE136695976"
    assert vies_query_number(buyer("FR00000000000", "FR")) == ""
    assert vies_query_number(buyer("")) == ""


def test_a_portuguese_number_of_someone_who_lives_abroad_stays_portuguese() -> None:
    found = identify_buyer(buyer("100000002", "FR"), "FR", DecisionTrace())
    assert (found.tax_id, found.is_foreign) == ("100000002", False)


@pytest.mark.parametrize("vies", ["invalid", None])
def test_a_number_that_vies_rejects_is_kept_off_the_document_with_a_warning(
    vies: str | None,
) -> None:
    trace = DecisionTrace()
    party = buyer("FR00000000000", "FR", vies=vies)  # type: ignore[arg-type]
    found = identify_buyer(party, "FR", trace)
    assert (found.tax_id, found.print_tax_id, found.vat_country) == (FINAL_CONSUMER, False, "")
    assert "EU4" in trace.rules and "vat-number-rejected" in trace.warnings


def emigrant(country: str, eight: str, vies: str | None) -> Party:
    return buyer(check_digit(eight), country, vies=vies)  # type: ignore[arg-type]


NIF_IN_GERMAN_FORM = "21234569"


def test_a_nif_that_fits_another_countrys_form_is_whose_vies_says() -> None:
    party = emigrant("DE", NIF_IN_GERMAN_FORM, "invalid")
    assert vies_query_number(party) == "DE212345699"
    found = identify_buyer(party, "DE", DecisionTrace())
    assert (found.tax_id, found.print_tax_id, found.is_foreign) == ("212345699", True, False)
    found = identify_buyer(emigrant("DE", NIF_IN_GERMAN_FORM, "valid"), "DE", DecisionTrace())
    assert (found.tax_id, found.vat_country) == ("DE212345699", "DE")
    with pytest.raises(UnreachableError):
        identify_buyer(emigrant("DE", NIF_IN_GERMAN_FORM, "unavailable"), "DE", DecisionTrace())


def test_a_nif_that_was_written_with_its_prefix_asks_nobody() -> None:
    party = buyer("PT212345699", "DE")
    assert vies_query_number(party) == ""
    assert identify_buyer(party, "DE", DecisionTrace()).tax_id == "212345699"
    assert (parse_tax_id("PT 212 345 699"), parse_tax_id("212345699")) == ("PT212345699", "212345699")


@pytest.mark.parametrize("country", ["FR", "US"])
def test_nine_digits_abroad_that_fail_the_check_are_perhaps_a_nif_and_stop_the_order(country: str) -> None:
    with pytest.raises(OrderError) as raised:
        identify_buyer(buyer("100000003", country), country, DecisionTrace())
    assert raised.value.code == "nif-invalid"


@pytest.mark.parametrize("written", ["Silva 100000002", "de Ana, 100000002"])
def test_a_word_that_begins_like_a_prefix_does_not_make_a_foreign_number(written: str) -> None:
    with pytest.raises(OrderError) as raised:
        identify_buyer(buyer(written), "PT", DecisionTrace())
    assert raised.value.code == "nif-invalid"


def test_the_personal_number_of_a_consumer_outside_the_union_is_left_out_with_a_warning() -> None:
    trace = DecisionTrace()
    found = identify_buyer(buyer("AB123456C", "GB"), "GB", trace)
    assert (found.tax_id, found.print_tax_id, found.is_business) == (FINAL_CONSUMER, False, False)
    assert "foreign-number-left-out" in trace.warnings


def test_a_buyer_whose_data_the_shop_deleted_is_no_final_consumer() -> None:
    with pytest.raises(OrderError) as raised:
        identify_buyer(Party(is_erased=True), "PT", DecisionTrace())
    assert raised.value.code == "customer-erased"


def test_the_number_of_a_business_outside_the_union_is_printed() -> None:
    party = buyer("12-3456780", "US", company="Example, Inc.")
    found = identify_buyer(party, "US", DecisionTrace())
    assert (found.tax_id, found.print_tax_id, found.is_business, found.is_foreign) == (
        "123456780",
        True,
        True,
        True,
    )
