"""The webhooks of the Jumpseller stand-in: headers, signature, retries and pause."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.jumpseller.webhooks import retry_delay
from tests.sandbox.jumpseller_client import SADO, SERRA, JumpsellerClient, WebhookReceiver, open_client

ALL = (
    "order_pending_payment",
    "order_paid",
    "order_updated",
    "order_canceled",
    "order_shipped",
    "order_abandoned",
)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def jumpseller() -> Iterator[JumpsellerClient]:
    with open_client(clock_scale=60_000) as caller:  # one minute takes a millisecond
        caller.install()
        yield caller


def events(receiver: WebhookReceiver) -> Counter[str]:
    return Counter(one["headers"]["Jumpseller-Event"] for one in receiver.received)


def test_a_webhook_has_the_documented_headers_and_a_signature_over_its_bytes(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, "order_paid")
    order = jumpseller.place_order(lines=[{"sku": "TACA-01", "name": "Taça «azul»"}], pay=True)
    heard = receiver.wait_for(1)[0]
    headers = heard["headers"]
    token = jumpseller.get("/store/info.json")["hooks_token"]
    digest = base64.b64encode(hmac.new(token.encode(), heard["body"], hashlib.sha256).digest()).decode()
    assert headers["Jumpseller-Hmac-Sha256"] == digest
    assert headers["Jumpseller-Store-Code"] == SADO
    assert headers["Jumpseller-Event"] == "order_paid"
    assert headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", headers["Jumpseller-Triggered-At"])
    assert json.loads(heard["body"]) == {"order": order}


def test_each_action_sends_its_own_event_and_order_updated(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, *ALL)
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    jumpseller.change_order(number, "pay")
    jumpseller.change_order(number, "ship")
    jumpseller.change_order(number, "cancel")
    other = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    jumpseller.change_order(other, "abandon")
    jumpseller.deliveries()
    assert events(receiver) == {
        "order_pending_payment": 2,
        "order_paid": 1,
        "order_shipped": 1,
        "order_canceled": 1,
        "order_abandoned": 1,
        "order_updated": 6,
    }


def test_an_order_paid_at_once_sends_no_pending_webhook(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, *ALL)
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    jumpseller.deliveries()
    assert events(receiver) == {"order_paid": 1, "order_updated": 1}


def test_paying_twice_is_refused_and_sends_one_webhook(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, "order_paid")
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    again = jumpseller.browser.post(f"/sandbox/shops/{SADO}/orders/{number}/pay")
    assert again.status_code == 409
    jumpseller.deliveries()
    assert events(receiver) == {"order_paid": 1}


def test_a_webhook_concerns_its_own_shop_only(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, "order_paid")
    jumpseller.place_order(SERRA, lines=[{"sku": "CESTO-01"}], pay=True)
    assert jumpseller.deliveries() == []
    assert receiver.received == []


def test_products_send_webhooks_when_created_changed_moved_and_deleted(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(
        receiver.url, "product_created", "product_updated", "product_deleted", "product_stock_updated"
    )
    made = (
        jumpseller.call("POST", "/products.json", json={"product": {"name": "Jarro", "price": 1}}).json or {}
    )
    path = f"/products/{made['product']['id']}.json"
    jumpseller.call("PUT", path, json={"product": {"price": 2}})
    jumpseller.call("PUT", path, json={"product": {"stock": 5}})
    jumpseller.call("DELETE", path)
    jumpseller.deliveries()
    assert events(receiver) == {
        "product_created": 1,
        "product_updated": 2,
        "product_stock_updated": 1,
        "product_deleted": 1,
    }
    assert "product" in json.loads(receiver.received[0]["body"])


def test_a_refused_webhook_is_retried_four_times_and_then_given_up(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    receiver.status = 503
    jumpseller.subscribe(receiver.url, "order_paid")
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    receiver.wait_for(5)
    delivery = jumpseller.deliveries()[0]
    assert (delivery["state"], [one["status"] for one in delivery["tries"]]) == ("given-up", [503] * 5)


@pytest.mark.parametrize(("failed", "minutes"), [(1, 1), (2, 16), (3, 81), (4, 256)])
def test_the_next_try_comes_after_the_fourth_power_in_minutes(failed: int, minutes: int) -> None:
    assert retry_delay(failed, 1) == minutes * 60
    assert retry_delay(failed, 60) == minutes


def test_a_try_that_succeeds_is_the_last_one(jumpseller: JumpsellerClient, receiver: WebhookReceiver) -> None:
    receiver.status = 500
    jumpseller.subscribe(receiver.url, "order_paid")
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    receiver.wait_for(2)
    receiver.status = 200
    receiver.wait_for(3)
    delivery = jumpseller.deliveries()[0]
    assert delivery["state"] == "done"
    assert len(delivery["tries"]) == len(receiver.received)


def paused(jumpseller: JumpsellerClient, receiver: WebhookReceiver) -> Any:
    receiver.status = 500
    jumpseller.subscribe(receiver.url, "order_paid")
    for _ in range(2):
        jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    receiver.wait_for(8)
    jumpseller.deliveries()
    return jumpseller.browser.get(f"/sandbox/shops/{SADO}").json


def test_eight_failures_pause_the_webhook_and_notify_two_people(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    about = paused(jumpseller, receiver)
    assert about["hooks"][0]["paused"] is True
    assert {letter["to"] for letter in about["letters"]} == {
        "loja@olariadosado.example",
        "autor@quickinvoice.example",
    }
    receiver.status = 200
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    jumpseller.deliveries()
    assert len(receiver.received) == 8
    assert "em pausa" in jumpseller.browser.get(f"/admin/{SADO}/hooks").text


def test_a_merchant_can_resume_a_paused_webhook(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    number = paused(jumpseller, receiver)["hooks"][0]["id"]
    receiver.status = 200
    jumpseller.browser.post(f"/admin/{SADO}/hooks/{number}/resume")
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    assert len(receiver.wait_for(9)) == 9


def test_a_closed_port_counts_as_a_failure(jumpseller: JumpsellerClient) -> None:
    jumpseller.subscribe("http://127.0.0.1:9/hook", "order_paid")
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    jumpseller.deliveries()
    first = jumpseller.deliveries()[0]["tries"][0]
    assert first["status"] == 0
    assert "refused" in first["answer"]


def test_a_webhook_can_be_sent_again_several_times(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, "order_paid")
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    assert jumpseller.change_order(number, "hook", event="order_paid", copies=3) == {"deliveries": 3}
    jumpseller.deliveries()
    assert events(receiver) == {"order_paid": 4}


def test_a_webhook_can_be_forged_for_hostile_tests(
    jumpseller: JumpsellerClient, receiver: WebhookReceiver
) -> None:
    jumpseller.subscribe(receiver.url, "order_paid")
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}])["id"]
    changes = {"raw": "[[[", "signature": "AAAA", "store_code": "another", "headers": {"X-More": "1"}}
    jumpseller.change_order(number, "hook", changes=changes)
    heard = receiver.wait_for(1)[0]
    assert heard["body"] == b"[[["
    assert heard["headers"]["Jumpseller-Hmac-Sha256"] == "AAAA"
    assert heard["headers"]["Jumpseller-Store-Code"] == "another"
    assert heard["headers"]["X-More"] == "1"


def test_a_new_secret_signs_from_then_on(jumpseller: JumpsellerClient, receiver: WebhookReceiver) -> None:
    jumpseller.subscribe(receiver.url, "order_paid")
    before = jumpseller.get("/store/info.json")["hooks_token"]
    jumpseller.browser.post(f"/admin/{SADO}/hooks/token")
    after = jumpseller.get("/store/info.json")["hooks_token"]
    assert after != before
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    heard = receiver.wait_for(1)[0]
    digest = base64.b64encode(hmac.new(after.encode(), heard["body"], hashlib.sha256).digest()).decode()
    assert heard["headers"]["Jumpseller-Hmac-Sha256"] == digest


def test_deliveries_can_be_asked_for(jumpseller: JumpsellerClient, receiver: WebhookReceiver) -> None:
    jumpseller.subscribe(receiver.url, "order_paid", "order_updated")
    number = jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)["id"]
    jumpseller.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    assert len(jumpseller.deliveries()) == 4
    mine = jumpseller.deliveries(order_id=number, event="order_paid", body=1)
    assert json.loads(mine[0]["body"])["order"]["id"] == number
    assert jumpseller.deliveries(limit=1)[0]["id"] == 4


def test_deliveries_due_at_shutdown_are_sent_after_a_restart(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    with open_client(tmp_path, clock_scale=60_000) as before:
        before.install()
        before.subscribe(receiver.url, "order_paid")
        before.parts.webhook_sender.stop()  # the process ends before its threads send them
        before.place_order(lines=[{"sku": "TACA-01"}], pay=True)
    assert receiver.received == []
    with open_client(tmp_path, clock_scale=60_000) as after:
        receiver.wait_for(1)
        assert after.deliveries()[0]["state"] == "done"
