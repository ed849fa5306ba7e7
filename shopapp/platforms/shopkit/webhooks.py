"""Shopkit's webhooks: the signature over the raw bytes, the unsigned headers and the body.

Source: Shopkit's webhook page (2025-04-08) and API text (2025-09-26), read 2026-12-01: hex HMAC-SHA256 of the raw body
with the application's secret, five repetitions an hour apart, then the webhook is suspended (`active` false). The API's
own list of events is shorter than the webhook page's and lacks those about products. *Unconfirmed*: whether it accepts
these, which secret signs the webhooks of an API key, and what the back office's test payload contains. It is signed
like any other, so nothing is ever done from a body: the order that it names is read first.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

from ..base import UnreadableWebhook, WebhookEvent
from ..fields import Json, read_id
from ..webhooks import read_json_object
from .order_list import order_summary_from
from .terms import is_flag_set

PAID_EVENT = "order_paid"
EVENTS = (PAID_EVENT, "order_invoice", "order_canceled", "order_returned", "order_updated", "order_deleted")
UNPAID_ORDER_EVENTS = ("order_created",)
PRODUCT_EVENTS = ("product_created", "product_updated", "product_deleted", "product_updated_stock")
"""The events that stock sync uses where the API accepts them; without them the stock is read from time to time."""

_KINDS: dict[str, Literal["paid", "cancelled", "open", "requested"]] = {
    "order_paid": "paid",
    "order_created": "open",
    "order_canceled": "cancelled",
    "order_invoice": "requested",
}
_ORDER_EVENTS = ("order_", "shipping_")
_ECHO = "order_updated:api"
"""An update that a call of the API made, perhaps one of ours."""


def has_valid_signature(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Return whether the signature header is valid for these bytes, in constant time."""
    given = headers.get("X-Webhook-Signature", "").encode("utf-8", "replace")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    return bool(secret) and hmac.compare_digest(given, expected)


def webhook_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return ('', event) as the headers state it, cut to the length of its column: no header names the store.

    The origin is unsigned, so it may only make us do less: what an update by the API changed is polled for.
    """
    event = headers.get("X-Shopkit-Event", "")
    if event == "order_updated" and headers.get("X-Webhook-Resource-Origin", "") == "api":
        event = _ECHO
    return "", event[:40] if event.isascii() else "unknown"


def parse_webhook(event: str, body: bytes) -> WebhookEvent:
    """Return the order or product that the body is about.

    Raises UnreadableWebhook with a short reason when the order cannot be read.
    """
    if event.startswith("product_"):
        return _product_event(body)
    if event == _ECHO or not event.startswith(_ORDER_EVENTS):
        return WebhookEvent("other", "")
    order = read_json_object(body, "order")
    number = read_id(order.get("id"))
    if not number:
        raise UnreadableWebhook("no-order-number")
    kind = _KINDS.get(event)
    if kind is None or not _agrees(kind, order):
        return WebhookEvent("updated", number, summary=order_summary_from(order))
    return WebhookEvent(kind, number, summary=order_summary_from(order))


def _agrees(kind: str, order: Json) -> bool:
    """Return whether the signed body does not contradict the event, which is in an unsigned header."""
    alias, paid = order.get("status_alias"), order.get("paid")
    if kind == "cancelled":
        return alias in (None, "canceled")
    if kind == "paid":
        return paid is None or is_flag_set(paid)
    return kind != "open" or not is_flag_set(paid)


def _product_event(body: bytes) -> WebhookEvent:
    """Return the product that changed; `other` where none can be read: the stock is read anyway."""
    try:
        number = read_id(read_json_object(body, "product").get("id"))
    except UnreadableWebhook:
        return WebhookEvent("other", "")
    return WebhookEvent("product", "", number) if number else WebhookEvent("other", "")


def is_suspended(hook: Json) -> bool:
    """Return whether Shopkit has stopped calling this webhook."""
    return "active" in hook and not is_flag_set(hook["active"])
