"""kill -9 of worker and work-horse at each place: after a restart there is never a second document.

What cannot be known waits for the merchant, with what happened on its page; what can be known goes on by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.merchant import Merchant, until
from tests.journey.living import BOOK, MUG, PATIENCE, World, living

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with living({"LEASE_SECONDS": "3"}) as world:
        world.merchant()
        yield world


@pytest.fixture
def olaria(world: World) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.set_back()
    world.house.restart("worker", {"FAULT_POINT": ""})


def placed(merchant: Merchant) -> int:
    return int(merchant.order(lines=[MUG, BOOK], pay=True)["id"])


def died_at(world: World, merchant: Merchant, point: str) -> int:
    """The number of an order whose worker was killed at that point; a new worker runs."""
    world.house.restart("worker", {"FAULT_POINT": f"{point}=kill"})
    order = placed(merchant)
    reached(world, point)
    world.house.restart("worker", {"FAULT_POINT": ""})
    return order


def reached(world: World, point: str) -> None:
    """The point was reached: the work-horse that came there is dead, which its worker's log tells."""
    before = _deaths(world)
    until(lambda: _deaths(world) > before, f"{point} reached", PATIENCE)


def _deaths(world: World) -> int:
    return world.house.log("worker").count("Work-horse terminated unexpectedly")


def test_a_worker_killed_while_the_office_answers_slowly_makes_no_second_document(
    world: World, olaria: Merchant
) -> None:
    world.fault("igest", kind="slow", seconds=600)
    order = placed(olaria)
    until(world.asleep, "the office at work", PATIENCE)
    world.house.kill("worker")
    assert world.row(olaria, order)["state"] == "issuing"
    world.house.restart("worker")
    olaria.wait(order, "Por decidir", seconds=PATIENCE)
    page = olaria.page(order).text
    assert "Não sabemos se o iGEST emitiu" in page and "duas faturas" in page
    assert len(world.sold(olaria, order)) == 1
    number = olaria.settle(order)
    olaria.wait(order, "Emitido", seconds=PATIENCE)
    assert world.judged(olaria, order)["number"] == number
    assert len(world.shown(olaria, order)["documents"]) == 1


def test_killed_after_the_claim_nothing_was_sent_and_nobody_pretends_to_know(
    world: World, olaria: Merchant
) -> None:
    order = died_at(world, olaria, "after_claim")
    olaria.wait(order, "Por decidir", seconds=PATIENCE)
    assert world.sold(olaria, order) == []
    assert olaria.settle(order) == ""
    olaria.wait(order, "Emitido", seconds=PATIENCE)
    world.judged(olaria, order)


def test_killed_after_the_take_it_is_issued_once_by_itself(world: World, olaria: Merchant) -> None:
    order = died_at(world, olaria, "after_take")
    assert world.sold(olaria, order) == []
    world.pass_a_minute()
    world.settled(olaria, order, "issued")
    world.judged(olaria, order)


def test_killed_after_settling_the_document_is_still_shown_on_the_order_once(
    world: World, olaria: Merchant
) -> None:
    order = died_at(world, olaria, "after_settle")
    world.judged(olaria, order)
    # the next work-horse may have begun to show it when its worker was ended: that is due again a minute later
    world.pass_a_minute()
    shown = world.shown(olaria, order)
    assert len(shown["documents"]) == 1 and world.row(olaria, order)["state"] == "issued"
