"""Where a sale is taxed: regions, member states, special territories, exports (VAT1, EU1 to EU6, EX1, EX2, EXM1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev.order_factories import make_line, make_order
from shopapp.errors import OrderError, UnreachableError
from shopapp.fiscal import place_of_supply
from shopapp.fiscal.decisions import Decisions
from shopapp.fiscal.document import FiscalSettings
from shopapp.fiscal.party import Address, Buyer, Party
from shopapp.fiscal.place_of_supply import PlaceOfSupply, territory_of
from shopapp.fiscal.tax_ids import FINAL_CONSUMER
from shopapp.fiscal.trace import DecisionTrace
from tests.unit.fiscal.build import build, stop_of

CONSUMER = Buyer(FINAL_CONSUMER, False, "Ana Exemplo", "PT", False)
GERMAN = Buyer("DE136695976", True, "Beispiel GmbH", "DE", True, "DE", "valid", True)
LISBON_FIRM = Buyer("500000000", True, "Empresa Exemplo, Lda", "PT", True)
OSS = FiscalSettings(oss_registered=True, threshold_exceeded=True)


def address_in(country: str, postal: str = "") -> Address:
    return Address("Rua 1", postal, "Cidade", country)


def goods(
    address: Address, buyer: Buyer = CONSUMER, settings: FiscalSettings = OSS
) -> tuple[PlaceOfSupply, DecisionTrace]:
    trace = DecisionTrace()
    return place_of_supply.place_of_goods(address, buyer, settings, trace), trace


@pytest.mark.parametrize(
    ("country", "postal", "kind", "region"),
    [
        ("PT", "1000-100", "domestic", "PT"),
        ("PT", "9000-098", "domestic", "PT-MA"),
        ("PT", "9400-001", "domestic", "PT-MA"),
        ("PT", "9495-100", "domestic", "PT-MA"),
        ("PT", "9500-100", "domestic", "PT-AC"),
        ("PT", "9995", "domestic", "PT-AC"),
        ("PT", "90000-98", "domestic", "PT-MA"),
        ("PT", "", "domestic", "PT"),
        ("ES", "28001", "eu", "ES"),
        ("ES", "35001", "export", "ES"),
        ("ES", "38400", "export", "ES"),
        ("ES", "51001", "export", "ES"),
        ("ES", "52001", "export", "ES"),
        ("IC", "35001", "export", "IC"),
        ("ES", "ES-35003", "export", "ES"),
        ("ES", "E-35003", "export", "ES"),
        ("ES", "35.003", "export", "ES"),
        ("ES", "３８００３", "export", "ES"),
        ("Espanha", "28001", "eu", "ES"),
        ("ESP", "35003", "export", "ES"),
        ("España", "28001", "eu", "ES"),
        ("Canarias", "35001", "export", "IC"),
        ("Portugal", "1000-100", "domestic", "PT"),
        ("PRT", "9500", "domestic", "PT-AC"),
        ("Holanda", "1011", "eu", "NL"),
        ("FR", "97500", "export", "FR"),
        ("FR", "97700", "export", "FR"),
        ("FR", "97800", "export", "FR"),
        ("FR", "98600", "export", "FR"),
        ("FR", "98713", "export", "FR"),
        ("FR", "F-98800", "export", "FR"),
        ("FR", "98000", "eu", "FR"),
        ("FR", "75001", "eu", "FR"),
        ("FR", "97400", "export", "FR"),
        ("FR", "97300", "export", "FR"),
        ("GP", "97100", "export", "GP"),
        ("IT", "23041", "export", "IT"),
        ("IT", "22061", "export", "IT"),
        ("IT", "22060", "eu", "IT"),
        ("IT", "23030", "eu", "IT"),
        ("IT", "47890", "export", "IT"),
        ("IT", "00120", "export", "IT"),
        ("IT", "00118", "eu", "IT"),
        ("DK", "1050", "eu", "DK"),
        ("DK", "3900", "export", "DK"),
        ("DK", "FO-100", "export", "DK"),
        ("DK", "DK-3800", "export", "DK"),
        ("FI", "AX-22100", "export", "FI"),
        ("DE", "78266", "export", "DE"),
        ("DE", "27498", "export", "DE"),
        ("DE", "10115", "eu", "DE"),
        ("GR", "630 86", "export", "GR"),
        ("EL", "10431", "eu", "GR"),
        ("FI", "22100", "export", "FI"),
        ("FI", "00100", "eu", "FI"),
        ("AX", "22100", "export", "AX"),
        ("MC", "98000", "eu", "FR"),
        ("GB", "SW1A 1AA", "export", "GB"),
        ("UK", "SW1A 1AA", "export", "GB"),
        ("GB", "BT1 1AA", "eu", "XI"),
        ("GB", "bt1 1aa", "eu", "XI"),
        ("CH", "8001", "export", "CH"),
        ("AD", "AD500", "export", "AD"),
        ("US", "10001", "export", "US"),
    ],
)
def test_each_address_has_its_vat_territory(country: str, postal: str, kind: str, region: str) -> None:
    found = territory_of(address_in(country, postal))
    assert (found.kind, found.region) == (kind, region)


@pytest.mark.parametrize("country", ["ES", "GB", "FR"])
def test_a_missing_postal_code_stops_the_order_where_it_decides(country: str) -> None:
    with pytest.raises(OrderError) as raised:
        territory_of(address_in(country))
    assert raised.value.code == "postal-code-missing"


@pytest.mark.parametrize(
    ("country", "postal"), [("ES", "3500"), ("DK", "100"), ("GB", "N/A"), ("IT", "CH-6911")]
)
def test_a_postal_code_that_cannot_be_read_stops_the_order_where_it_decides(
    country: str, postal: str
) -> None:
    with pytest.raises(OrderError) as raised:
        territory_of(address_in(country, postal))
    assert raised.value.code == "postal-code-unreadable"


def test_an_address_without_a_country_is_not_in_portugal() -> None:
    with pytest.raises(OrderError) as raised:
        territory_of(address_in("", "1000-100"))
    assert raised.value.code == "country-missing"


def test_the_merchant_chooses_the_country_only_where_the_shop_names_none() -> None:
    madrid = address_in("Espanha", "28001")
    order = make_order(
        make_line(), total="10.00", buyer=Party("Ana", address=madrid), ship_to=address_in("ZZ")
    )
    chosen = place_of_supply.choose_country(order, "FR")
    assert (chosen.buyer.address, chosen.ship_to) == (madrid, address_in("FR"))
    nowhere = make_order(make_line(), total="10.00", buyer=Party("Ana"), ship_to=None)
    assert place_of_supply.choose_country(nowhere, "PT").ship_to == Address(country="PT")


def test_services_in_northern_ireland_are_outside_the_union() -> None:
    assert territory_of(address_in("GB", "BT1 1AA"), for_goods=False).kind == "export"


@pytest.mark.parametrize("home", ["PT", "PT-MA", "PT-AC"])
def test_products_sold_in_portugal_are_taxed_where_they_are_sent_from(home: str) -> None:
    for postal in ("1000-100", "9000-098", "9500-100"):
        found, trace = goods(address_in("PT", postal), settings=FiscalSettings(ship_from=home))
        assert found == PlaceOfSupply(home)
        assert "VAT1" in trace.rules


def test_below_the_threshold_a_consumer_abroad_pays_portuguese_tax() -> None:
    found, trace = goods(address_in("ES", "28001"), settings=FiscalSettings(ship_from="PT-AC"))
    assert found == PlaceOfSupply("PT-AC") and "EU1" in trace.rules


@pytest.mark.parametrize("registered", [True, False])
def test_above_the_threshold_the_destination_taxes_with_a_warning_if_not_registered(
    registered: bool,
) -> None:
    found, trace = goods(
        address_in("ES", "28001"), settings=FiscalSettings(oss_registered=registered, threshold_exceeded=True)
    )
    assert found == PlaceOfSupply("ES", is_oss=True) and "EU2" in trace.rules
    assert ("oss-not-registered" in trace.warnings) is not registered


def test_a_valid_number_of_another_member_state_exempts_goods_sent_abroad() -> None:
    assert goods(address_in("DE", "10115"), GERMAN)[0].exemption == "M16"
    assert goods(address_in("FR", "75001"), GERMAN)[0].exemption == "M16"
    assert goods(address_in("PT", "1000-100"), GERMAN)[0] == PlaceOfSupply("PT")


@pytest.mark.parametrize("vies", [None, "unavailable"])
def test_nobody_is_exempt_while_vies_does_not_answer(vies: Any) -> None:
    waiting = Buyer("DE136695976", True, "Beispiel GmbH", "DE", True, "DE", vies, True)
    with pytest.raises(UnreachableError) as raised:
        goods(address_in("DE", "10115"), waiting)
    assert raised.value.code == "vies-unavailable"


def test_a_portuguese_business_abroad_is_taxed_at_home_even_under_oss() -> None:
    assert goods(address_in("ES", "28001"), LISBON_FIRM)[0] == PlaceOfSupply("PT")


@pytest.mark.parametrize(("country", "postal"), [("US", "10001"), ("CH", "8001"), ("ES", "35003")])
def test_goods_that_leave_the_union_are_exports_which_an_exempt_merchant_cannot_make(
    country: str, postal: str
) -> None:
    exempt = FiscalSettings(regime="art53_exempt")
    assert goods(address_in(country, postal))[0].exemption == "M05"
    with pytest.raises(OrderError) as raised:
        goods(address_in(country, postal), settings=exempt)
    assert raised.value.code == "exempt-merchant-exports"
    assert goods(address_in("PT", "1000-100"), settings=exempt)[0].exemption == "M10"
    assert goods(address_in("ES", "28001"), settings=exempt)[0].exemption == "M10"


def test_an_exempt_merchant_above_the_threshold_is_stopped() -> None:
    with pytest.raises(OrderError) as raised:
        goods(
            address_in("ES", "28001"), settings=FiscalSettings(regime="art53_exempt", threshold_exceeded=True)
        )
    assert raised.value.code == "exempt-merchant-abroad"


def services(address: Address, buyer: Buyer = CONSUMER, settings: FiscalSettings = OSS) -> PlaceOfSupply:
    return place_of_supply.place_of_services(address, buyer, settings, DecisionTrace())


def test_services_are_taxed_where_a_business_is_and_where_a_consumers_supplier_is() -> None:
    assert services(address_in("PT", "9000-098"), LISBON_FIRM) == PlaceOfSupply("PT-MA")
    assert services(address_in("PT", "9000-098")) == PlaceOfSupply("PT")
    assert services(address_in("DE", "10115"), GERMAN).exemption == "M40"
    assert services(address_in("ES", "28001")) == PlaceOfSupply("ES", is_oss=True)
    assert services(address_in("ES", "28001"), settings=FiscalSettings()) == PlaceOfSupply("PT")


@pytest.mark.parametrize(("country", "postal"), [("US", "10001"), ("ES", "35003"), ("GB", "BT1 1AA")])
def test_a_service_to_a_consumer_outside_the_union_is_taxed_there(country: str, postal: str) -> None:
    assert services(address_in(country, postal)).exemption == "M44"


def test_a_service_to_a_business_outside_the_union_needs_the_merchants_word() -> None:
    firm = Buyer("CHE123456788", True, "Beispiel AG", "CH", True, is_foreign=True)
    with pytest.raises(OrderError) as raised:
        services(address_in("CH", "8001"), firm)
    assert (raised.value.code, raised.value.detail["nif"]) == ("business-unproven", "CHE123456788")
    assert services(address_in("CH", "8001"), replace(firm, is_confirmed=True)).exemption == "M40"


@pytest.mark.parametrize("vies", [None, "unavailable"])
def test_a_member_states_business_outside_the_union_waits_for_vies_too(vies: Any) -> None:
    waiting = Buyer("DE136695976", True, "Beispiel GmbH", "DE", True, "DE", vies, True)
    with pytest.raises(UnreachableError):
        services(address_in("CH", "8001"), waiting)


def test_goods_sold_by_the_margin_alone_are_taxed_here_wherever_they_go_in_the_union() -> None:
    trace = DecisionTrace()
    found = place_of_supply.place_of_goods(address_in("DE", "10115"), GERMAN, OSS, trace, only_margin=True)
    assert found == PlaceOfSupply("PT") and list(trace.rules) == ["VAT8"]
    found = place_of_supply.place_of_goods(address_in("US", "10001"), CONSUMER, OSS, trace, only_margin=True)
    assert found.exemption == "M05"


@pytest.mark.parametrize(
    ("region", "zone"), [("PT", "Europe/Lisbon"), ("PT-MA", "Atlantic/Madeira"), ("PT-AC", "Atlantic/Azores")]
)
def test_each_region_has_its_time_zone(region: str, zone: str) -> None:
    assert place_of_supply.time_zone_of(region) == zone


def test_services_without_an_address_have_the_country_that_the_merchant_stated_once() -> None:
    course = make_order(make_line(kind="service"), total="10.00", buyer=Party("Ana"), ship_to=None)
    asked = stop_of(course)
    assert asked.code == "country-missing"
    assert asked.question is not None and (asked.question.kind, asked.question.subjects) == (
        "buyer-country",
        ("*",),
    )
    stated = FiscalSettings(decisions=Decisions({"buyer-country": {"*": "NL"}}))
    assert build(course, stated).customer.country == "NL"
    mug = make_order(make_line(), total="10.00", buyer=Party("Ana"), ship_to=None)
    assert stop_of(mug, stated).code == "country-missing", "goods were carried somewhere"
