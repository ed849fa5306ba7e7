"""Money back without goods, goods back without money, and an exchange, over the real processes.

The shop's stock follows the provider, so what the shop shows proves which pieces came back. The ledger of the
provider's stand-in says which documents exist.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.stack_world import TIMEOUT, Json, StackWorld, running_world
from tests.end_to_end.stock_steps import Expectation, MerchantStock, run_all

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

QUICK_STOCK = {"STOCK_SECONDS": "2", "HOOK_WATCH_SECONDS": "2", "LOOKUP_SECONDS": "1", "SETTLE_SECONDS": "5"}
SKUS = ("FAVOR", "REGRESSO", "TROCA", "NOVA")


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world(QUICK_STOCK) as world:
        yield world


def sold(stock: MerchantStock, sku: str) -> int:
    """Sell two of the ten pieces at 6.15 with VAT, and wait until the invoice exists."""
    order = stock.place_order(sku, 2, pay=True)
    stock.merchant.wait_for_kinds(order, "FR", seconds=TIMEOUT)
    return order


def documents(stock: MerchantStock, order: int, *kinds: str) -> list[Json]:
    stock.merchant.wait_for_kinds(order, *kinds, seconds=TIMEOUT)
    found = [row for row in stock.merchant.issued_documents() if row["reference"].split("-")[2] == str(order)]
    assert tuple(row["type"] for row in found) == kinds
    return found


def money_without_goods(stock: MerchantStock, sku: str) -> Iterator[Expectation]:
    """Give money back that the shop refunded: the pieces stay sold, until they come back for what is left."""
    yield stock.shop_shows(sku, 10)
    order = sold(stock, sku)
    yield stock.stays_at(sku, 8)
    stock.merchant.change_order(order, "refund", amount="3.00")
    stock.merchant.credit(order, amount="3,00")
    _, favour = documents(stock, order, "FR", "NC")
    assert (favour["totals"]["gross"], favour["stock"]) == ("3.00", [])
    yield stock.stays_at(sku, 8)
    stock.merchant.credit(order)
    assert documents(stock, order, "FR", "NC", "NC")[2]["totals"]["gross"] == "9.30"
    yield stock.stays_at(sku, 10)


def goods_without_money(stock: MerchantStock, sku: str) -> Iterator[Expectation]:
    """Take a piece back and keep the money: stock changes and no document is issued; money later moves no stock."""
    yield stock.shop_shows(sku, 10)
    order = sold(stock, sku)
    yield stock.stays_at(sku, 8)
    stock.merchant.take_back(order, {f"Caixa {sku}": "1"})
    yield stock.stays_at(sku, 9)
    documents(stock, order, "FR")
    stock.merchant.credit(order, amount="6,15")
    assert documents(stock, order, "FR", "NC")[1]["stock"] == []
    yield stock.stays_at(sku, 9)


def exchange(stock: MerchantStock, sku: str, other: str) -> Iterator[Expectation]:
    """Exchange a piece: it is credited and comes back, and the other is sold with an order of its own."""
    yield stock.shop_shows(other, 10)
    order = sold(stock, sku)
    stock.merchant.credit(order, {f"Caixa {sku}": "1"}, reason="Troca")
    assert documents(stock, order, "FR", "NC")[1]["totals"]["gross"] == "6.15"
    new = stock.place_order(other, 1, pay=True)
    assert documents(stock, new, "FR")[0]["totals"]["gross"] == "6.15"
    yield stock.stays_at(sku, 9)
    yield stock.stays_at(other, 9)


def test_stock_follows_the_pieces_and_documents_the_money(world: StackWorld) -> None:
    stock = MerchantStock(world, "quintadaserra", "40377")
    stock.add_products(*SKUS)
    stock.merchant.set_up(exemption="M07", moves_stock="yes", stock="to-shop")
    run_all(
        [
            money_without_goods(stock, "FAVOR"),
            goods_without_money(stock, "REGRESSO"),
            exchange(stock, "TROCA", "NOVA"),
        ]
    )
