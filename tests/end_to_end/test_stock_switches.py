"""Each uncertainty about Jumpseller's products and stock: in each position stock follows, or the page says why.

The catalogue demo covers the first positions. Where only the adapter can distinguish two positions
(`products-after`), tests/contract/test_jumpseller_products.py covers the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.jumpseller.switches import SWITCHES
from tests.end_to_end.stack_world import StackWorld, running_world
from tests.end_to_end.stock_steps import (
    MerchantStock,
    deleted_product,
    manual_changes,
    overselling,
    run_all,
    sales,
    two_locations,
    unlimited_stock,
)
from tests.end_to_end.test_switches import LEFT_OUT, OF_GOODS

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
"""Several switches at once, as each belongs to another flow."""
SKUS = ("VENDIDA", "MEXIDA", "ESGOTADA", "REPARTIDA", "SEM-FIM", "APAGADA")


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world(QUICK_STOCK) as world:
        yield world


@pytest.fixture(scope="module")
def merchant_stocks(world: StackWorld) -> tuple[MerchantStock, MerchantStock]:
    """Return a merchant whose shop follows as one figure, and one whose shop follows location by location."""
    whole, placed = (
        MerchantStock(world, "quintadaserra", "40377"),
        MerchantStock(world, "olariadosado", "40321"),
    )
    for at in range(len(MIXES)):
        whole.add_products(*(f"{sku}-{at}" for sku in SKUS if sku != "SEM-FIM"))
        placed.add_products(f"SEM-FIM-{at}", warehouse=WAREHOUSE)
    whole.merchant.set_up(exemption="M07", moves_stock="yes", stock="to-shop")
    placed.merchant.set_up(
        exemption="M07",
        moves_stock="yes",
        stock="to-shop",
        **{f"place_{placed.shop.main_location}": WAREHOUSE},
    )
    return whole, placed


@pytest.fixture(autouse=True)
def _as_it_was(world: StackWorld) -> Iterator[None]:
    yield
    world.reset_stand_ins()


def test_every_position_is_in_a_mix_or_a_default() -> None:
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
def test_stock_follows_in_each_position(
    world: StackWorld, merchant_stocks: tuple[MerchantStock, MerchantStock], at: int
) -> None:
    whole, placed = merchant_stocks
    mix = MIXES[at]
    for name, position in mix.items():
        world.set_switch("jumpseller", name, position)
    whole.start_comparison()
    run_all(
        [
            sales(whole, f"VENDIDA-{at}"),
            manual_changes(whole, f"MEXIDA-{at}"),
            overselling(whole, f"ESGOTADA-{at}"),
            two_locations(whole, f"REPARTIDA-{at}", mix.get("plain-stock") != "main-put"),
            unlimited_stock(placed, f"SEM-FIM-{at}", WAREHOUSE),
            deleted_product(whole, f"APAGADA-{at}", mix.get("product-deleted") != "empty"),
        ]
    )
