"""PHC GO end to end: every switch of its stand-in in each position, faults at every step, one document each.

The nightly profile (HYPOTHESIS_PROFILE=nightly) tries each switch in every position; the usual one in the first
that is not the default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dev.local_stack import LocalStack
from sandbox.phcgo.faults import RANDOM_KINDS
from sandbox.phcgo.switches import SWITCHES
from tests.end_to_end.phcgo_steps import (
    DRAFT_SWITCHES,
    STEPS_BY_SWITCH,
    PhcGoWorld,
    draft_ids,
    drafted_then_paid,
    enable_all_options,
    no_drafts_left,
    only_document,
    place_order,
)
from tests.end_to_end.stack_world import BOOK, FAST_SETTINGS, MUG

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

STEPS = ("Save", "signDocument", "login", "getNewInstance", "actEntity", "query", "print")
CHANGING = STEPS[:2]
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def positions(cases: object) -> list[tuple[str, str]]:
    """Return each of these switches with all its positions; by day, only the first that is not the default."""
    mine = [one for one in SWITCHES if one.name in cases]  # type: ignore[operator]
    return [(one.name, at) for one in mine for at in (one.positions if NIGHTLY else one.positions[1:2])]


def kinds_of(step: str) -> tuple[str, ...]:
    """Return every kind of fault for steps that change something, every third kind for steps that only read."""
    return RANDOM_KINDS if step in CHANGING else RANDOM_KINDS[STEPS.index(step) % 3 :: 3]


@pytest.fixture(scope="module")
def world() -> Iterator[PhcGoWorld]:
    with LocalStack(settings={**FAST_SETTINGS, "HOOK_WATCH_SECONDS": "2"}, clock_scale=600) as stack:
        yield PhcGoWorld(stack)


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").reset_stand_ins()


def test_every_switch_has_a_flow() -> None:
    assert {switch.name for switch in SWITCHES} == {*STEPS_BY_SWITCH, *DRAFT_SWITCHES}


@pytest.mark.parametrize(("name", "position"), positions(STEPS_BY_SWITCH))
def test_the_app_copes_with_each_position(world: PhcGoWorld, name: str, position: str) -> None:
    world.control("POST", "switches", {name: position})
    STEPS_BY_SWITCH[name](world, position)


@pytest.mark.parametrize("step", STEPS)
def test_whatever_goes_wrong_at_a_step_there_is_one_document(world: PhcGoWorld, step: str) -> None:
    orders, before = [], draft_ids(world)
    for kind in kinds_of(step):
        for merchant in (world.olaria, world.quinta):
            world.control("POST", "faults", {"kind": kind, "step": step, "seconds": 0.2})
            orders.append((merchant, place_order(merchant, lines=[MUG, BOOK])))
            world.run_until_idle(*orders[-1])
            world.reset_stand_ins()
    # Documents in doubt are looked up half a minute later: wait for all of them at once.
    for merchant, order in orders:
        only_document(world, merchant, order)
    no_drafts_left(world, before)


@pytest.fixture(scope="module")
def everything_on(world: PhcGoWorld) -> PhcGoWorld:
    enable_all_options(world)
    return world


@pytest.mark.parametrize(("name", "position"), positions(DRAFT_SWITCHES))
def test_every_option_holds_in_each_position(everything_on: PhcGoWorld, name: str, position: str) -> None:
    everything_on.control("POST", "switches", {name: position})
    drafted_then_paid(everything_on, position)
