"""Corrections end to end: parts, amounts and remainders credited, a sale issued again, a cancelled order.

The ledger of the provider's stand-in is the judge: which documents exist, for what, each once. The expected
amounts were worked out by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from dev.merchant import Merchant, wait_until
from tests.end_to_end.stack_world import BOOK, COURSE, MUG, TIMEOUT, Json, StackWorld, running_world

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

MIXED = {"lines": [{**MUG, "qty": 3}, BOOK, COURSE], "nif": "123456789", "pay": True}
"""Three mugs at 12.30 (23 %), a book at 15.90 (6 %), a course at 45.00 (exempt): 97.80."""


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world() as world:
        world.merchant(moves_stock="yes")
        world.merchant("quintadaserra", "40377", credit_cancelled="yes")
        yield world


@pytest.fixture
def olaria(world: StackWorld) -> Merchant:
    return world.merchants["olariadosado"]


def paid(merchant: Merchant, **spec: object) -> int:
    order = int(merchant.place_order(**{**MIXED, **spec})["id"])
    merchant.wait_for_state(order, "Emitido", seconds=TIMEOUT)
    return order


def sold(merchant: Merchant, order: int, *kinds: str) -> list[Json]:
    """Return the ledger's documents of the order, once the listing shows these kinds as issued."""
    merchant.wait_for_kinds(order, *kinds, seconds=TIMEOUT)
    found = [row for row in merchant.issued_documents() if row["reference"].split("-")[2] == str(order)]
    assert tuple(row["type"] for row in found) == kinds
    return found


def figures(document: Json) -> list[tuple[str, str, str, str]]:
    """Return rate, net, VAT and gross of each group of the document."""
    return [(one["rate"], one["net"], one["vat"], one["gross"]) for one in document["groups"]]


def lines(document: Json) -> list[tuple[str, str]]:
    return [(line["ref"], line["qty"]) for line in document["lines"]]


def test_some_of_the_lines_then_an_amount_then_the_rest(olaria: Merchant) -> None:
    order = paid(olaria)
    olaria.credit(order, {"Taça": "2"}, reason="Duas taças partidas")
    invoice, first = sold(olaria, order, "FR", "NC")
    assert (first["origin"], first["reason"]) == (invoice["number"], "Duas taças partidas")
    assert first["customer"]["nif"] == invoice["customer"]["nif"] == "123456789"
    assert figures(first) == [("23", "20.00", "4.60", "24.60")] and lines(first) == [("TACA-01", "2")]
    olaria.credit(order, amount="45,00", quantities={"Oficina de roda": "1"})
    assert figures(sold(olaria, order, "FR", "NC", "NC")[2]) == [("0", "45.00", "0.00", "45.00")]
    olaria.credit(order)
    notes = sold(olaria, order, "FR", "NC", "NC", "NC")[1:]
    assert figures(notes[2]) == [("23", "10.00", "2.30", "12.30"), ("6", "15.00", "0.90", "15.90")]
    assert sum(Decimal(note["totals"]["gross"]) for note in notes) == Decimal(invoice["totals"]["gross"])
    page = olaria.open_invoice(order)
    assert "Falta creditar 0,00" in page.text.replace("\xa0", " ") and "Rever a nota" not in page.text
    assert "já está todo creditado" in page.open(f"{page.url}/credit").text


def test_money_first_and_the_pieces_later(olaria: Merchant) -> None:
    order = paid(olaria, lines=[{**MUG, "qty": 2, "price": "10.00"}], nif="")
    olaria.credit(order, amount="3,00", reason="Risco no vidrado")
    olaria.wait_for_kinds(order, "FR", "NC", seconds=TIMEOUT)
    olaria.credit(order, {"Taça": "1"})
    olaria.wait_for_kinds(order, "FR", "NC", "NC", seconds=TIMEOUT)
    olaria.credit(order, {"Taça": "1"})
    invoice, favour, *returns = sold(olaria, order, "FR", "NC", "NC", "NC")
    assert (invoice["totals"]["gross"], favour["totals"]["gross"]) == ("20.00", "3.00")
    assert (lines(favour), favour["stock"]) == ([("", "1")], [])
    assert favour["lines"][0]["description"].startswith("Redução de preço: Taça")
    assert [lines(note) for note in returns] == [[("TACA-01", "1")]] * 2
    assert [note["totals"]["gross"] for note in returns] == ["8.50", "8.50"]
    moved = [move["qty"] for document in (invoice, favour, *returns) for move in document["stock"]]
    assert moved == ["-2", "1", "1"]


