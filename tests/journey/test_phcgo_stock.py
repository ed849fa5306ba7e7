"""Stock follows PHC GO in each position of what is not known of its questions: sold, counted, renamed, no level lost.

The positions are turned several at once, as each is of another step. Where each reference must be asked for alone
(`any-of`) or a page is very short the pace makes it slow, and where no list can be read on (`query-offset`) nothing
follows: tests/unit/providers/test_phcgo_articles.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.house import House
from dev.phcgo import QUINTA, PhcGoMerchant
from dev.programs import PhcGoSide
from dev.sides import ShopSide
from tests.journey.living import QUICK, come_from_elsewhere
from tests.journey.of_phcgo import PhcWorld
from tests.journey.of_stock import Aim, Shelf, by_hand, oversold, played, sold

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

FOLLOWING = {
    **QUICK, "STOCK_METERED_SECONDS": "2", "HOOK_WATCH_SECONDS": "2", "LOOKUP_SECONDS": "1", "SETTLE_SECONDS": "5",
}  # fmt: skip
MIXES = (
    {"query-most": "100", "level-rows": "zero", "figures": "noisy", "query-order": "ignored"},
    {"query-lag": "1", "stock-check": "sign", "message-type": "text"},
)
SKUS = ("VENDIDA", "MEXIDA", "ESGOTADA", "MUDADA")


class PhcShelf(Shelf):
    """The shop whose stock follows a company of PHC GO with one warehouse."""

    def __init__(self, world: PhcWorld, merchant: PhcGoMerchant) -> None:
        self.world, self.merchant = world, merchant
        self.shop, self.program = (
            ShopSide(world.house, merchant.shop),
            PhcGoSide(world.house, merchant.entity),
        )
        self._url = f"{world.house.admin_url}/sandbox/shops/{merchant.shop}/goods"

    def begin(self) -> None:
        """Nothing; from now on the shop follows."""
        self.merchant.set_up(exemption="M07", moves_stock="yes", stock="to-shop", warehouse="1")


class OneWorld(PhcWorld):
    """A house whose merchant sets himself up."""

    def _set_up(self, shop: str, entity: str) -> PhcGoMerchant:
        made = PhcGoMerchant(self.house, shop, entity)
        come_from_elsewhere(made)
        self.merchants[shop] = made
        return made


@pytest.fixture(scope="module")
def shelf() -> Iterator[PhcShelf]:
    with House(settings=FOLLOWING, clock_scale=600) as house:
        world = OneWorld(house)
        made = PhcShelf(world, world.merchants["quintadaserra"])
        assert made.merchant.entity == QUINTA
        world.control("POST", "installations/5d20be84", {"allowance": 0})
        for at in range(len(MIXES)):
            made.stock_up(*(f"{sku}-{at}" for sku in SKUS))
        made.begin()
        yield made


@pytest.fixture(autouse=True)
def _as_it_was(shelf: PhcShelf) -> Iterator[None]:
    yield
    shelf.world.set_back()


def renamed(shelf: Shelf, sku: str) -> Iterator[Aim]:
    """An article renamed over there is followed by its id, and its stock with it."""
    yield shelf.shows(sku, 10)
    article = shelf.program.id_of(sku)
    shelf.program.rename(article, code=f"{sku}-NOVA")
    shelf.program.put(article, 7, "1")
    shelf.order(sku, 1)
    yield shelf.stays(sku, 6)
    made = [one["ref"] for one in shelf.program._lines() if one["kind"] == "article"]
    assert sku not in made


@pytest.mark.parametrize("at", range(len(MIXES)))
def test_stock_follows_in_each_position(shelf: PhcShelf, at: int) -> None:
    for name, position in MIXES[at].items():
        shelf.world.control("POST", "switches", {name: position})
    shelf.compare()
    played(
        [
            sold(shelf, f"VENDIDA-{at}"),
            by_hand(shelf, f"MEXIDA-{at}"),
            oversold(shelf, f"ESGOTADA-{at}"),
            renamed(shelf, f"MUDADA-{at}"),
        ]
    )
