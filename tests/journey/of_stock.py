"""The roads that bring the switches about products and stock into play: what is done, and what must come of it.

Played by test_stock_switches.py, all roads at once, each on a SKU of its own. A road is a generator: it does a stroke
and yields what must be so before it goes on. Judges are the stand-ins; the app is asked only why it leaves a SKU alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import requests

from dev.browser import Lost
from dev.merchant import until
from dev.programs import IgestSide
from dev.sides import ShopSide, asked
from tests.journey.living import World

Json = dict[str, Any]
Aim = tuple[str, Callable[[], object]]
"""What must be so, in words and as a question that is asked until the answer is true."""
PATIENCE = 90.0


class Shelf:
    """One merchant's shop and program, and what they have of a SKU."""

    def __init__(self, world: World, shop: str, entity: str) -> None:
        self.world, self.merchant = world, world.visitor(shop, entity)
        self.shop, self.program = ShopSide(world.house, shop), IgestSide(world.house, entity)
        self._url = f"{world.house.admin_url}/sandbox/shops/{shop}/goods"

    def stock_up(self, *skus: str, warehouse: str = "") -> None:
        """Nothing; both sides have these, ten pieces of each over there and none here."""
        stock: Any = {warehouse: 10} if warehouse else 10
        self.shop.load([{"sku": sku, "name": f"Caixa {sku}", "price": "5.00"} for sku in skus])
        self.program.load([{"ref": sku, "name": f"Caixa {sku}", "stock": stock} for sku in skus])

    def row(self, sku: str) -> Json:
        """What the shop sells under the SKU; empty when that is nothing."""
        found: list[Json] = asked(f"{self._url}?sku={sku}")
        return found[0] if found else {}

    def count(self, sku: str, pieces: int, warehouse: str = "") -> None:
        """A person counted so many in the program."""
        self.program.put(self.program.id_of(sku), pieces, warehouse)

    def edit(self, sku: str, **changes: Any) -> None:
        """A person edited the product in the shop."""
        asked(f"{self._url}/{self.row(sku)['product']}", changes)

    def delete(self, sku: str) -> None:
        requests.delete(f"{self._url}/{self.row(sku)['product']}", timeout=30).raise_for_status()

    def order(self, sku: str, qty: int, **spec: Any) -> int:
        return int(self.merchant.order(lines=[{"sku": sku, "qty": qty}], **spec)["id"])

    def shows(self, sku: str, pieces: int, place: str = "") -> Aim:
        """The shop shows so many."""

        def is_so() -> bool:
            row = self.row(sku)
            return bool((row["locations"][place] if place else row["stock"]) == pieces)

        return f"{self.shop.shop} shows {pieces} of {sku}", is_so

    def stays(self, sku: str, pieces: int) -> Aim:
        """The shop shows so many, and the app has nothing more to do about it."""
        _, is_so = self.shows(sku, pieces)
        return (
            f"{sku} rests at {pieces}",
            lambda: is_so() and all(row["due_at"] is None for row in self.held(sku)),
        )

    def left_alone(self, sku: str, reason: str) -> Aim:
        return f"{sku} is left alone: {reason}", lambda: [
            row for row in self.held(sku) if row["reason"] == reason
        ]

    def held(self, sku: str) -> list[Json]:
        """How the app holds the SKU."""
        return self._rows(
            "SELECT ours, theirs, due_at, reason, detail FROM stocked WHERE sku = :sku", sku=sku
        )

    def knows(self, sku: str, is_there: bool = True) -> Aim:
        """The app takes it for sold here, or no more."""
        living = "SELECT id FROM product WHERE sku = :sku AND gone_at IS NULL"
        return f"{sku} known: {is_there}", lambda: bool(self._rows(living, sku=sku)) is is_there

    def _rows(self, statement: str, **values: str) -> list[Json]:
        of_shop = " AND store_id = (SELECT id FROM store WHERE code = :shop)"
        return self.world.rows.all(statement + of_shop, shop=self.shop.shop, **values)

    def compare(self) -> None:
        """The merchant asks for both sides to be compared now, once nothing is being compared."""
        address = f"{self.world.house.app_url}/products"
        until(lambda: "Comparar agora" in self.merchant.browser.open(address).text, "the button", PATIENCE)
        self.merchant.browser.send("Comparar agora", "Comparar agora")


def sold(shelf: Shelf, sku: str) -> Iterator[Aim]:
    """Sold, ordered and given up: the shop shows what is there less what is ordered and not invoiced."""
    shelf.count(sku, 20)
    yield shelf.shows(sku, 20)
    paid = shelf.order(sku, 2, pay=True)
    yield shelf.shows(sku, 18)
    yield "its document", lambda: shelf.world.sold(shelf.merchant, paid)
    shelf.world.judged(shelf.merchant, paid)
    waiting = shelf.order(sku, 3)
    yield shelf.stays(sku, 15)
    shelf.merchant.act(waiting, "cancel")
    yield shelf.stays(sku, 18)


def by_hand(shelf: Shelf, sku: str) -> Iterator[Aim]:
    """What a person alters on the side that follows is put right; on the side that leads it is followed."""
    yield shelf.shows(sku, 10)
    shelf.edit(sku, stock={shelf.shop.main: 99})
    yield shelf.stays(sku, 10)
    shelf.count(sku, 11)
    yield shelf.stays(sku, 11)


def oversold(shelf: Shelf, sku: str) -> Iterator[Aim]:
    """More is ordered than there is: the shop shows none, and all of it again when the order is given up."""
    yield shelf.shows(sku, 10)
    waiting = shelf.order(sku, 12)
    yield shelf.stays(sku, 0)
    shelf.merchant.act(waiting, "abandon")
    yield shelf.stays(sku, 10)


def in_two_places(shelf: Shelf, sku: str, can_be_written: bool) -> Iterator[Aim]:
    """Stock in two places follows as one figure, where that can be written; else the merchant reads that it can't."""
    yield shelf.shows(sku, 10)
    shelf.edit(sku, stock={shelf.shop.locations[1]: 5})
    shelf.count(sku, 12)
    yield shelf.stays(sku, 12) if can_be_written else shelf.left_alone(sku, "refused")


def unlimited(shelf: Shelf, sku: str, warehouse: str) -> Iterator[Aim]:
    """What is unlimited in the shop stays so, whatever the other side has."""
    main = shelf.shop.main
    yield shelf.shows(sku, 10, main)
    shelf.edit(sku, stock_unlimited=True)
    shelf.count(sku, 7, warehouse)
    yield shelf.left_alone(sku, "unlimited")
    assert shelf.row(sku)["stock"] is None
    shelf.edit(sku, stock_unlimited=False)
    yield shelf.shows(sku, 7, main)


def deleted(shelf: Shelf, sku: str, is_told: bool) -> Iterator[Aim]:
    """A product that was deleted is gone: told by its hook, or found when all are read."""
    yield shelf.knows(sku)
    shelf.delete(sku)
    if not is_told:
        shelf.compare()
    yield shelf.knows(sku, is_there=False)


def played(roads: Iterable[Iterator[Aim]]) -> None:
    """Nothing, once every road was walked to its end; all at once, for each of them waits most of the time."""
    under_way = {road: next(road) for road in roads}
    end = time.monotonic() + PATIENCE
    while under_way:
        for road, (words, is_so) in list(under_way.items()):
            if is_so():
                end = time.monotonic() + PATIENCE
                following = next(road, None)
                if following is None:
                    del under_way[road]
                else:
                    under_way[road] = following
            elif time.monotonic() > end:
                raise Lost("; ".join(words for words, _ in under_way.values()))
        time.sleep(0.2)
