"""The back office of the Shopkit stand-in: place, pay, invoice, return and edit orders; the key; webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.sandbox.shopkit_client import SADO, ShopkitClient, open_client


@pytest.fixture
def client() -> Iterator[ShopkitClient]:
    with open_client() as opened:
        yield opened


def press(client: ShopkitClient, path: str, **form: Any) -> TestResponse:
    return client.browser.post(f"/admin/{SADO}/{path}", data=form)


def test_an_order_is_placed_by_form_as_an_example_and_from_json(client: ShopkitClient) -> None:
    cup = client.get("/product?reference=TACA-01")["0"]["id"]
    form = {
        "goods0": f"{cup}/",
        "qty0": "2",
        "discount0": "1,00",
        "shipping": "4,92",
        "coupon_type": "percent",
    }
    for sent in (
        {**form, "coupon": "10", "method": "on_delivery", "fee": "2,00", "place": "porto", "pay": "yes"},
        {"example": "wholesale", "pay": "no"},
        {"json": '{"lines": [{"sku": "VINHO-01"}]}'},
    ):
        assert press(client, "orders/new", **sent).status_code == 303
    wine, wholesale, cups = (client.get("/order")[at] for at in "012")
    assert wine["products"][0]["reference"] == "VINHO-01"
    assert (wholesale["wholesale"], wholesale["paid"]) == (True, False)
    # 2 x 12.30, less 1.00 and 10 %, with shipping and fee
    assert (cups["total"], cups["paid"]) == (28.06, True)


@pytest.mark.parametrize(
    "sent", [{"json": "{"}, {"json": "[]"}, {}, {"goods0": "x/"}, {"json": '{"lines": [{"sku": "NONE"}]}'}]
)
def test_an_order_that_is_none_is_refused_with_a_sentence(
    client: ShopkitClient, sent: dict[str, str]
) -> None:
    answer = press(client, "orders/new", **sent)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_an_order_is_paid_invoiced_returned_edited_and_deleted(client: ShopkitClient) -> None:
    client.switch("webhook-events", "all")
    client.subscribe("http://127.0.0.1:9/", "order_invoice", "order_returned", "order_deleted")
    number = client.place_order(lines=[{"sku": "TACA-01", "qty": 2}])["id"]
    here = f"orders/{number}"
    for act in ("pay", "unpay", "pay", "ship", "request-invoice"):
        assert press(client, f"{here}/{act}").status_code == 303
    press(client, f"{here}/attach", invoice_url="https://app.test/i/1")
    press(client, f"{here}/return", **{"0": "1"})
    assert press(client, f"{here}/edit", spec='{"nif": "123456789"}', raw='{"weight": 5}').status_code == 303
    assert press(client, f"{here}/edit", spec="{", raw="").status_code == 422
    order = client.get(f"/order/{number}")
    assert (order["paid"], order["status_alias"], order["client"]["fiscal_id"]) == (
        True,
        "returned",
        "123456789",
    )
    assert order["return_custom_field"]["products"][0]["quantity"] == 1
    assert order["weight"] == 5
    page = client.browser.get(f"/admin/{SADO}/{here}").text
    assert "https://app.test/i/1" in page
    assert "https://app.test/i/1" in client.browser.get(f"/order/{order['hash']}").text
    press(client, f"{here}/delete")
    events = [one["event"] for one in client.deliveries()]
    assert events == ["order_deleted", "order_returned", "order_invoice"]


def test_the_key_is_shown_replaced_and_revoked(client: ShopkitClient) -> None:
    first = client.shop().key
    assert first in client.browser.get(f"/admin/{SADO}/developers").text
    press(client, "developers/new-key")
    second = client.shop().key
    assert client.browser.get("/v1/store", headers={"X-API-KEY": first}).status_code == 401
    assert client.browser.get("/v1/store", headers={"X-API-KEY": second}).status_code == 200
    press(client, "developers/revoke-key")
    assert client.browser.get("/v1/store", headers={"X-API-KEY": second}).status_code == 401


def test_stock_and_webhooks_are_edited_by_hand(client: ShopkitClient) -> None:
    cup = client.get("/product?reference=TACA-01")["0"]["id"]
    assert press(client, f"products/{cup}", reference="TACA-02", price="13,50", stock="8").status_code == 303
    changed = client.get(f"/product/{cup}")
    assert (changed["reference"], changed["price"], changed["stock"]["stock_qty"]) == ("TACA-02", 13.5, 8)
    assert press(client, f"products/{cup}", price="muito").status_code == 422
    for sent, status in (("http://127.0.0.1:9/", 303), ("http://127.0.0.1:9/", 422), ("ftp://x/", 422)):
        assert press(client, "webhooks", event="order_invoiced", url=sent).status_code == status
    (webhook,) = client.get("/webhook")
    assert press(client, f"webhooks/{webhook['id']}/test").status_code == 303
    assert press(client, f"webhooks/{webhook['id']}/suspend").status_code == 303
    assert client.get("/webhook")[0]["active"] is False
    press(client, f"webhooks/{webhook['id']}/remove")
    assert client.get("/webhook") == []


@pytest.mark.parametrize("page", ["", "orders", "orders/new", "products", "developers", "webhooks", "calls"])
def test_every_page_opens(client: ShopkitClient, page: str) -> None:
    client.place_order(example="percent-coupon")
    client.get("/order")
    answer = client.browser.get(f"/admin/{SADO}/{page}")
    assert answer.status_code == 200
    assert "Olaria do Sado" in answer.text
