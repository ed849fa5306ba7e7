"""Each uncertainty about Jumpseller and iGEST, in each position: the app copes.

One paid order in the flow in which the uncertainty matters ends with one document of the amount that the buyer
paid; or, where the position makes that impossible, in a state that the merchant sees with its reason. It never
ends with a wrong document.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.local_stack import LocalStack
from sandbox.igest.switches import SWITCHES as IGEST
from sandbox.jumpseller.switches import SWITCHES as JUMPSELLER
from tests.end_to_end.igest_steps import STEPS_BY_SWITCH as OF_IGEST
from tests.end_to_end.igest_steps import set_office_clock
from tests.end_to_end.jumpseller_steps import STEPS_BY_SWITCH as OF_JUMPSELLER
from tests.end_to_end.stack_world import FAST_SETTINGS, StackWorld

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

OF_STOCK = "of products and stock, which have an issue of their own"
OF_GOODS = "in test_stock_switches.py"
LEFT_OUT = {
    "product-numbers": OF_GOODS,
    "product-deleted": OF_GOODS,
    "products-after": OF_GOODS,
    "plain-stock": OF_GOODS,
    "oversold": OF_GOODS,
    "unlimited-by-place": OF_GOODS,
    "stock-on-sale": OF_GOODS,
    "stock-on-cancel": OF_GOODS,
    "stock-hook-on-sale": OF_GOODS,
    "credit-restores-stock": OF_STOCK,
    "negative-stock": OF_STOCK,
    "stock-list": OF_STOCK,
    "stock-changes": OF_STOCK,
    "stock-movements": OF_STOCK,
    "movement-search": OF_STOCK,
    "orders-after": "a call that the app does not make",
}
CASES = {**OF_JUMPSELLER, **OF_IGEST}


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(settings={**FAST_SETTINGS, "HOOK_WATCH_SECONDS": "2"}, clock_scale=600) as stack:
        yield stack


@pytest.fixture(scope="module")
def world(stack: LocalStack) -> StackWorld:
    world = StackWorld(stack)
    world.merchant()
    world.merchant("quintadaserra", "40377")
    return world


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        world: StackWorld = request.getfixturevalue("world")
        world.reset_stand_ins()
        set_office_clock(world)
        # One failure must not become the next test's failure.
        world.database.execute(
            "UPDATE account SET refused_at = NULL, paused_until = NULL, pauses = 0, differs_document_id = NULL,"
            " first_document_id = NULL, proved = '[]', proved_at = NULL"
        )


KNOWN = {"jumpseller": JUMPSELLER, "igest": IGEST}


def positions() -> list[tuple[str, str, str]]:
    return [
        (where, switch.name, position)
        for where, switches in KNOWN.items()
        for switch in switches
        if switch.name not in LEFT_OUT
        for position in switch.positions
    ]


def test_every_switch_has_a_flow() -> None:
    named = {switch.name for switches in KNOWN.values() for switch in switches}
    assert named - set(CASES) - set(LEFT_OUT) == set(), "write a journey, or say why none is needed"
    assert set(CASES) | set(LEFT_OUT) <= named, "a journey for a switch that is gone"


@pytest.mark.parametrize(("where", "name", "position"), positions())
def test_the_app_copes_with_each_position(world: StackWorld, where: str, name: str, position: str) -> None:
    world.set_switch(where, name, position)
    CASES[name](world, position)
