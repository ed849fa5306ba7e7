"""The shop's goods as they are read again: what a hook told of is kept whole, or read once more."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp import catalogue, matching
from shopapp.fault import Broken
from shopapp.fiscal.errors import UnreachableError
from tests.fakes import Clock, World


@pytest.mark.parametrize("room, verb", [(catalogue, "follow"), (matching, "look_up")])
def test_a_worker_that_dies_over_a_product_leaves_it_to_be_read_again(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, room: Any, verb: str
) -> None:
    world.stocked("CAN-1", 10, 10)
    world.follows("to-provider")
    world.compares(clock)
    # one that is known, and one that is to be looked up first
    world.stocked("LIV-1", 3, 8)
    for sku, pieces in (("CAN-1", 7), ("LIV-1", 5)):
        world.shop.shelf.put(sku, pieces)
        world.heard(sku)
    real, died = getattr(room, verb), []

    def dying(*given: Any, **more: Any) -> Any:
        if len(died) < 2:
            died.append(given)
            raise Broken(verb)
        return real(*given, **more)

    monkeypatch.setattr(room, verb, dying)
    world.rests(clock)
    assert died and world.level("CAN-1") == (7, 7) and world.level("LIV-1") == (5, 5)


def test_a_new_product_waits_for_a_program_that_cannot_be_asked(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 10, 10)
    world.follows("to-shop")
    world.compares(clock)
    world.stocked("LIV-1", 3, 8)
    world.heard("LIV-1")
    world.office.fail["articles"] = [UnreachableError("unreachable")]
    world.rests(clock)
    assert world.level("LIV-1") == (8, 8)
