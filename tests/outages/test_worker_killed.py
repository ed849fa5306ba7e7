"""kill -9 of worker and work-horse at each place: after a restart there is never a second document.

What cannot be known waits for the merchant, with what happened on its page; what can be known goes on by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.merchant import Merchant, wait_until
from tests.end_to_end.stack_world import BOOK, MUG, TIMEOUT, StackWorld, running_world

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world({"LEASE_SECONDS": "3"}) as world:
        world.merchant()
        yield world


@pytest.fixture
def olaria(world: StackWorld) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.reset_stand_ins()
    world.stack.restart("worker", {"FAULT_POINT": ""})


def placed(merchant: Merchant) -> int:
    return int(merchant.place_order(lines=[MUG, BOOK], pay=True)["id"])


def died_at(world: StackWorld, merchant: Merchant, point: str) -> int:
    """The number of an order whose worker was killed at that point; a new worker runs."""
    world.stack.restart("worker", {"FAULT_POINT": f"{point}=kill"})
    order = placed(merchant)
    reached(world, point)
    world.stack.restart("worker", {"FAULT_POINT": ""})
    return order


def reached(world: StackWorld, point: str) -> None:
    """The point was reached: the work-horse that came there is dead, which its worker's log tells."""
    before = _deaths(world)
    wait_until(lambda: _deaths(world) > before, f"{point} reached", TIMEOUT)


def _deaths(world: StackWorld) -> int:
    return world.stack.log("worker").count("Work-horse terminated unexpectedly")


def test_a_worker_killed_while_the_office_answers_slowly_makes_no_second_document(
    world: StackWorld, olaria: Merchant
) -> None:
    world.inject_fault("igest", kind="slow", seconds=600)
    order = placed(olaria)
    wait_until(world.unanswered_calls, "the office at work", TIMEOUT)
    world.stack.kill("worker")
    assert world.document_row(olaria, order)["state"] == "issuing"
    world.stack.restart("worker")
    olaria.wait_for_state(order, "Por decidir", seconds=TIMEOUT)
    page = olaria.open_document(order).text
    assert "Não sabemos se o iGEST emitiu" in page and "duas faturas" in page
    assert len(world.issued_documents(olaria, order)) == 1
    number = olaria.resolve_uncertain(order)
    olaria.wait_for_state(order, "Emitido", seconds=TIMEOUT)
    assert world.check_document(olaria, order)["number"] == number
    assert len(world.wait_until_shown(olaria, order)["documents"]) == 1


def test_killed_after_the_claim_nothing_was_sent_and_nobody_pretends_to_know(
    world: StackWorld, olaria: Merchant
) -> None:
    order = died_at(world, olaria, "after_claim")
    olaria.wait_for_state(order, "Por decidir", seconds=TIMEOUT)
    assert world.issued_documents(olaria, order) == []
    assert olaria.resolve_uncertain(order) == ""
    olaria.wait_for_state(order, "Emitido", seconds=TIMEOUT)
    world.check_document(olaria, order)


def test_killed_after_the_take_it_is_issued_once_by_itself(world: StackWorld, olaria: Merchant) -> None:
    order = died_at(world, olaria, "after_take")
    assert world.issued_documents(olaria, order) == []
    world.expire_leases()
    world.wait_until_final(olaria, order, "issued")
    world.check_document(olaria, order)


def test_killed_after_settling_the_document_is_still_shown_on_the_order_once(
    world: StackWorld, olaria: Merchant
) -> None:
    order = died_at(world, olaria, "after_settle")
    world.check_document(olaria, order)
    # the next work-horse may have begun to show it when its worker was ended: that is due again a minute later
    world.expire_leases()
    shown = world.wait_until_shown(olaria, order)
    assert len(shown["documents"]) == 1 and world.document_row(olaria, order)["state"] == "issued"
