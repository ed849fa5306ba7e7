"""Redis stopped, frozen, refusing or emptied: webhooks are accepted at once, and the invoice comes later.

Redis only notifies the workers: nothing that must not be lost is in Redis alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from signal import SIGCONT, SIGSTOP

import pytest
import redis
from sqlalchemy.exc import OperationalError

from dev.child_process import ChildProcess
from dev.merchant import wait_until
from dev.servers import REDIS_FAULTS
from tests.end_to_end.stack_world import BOOK, MUG, TIMEOUT, StackWorld, running_world

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

WEBHOOKS = ("order_paid", "order_updated")
"""What the shop tells the app about an order that is placed paid."""


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    # Orders must be found by their webhook alone: the only polling of the run happens before the first order.
    with running_world({"RECONCILE_SECONDS": "3600"}) as world:
        shop = world.merchant().shop
        wait_until(lambda: world.database.store(shop)["reconciled_at"], "the first polling", TIMEOUT)
        yield world


def check_webhooks_accepted(world: StackWorld, order: int) -> None:
    """Check that each webhook of the order was accepted at the first try; the stand-in waits 5 seconds."""

    def tries() -> dict[str, list[int]]:
        told = [one for one in world.finished_deliveries() if one["order_id"] == order]
        answered = {one["event"]: [each["status"] for each in one["tries"]] for one in told}
        return answered if all(answered.get(event) for event in WEBHOOKS) else {}

    assert wait_until(tries, f"webhooks of #{order}", TIMEOUT) == dict.fromkeys(WEBHOOKS, [200])


@pytest.mark.parametrize("fault", REDIS_FAULTS)
def test_without_redis_webhooks_are_accepted_and_invoices_come_once_it_is_back(
    world: StackWorld, fault: Callable[..., object]
) -> None:
    merchant, valkey = world.merchants["olariadosado"], world.stack.valkey
    assert valkey
    with fault(valkey):  # type: ignore[attr-defined]
        order = int(merchant.place_order(lines=[MUG, BOOK], pay=True)["id"])
        # A job that was running at the time still does what is due: the order may not have to wait.
        check_webhooks_accepted(world, order)
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    assert len(world.wait_until_shown(merchant, order)["documents"]) == 1


def freeze_between_writes(world: StackWorld, worker: ChildProcess) -> bool:
    """Freeze the worker. Return False, and let it continue, when it holds SQLite's write lock."""
    worker.signal(SIGSTOP)
    try:
        world.database.execute("UPDATE store SET name = name")
    except OperationalError:
        worker.signal(SIGCONT)
        return False
    return True


def test_the_invoice_comes_although_redis_lost_everything(world: StackWorld) -> None:
    merchant = world.merchants["olariadosado"]
    worker = world.stack.children["worker"]
    wait_until(
        lambda: freeze_between_writes(world, worker),
        "the worker to be frozen without the write lock",
        TIMEOUT,
    )
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    check_webhooks_accepted(world, order)
    assert world.document_row(merchant, order) == {} and world.issued_documents(merchant, order) == []
    with redis.from_url(world.stack.env["REDIS_URL"]) as connection:
        connection.flushall()
    worker.signal(SIGCONT)
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    assert world.stack.crashed_child() is None
