"""The main flow over real HTTP with real workers: install, keys, settings, paid order, document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import requests

from dev.merchant import Merchant, wait_until
from tests.databases import DatabaseServer
from tests.end_to_end.stack_world import FULL_ORDER, MUG, TIMEOUT, StackWorld, running_world

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def world(server: DatabaseServer) -> Iterator[StackWorld]:
    with running_world(database_url=server.create_migrated_database()) as world:
        world.merchant()
        yield world


@pytest.fixture
def olaria(world: StackWorld) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.reset_stand_ins()


def placed(merchant: Merchant, **spec: object) -> int:
    return int(merchant.place_order(**{"lines": [MUG], "pay": True, **spec})["id"])


def test_a_paid_order_becomes_one_document_that_merchant_and_buyer_can_open(
    world: StackWorld, olaria: Merchant
) -> None:
    order = placed(olaria, **FULL_ORDER)
    olaria.wait_for_state(order, "Emitido")
    document = world.check_document(olaria, order)
    assert document["number"] in olaria.listing_text(order)
    shown = world.wait_until_shown(olaria, order)
    assert [one["public_id"] for one in shown["documents"]] == [
        document["number"].translate(str.maketrans(" /", "--"))
    ]
    history = wait_until(
        lambda: [
            h for h in world.shop_order(olaria, order)["history"] if document["number"] in str(h["message"])
        ],
        "a line in the order's history",
        TIMEOUT,
    )
    assert len(history) == 1
    pdf = requests.get(shown["documents"][0]["url"], timeout=30)
    assert pdf.content.startswith(b"%PDF-") and "noindex" in pdf.headers["X-Robots-Tag"]
    page = olaria.open_document(order)
    assert document["number"] in page.text and "Ana Exemplo" in page.text
    assert olaria.browser.open(page.url + "/pdf").body == pdf.content


def test_the_same_webhook_five_times_is_one_document(world: StackWorld, olaria: Merchant) -> None:
    order = placed(olaria)
    olaria.change_order(order, "hook", copies=5)
    world.wait_until_final(olaria, order, "issued")
    world.finished_deliveries()
    wait_until(lambda: world.database.count("hook", "state = 'new'") == 0, "hooks opened", TIMEOUT)
    world.check_document(olaria, order)


def test_an_order_without_a_webhook_is_found(world: StackWorld, olaria: Merchant) -> None:
    world.set_switch("jumpseller", "hook-losses", "all")
    order = placed(olaria)
    world.wait_until_final(olaria, order, "issued")
    world.check_document(olaria, order)


def test_a_refused_document_is_resent_by_the_merchant(world: StackWorld, olaria: Merchant) -> None:
    world.inject_fault("igest", kind="refused", text="O artigo não existe.")
    order = placed(olaria)
    olaria.wait_for_state(order, "Bloqueado")
    assert (
        "O artigo não existe." in olaria.open_document(order).text
        and world.issued_documents(olaria, order) == []
    )
    olaria.resend(order)
    olaria.wait_for_state(order, "Emitido")
    world.check_document(olaria, order)


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "error500-after", "garbage-after"])
def test_a_lost_answer_waits_for_the_merchant_who_looks_and_decides(
    world: StackWorld, olaria: Merchant, kind: str
) -> None:
    world.inject_fault("igest", kind=kind)
    order = placed(olaria)
    olaria.wait_for_state(order, "Por decidir")
    before = len(world.issued_documents(olaria, order))
    assert bool(olaria.resolve_uncertain(order)) == (before == 1) == kind.endswith("after")
    olaria.wait_for_state(order, "Emitido")
    world.check_document(olaria, order)


def test_a_number_that_is_taken_or_of_another_total_is_refused(world: StackWorld, olaria: Merchant) -> None:
    known = placed(olaria)
    olaria.wait_for_state(known, "Emitido")
    world.inject_fault("igest", kind="drop-after")
    order = placed(olaria)
    olaria.wait_for_state(order, "Por decidir")
    taken, own = world.check_document(olaria, known), world.check_document(olaria, order)
    hour = f"{datetime.now(ZoneInfo('Europe/Lisbon')):%H:%M}"
    for number, typed, refusal in (
        (taken["number"], {"total": "12,30", "atcud": taken["atcud"]}, f"#{known}"),
        (own["number"], {"total": "12,31", "hour": hour}, "12,31"),
        (own["number"], {"total": "12,30"}, "Falta o que só o documento mostra"),
    ):
        page = olaria.open_document(order).send("number", number=number, **typed)
        assert page.status == 422 and refusal in page.text
        assert world.document_row(olaria, order)["state"] == "review"
    olaria.open_document(order).send("number", number=own["number"], total="12,30", hour=hour)
    olaria.wait_for_state(order, "Emitido")
    world.check_document(olaria, order)


def test_an_order_cancelled_before_it_was_paid_is_never_invoiced(world: StackWorld, olaria: Merchant) -> None:
    order = placed(olaria, pay=False)
    olaria.change_order(order, "cancel")
    after = placed(olaria)
    world.wait_until_final(olaria, after, "issued")
    assert world.issued_documents(olaria, order) == []


def test_an_invoiced_order_that_is_cancelled_asks_for_a_credit_note(
    world: StackWorld, olaria: Merchant
) -> None:
    order = placed(olaria)
    world.wait_until_final(olaria, order, "issued")
    olaria.change_order(order, "cancel")
    wait_until(
        lambda: "nota de crédito" in olaria.listing_text(order), "the credit note is asked for", TIMEOUT
    )


def test_unsigned_webhooks_leave_no_row_and_unreadable_ones_are_shown(
    world: StackWorld, olaria: Merchant
) -> None:
    order = placed(olaria)
    world.wait_until_final(olaria, order, "issued")
    world.finished_deliveries()
    before = world.database.count("hook")
    olaria.change_order(order, "hook", changes={"signature": "bm9uZQ=="})
    assert {one["status"] for one in _tries(world, order)} == {200, 401}
    assert world.database.count("hook") == before
    olaria.change_order(order, "hook", changes={"raw": "[" * 100_000})
    olaria.change_order(order, "hook", changes={"raw": "{" + " " * (5 * 1024 * 1024)})
    assert {one["status"] for one in _tries(world, order)} == {200, 401, 413}
    wait_until(lambda: world.database.count("hook", "state = 'quarantined'") == 1, "quarantine", TIMEOUT)
    assert "não se conseguiu ler" in olaria.browser.open(f"{world.stack.app_url}/").text
    following = placed(olaria)
    world.wait_until_final(olaria, following, "issued")
    world.check_document(olaria, following)


def _tries(world: StackWorld, order: int) -> list[dict[str, int]]:
    """Return every answer to a webhook of the order, once every delivery in progress has ended."""
    told = [one for one in world.finished_deliveries(2) if one["order_id"] == order]
    return [each for one in told for each in one["tries"]]


def test_a_number_linked_by_mistake_goes_to_the_order_that_really_has_it(
    world: StackWorld, olaria: Merchant
) -> None:
    placed_before = placed(olaria)
    olaria.wait_for_state(placed_before, "Emitido")
    last = world.check_document(olaria, placed_before)
    following = int(last["number"].rpartition("/")[2]) + 1
    number = f"{last['number'].rpartition('/')[0]}/{following}"
    world.inject_fault("igest", kind="drop-before", method="novo_documento")
    lost = placed(olaria)
    olaria.wait_for_state(lost, "Por decidir")
    page = olaria.open_document(lost)
    assert number not in page.text
    assert "Falta o que só o documento mostra" in page.send("number", number=number, total="12,30").text
    atcud = f"{last['atcud'].rpartition('-')[0]}-{following}"
    olaria.open_document(lost).send("number", number=number, total="12,30", atcud=atcud)
    paid = placed(olaria)
    olaria.wait_for_state(paid, "Emitido")
    assert world.check_document(olaria, paid)["number"] == number
    olaria.wait_for_state(lost, "Por decidir")
    assert f"#{paid}" in olaria.open_document(lost).text
    olaria.open_document(lost).send("sure", sure="yes")
    olaria.wait_for_state(lost, "Emitido")
    assert world.check_document(olaria, lost)["number"] != number
