"""Shopkit's webhooks: what is only a hint, what the signed body contradicts, and subscriptions that went wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopapp.errors import RefusedError
from shopapp.platforms.shopkit import Shopkit
from shopapp.platforms.shopkit.webhooks import EVENTS, PRODUCT_EVENTS

from .payloads import VENDOR_SAMPLE
from .scripted import open_shopkit

URL = "https://app.test/hooks/shopkit/key"


def kind_of(event: str, **changes: Any) -> str:
    headers = {"X-Shopkit-Event": event, "X-Webhook-Resource-Origin": changes.pop("origin", "backoffice")}
    _, named = Shopkit.webhook_headers(headers)
    return Shopkit.parse_webhook(named, json.dumps({"order": {**VENDOR_SAMPLE, **changes}}).encode()).kind


@pytest.mark.parametrize(
    ("event", "changes", "kind"),
    [
        ("order_paid", {}, "paid"), ("order_paid", {"paid": False}, "updated"),
        ("order_paid", {"origin": "api"}, "paid"),
        ("order_created", {"paid": False}, "open"), ("order_created", {}, "updated"),
        ("order_canceled", {"status_alias": "canceled"}, "cancelled"), ("order_canceled", {}, "updated"),
        ("order_invoice", {}, "requested"), ("order_invoice", {"paid": False}, "requested"),
        ("order_returned", {"status_alias": "returned"}, "updated"), ("order_deleted", {}, "updated"),
        ("order_change_status", {}, "updated"), ("order_updated", {}, "updated"),
        ("order_updated", {"origin": "api"}, "other"), ("client_updated", {}, "other"), ("cart_abandoned", {}, "other"),
        ("", {}, "other"),
    ],
)  # fmt: skip
def test_an_event_is_what_its_signed_body_does_not_contradict(event: str, changes: Any, kind: str) -> None:
    assert kind_of(event, **changes) == kind


def test_nothing_is_signed_by_an_empty_secret() -> None:
    import hashlib
    import hmac

    signed = {"X-Webhook-Signature": hmac.new(b"", b"{}", hashlib.sha256).hexdigest()}
    assert Shopkit.has_valid_signature(b"{}", signed, "") is False


class Hooks:
    """The webhooks of a shop; `hidden` ones are only listed when they are asked for, `unknown` events refused."""

    def __init__(
        self, *present: dict[str, Any], hides_suspended: bool = False, unknown: tuple[str, ...] = ()
    ) -> None:
        self.rows = {number: {"id": number, **row} for number, row in enumerate(present, 1)}
        self.hides_suspended, self.unknown = hides_suspended, unknown
        self.next = len(present) + 1

    def __call__(self, method: str, path: str, asked: Any) -> Any:
        if method == "DELETE":
            row = self.rows.pop(int(path.rsplit("/", 1)[1]), None)
            return (204, b"") if row else (404, {"message": "Not found."})
        if method == "GET":
            shown = [
                row for row in self.rows.values()
                if row["active"] is False or asked.get("active") != "false"
                if row["active"] or not self.hides_suspended or asked.get("active") == "false"
            ]  # fmt: skip
            return 200, shown
        if asked["event"] in self.unknown:
            return 400, {"message": "Bad request."}
        if any((row["url"], row["event"]) == (asked["url"], asked["event"]) for row in self.rows.values()):
            return 409, {"message": "Already exists."}
        self.rows[self.next] = {"id": self.next, "active": True, **asked}
        self.next += 1
        return 201, self.rows[self.next - 1]


def hook(event: str, url: str = URL, active: bool = True) -> dict[str, Any]:
    return {"event": event, "url": url, "active": active}


def active_events(hooks: Hooks) -> list[str]:
    return sorted(row["event"] for row in hooks.rows.values() if row["active"] and row["url"] == URL)


@pytest.mark.parametrize("hides_suspended", [False, True])
def test_a_suspended_webhook_is_found_and_created_again(hides_suspended: bool) -> None:
    others = [hook(event) for event in EVENTS[1:]]
    hooks = Hooks(hook(EVENTS[0], active=False), *others, hides_suspended=hides_suspended)
    shop, _ = open_shopkit(hooks)
    assert shop.subscribe_webhooks(URL, EVENTS) in ("paused", "missing")
    assert active_events(hooks) == sorted(EVENTS)
    assert shop.subscribe_webhooks(URL, EVENTS) == ""


def test_one_that_somebody_else_created_meanwhile_is_good() -> None:
    hooks = Hooks()
    shop, _ = open_shopkit(hooks)
    listed = False

    def late(method: str, path: str, asked: Any) -> Any:
        nonlocal listed
        if method == "GET" and not listed:
            listed = True
            answer = 200, []
            hooks.rows[99] = {"id": 99, **hook(EVENTS[0])}
            return answer
        return hooks(method, path, asked)

    shop, _ = open_shopkit(late)
    assert shop.subscribe_webhooks(URL, EVENTS) == "missing"
    assert active_events(hooks) == sorted(EVENTS)


@pytest.mark.parametrize("unknown", [PRODUCT_EVENTS, (*EVENTS[1:], *PRODUCT_EVENTS)])
def test_events_that_the_api_does_not_know_are_no_problem(unknown: tuple[str, ...]) -> None:
    hooks = Hooks(unknown=unknown)
    shop, _ = open_shopkit(hooks)
    assert shop.subscribe_webhooks(URL, EVENTS + PRODUCT_EVENTS) == "missing"
    assert shop.subscribe_webhooks(URL, EVENTS + PRODUCT_EVENTS) == ""
    assert active_events(hooks) == sorted(set(EVENTS) - set(unknown))


def test_an_event_that_issuing_needs_is_never_left_out() -> None:
    shop, _ = open_shopkit(Hooks(unknown=("order_paid",)))
    with pytest.raises(RefusedError):
        shop.subscribe_webhooks(URL, EVENTS)
