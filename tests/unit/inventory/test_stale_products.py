"""A product that a webhook reported is stored completely, or read once more."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp.errors import UnreachableError
from shopapp.failpoints import InjectedFault
from shopapp.inventory import catalogue, line_articles
from tests.fakes import FakeClock, World


@pytest.mark.parametrize(
    "module, function", [(catalogue, "add_to_sync"), (line_articles, "look_up_articles")]
)
def test_a_product_is_read_again_after_its_worker_died(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, module: Any, function: str
) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-provider")
    world.run_full_sync(clock)
    # One product whose article is known, and one whose article must be looked up first.
    world.add_synced_product("LIV-1", 3, 8)
    for sku, pieces in (("CAN-1", 7), ("LIV-1", 5)):
        world.shop.stock.set_level(sku, pieces)
        world.receive_product_webhook(sku)
    real_function, calls = getattr(module, function), []

    def die_twice(*given: Any, **more: Any) -> Any:
        if len(calls) < 2:
            calls.append(given)
            raise InjectedFault(function)
        return real_function(*given, **more)

    monkeypatch.setattr(module, function, die_twice)
    world.run_until_idle(clock)
    assert calls and world.stock_levels("CAN-1") == (7, 7) and world.stock_levels("LIV-1") == (5, 5)


def test_a_new_product_waits_while_the_provider_cannot_be_asked(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.add_synced_product("LIV-1", 3, 8)
    world.receive_product_webhook("LIV-1")
    world.provider.errors["articles"] = [UnreachableError("unreachable")]
    world.run_until_idle(clock)
    assert world.stock_levels("LIV-1") == (8, 8)