def test_an_amount_alone_is_spread_over_the_rates_in_proportion(olaria: Merchant) -> None:
    order = paid(olaria, lines=[MUG, BOOK])
    olaria.credit(order, amount="14,10")
    _, note = sold(olaria, order, "FR", "NC")
    # half of 12.30 and half of 15.90
    assert figures(note) == [("23", "5.00", "1.15", "6.15"), ("6", "7.50", "0.45", "7.95")]
    assert note["totals"]["gross"] == "14.10"


def test_a_sale_with_a_wrong_nif_is_credited_and_issued_again(world: StackWorld, olaria: Merchant) -> None:
    order = paid(olaria)
    olaria.credit_and_reissue(order, tax_id="503504564")
    invoice, note, again = sold(olaria, order, "FR", "NC", "FR")
    assert (note["origin"], note["totals"]) == (invoice["number"], invoice["totals"])
    assert note["customer"]["nif"] == "123456789" and again["customer"]["nif"] == "503504564"
    assert again["totals"] == invoice["totals"] and not again["origin"]
    assert len({invoice["number"], note["number"], again["number"]}) == 3
    shown = wait_until(
        lambda: found if len(found := world.shop_order(olaria, order)["documents"]) == 3 else [],
        "three documents on the order",
        TIMEOUT,
    )
    numbers = [row["number"].replace(" ", "-").replace("/", "-") for row in (invoice, note, again)]
    assert [one["public_id"] for one in shown] == numbers
    # The new invoice can be credited too.
    olaria.credit(order)
    last = sold(olaria, order, "FR", "NC", "FR", "NC")[3]
    assert (last["origin"], last["customer"]["nif"]) == (again["number"], "503504564")


def test_an_order_cancelled_afterwards_is_credited_automatically_if_chosen(
    world: StackWorld,
) -> None:
    quinta = world.merchants["quintadaserra"]
    order = paid(quinta, lines=[MUG, BOOK])
    quinta.change_order(order, "cancel")
    quinta.change_order(order, "hook", copies=2)
    invoice, note = sold(quinta, order, "FR", "NC")
    assert (note["origin"], note["reason"]) == (invoice["number"], "Encomenda cancelada")
    assert note["totals"] == invoice["totals"]


def test_an_order_cancelled_afterwards_waits_for_the_merchant(olaria: Merchant) -> None:
    order = paid(olaria, lines=[MUG])
    olaria.change_order(order, "cancel")
    wait_until(lambda: "Falta a nota de crédito" in olaria.listing_text(order), "the alarm", TIMEOUT)
    olaria.credit(order)
    invoice, note = sold(olaria, order, "FR", "NC")
    assert (note["reason"], note["totals"]) == ("Venda cancelada", invoice["totals"])
    assert "Falta a nota de crédito" not in " ".join(row.text for row in olaria.listing_rows(order))


def test_an_order_cancelled_credited_and_paid_again_gets_another_document(world: StackWorld) -> None:
    quinta = world.merchants["quintadaserra"]
    order = paid(quinta, lines=[MUG])
    quinta.change_order(order, "cancel")
    sold(quinta, order, "FR", "NC")
    quinta.change_order(order, "pay")
    invoice, note, again = sold(quinta, order, "FR", "NC", "FR")
    assert invoice["totals"] == note["totals"] == again["totals"]
    assert again["reference"].endswith("-reissue1")


def test_an_order_blocked_cancelled_and_paid_again_is_read_and_drafted_again(
    world: StackWorld, olaria: Merchant
) -> None:
    order = int(olaria.place_order(lines=[MUG], nif="123456788", pay=True)["id"])
    world.wait_until_final(olaria, order, "blocked")
    olaria.change_order(order, "cancel")
    world.wait_until_final(olaria, order, "void")
    olaria.change_order(order, "pay")
    blocked = world.wait_until_final(olaria, order, "blocked")
    assert blocked["reason"] == "nif-invalid" and world.issued_documents(olaria, order) == []


def test_the_preview_equals_the_issued_document(world: StackWorld) -> None:
    merchant = world.merchants["quintadaserra"]
    merchant.choose(automatic="no")
    order = int(merchant.place_order(**{**MIXED, "lines": [MUG, BOOK]})["id"])
    merchant.wait_for_state(order, "À espera", seconds=TIMEOUT)
    page = merchant.open_document(order)
    preview = page.open(f"{page.url}/preview").text.replace("\xa0", " ")
    merchant.open_document(order).send("Emitir agora")
    (document,) = sold(merchant, order, "FR")
    merchant.choose(automatic="yes")
    assert f"fatura-recibo de {document['totals']['gross'].replace('.', ',')} €" in preview
    for line in document["lines"]:
        assert line["description"] in preview
