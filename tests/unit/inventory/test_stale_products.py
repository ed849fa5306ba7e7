"""The shop's goods as they are read again: what a hook told of is kept whole, or read once more."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp.errors import UnreachableError
from shopapp.failpoints import InjectedFault
from shopapp.inventory import catalogue, line_articles
from tests.fakes import FakeClock, World


@pytest.mark.parametrize("room, verb", [(catalogue, "add_to_sync"), (line_articles, "look_up_articles")])
def test_a_worker_that_dies_over_a_product_leaves_it_to_be_read_again(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, room: Any, verb: str
) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-provider")
    world.run_full_sync(clock)
    # one that is known, and one that is to be looked up first
    world.add_synced_product("LIV-1", 3, 8)
    for sku, pieces in (("CAN-1", 7), ("LIV-1", 5)):
        world.shop.stock.set_level(sku, pieces)
        world.receive_product_webhook(sku)
    real, died = getattr(room, verb), []

    def dying(*given: Any, **more: Any) -> Any:
        if len(died) < 2:
            died.append(given)
            raise InjectedFault(verb)
        return real(*given, **more)

    monkeypatch.setattr(room, verb, dying)
    world.run_until_idle(clock)
    assert died and world.stock_levels("CAN-1") == (7, 7) and world.stock_levels("LIV-1") == (5, 5)


def test_a_new_product_waits_for_a_program_that_cannot_be_asked(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.add_synced_product("LIV-1", 3, 8)
    world.receive_product_webhook("LIV-1")
    world.provider.errors["articles"] = [UnreachableError("unreachable")]
    world.run_until_idle(clock)
    assert world.stock_levels("LIV-1") == (8, 8)
