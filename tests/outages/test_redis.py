"""Redis stopped, frozen, refusing or emptied: the shop's hook is answered at once, and the invoice comes later.

Redis is only the bell: nothing that must not be lost is ever in it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from signal import SIGCONT, SIGSTOP

import pytest
import redis
from sqlalchemy.exc import OperationalError

from dev.child_process import ChildProcess
from dev.merchant import Merchant, wait_until
from dev.servers import REDIS_FAULTS
from tests.end_to_end.stack_world import BOOK, MUG, TIMEOUT, StackWorld, running_world

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    # no order may be found in any other way than by its hook: the one comparison there is comes before the first
    with running_world({"RECONCILE_SECONDS": "3600"}) as world:
        shop = world.merchant().shop
        wait_until(lambda: world.database.store(shop)["reconciled_at"], "the first comparison", TIMEOUT)
        yield world


def told_at_once(world: StackWorld, order: int) -> None:
    """The order's hook was taken at the first try; the stand-in waits 5 seconds for an answer and no longer."""

    def tries() -> list[int]:
        told = [one for one in world.finished_deliveries() if one["order_id"] == order]
        return [each["status"] for one in told if one["event"] == "order_paid" for each in one["tries"]]

    assert wait_until(tries, f"hook of #{order}", TIMEOUT) == [200]


def waits(world: StackWorld, merchant: Merchant, order: int) -> None:
    assert world.database.count("hook", "state = 'new'") == 1
    assert world.document_row(merchant, order) == {} and world.issued_documents(merchant, order) == []


@pytest.mark.parametrize("harm", REDIS_FAULTS)
def test_a_hook_is_taken_without_redis_and_the_invoice_comes_once_redis_is_back(
    world: StackWorld, harm: Callable[..., object]
) -> None:
    merchant, valkey = world.merchants["olariadosado"], world.stack.valkey
    assert valkey
    with harm(valkey):  # type: ignore[attr-defined]
        order = int(merchant.place_order(lines=[MUG, BOOK], pay=True)["id"])
        told_at_once(world, order)
        waits(world, merchant, order)
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    assert len(world.wait_until_shown(merchant, order)["documents"]) == 1


def frozen_between_writes(world: StackWorld, worker: ChildProcess) -> bool:
    """True when it stands still; False, and it goes on, where it stood in a write and kept SQLite's one lock."""
    worker.signal(SIGSTOP)
    try:
        world.database.execute("UPDATE store SET name = name")
    except OperationalError:
        worker.signal(SIGCONT)
        return False
    return True


def test_the_invoice_comes_although_redis_forgot_everything(world: StackWorld) -> None:
    merchant = world.merchants["olariadosado"]
    worker = world.stack.children["worker"]
    wait_until(
        lambda: frozen_between_writes(world, worker), "the worker to stand still and hold nothing", TIMEOUT
    )
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    told_at_once(world, order)
    waits(world, merchant, order)
    with redis.from_url(world.stack.env["REDIS_URL"]) as connection:
        connection.flushall()
    worker.signal(SIGCONT)
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    assert world.stack.crashed_child() is None
