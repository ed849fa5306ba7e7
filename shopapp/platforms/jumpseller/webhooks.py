"""Jumpseller's webhooks: the signature over the raw bytes, the unsigned headers, the body, and subscriptions.

Source: Jumpseller's webhook page and its API skill (documented), read 2026-11-20: base64 of HMAC-SHA256 over the raw
body with the store's hooks token; event, store code and time are in headers that the signature does not cover.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..base import UnreadableWebhook, WebhookEvent
from .order_list import order_summary_from, read_id

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
_MAX_NESTING = 32


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
    order = _json_object(body, "order")
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
        number = read_id(_json_object(body, "product").get("id"))
    except UnreadableWebhook:
        return WebhookEvent("other", "")
    return WebhookEvent("product", "", number) if number else WebhookEvent("other", "")


@dataclass
class SubscriptionPlan:
    """The webhooks to delete, the events for which to create one, and the code of the problem."""

    problem: str = ""
    delete: list[Any] = field(default_factory=list)
    create: list[str] = field(default_factory=list)


def plan_subscriptions(
    present: Sequence[Mapping[str, Any]], url: str, events: tuple[str, ...], recreate: bool
) -> SubscriptionPlan:
    """Return the changes after which exactly one active webhook of each event points to `url`.

    How a paused one shows is *unconfirmed* (`paused` or `status` is read), and so is whether it can be resumed: it is
    created again. A webhook is foreign when it points to us but not to this store: its calls are refused, which pauses
    it. Webhooks of other apps are left alone.
    """
    plan, our_prefix = SubscriptionPlan(), url.rpartition("/")[0] + "/"
    present = [hook for hook in present if hook.get("id") is not None]
    for hook in present:
        target = str(hook.get("url"))
        if target.startswith(our_prefix) and (target != url or hook.get("event") not in events):
            plan.delete.append(hook["id"])
            plan.problem = plan.problem if target == url else "foreign"
    for event in events:
        same = [hook for hook in present if hook.get("url") == url and hook.get("event") == event]
        active = [hook for hook in same if not (hook.get("paused") or hook.get("status") == "paused")]
        kept = [] if recreate else active[:1]
        plan.delete += [hook["id"] for hook in same if hook not in kept]
        if not kept:
            plan.create.append(event)
        if len(active) < len(same):
            plan.problem = "paused"
        elif not same:
            plan.problem = plan.problem or "missing"
        elif len(same) > 1:
            plan.problem = plan.problem or "doubled"
    return plan


def _json_object(body: bytes, root: str) -> Mapping[str, Any]:
    if _nesting_depth(body) > _MAX_NESTING:
        raise UnreadableWebhook("nested-too-deep")
    try:
        content = json.loads(body.decode("utf-8"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise UnreadableWebhook("not-json") from error
    inner = content.get(root, content) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise UnreadableWebhook(f"not-an-{root}" if root == "order" else f"not-a-{root}")
    return inner


def _nesting_depth(body: bytes) -> int:
    """Return how deep brackets nest, without parsing; brackets inside strings only make it stricter."""
    deepest = depth = 0
    for byte in body:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > 4096:
                break
        elif byte in b"]}":
            depth -= 1
    return deepest
