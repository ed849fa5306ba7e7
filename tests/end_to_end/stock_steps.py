"""The flows in which the switches about products and stock matter, with their steps and expected results.

All flows run at the same time, each on its own SKU. A flow is a generator: it does a step and yields what must
be true before it continues. The stand-ins are the judges; the app is asked only why it leaves a SKU alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import requests

from dev.browser import StepFailed
from dev.merchant import wait_until
from dev.provider_sides import IgestSide
from dev.stock_sides import ShopSide, call_control
from tests.end_to_end.stack_world import StackWorld

Json = dict[str, Any]
Expectation = tuple[str, Callable[[], object]]
"""A condition that must become true: its description, and the function that checks it."""
TIMEOUT = 90.0


class MerchantStock:
    """One merchant's shop and provider, and their levels of a SKU."""

    def __init__(self, world: StackWorld, shop: str, entity: str) -> None:
        self.world, self.merchant = world, world.new_merchant(shop, entity)
        self.shop, self.provider = ShopSide(world.stack, shop), IgestSide(world.stack, entity)
        self._url = f"{world.stack.admin_url}/sandbox/shops/{shop}/goods"

    def add_products(self, *skus: str, warehouse: str = "") -> None:
        """Add these to both sides, ten pieces of each at the provider and none in the shop."""
        stock: Any = {warehouse: 10} if warehouse else 10
        self.shop.load_products([{"sku": sku, "name": f"Caixa {sku}", "price": "5.00"} for sku in skus])
        self.provider.load_articles([{"ref": sku, "name": f"Caixa {sku}", "stock": stock} for sku in skus])

    def product_row(self, sku: str) -> Json:
        """Return the shop's product with the SKU; empty when there is none."""
        found: list[Json] = call_control(f"{self._url}?sku={sku}")
        return found[0] if found else {}

    def set_provider_level(self, sku: str, pieces: int, warehouse: str = "") -> None:
        """Set the level at the provider, as a person who counted it."""
        self.provider.set_level(self.provider.article_id_of(sku), pieces, warehouse)

    def edit_product(self, sku: str, **changes: Any) -> None:
        """Edit the product in the shop as a person would."""
        call_control(f"{self._url}/{self.product_row(sku)['product']}", changes)

    def delete_product(self, sku: str) -> None:
        requests.delete(f"{self._url}/{self.product_row(sku)['product']}", timeout=30).raise_for_status()

    def place_order(self, sku: str, qty: int, **spec: Any) -> int:
        return int(self.merchant.place_order(lines=[{"sku": sku, "qty": qty}], **spec)["id"])

    def shop_shows(self, sku: str, pieces: int, place: str = "") -> Expectation:
        """Return whether the shop shows this quantity."""

        def is_so() -> bool:
            row = self.product_row(sku)
            return bool((row["locations"][place] if place else row["stock"]) == pieces)

        return f"{self.shop.shop} shows {pieces} of {sku}", is_so

    def stays_at(self, sku: str, pieces: int) -> Expectation:
        """Return whether the shop shows this quantity and the app has no more work on it."""
        _, is_so = self.shop_shows(sku, pieces)
        return (
            f"{sku} rests at {pieces}",
            lambda: is_so() and all(row["due_at"] is None for row in self.synced_rows(sku)),
        )

    def is_not_synced(self, sku: str, reason: str) -> Expectation:
        return f"{sku} is left alone: {reason}", lambda: [
            row for row in self.synced_rows(sku) if row["reason"] == reason
        ]

    def synced_rows(self, sku: str) -> list[Json]:
        """Return the app's rows of the SKU."""
        return self._rows(
            "SELECT ours, theirs, due_at, reason, detail FROM stocked WHERE sku = :sku", sku=sku
        )

    def is_known(self, sku: str, is_there: bool = True) -> Expectation:
        """Return whether the app knows the SKU as sold in the shop."""
        living = "SELECT id FROM product WHERE sku = :sku AND gone_at IS NULL"
        return f"{sku} known: {is_there}", lambda: bool(self._rows(living, sku=sku)) is is_there

    def _rows(self, statement: str, **values: str) -> list[Json]:
        of_shop = " AND store_id = (SELECT id FROM store WHERE code = :shop)"
        return self.world.database.select(statement + of_shop, shop=self.shop.shop, **values)

    def start_comparison(self) -> None:
        """Ask for both sides to be compared now, once no run is open."""
        address = f"{self.world.stack.app_url}/products"
        wait_until(
            lambda: "Comparar agora" in self.merchant.browser.open(address).text, "the button", TIMEOUT
        )
        self.merchant.browser.send("Comparar agora", "Comparar agora")


