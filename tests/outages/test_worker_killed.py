"""Workers killed with SIGKILL: after a restart there is never a second document.

A document whose outcome is unknown waits for the merchant; all others continue without anyone.
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


def place_order(merchant: Merchant) -> int:
    return int(merchant.place_order(lines=[MUG, BOOK], pay=True)["id"])


def place_order_and_kill_worker_at(world: StackWorld, merchant: Merchant, point: str) -> int:
    """Place an order whose worker is killed at that failpoint, start a new worker, return the order's number."""
    world.stack.restart("worker", {"FAULT_POINT": f"{point}=kill"})
    before = _killed_jobs(world)
    order = place_order(merchant)
    wait_until(lambda: _killed_jobs(world) > before, f"{point} reached", TIMEOUT)
    world.stack.restart("worker", {"FAULT_POINT": ""})
    return order


def _killed_jobs(world: StackWorld) -> int:
    """Return the number of jobs killed so far, by the worker's log."""
    return world.stack.log("worker").count("Work-horse terminated unexpectedly")


def test_a_worker_killed_while_the_provider_answers_makes_no_second_document(
    world: StackWorld, olaria: Merchant
) -> None:
    world.inject_fault("igest", kind="slow", seconds=600)
    order = place_order(olaria)
    wait_until(world.unanswered_calls, "the provider working on the call", TIMEOUT)
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


def test_killed_after_the_claim_the_document_waits_for_the_merchant(
    world: StackWorld, olaria: Merchant
) -> None:
    order = place_order_and_kill_worker_at(world, olaria, "after_claim")
    olaria.wait_for_state(order, "Por decidir", seconds=TIMEOUT)
    assert world.issued_documents(olaria, order) == []
    assert olaria.resolve_uncertain(order) == ""
    olaria.wait_for_state(order, "Emitido", seconds=TIMEOUT)
    world.check_document(olaria, order)


def test_killed_after_taking_the_lease_the_document_is_issued_once(
    world: StackWorld, olaria: Merchant
) -> None:
    order = place_order_and_kill_worker_at(world, olaria, "after_take")
    assert world.issued_documents(olaria, order) == []
    world.expire_leases()
    world.wait_until_final(olaria, order, "issued")
    world.check_document(olaria, order)


def test_killed_after_recording_the_document_is_still_shown_on_the_order_once(
    world: StackWorld, olaria: Merchant
) -> None:
    order = place_order_and_kill_worker_at(world, olaria, "after_settle")
    world.check_document(olaria, order)
    # The next job may have been about to show the document when its worker was stopped: that is due again a
    # minute later.
    world.expire_leases()
    shown = world.wait_until_shown(olaria, order)
    assert len(shown["documents"]) == 1 and world.document_row(olaria, order)["state"] == "issued"
