"""Stock follows PHC GO in each position of the switches about its queries, and no level is lost.

Articles are sold, counted and renamed. Several switches are set at once, as each belongs to another step. Some
positions are left to tests/unit/providers/phcgo/test_articles.py: where each reference must be asked for alone
(`any-of`) or a page is very short, the rate limit makes the test slow, and where no list can be continued
(`query-offset`) nothing follows.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.local_stack import LocalStack
from dev.phcgo_merchant import QUINTA, PhcGoMerchant
from dev.provider_sides import PhcGoSide
from dev.stock_sides import ShopSide
from tests.end_to_end.phcgo_steps import PhcGoWorld
from tests.end_to_end.stack_world import FAST_SETTINGS, use_new_address
from tests.end_to_end.stock_steps import (
    Expectation,
    MerchantStock,
    manual_changes,
    overselling,
    run_all,
    sales,
)

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

FOLLOWING = {
    **FAST_SETTINGS,
    "STOCK_METERED_SECONDS": "2",
    "HOOK_WATCH_SECONDS": "2",
    "LOOKUP_SECONDS": "1",
    "SETTLE_SECONDS": "5",
}
MIXES = (
    {"query-most": "100", "level-rows": "zero", "figures": "noisy", "query-order": "ignored"},
    {"query-lag": "1", "stock-check": "sign", "message-type": "text"},
)
SKUS = ("VENDIDA", "MEXIDA", "ESGOTADA", "MUDADA")


class PhcGoStock(MerchantStock):
    """The shop whose stock follows a company of PHC GO with one warehouse."""

    def __init__(self, world: PhcGoWorld, merchant: PhcGoMerchant) -> None:
        self.world, self.merchant = world, merchant
        self.shop, self.provider = (
            ShopSide(world.stack, merchant.shop),
            PhcGoSide(world.stack, merchant.entity),
        )
        self._url = f"{world.stack.admin_url}/sandbox/shops/{merchant.shop}/goods"

    def begin(self) -> None:
        """Start the sync, with the shop following."""
        self.merchant.set_up(exemption="M07", moves_stock="yes", stock="to-shop", warehouse="1")


class OneWorld(PhcGoWorld):
    """A stack with one merchant, who is set up through the pages."""

    def _set_up(self, shop: str, entity: str) -> PhcGoMerchant:
        made = PhcGoMerchant(self.stack, shop, entity)
        use_new_address(made)
        self.merchants[shop] = made
        return made


@pytest.fixture(scope="module")
def stock() -> Iterator[PhcGoStock]:
    with LocalStack(settings=FOLLOWING, clock_scale=600) as stack:
        world = OneWorld(stack)
        made = PhcGoStock(world, world.merchants["quintadaserra"])
        assert made.merchant.entity == QUINTA
        world.control("POST", "installations/5d20be84", {"allowance": 0})
        for at in range(len(MIXES)):
            made.add_products(*(f"{sku}-{at}" for sku in SKUS))
        made.begin()
        yield made


@pytest.fixture(autouse=True)
def _as_it_was(stock: PhcGoStock) -> Iterator[None]:
    yield
    stock.world.reset_stand_ins()


def renamed(stock: MerchantStock, sku: str) -> Iterator[Expectation]:
    """Rename an article at the provider: it is followed by its id, and its stock with it."""
    yield stock.shop_shows(sku, 10)
    article = stock.provider.article_id_of(sku)
    stock.provider.rename_article(article, code=f"{sku}-NOVA")
    stock.provider.set_level(article, 7, "1")
    stock.place_order(sku, 1)
    yield stock.stays_at(sku, 6)
    made = [one["ref"] for one in stock.provider._ledger_lines() if one["kind"] == "article"]
    assert sku not in made


@pytest.mark.parametrize("at", range(len(MIXES)))
def test_stock_follows_in_each_position(stock: PhcGoStock, at: int) -> None:
    for name, position in MIXES[at].items():
        stock.world.control("POST", "switches", {name: position})
    stock.start_comparison()
    run_all(
        [
            sales(stock, f"VENDIDA-{at}"),
            manual_changes(stock, f"MEXIDA-{at}"),
            overselling(stock, f"ESGOTADA-{at}"),
            renamed(stock, f"MUDADA-{at}"),
        ]
    )
