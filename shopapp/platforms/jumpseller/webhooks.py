"""Jumpseller's hooks: the signature over the raw bytes, what the unsigned headers claim, what the body says.

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

EVENTS = ("order_paid", "order_canceled")
"""What the automatic road needs."""
UNPAID_ORDER_EVENTS = ("order_pending_payment", "order_updated")
"""What drafts and order notes need besides (rulings section 5); that an edited order is told is documented."""
PRODUCT_EVENTS = ("product_created", "product_updated", "product_deleted", "product_stock_updated")
"""What following the stock needs; whether a sale sends the last is *unconfirmed*, so orders are counted besides."""

_KINDS: dict[str, Literal["paid", "cancelled", "open", "updated"]] = {
    "order_paid": "paid",
    "order_canceled": "cancelled",
    "order_updated": "updated",
    "order_pending_payment": "open",
    "order_shipped": "updated",
}
_MAX_NESTING = 32


def has_valid_signature(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """True when the signature header is the right one for these bytes."""
    given = headers.get("Jumpseller-Hmac-Sha256", "").encode("utf-8", "replace")
    right = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(given, right)


def webhook_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """(store code, event) as the headers say, cut to what a column holds."""
    event = headers.get("Jumpseller-Event", "")
    return headers.get("Jumpseller-Store-Code", "")[:100], event[:40] if event.isascii() else "unknown"


def parse_webhook(event: str, body: bytes) -> WebhookEvent:
    """The order or product that it is about. UnreadableHook with a short reason where an order can't be read."""
    if event.startswith("product_"):
        return _product_event(body)
    if event.startswith(("customer_", "subscription_")):
        return WebhookEvent("other", "")
    order = _json_object(body, "order")
    number = order.get("id")
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise UnreadableWebhook("no-order-number")
    if not _is_number(str(number)):
        raise UnreadableWebhook("no-order-number")
    kind = _KINDS.get(event, "updated")
    if kind == "cancelled" and order.get("status_enum") not in (None, "canceled"):
        # the event is in a header that nothing signs: it must not cancel what the signed body calls paid
        kind = "updated"
    return WebhookEvent(kind, str(number))


def _product_event(body: bytes) -> WebhookEvent:
    """The product that changed; `other` where none can be read, as nothing public says what `product_deleted` brings.

    It is only a hint: the reading of the whole catalogue finds what it did not tell.
    """
    try:
        number = _json_object(body, "product").get("id")
    except UnreadableWebhook:
        return WebhookEvent("other", "")
    known = isinstance(number, int | str) and not isinstance(number, bool) and _is_number(str(number))
    return WebhookEvent("product", "", str(number)) if known else WebhookEvent("other", "")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


@dataclass
class SubscriptionPlan:
    """Which hooks to delete, for which events to make one, and the word for what was wrong."""

    problem: str = ""
    delete: list[Any] = field(default_factory=list)
    create: list[str] = field(default_factory=list)


def plan_subscriptions(
    present: Sequence[Mapping[str, Any]], url: str, events: tuple[str, ...], recreate: bool
) -> SubscriptionPlan:
    """What it takes that exactly one hook of each event, which is not paused, leads to `url`.

    How a pause shows is *unconfirmed* (`paused` or a status is read); whether one can be lifted too, so such a hook is
    made anew. Foreign is a hook that leads to us but not to this store: its calls are refused and pause it. Other
    programs' hooks are theirs.
    """
    plan, ours = SubscriptionPlan(), url.rpartition("/")[0] + "/"
    for hook in present:
        leads = str(hook.get("url"))
        if leads.startswith(ours) and (leads != url or hook.get("event") not in events):
            plan.delete.append(hook["id"])
            plan.problem = plan.problem if leads == url else "foreign"
    for event in events:
        same = [hook for hook in present if hook.get("url") == url and hook.get("event") == event]
        good = [hook for hook in same if not (hook.get("paused") or hook.get("status") == "paused")]
        kept = [] if recreate else good[:1]
        plan.delete += [hook["id"] for hook in same if hook not in kept]
        if not kept:
            plan.create.append(event)
        if len(good) < len(same):
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
    """How deep brackets nest, counted without parsing (brackets inside strings only make it stricter)."""
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
