"""Orders of shops that other invoicing apps got wrong, as Jumpseller's API shows them, through the real processes.

Each payload replaces the stand-in's own; the judge is the ledger of the provider's stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.stack_world import MUG, StackWorld, running_world

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

Json = dict[str, Any]
Group = tuple[str, str, str, str, str, str]
"""Region, rate, exemption code, net, VAT, gross."""
IVA: Json = {"id": 1, "name": "IVA 23%", "rate": 23.0, "fixed": False, "tax_on_product_price": True}
ECOVALUE: Json = {"id": 9, "name": "Ecovalor", "rate": 0.5, "fixed": True, "tax_on_product_price": True}
ADDRESS: Json = {"name": "Ana", "surname": "Exemplo", "address": "Rua A 1"}
LISBON: Json = {**ADDRESS, "city": "Lisboa", "postal": "1000-100", "country_code": "PT"}
MADRID: Json = {**ADDRESS, "city": "Madrid", "postal": "28001", "country_code": "ESP", "country": "Espanha"}


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world() as world:
        world.merchant()
        yield world


def product(price: float, name: str = "A", qty: int = 1, **more: Any) -> Json:
    return {
        "id": 1,
        "sku": name,
        "name": name,
        "qty": qty,
        "price": price,
        "discount": "0",
        "taxes": [IVA],
        **more,
    }


def payload(total: float, *products: Json, discount: float = 0, address: Json = LISBON) -> Json:
    """Return what the API shows instead of the stand-in's own figures, articles and addresses."""
    return {
        "total": total,
        "discount": discount,
        "shipping": 0,
        "shipping_tax": 0,
        "shipping_taxes": [],
        "products": list(products),
        "billing_address": {**address, "taxid": ""},
        "shipping_address": address,
        "customer": {"email": "a@example.pt", "phone": None, "fullname": "Ana Exemplo"},
        "payment_method_type": "manual",
        "payment_method_name": "Transferência",
    }


def at_23(net: str, vat: str, gross: str) -> list[Group]:
    return [("PT", "23", "", net, vat, gross)]


def sell(world: StackWorld, shown: Json) -> tuple[Json, Json]:
    """Sell the order and return the row that the merchant has, and the one document in the ledger (empty: none)."""
    merchant = world.merchant()
    order = int(merchant.place_order(lines=[MUG], raw=shown, pay=True)["id"])
    row = world.wait_until_final(merchant, order, "issued", "blocked")
    if row["state"] == "issued":
        return row, world.check_document(merchant, order)
    assert world.issued_documents(merchant, order) == []
    return row, {}


def groups(document: Json) -> list[Group]:
    return [
        (one["region"], one["rate"], one["exemption"], one["net"], one["vat"], one["gross"])
        for one in document["groups"]
    ]


THIRDS = product(9.99, qty=3, discount=3.33)
MARKUP = "<b>Pires</b> &amp; Caneca &#39;L&#39;"
ISSUED = {
    "a coupon of 10.00 shown as 3.33 a piece": (
        payload(19.97, {**THIRDS, "tax": 1.245}, discount=10.0),
        at_23("16.24", "3.73", "19.97"),
        ["A"],
    ),
    "the same with the tax of the whole line": (
        payload(19.97, {**THIRDS, "tax": 3.73}, discount=10.0),
        at_23("16.24", "3.73", "19.97"),
        ["A"],
    ),
    "a fixed charge beside the VAT": (
        payload(24.6, product(24.6, "Torradeira", taxes=[IVA, ECOVALUE])),
        at_23("20.00", "4.60", "24.60"),
        ["Torradeira"],
    ),
    "markup and entities in a name": (
        payload(12.3, product(12.3, MARKUP)),
        at_23("10.00", "2.30", "12.30"),
        ["Pires & Caneca 'L'"],
    ),
    "a line of no pieces": (
        payload(12.3, product(12.3), product(5.0, "B", qty=0)),
        at_23("10.00", "2.30", "12.30"),
        ["A"],
    ),
    "a line with a negative price": (
        payload(10.0, product(12.3), product(-2.3, "Desconto")),
        at_23("8.13", "1.87", "10.00"),
        ["A"],
    ),
}


@pytest.mark.parametrize(("shown", "expected", "names"), ISSUED.values(), ids=ISSUED)
def test_the_document_has_what_was_paid(
    world: StackWorld, shown: Json, expected: list[Group], names: list[str]
) -> None:
    row, document = sell(world, shown)
    assert row["state"] == "issued", (row["reason"], row["detail"])
    assert groups(document) == expected
    lines = document["lines"]
    assert [name for name in names if not any(line["description"].startswith(name) for line in lines)] == []
    assert all(float(line["qty"]) > 0 and float(line["price"]) >= 0 for line in lines)
    assert not any(sign in line["description"] for line in lines for sign in "<>;")
    if "Torradeira" in names:
        assert "Ecovalor" in str(document), "the charge is named"


def test_a_country_in_three_letters_is_understood_or_waits(world: StackWorld) -> None:
    row, document = sell(world, payload(12.3, product(12.3, taxes=[]), address=MADRID))
    assert row["state"] == "blocked" or {one[2] for one in groups(document)} != {"M05"}, "it was exported"