def sales(stock: MerchantStock, sku: str) -> Iterator[Expectation]:
    """Sell, order and cancel: the shop shows the provider's quantity less the pieces ordered and not yet invoiced."""
    stock.set_provider_level(sku, 20)
    yield stock.shop_shows(sku, 20)
    paid = stock.place_order(sku, 2, pay=True)
    yield stock.shop_shows(sku, 18)
    yield "its document", lambda: stock.world.issued_documents(stock.merchant, paid)
    stock.world.check_document(stock.merchant, paid)
    waiting = stock.place_order(sku, 3)
    yield stock.stays_at(sku, 15)
    stock.merchant.change_order(waiting, "cancel")
    yield stock.stays_at(sku, 18)


def manual_changes(stock: MerchantStock, sku: str) -> Iterator[Expectation]:
    """Change levels by hand: the app corrects the change on the following side and follows it on the leading side."""
    yield stock.shop_shows(sku, 10)
    stock.edit_product(sku, stock={stock.shop.main_location: 99})
    yield stock.stays_at(sku, 10)
    stock.set_provider_level(sku, 11)
    yield stock.stays_at(sku, 11)


def overselling(stock: MerchantStock, sku: str) -> Iterator[Expectation]:
    """Order more than there is: the shop shows none, and the full quantity again when the order is cancelled."""
    yield stock.shop_shows(sku, 10)
    waiting = stock.place_order(sku, 12)
    yield stock.stays_at(sku, 0)
    stock.merchant.change_order(waiting, "abandon")
    yield stock.stays_at(sku, 10)


def two_locations(stock: MerchantStock, sku: str, can_be_written: bool) -> Iterator[Expectation]:
    """Sync stock in two locations as one figure, where that can be written; else the merchant reads that it can't."""
    yield stock.shop_shows(sku, 10)
    stock.edit_product(sku, stock={stock.shop.locations[1]: 5})
    stock.set_provider_level(sku, 12)
    yield stock.stays_at(sku, 12) if can_be_written else stock.is_not_synced(sku, "refused")


def unlimited_stock(stock: MerchantStock, sku: str, warehouse: str) -> Iterator[Expectation]:
    """Check that unlimited stock in the shop stays unlimited, whatever the provider has."""
    main = stock.shop.main_location
    yield stock.shop_shows(sku, 10, main)
    stock.edit_product(sku, stock_unlimited=True)
    stock.set_provider_level(sku, 7, warehouse)
    yield stock.is_not_synced(sku, "unlimited")
    assert stock.product_row(sku)["stock"] is None
    stock.edit_product(sku, stock_unlimited=False)
    yield stock.shop_shows(sku, 7, main)


def deleted_product(stock: MerchantStock, sku: str, is_told: bool) -> Iterator[Expectation]:
    """Delete a product: the app notices by its webhook, or when it reads all products."""
    yield stock.is_known(sku)
    stock.delete_product(sku)
    if not is_told:
        stock.start_comparison()
    yield stock.is_known(sku, is_there=False)


def run_all(flows: Iterable[Iterator[Expectation]]) -> None:
    """Run every flow to its end, all at the same time, because each of them mostly waits."""
    under_way = {flow: next(flow) for flow in flows}
    end = time.monotonic() + TIMEOUT
    while under_way:
        for flow, (words, is_so) in list(under_way.items()):
            if is_so():
                end = time.monotonic() + TIMEOUT
                following = next(flow, None)
                if following is None:
                    del under_way[flow]
                else:
                    under_way[flow] = following
            elif time.monotonic() > end:
                raise StepFailed("; ".join(words for words, _ in under_way.values()))
        time.sleep(0.2)
