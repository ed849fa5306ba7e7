"""PHC GO on the whole road: every switch of its stand-in turned, faults at every step, one document each.

By night (HYPOTHESIS_PROFILE=nightly) each switch in every position; by day in the first that is not the usual one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dev.house import House
from sandbox.phcgo.faults import DRAWN
from sandbox.phcgo.switches import SWITCHES
from tests.journey.living import BOOK, MUG, QUICK
from tests.journey.of_phcgo import (
    CASES,
    EARLY,
    PhcWorld,
    drafts,
    early,
    no_drafts_left,
    one_of,
    placed,
    with_everything_on,
)

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

STEPS = ("Save", "signDocument", "login", "getNewInstance", "actEntity", "query", "print")
CHANGING = STEPS[:2]
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def positions(cases: object) -> list[tuple[str, str]]:
    """Each of these switches with all its positions, by day with the first that is not the usual one."""
    mine = [one for one in SWITCHES if one.name in cases]  # type: ignore[operator]
    return [(one.name, at) for one in mine for at in (one.positions if NIGHTLY else one.positions[1:2])]


def kinds_of(step: str) -> tuple[str, ...]:
    """Every kind where something is changed, every third elsewhere, so that each strikes a reading step too."""
    return DRAWN if step in CHANGING else DRAWN[STEPS.index(step) % 3 :: 3]


@pytest.fixture(scope="module")
def world() -> Iterator[PhcWorld]:
    with House(settings={**QUICK, "HOOK_WATCH_SECONDS": "2"}, clock_scale=600) as house:
        yield PhcWorld(house)


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").set_back()


def test_no_switch_is_without_a_journey() -> None:
    assert {switch.name for switch in SWITCHES} == {*CASES, *EARLY}


@pytest.mark.parametrize(("name", "position"), positions(CASES))
def test_the_road_holds_in_each_position(world: PhcWorld, name: str, position: str) -> None:
    world.control("POST", "switches", {name: position})
    CASES[name](world, position)


@pytest.mark.parametrize("step", STEPS)
def test_whatever_goes_wrong_at_a_step_there_is_one_document(world: PhcWorld, step: str) -> None:
    orders, before = [], drafts(world)
    for kind in kinds_of(step):
        for merchant in (world.olaria, world.quinta):
            world.control("POST", "faults", {"kind": kind, "step": step, "seconds": 0.2})
            orders.append((merchant, placed(merchant, lines=[MUG, BOOK])))
            world.rests(*orders[-1])
            world.set_back()
    # what is in doubt is looked up half a minute later: all of it in one go
    for merchant, order in orders:
        one_of(world, merchant, order)
    no_drafts_left(world, before)


@pytest.fixture(scope="module")
def everything_on(world: PhcWorld) -> PhcWorld:
    with_everything_on(world)
    return world


@pytest.mark.parametrize(("name", "position"), positions(EARLY))
def test_every_option_holds_in_each_position(everything_on: PhcWorld, name: str, position: str) -> None:
    everything_on.control("POST", "switches", {name: position})
    early(everything_on, position)
