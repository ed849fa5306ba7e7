"""Jumpseller's webhooks: the signature over the raw bytes, the unsigned headers, the body, and subscriptions.

Source: Jumpseller's webhook page and its API skill (documented), read 2026-11-20: base64 of HMAC-SHA256 over the raw
body with the store's hooks token; event, store code and time are in headers that the signature does not cover.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

from ..base import UnreadableWebhook, WebhookEvent
from ..fields import Json, read_id
from ..webhooks import read_json_object
from .order_list import order_summary_from

EVENTS = ("order_paid", "order_canceled", "order_updated")
"""The events that automatic issuing needs; `order_updated` for an order edited after its document is documented."""
UNPAID_ORDER_EVENTS = ("order_pending_payment",)
"""The events that provider drafts and order notes need as well."""
PRODUCT_EVENTS = ("product_created", "product_updated", "product_deleted", "product_stock_updated")
"""The events that stock sync needs.

Whether a sale sends the last is *unconfirmed*, so orders are also counted as reserved.
"""

_KINDS: dict[str, Literal["paid", "cancelled", "open", "updated"]] = {
    "order_paid": "paid",
    "order_canceled": "cancelled",
    "order_updated": "updated",
    "order_pending_payment": "open",
    "order_shipped": "updated",
}


def has_valid_signature(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Return whether the signature header is valid for these bytes, in constant time."""
    given = headers.get("Jumpseller-Hmac-Sha256", "").encode("utf-8", "replace")
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(given, expected)


def webhook_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return (store code, event) as the headers state them, cut to the length of their columns."""
    event = headers.get("Jumpseller-Event", "")
    return headers.get("Jumpseller-Store-Code", "")[:100], event[:40] if event.isascii() else "unknown"


def parse_webhook(event: str, body: bytes) -> WebhookEvent:
    """Return the order or product that the body is about.

    Raises UnreadableWebhook with a short reason when the order cannot be read.
    """
    if event.startswith("product_"):
        return _product_event(body)
    if event.startswith(("customer_", "subscription_")):
        return WebhookEvent("other", "")
    order = read_json_object(body, "order")
    number = read_id(order.get("id"))
    if not number:
        raise UnreadableWebhook("no-order-number")
    kind = _KINDS.get(event, "updated")
    if kind == "cancelled" and order.get("status_enum") not in (None, "canceled"):
        # the event is in an unsigned header: it must not cancel what the signed body calls paid
        kind = "updated"
    return WebhookEvent(kind, number, summary=order_summary_from(order))


def _product_event(body: bytes) -> WebhookEvent:
    """Return the product that changed; `other` where none can be read.

    No public source says what `product_deleted` contains. The webhook is only a hint: the daily reading of the whole
    catalogue finds what it leaves out.
    """
    try:
        number = read_id(read_json_object(body, "product").get("id"))
    except UnreadableWebhook:
        return WebhookEvent("other", "")
    return WebhookEvent("product", "", number) if number else WebhookEvent("other", "")


def is_paused(hook: Json) -> bool:
    """Return whether the platform has stopped calling this webhook. How that shows is *unconfirmed*."""
    return bool(hook.get("paused") or hook.get("status") == "paused")
