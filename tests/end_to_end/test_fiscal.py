"""Tax law end to end: a merchant on the mainland and one in the Azores sell at home, in the EU and outside it.

Every expected amount was worked out by hand; the judge is the ledger of the provider's stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dev.local_stack import LocalStack
from dev.merchant import Merchant, wait_until
from tests.databases import DatabaseServer

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

QUICK = {"CLOCK_SECONDS": "0.5", "RETRY_SECONDS": "1", "WORKERS": "1", "WEB_PROCESSES": "1"}
Group = tuple[str, str, str, str, str, str]
"""Region, rate, exemption code, net, VAT, gross."""


@pytest.fixture(scope="module")
def stack(server: DatabaseServer) -> Iterator[LocalStack]:
    url = server.create_migrated_database()
    with LocalStack(database_url=url, is_migrated=True, settings=QUICK) as stack:
        yield stack


@pytest.fixture(scope="module")
def mainland(stack: LocalStack) -> Merchant:
    """Return a merchant that sells all over the EU, registered in the one-stop shop."""
    merchant = Merchant(stack)
    merchant.set_up(exemption="M07", oss_registered="yes", threshold_exceeded="yes")
    return merchant


@pytest.fixture(scope="module")
def azorean(stack: LocalStack) -> Merchant:
    shop = {"code": "atlanticoartes", "name": "Atlântico Artes", "place": "acores"}
    requests.post(f"{stack.admin_url}/sandbox/shops", json=shop, timeout=30).raise_for_status()
    merchant = Merchant(stack, "atlanticoartes", "40412")
    merchant.set_up(ship_from="PT-AC")
    return merchant


def goods(price: str, tax: str | None = "23", **more: Any) -> dict[str, Any]:
    return {"sku": f"ART-{price}", "name": f"Artigo a {price}", "price": price, "tax": tax, **more}


def sold(merchant: Merchant, order: int) -> list[dict[str, Any]]:
    """Return the documents in the ledger for the order."""
    return [row for row in merchant.issued_documents() if row["reference"].split("-")[2] == str(order)]


def document(merchant: Merchant, order: int) -> dict[str, Any]:
    """Return the one document of the order, once the listing shows it as issued."""
    merchant.wait_for_state(order, "Emitido")
    found = sold(merchant, order)
    assert len(found) == 1
    return found[0]


def groups(entry: dict[str, Any]) -> list[Group]:
    return [
        (one["region"], one["rate"], one["exemption"], one["net"], one["vat"], one["gross"])
        for one in entry["groups"]
    ]


def totals(net: str, vat: str, gross: str) -> dict[str, str]:
    return {"net": net, "vat": vat, "gross": gross}


def say(stack: LocalStack, number: str, verdict: str) -> None:
    """Set the answer that VIES gives for the number from now on."""
    requests.post(f"{stack.vies_url}/sandbox/numbers", json={number: verdict}, timeout=30).raise_for_status()


def questions(stack: LocalStack, number: str) -> int:
    """Return the number of times that VIES was asked about the number."""
    asked = requests.get(f"{stack.vies_url}/sandbox/asked", timeout=30).json()
    return sum(one["countryCode"] + one["vatNumber"] == number for one in asked)


def test_three_rates_a_coupon_and_shipping_on_one_order(mainland: Merchant) -> None:
    order = mainland.place_order(
        lines=[goods("12.30", qty=2), goods("15.90", "6"), goods("45.00", None)],
        coupon={"code": "DEZ", "amount": "8.55"},
        shipping={"price": "4.92", "tax": "23"},
        nif="123456789",
        pay=True,
    )
    entry = document(mainland, order["id"])
    # a tenth off 24.60, 15.90 and 45.00; shipping at 23 %, as the shop charged it
    assert groups(entry) == [
        ("PT", "23", "", "22.00", "5.06", "27.06"),
        ("PT", "6", "", "13.50", "0.81", "14.31"),
        ("PT", "0", "M07", "40.50", "0.00", "40.50"),
    ]
    assert entry["totals"] == totals("76.00", "5.87", "81.87")
    assert (entry["type"], entry["customer"]["nif"]) == ("FR", "123456789")


@pytest.mark.parametrize("address", ["acores", "lisboa"])
def test_products_sent_from_the_azores_have_the_rates_of_the_azores(address: str, azorean: Merchant) -> None:
    order = azorean.place_order(
        lines=[goods("58.00", "16"), goods("21.80", "9"), goods("10.40", "4")], address=address, pay=True
    )
    entry = document(azorean, order["id"])
    assert groups(entry) == [
        ("PT-AC", "16", "", "50.00", "8.00", "58.00"),
        ("PT-AC", "9", "", "20.00", "1.80", "21.80"),
        ("PT-AC", "4", "", "10.00", "0.40", "10.40"),
    ]
    assert entry["totals"] == totals("80.00", "10.20", "90.20")


@pytest.mark.parametrize(
    ("address", "lines", "shipping", "group"),
    [
        ("es", [goods("60.50", "21")], "6.05", ("ES", "21", "", "55.00", "11.55", "66.55")),
        ("de", [goods("19.99", "19", qty=3)], "7.90", ("DE", "19", "", "57.03", "10.84", "67.87")),
    ],
)
def test_a_consumer_in_the_union_pays_the_rate_of_their_country(
    mainland: Merchant, address: str, lines: list[dict[str, Any]], shipping: str, group: Group
) -> None:
    shipped = {"price": shipping, "tax": group[1]}
    order = mainland.place_order(lines=lines, shipping=shipped, address=address, pay=True)
    entry = document(mainland, order["id"])
    assert groups(entry) == [group]
    assert entry["totals"] == totals(*group[3:])
    assert entry["customer"]["nif"] == "999999990"


@pytest.mark.parametrize(
    ("address", "price", "gross"), [("us", "100.00", "125.00"), ("gb", "70.00", "95.00")]
)
def test_an_export_is_exempt_with_its_shipping(
    mainland: Merchant, address: str, price: str, gross: str
) -> None:
    order = mainland.place_order(
        lines=[goods(price, None)], shipping={"price": "25.00"}, address=address, pay=True
    )
    entry = document(mainland, order["id"])
    assert groups(entry) == [("PT", "0", "M05", gross, "0.00", gross)]
    assert entry["totals"] == totals(gross, "0.00", gross)


def test_a_business_in_the_union_with_a_valid_number_is_not_taxed_here(
    stack: LocalStack, mainland: Merchant
) -> None:
    order = mainland.place_order(
        lines=[goods("100.00", None, qty=2)],
        shipping={"price": "20.00", "tax": None},
        address="de",
        nif="DE136695976",
        company="Beispiel GmbH",
        pay=True,
    )
    entry = document(mainland, order["id"])
    assert groups(entry) == [("PT", "0", "M16", "220.00", "0.00", "220.00")]
    assert (entry["customer"]["nif"], entry["customer"]["name"]) == ("DE136695976", "Beispiel GmbH")
    assert questions(stack, "DE136695976") == 1


def test_an_exempt_sale_waits_while_vies_does_not_answer_and_is_issued_afterwards(
    stack: LocalStack, mainland: Merchant
) -> None:
    say(stack, "FR40303265045", "unavailable")
    order = mainland.place_order(
        lines=[goods("150.00", None)],
        address="fr",
        nif="FR 40 303 265 045",
        company="Exemple SARL",
        pay=True,
    )
    # VIES is asked again: the first missing answer does not stop the order.
    wait_until(lambda: questions(stack, "FR40303265045") >= 2, "VIES asked twice")
    assert mainland.state(order["id"]) == "Por emitir"
    assert "VIES" in mainland.open_document(order["id"]).text
    assert sold(mainland, order["id"]) == []
    say(stack, "FR40303265045", "valid")
    entry = document(mainland, order["id"])
    assert groups(entry) == [("PT", "0", "M16", "150.00", "0.00", "150.00")]
    assert entry["customer"]["nif"] == "FR40303265045"
    answered = questions(stack, "FR40303265045")
    # The answer is valid for a day: the next order of the same company needs no call.
    again = mainland.place_order(
        lines=[goods("80.00", None)], address="fr", nif="FR40303265045", company="Exemple SARL", pay=True
    )
    assert groups(document(mainland, again["id"])) == [("PT", "0", "M16", "80.00", "0.00", "80.00")]
    assert questions(stack, "FR40303265045") == answered


def test_a_number_that_vies_rejects_is_not_printed_and_the_sale_is_taxed(
    stack: LocalStack, mainland: Merchant
) -> None:
    say(stack, "ESB58378431", "invalid")
    order = mainland.place_order(
        lines=[goods("121.00", "21")], address="es", nif="ESB58378431", company="Ejemplo SL", pay=True
    )
    entry = document(mainland, order["id"])
    assert groups(entry) == [("ES", "21", "", "100.00", "21.00", "121.00")]
    assert entry["customer"]["nif"] == "999999990"
    assert "não foi confirmado" in mainland.open_document(order["id"]).text
