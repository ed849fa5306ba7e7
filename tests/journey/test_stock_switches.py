"""What nobody outside knows of Jumpseller's products and stock, in each position: the stock follows, or it is said why.

The first positions are those of the catalogue demo. Where only the adapter can tell a position from another
(`products-after`), tests/contract/test_jumpseller_goods.py has the rest of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.jumpseller.switches import SWITCHES
from tests.journey.living import World, living
from tests.journey.of_stock import Shelf, by_hand, deleted, in_two_places, oversold, played, sold, unlimited
from tests.journey.test_switches import LEFT_OUT, OF_GOODS

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

WAREHOUSE = "SET"
QUICK_STOCK = {"STOCK_SECONDS": "2", "HOOK_WATCH_SECONDS": "2", "LOOKUP_SECONDS": "1", "SETTLE_SECONDS": "5"}
MIXES = (
    {
        "stock-on-sale": "paid", "oversold": "below-zero", "product-deleted": "id", "product-numbers": "text",
        "plain-stock": "main", "unlimited-by-place": "zero", "products-after": "fifty",
    },
    {
        "stock-on-cancel": "kept", "stock-hook-on-sale": "none", "product-deleted": "empty",
        "plain-stock": "main-put", "unlimited-by-place": "left-out", "products-after": "newest-first",
    },
    {"stock-on-sale": "never", "products-after": "newest-alone"},
)  # fmt: skip
"""Several switches at once, as each is of another road."""
SKUS = ("VENDIDA", "MEXIDA", "ESGOTADA", "REPARTIDA", "SEM-FIM", "APAGADA")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with living(QUICK_STOCK) as world:
        yield world


@pytest.fixture(scope="module")
def shelves(world: World) -> tuple[Shelf, Shelf]:
    """A merchant whose shop follows as one figure, and one whose shop follows place by place."""
    whole, placed = Shelf(world, "quintadaserra", "40377"), Shelf(world, "olariadosado", "40321")
    for at in range(len(MIXES)):
        whole.stock_up(*(f"{sku}-{at}" for sku in SKUS if sku != "SEM-FIM"))
        placed.stock_up(f"SEM-FIM-{at}", warehouse=WAREHOUSE)
    whole.merchant.set_up(exemption="M07", moves_stock="yes", stock="to-shop")
    placed.merchant.set_up(
        exemption="M07", moves_stock="yes", stock="to-shop", **{f"place_{placed.shop.main}": WAREHOUSE}
    )
    return whole, placed


@pytest.fixture(autouse=True)
def _as_it_was(world: World) -> Iterator[None]:
    yield
    world.set_back()


def test_every_position_is_in_a_mix_or_among_the_first() -> None:
    named = {name for name, where in LEFT_OUT.items() if where == OF_GOODS}
    missing = {
        f"{switch.name}: {position}"
        for switch in SWITCHES
        if switch.name in named
        for position in switch.positions[1:]
        if all(mix.get(switch.name) != position for mix in MIXES)
    }
    assert missing == {"products-after: missing"}


@pytest.mark.parametrize("at", range(len(MIXES)))
def test_stock_follows_in_each_position(world: World, shelves: tuple[Shelf, Shelf], at: int) -> None:
    whole, placed = shelves
    mix = MIXES[at]
    for name, position in mix.items():
        world.put("jumpseller", name, position)
    whole.compare()
    played(
        [
            sold(whole, f"VENDIDA-{at}"),
            by_hand(whole, f"MEXIDA-{at}"),
            oversold(whole, f"ESGOTADA-{at}"),
            in_two_places(whole, f"REPARTIDA-{at}", mix.get("plain-stock") != "main-put"),
            unlimited(placed, f"SEM-FIM-{at}", WAREHOUSE),
            deleted(whole, f"APAGADA-{at}", mix.get("product-deleted") != "empty"),
        ]
    )
