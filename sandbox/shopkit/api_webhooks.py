"""The API of webhooks: one event for each; list, create, delete, no change."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from flask import Response, jsonify, request

from sandbox.core.storage import Json

from .api import bad_request, calling_shop, json_body, list_answer, message, not_found, pages
from .components import components
from .orders import is_true
from .state import Shop

API_EVENTS = [
    "order_canceled",
    "order_deleted",
    "order_created",
    "order_updated",
    "order_paid",
    "order_sent",
    "order_change_status",
    "order_invoice",
    "order_shipping",
    "order_delivered",
    "order_change_payment",
    "order_payment_failed",
    "order_returned",
    "order_pickup_available",
    "order_waiting_shipment",
    "client_created",
    "client_updated",
    "client_deleted",
    "newsletter_subscribed",
    "newsletter_unsubscribed",
]
"""The events that the page of the API lists."""
EVENTS = [
    *API_EVENTS,
    *[
        "order_invoiced",
        "shipping_expedited",
        "order_tag_added",
        "product_created",
        "product_updated",
        "product_deleted",
    ],
    "product_updated_stock",
]
"""Those of the page of webhooks too."""
FIRST_ID = 5001


def webhook_json(webhook: Json) -> Json:
    """Return the webhook as the API shows it."""
    shown = components().switches["suspended-shown"]
    active = not webhook.get("suspended") or shown == "active"
    return {"id": webhook["id"], "event": webhook["event"], "url": webhook["url"], "active": active}


def subscribe(shop: Shop, event: str, url: str) -> Json:
    """Create a webhook."""
    with components().state.lock:
        webhook = {"id": shop.next_id("webhook", FIRST_ID), "event": event, "url": url, "suspended": False}
        shop.put("webhook", webhook)
    return webhook


def _subscribable() -> list[str]:
    return {
        "api-page": API_EVENTS,
        "all": EVENTS,
        "no-invoice": [event for event in API_EVENTS if event != "order_invoice"],
        "few": ["order_created", "order_paid"],
    }[components().switches["webhook-events"]]


def _shown_webhooks(shop: Shop) -> list[Json]:
    is_hidden = components().switches["suspended-shown"] == "missing"
    return [webhook for webhook in shop.webhooks.values() if not (is_hidden and webhook.get("suspended"))]


@pages.get("/webhook")
def webhooks() -> Response:
    found = _shown_webhooks(calling_shop())
    if request.args.get("event"):
        found = [webhook for webhook in found if webhook["event"] == request.args["event"]]
    if request.args.get("active"):
        active = is_true(request.args["active"])
        found = [webhook for webhook in found if webhook_json(webhook)["active"] == active]
    return list_answer(
        [partial(webhook_json, webhook) for webhook in found], components().switches["webhook-list"]
    )


@pages.get("/webhook/<int:number>")
def one_webhook(number: int) -> Response:
    webhook = calling_shop().webhooks.get(number)
    return jsonify(webhook_json(webhook)) if webhook else not_found()


@pages.post("/webhook")
def create_webhook() -> Response:
    sent, shop = json_body(), calling_shop()
    event, url = str(sent.get("event", "")), str(sent.get("url", ""))
    if event not in _subscribable() or urlsplit(url).scheme not in ("http", "https"):
        return bad_request()
    same = next((one for one in shop.webhooks.values() if (one["event"], one["url"]) == (event, url)), None)
    if same is None:
        answer = jsonify(webhook_json(subscribe(shop, event, url)))
    elif same.get("suspended") and components().switches["suspended-again"] == "reactivated":
        same["suspended"] = False
        shop.put("webhook", same)
        answer = jsonify(webhook_json(same))
    else:
        return message(409, "Already exists.")
    answer.status_code = 201
    return answer


@pages.delete("/webhook/<int:number>")
def delete_webhook(number: int) -> Response:
    if number not in calling_shop().webhooks:
        return not_found()
    calling_shop().drop("webhook", number)
    return Response(status=204)
