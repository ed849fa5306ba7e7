"""The main job on each database, over real HTTP with real workers: install, keys, choices, paid order, document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from dev.merchant import Merchant, until
from tests.journey.living import MUG, PATIENCE, RICH, World, living
from tests.servers import Server

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with living(database_url=server.fresh()) as world:
        world.merchant()
        yield world


@pytest.fixture
def olaria(world: World) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.set_back()


def placed(merchant: Merchant, **spec: object) -> int:
    return int(merchant.order(**{"lines": [MUG], "pay": True, **spec})["id"])


def test_a_paid_order_becomes_one_document_that_merchant_and_buyer_can_open(
    world: World, olaria: Merchant
) -> None:
    order = placed(olaria, **RICH)
    olaria.wait(order, "Emitido")
    document = world.judged(olaria, order)
    assert document["number"] in olaria.listed(order)
    shown = world.shown(olaria, order)
    assert [one["public_id"] for one in shown["documents"]] == [
        document["number"].translate(str.maketrans(" /", "--"))
    ]
    history = until(
        lambda: [
            h for h in world.shop_order(olaria, order)["history"] if document["number"] in str(h["message"])
        ],
        "a line in the order's history",
        PATIENCE,
    )
    assert len(history) == 1
    paper = requests.get(shown["documents"][0]["url"], timeout=30)
    assert paper.content.startswith(b"%PDF-") and "noindex" in paper.headers["X-Robots-Tag"]
    page = olaria.page(order)
    assert document["number"] in page.text and "Ana Exemplo" in page.text
    assert olaria.browser.open(page.url + "/pdf").body == paper.content


def test_the_same_hook_five_times_is_one_document(world: World, olaria: Merchant) -> None:
    order = placed(olaria)
    olaria.act(order, "hook", copies=5)
    world.settled(olaria, order, "issued")
    world.settled_hooks()
    until(lambda: world.rows.count("hook", "state = 'new'") == 0, "hooks opened", PATIENCE)
    world.judged(olaria, order)


def test_an_order_that_no_hook_announced_is_found(world: World, olaria: Merchant) -> None:
    world.put("jumpseller", "hook-losses", "all")
    order = placed(olaria)
    world.settled(olaria, order, "issued")
    world.judged(olaria, order)


def test_what_was_refused_is_resent_by_the_merchant(world: World, olaria: Merchant) -> None:
    world.fault("igest", kind="refused", text="O artigo não existe.")
    order = placed(olaria)
    olaria.wait(order, "Bloqueado")
    assert "O artigo não existe." in olaria.page(order).text and world.sold(olaria, order) == []
    olaria.resend(order)
    olaria.wait(order, "Emitido")
    world.judged(olaria, order)


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "error500-after", "garbage-after"])
def test_a_lost_answer_waits_for_the_merchant_who_looks_and_decides(
    world: World, olaria: Merchant, kind: str
) -> None:
    world.fault("igest", kind=kind)
    order = placed(olaria)
    olaria.wait(order, "Por decidir")
    before = len(world.sold(olaria, order))
    assert bool(olaria.settle(order)) == (before == 1) == kind.endswith("after")
    olaria.wait(order, "Emitido")
    world.judged(olaria, order)


def test_a_number_that_is_taken_or_of_another_total_settles_nothing(world: World, olaria: Merchant) -> None:
    known = placed(olaria)
    olaria.wait(known, "Emitido")
    world.fault("igest", kind="drop-after")
    order = placed(olaria)
    olaria.wait(order, "Por decidir")
    taken, own = world.judged(olaria, known)["number"], world.judged(olaria, order)["number"]
    for number, total in ((taken, "12,30"), (own, "12,31")):
        olaria.page(order).send("number", number=number, total=total)
        assert olaria.browser.status == 422
        assert world.row(olaria, order)["state"] == "review"
    olaria.page(order).send("number", number=own, total="12,30")
    olaria.wait(order, "Emitido")
    world.judged(olaria, order)


def test_an_order_cancelled_before_it_was_paid_is_never_invoiced(world: World, olaria: Merchant) -> None:
    order = placed(olaria, pay=False)
    olaria.act(order, "cancel")
    after = placed(olaria)
    world.settled(olaria, after, "issued")
    assert world.sold(olaria, order) == []


def test_an_invoiced_order_that_is_cancelled_asks_for_a_credit_note(world: World, olaria: Merchant) -> None:
    order = placed(olaria)
    world.settled(olaria, order, "issued")
    olaria.act(order, "cancel")
    until(lambda: "nota de crédito" in olaria.listed(order), "the credit note is asked for", PATIENCE)


def test_what_is_not_signed_leaves_no_row_and_what_cannot_be_read_is_shown(
    world: World, olaria: Merchant
) -> None:
    order = placed(olaria)
    world.settled(olaria, order, "issued")
    world.settled_hooks()
    before = world.rows.count("hook")
    olaria.act(order, "hook", changes={"signature": "bm9uZQ=="})
    assert {one["status"] for one in _tries(world, order)} == {200, 401}
    assert world.rows.count("hook") == before
    olaria.act(order, "hook", changes={"raw": "[" * 100_000})
    olaria.act(order, "hook", changes={"raw": "{" + " " * (5 * 1024 * 1024)})
    assert {one["status"] for one in _tries(world, order)} == {200, 401, 413}
    until(lambda: world.rows.count("hook", "state = 'quarantined'") == 1, "quarantine", PATIENCE)
    assert "não se conseguiu ler" in olaria.browser.open(f"{world.house.app_url}/").text
    following = placed(olaria)
    world.settled(olaria, following, "issued")
    world.judged(olaria, following)


def _tries(world: World, order: int) -> list[dict[str, int]]:
    """Every answer to a hook of the order, once nothing is under way that was not refused."""
    told = [one for one in world.settled_hooks(2) if one["order_id"] == order]
    return [each for one in told for each in one["tries"]]
