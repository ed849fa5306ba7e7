"""Characters that no database stores (U+0000, half a surrogate pair) never keep an order from its document.

The shop is Jumpseller's adapter on invented answers, from the webhook to the document, on both databases.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from shopapp.http_client import HttpClient, HttpResponse
from shopapp.inventory import catalogue
from shopapp.models import Article, Document, Product, Webhook, db
from shopapp.orders import polling
from shopapp.platforms import PLATFORMS
from shopapp.platforms.jumpseller import Jumpseller
from tests.fakes import PLATFORM_STATE, FakeClock, World, clock, world
from tests.unit.platforms.jumpseller.test_orders import ADDRESS, payload, product

__all__ = ["clock", "world"]

ODD = "A\0B\ud800C"
PLAIN = "AB�C"


class Answers:
    """A client that answers with the content prepared for a path, and accepts every write."""

    def __init__(self, wire: HttpClient) -> None:
        self._before = wire.before_call

    def send(self, method: str, url: str, **more: Any) -> HttpResponse:
        if self._before is not None:
            self._before()
        path = urlsplit(url).path
        contents: dict[str, Any] = PLATFORM_STATE.contents  # type: ignore[attr-defined]
        content = contents.get(path, []) if method == "GET" else {}
        if wanted := more.get("params", {}).get("status_filters[]"):
            content = [one for one in content if one["order"]["status_enum"] in wanted]
        return HttpResponse(200, {}, json.dumps(content).encode())


class AnsweredShop(Jumpseller):
    """Jumpseller's adapter on those answers."""

    def __init__(self, http: HttpClient, token: Any, redirect: str) -> None:
        super().__init__(
            cast(Any, Answers(http)), token, redirect, client_id="x", client_secret="x", accounts_url="http://shop.test",
            api_url="http://shop.test", admin_origins=(),
        )  # fmt: skip


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose shop gives those answers."""
    monkeypatch.setitem(PLATFORMS, "fakeshop", AnsweredShop)
    PLATFORM_STATE.contents = {}  # type: ignore[attr-defined]
    return world


def add_order(number: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Put a paid order of two mugs, with these changes, into the shop."""
    order = payload(product(12.3, 2), total=24.6, id=number)
    order["created_at"] = order["completed_at"] = "2099-01-01 10:00:00 UTC"
    order["billing_address"], order["shipping_address"] = {**ADDRESS, "taxid": None}, dict(ADDRESS)
    change(order)
    contents: dict[str, Any] = PLATFORM_STATE.contents  # type: ignore[attr-defined]
    contents[f"/orders/{number}.json"] = {"order": order}
    contents.setdefault("/orders.json", []).append({"order": order})


def at(*path: Any) -> Callable[[dict[str, Any]], None]:
    """Return a function that writes the unstorable text at that place."""

    def write(order: dict[str, Any]) -> None:
        inner: Any = order
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = ODD

    return write


def asks_for_number(order: dict[str, Any]) -> None:
    order["additional_fields"] = [{"label": f"NIF{ODD}", "value": f"2999\x0000010{ODD}", "area": ODD}]


TEXTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "name": at("billing_address", "name"),
    "surname": at("billing_address", "surname"),
    "street": at("billing_address", "address"),
    "city": at("billing_address", "city"),
    "postal code": at("billing_address", "postal"),
    "where it is sent": at("shipping_address", "address"),
    "e-mail": at("customer", "email"),
    "telephone": at("customer", "phone"),
    "note": at("additional_information"),
    "SKU": at("products", 0, "sku"),
    "product": at("products", 0, "name"),
    "type of product": at("products", 0, "type"),
    "tax": at("products", 0, "taxes", 0, "name"),
    "way of payment": at("payment_method_name"),
    "type of payment": at("payment_method_type"),
    "a field nobody knows": at("x" + ODD),
}


@pytest.mark.parametrize("word", ["EUROS", "€", "dólares"])
def test_an_invalid_currency_blocks_with_its_reason(shop: World, word: str) -> None:
    shop.enable_articles()
    add_order(1001, lambda order: order.update(currency=word))
    Webhook.record(
        shop.store.id, "order_paid", "1", json.dumps(PLATFORM_STATE.contents["/orders/1001.json"]).encode()
    )  # type: ignore[attr-defined]
    shop.run_due_work()
    row = shop.document("1001")
    assert (row.state, row.reason, row.detail) == ("blocked", "currency", {"currency": word.upper()})


@pytest.mark.parametrize("text", TEXTS)
def test_any_characters_in_an_order_allow_its_document(shop: World, text: str) -> None:
    shop.enable_articles()
    add_order(1001, TEXTS[text])
    body = json.dumps(PLATFORM_STATE.contents["/orders/1001.json"]).encode()  # type: ignore[attr-defined]
    assert b"\\u0000" in body and b"\\ud800" in body
    Webhook.record(shop.store.id, "order_paid", "1", body)
    shop.run_due_work()
    row = shop.document("1001")
    assert (row.state, row.reason) == ("issued", "")
    assert (row.buyer or {})["name"] == ("Ana Exemplo" if "name" not in text else {
        "name": f"{PLAIN} Exemplo", "surname": f"Ana {PLAIN}"}[text])  # fmt: skip
    assert [line.sku for line in row.lines] == [PLAIN if text == "SKU" else "A-1"]


def test_any_characters_in_a_product_allow_storing_it(shop: World, clock: FakeClock) -> None:
    contents: dict[str, Any] = PLATFORM_STATE.contents  # type: ignore[attr-defined]
    options = [{"name": ODD, "value": ODD}]
    contents["/products/after/0.json"] = [
        {"product": {"id": 1, "sku": ODD, "name": ODD, "stock": 3, "stock_unlimited": False}},
        {"product": {"id": 2, "name": "Prato", "variants": [
            {"id": 9, "sku": f"P-{ODD}", "options": options, "stock": 10**12, "stock_unlimited": False}]}},
    ]  # fmt: skip
    contents["/products/count.json"] = {"count": 2}
    shop.provider.add_article(PLAIN)
    shop.enable_stock_sync("to-shop")
    catalogue.start_catalogue_run(shop.account, "hand")
    db.session.commit()
    shop.run_due_work()
    db.session.expire_all()
    rows = [(row.sku, row.name, row.stock) for row in Product.query.order_by(Product.id)]
    assert rows == [(PLAIN, PLAIN, 3), (f"P-{PLAIN}", f"Prato ({PLAIN}: {PLAIN})", None)]
    assert Article.find_by_sku(shop.account.id, [PLAIN])[PLAIN].state == "found"


@pytest.mark.parametrize(
    "total", [float("nan"), -1e999, 1e30, 10**30, "muito", ODD, None, [], {}, 24.605], ids=str
)
def test_an_unreadable_total_hides_no_other_order_of_the_list(shop: World, total: Any) -> None:
    add_order(1003, lambda order: None)
    add_order(1002, lambda order: order.update(total=total))
    add_order(1001, lambda order: None)
    add_order(1000, lambda order: order.update(total=total, status_enum="pending_payment"))
    assert polling.poll_orders(shop.store) == 3
    shop.run_due_work()
    assert {row.order_id: (row.state, row.reason) for row in Document.query} == {
        "1003": ("issued", ""), "1002": ("blocked", "order-unreadable"), "1001": ("issued", ""),
    }  # fmt: skip
