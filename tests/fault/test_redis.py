"""Redis stopped, frozen, refusing or emptied: the shop's hook is answered at once, and the invoice comes later.

Redis is only the bell: nothing that must not be lost is ever in it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from signal import SIGCONT, SIGSTOP

import pytest
import redis
from sqlalchemy.exc import OperationalError

from dev.child import Child
from dev.merchant import Merchant, until
from dev.servers import HARMS
from tests.journey.living import BOOK, MUG, PATIENCE, World, living

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    # no order may be found in any other way than by its hook: the one comparison there is comes before the first
    with living({"RECONCILE_SECONDS": "3600"}) as world:
        shop = world.merchant().shop
        until(lambda: world.rows.store(shop)["reconciled_at"], "the first comparison", PATIENCE)
        yield world


def told_at_once(world: World, order: int) -> None:
    """The order's hook was taken at the first try; the stand-in waits 5 seconds for an answer and no longer."""

    def tries() -> list[int]:
        told = [one for one in world.settled_hooks() if one["order_id"] == order]
        return [each["status"] for one in told if one["event"] == "order_paid" for each in one["tries"]]

    assert until(tries, f"hook of #{order}", PATIENCE) == [200]


def waits(world: World, merchant: Merchant, order: int) -> None:
    assert world.rows.count("hook", "state = 'new'") == 1
    assert world.row(merchant, order) == {} and world.sold(merchant, order) == []


@pytest.mark.parametrize("harm", HARMS)
def test_a_hook_is_taken_without_redis_and_the_invoice_comes_once_redis_is_back(
    world: World, harm: Callable[..., object]
) -> None:
    merchant, valkey = world.merchants["olariadosado"], world.house.valkey
    assert valkey
    with harm(valkey):  # type: ignore[attr-defined]
        order = int(merchant.order(lines=[MUG, BOOK], pay=True)["id"])
        told_at_once(world, order)
        waits(world, merchant, order)
    world.settled(merchant, order, "issued")
    world.judged(merchant, order)
    assert len(world.shown(merchant, order)["documents"]) == 1


def frozen_between_writes(world: World, worker: Child) -> bool:
    """True when it stands still; False, and it goes on, where it stood in a write and kept SQLite's one lock."""
    worker.signal(SIGSTOP)
    try:
        world.rows.change("UPDATE store SET name = name")
    except OperationalError:
        worker.signal(SIGCONT)
        return False
    return True


def test_the_invoice_comes_although_redis_forgot_everything(world: World) -> None:
    merchant = world.merchants["olariadosado"]
    worker = world.house.children["worker"]
    until(
        lambda: frozen_between_writes(world, worker), "the worker to stand still and hold nothing", PATIENCE
    )
    order = int(merchant.order(lines=[MUG], pay=True)["id"])
    told_at_once(world, order)
    waits(world, merchant, order)
    with redis.from_url(world.house.env["REDIS_URL"]) as connection:
        connection.flushall()
    worker.signal(SIGCONT)
    world.settled(merchant, order, "issued")
    world.judged(merchant, order)
    assert world.house.fallen() is None
