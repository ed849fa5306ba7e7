"""Webhooks of the Shopkit stand-in: signed, one for each event, retried, suspended, tested with invented data."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest

from sandbox.shopkit.state import APPLICATION_SECRET
from tests.sandbox.jumpseller_client import WebhookReceiver
from tests.sandbox.shopkit_client import SADO, ShopkitClient, open_client

CUP = {"lines": [{"sku": "TACA-01"}]}


@pytest.fixture
def client() -> Iterator[ShopkitClient]:
    with open_client(clock_scale=360_000) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_receiver() -> Iterator[WebhookReceiver]:
    running = WebhookReceiver()
    yield running
    running.stop()


@pytest.fixture
def receiver(shared_receiver: WebhookReceiver) -> WebhookReceiver:
    shared_receiver.received.clear()
    shared_receiver.status = 200
    return shared_receiver


def test_one_payment_sends_one_webhook_for_each_event(
    client: ShopkitClient, receiver: WebhookReceiver
) -> None:
    client.subscribe(receiver.url, "order_created", "order_paid", "order_change_status", "order_updated")
    number = client.place_order(**CUP)["id"]
    client.change_order(number, "pay")
    client.deliveries()
    sent = receiver.wait_for(4)
    events = sorted(one["headers"]["X-Shopkit-Event"] for one in sent)
    assert events == ["order_change_status", "order_created", "order_paid", "order_updated"]
    (paid,) = (one for one in sent if one["headers"]["X-Shopkit-Event"] == "order_paid")
    secret = client.shop().profile["client_secret"]
    assert (
        paid["headers"]["X-Webhook-Signature"]
        == hmac.new(secret.encode(), paid["body"], hashlib.sha256).hexdigest()
    )
    assert paid["headers"]["X-Webhook-Resource-Origin"] == "process"
    assert paid["headers"]["User-Agent"] == "Shopkit-Webhook"
    order = json.loads(paid["body"])["order"]
    assert (order["id"], order["paid"], order["status_alias"]) == (number, True, "processing")


def test_a_write_by_the_api_is_told_with_its_origin(client: ShopkitClient, receiver: WebhookReceiver) -> None:
    client.switch("webhook-events", "all")
    client.subscribe(receiver.url, "order_updated", "order_invoiced", "order_invoice")
    number = client.place_order(**CUP)["id"]
    client.call("PUT", f"/order/{number}", json={"invoice_url": "https://app.test/1"})
    client.change_order(number, "request-invoice")
    client.deliveries()
    origins = {
        one["headers"]["X-Shopkit-Event"]: one["headers"].get("X-Webhook-Resource-Origin")
        for one in receiver.wait_for(3)
    }
    assert origins == {"order_updated": "api", "order_invoiced": "api", "order_invoice": "backoffice"}
    client.switch("invoiced-event", "none")
    client.switch("webhook-origin", "absent")
    client.call("PUT", f"/order/{number}", json={"invoice_url": "https://app.test/2"})
    client.deliveries()
    (last,) = receiver.wait_for(4)[3:]
    assert "X-Webhook-Resource-Origin" not in last["headers"]


@pytest.mark.parametrize("position", ["application", "api-key"])
def test_another_secret_may_sign(client: ShopkitClient, receiver: WebhookReceiver, position: str) -> None:
    client.switch("webhook-secret", position)
    client.subscribe(receiver.url, "order_created")
    client.place_order(**CUP)
    (sent,) = receiver.wait_for(1)
    secret = APPLICATION_SECRET if position == "application" else client.shop().key
    assert (
        sent["headers"]["X-Webhook-Signature"]
        == hmac.new(secret.encode(), sent["body"], hashlib.sha256).hexdigest()
    )
    page = client.browser.get(f"/admin/{SADO}/developers").text
    assert client.shop().profile["client_secret"] not in page


def test_a_webhook_that_fails_six_times_is_suspended(
    client: ShopkitClient, receiver: WebhookReceiver
) -> None:
    receiver.status = 500
    client.subscribe(receiver.url, "order_created")
    client.place_order(**CUP)
    receiver.wait_for(6)
    (delivery,) = client.deliveries()
    assert (delivery["state"], len(delivery["tries"])) == ("given-up", 6)
    assert client.get("/webhook")[0]["active"] is False
    client.place_order(**CUP)
    assert client.deliveries()[0]["state"] == "suspended"
    receiver.status = 200
    client.browser.post(f"/admin/{SADO}/webhooks/{client.get('/webhook')[0]['id']}/resume")
    client.place_order(**CUP)
    assert client.deliveries()[0]["state"] == "done"


def test_retries_are_an_hour_apart() -> None:
    began = time.time()
    with open_client() as client:
        client.subscribe("http://127.0.0.1:9/", "order_created")
        client.place_order(**CUP)
        (delivery,) = client.deliveries()
        stored = client.parts.state.storage.all("delivery")[str(delivery["id"])]
    (attempt,) = stored["tries"]
    assert attempt["status"] == 0
    assert stored["state"] == "waiting"
    assert began + 3600 <= stored["due"] <= time.time() + 3600


def test_what_a_suspended_webhook_looks_like_is_a_switch(client: ShopkitClient) -> None:
    client.subscribe("http://127.0.0.1:9/", "order_paid")
    client.control(f"shops/{SADO}/suspend")
    again = {"url": "http://127.0.0.1:9/", "event": "order_paid"}
    assert client.call("POST", "/webhook", json=again).json == {"message": "Already exists."}
    client.switch("suspended-shown", "active")
    assert client.get("/webhook?active=true")[0]["active"] is True
    client.switch("suspended-shown", "missing")
    assert client.get("/webhook") == []
    client.switch("suspended-again", "reactivated")
    assert client.call("POST", "/webhook", json=again).status_code == 201
    assert client.get("/webhook")[0]["active"] is True
    assert client.call("DELETE", f"/webhook/{client.get('/webhook')[0]['id']}").status_code == 204


@pytest.mark.parametrize(
    ("position", "refused", "accepted"),
    [
        ("api-page", "order_invoiced", "order_invoice"),
        ("all", "order_eaten", "product_updated_stock"),
        ("no-invoice", "order_invoice", "order_paid"),
        ("few", "order_canceled", "order_paid"),
    ],
)
def test_events_that_the_api_does_not_subscribe(
    client: ShopkitClient, position: str, refused: str, accepted: str
) -> None:
    client.switch("webhook-events", position)
    statuses = [
        client.call("POST", "/webhook", json={"url": "https://app.test/", "event": event}).status_code
        for event in (refused, accepted)
    ]
    assert statuses == [400, 201]


@pytest.mark.parametrize("position", ["unknown", "existing"])
def test_the_test_payload_has_invented_data(
    client: ShopkitClient, receiver: WebhookReceiver, position: str
) -> None:
    client.switch("test-order", position)
    number = client.place_order(**CUP)["id"]
    client.subscribe(receiver.url, "order_paid")
    client.control(f"shops/{SADO}/test", event="order_paid")
    (sent,) = receiver.wait_for(1)
    order = json.loads(sent["body"])["order"]
    assert (order["id"] == number) is (position == "existing")
    assert order["client"]["name"] == "Shopkit"
    assert order["paid"] is True


@pytest.mark.parametrize(
    ("copies", "losses", "sent"), [("two", "none", 6), ("one", "every-third", 2), ("one", "all", 0)]
)
def test_webhooks_may_come_twice_or_not_at_all(
    client: ShopkitClient, copies: str, losses: str, sent: int
) -> None:
    client.switch("webhook-copies", copies)
    client.switch("webhook-losses", losses)
    client.switch("webhook-order", "shuffled")
    client.subscribe("http://127.0.0.1:9/", "order_created")
    for _ in range(3):
        client.place_order(**CUP)
    assert len(client.parts.sender.deliveries) == sent


def test_a_change_of_stock_is_told(client: ShopkitClient, receiver: WebhookReceiver) -> None:
    client.browser.post(
        f"/admin/{SADO}/webhooks", data={"event": "product_updated_stock", "url": receiver.url}
    )
    client.place_order(lines=[{"sku": "AZJ-15-AZUL", "qty": 2}])
    (sent,) = receiver.wait_for(1)
    product = json.loads(sent["body"])["product"]
    assert product["options"][0]["stock"] == 10
