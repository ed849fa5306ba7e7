"""The control routes under /sandbox: actions of tests and the demo on the stores, without a browser.

They do not exist in Shopkit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, jsonify, request

from sandbox.core.storage import Json

from . import faults as fault_rules
from .api_webhooks import webhook_json
from .components import components, shop_or_404
from .examples import EXAMPLES
from .faults import FaultError
from .order_format import order_json
from .order_spec import OrderSpecError
from .product_catalogue import ProductError
from .seed import PLACES, profile
from .state import APPLICATION_SECRET, Shop
from .test_payload import send_test_payload

pages = Blueprint("control", __name__, url_prefix="/sandbox")


@pages.errorhandler(ProductError)
@pages.errorhandler(OrderSpecError)
@pages.errorhandler(FaultError)
def handle_error(error: ValueError) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 422


def json_body() -> Json:
    return request.get_json(silent=True) or {}


def _order_or_error(shop: Shop, number: int) -> Json:
    order = shop.orders.get(number)
    if order is None:
        raise OrderSpecError(f"{shop.code} has no order {number}")
    return order


def order_details(shop: Shop, order: Json) -> Json:
    """Return the order as the API shows it, with what the app wrote and what happened to it."""
    more = {name: order[name] for name in ("history", "writes", "origin")}
    return {**order_json(components().state, shop, order), **more}


@pages.post("/reset")
def reset() -> Response:
    parts = components()
    parts.sender.reset()
    parts.state.reset()
    parts.limit.reset()
    parts.stock.ledger.archive()
    return jsonify({"shops": list(parts.state.shops)})


@pages.post("/clock")
def set_clock() -> Response:
    """Set the clock (`now`, with or without offset), or return to the real time."""
    clock, wanted = components().state.clock, json_body().get("now")
    if wanted:
        clock.set_time(datetime.fromisoformat(wanted))
    else:
        clock.reset()
    return jsonify({"now": components().state.now()})


# --- stores -----------------------------------------------------------------------------------------------


@pages.get("/shops")
def shops() -> Response:
    return jsonify([_shop_json(shop) for shop in components().state.shops.values()])


@pages.post("/shops")
def new_shop() -> tuple[Response, int]:
    sent, state = json_body(), components().state
    code = str(sent.get("code", f"loja{len(state.shops) + 1}"))
    if code in state.shops:
        return jsonify({"error": f"{code} exists already"}), 409
    with state.lock:
        number = max(shop.profile["number"] for shop in state.shops.values()) + 1
        inclusive = bool(sent.get("prices_include_tax", True))
        made = profile(code, sent.get("name", code), number, inclusive, PLACES[sent.get("place", "lisboa")])
        made["currency"] = sent.get("currency", made["currency"])
        shop = state.create_shop(made)
    return jsonify(_shop_json(shop)), 201


def _shop_json(shop: Shop) -> Json:
    profile = shop.profile
    return {
        "code": shop.code,
        "name": profile["name"],
        "prices_include_tax": profile["prices_include_tax"],
        "key": shop.key,
        "client_secret": profile["client_secret"],
        "application_secret": APPLICATION_SECRET,
        "webhook_secret": components().state.webhook_secret(shop),
        "webhooks": [{**webhook_json(one), "suspended": one["suspended"]} for one in shop.webhooks.values()],
        "orders": len(shop.orders),
    }


@pages.get("/shops/<code>")
def about(code: str) -> Response:
    return jsonify(_shop_json(shop_or_404(code)))


@pages.post("/shops/<code>")
def change_shop(code: str) -> Response:
    """Change the store's name, currency, code of paid orders or way of pricing."""
    shop, sent = shop_or_404(code), json_body()
    for field in ("name", "currency", "prices_include_tax", "status_when_paid", "domain"):
        if field in sent:
            shop.profile[field] = sent[field]
    shop.save()
    return jsonify(_shop_json(shop))


@pages.post("/shops/<code>/<act>")
def act_on_shop(code: str, act: str) -> tuple[Response, int]:
    """Replace or revoke the `key`, `suspend` or `resume` webhooks, send a `test` payload, `use-up` calls."""
    shop, sent, parts = shop_or_404(code), json_body(), components()
    if act == "new-key":
        parts.state.replace_key(shop)
    elif act == "revoke-key":
        parts.state.replace_key(shop, "")
    elif act in ("suspend", "resume"):
        for webhook in list(shop.webhooks.values()):
            if sent.get("event") in (None, webhook["event"]):
                shop.put("webhook", {**webhook, "suspended": act == "suspend"})
    elif act == "test":
        return jsonify({"deliveries": send_test_payload(parts, shop, sent.get("event", "order_paid"))}), 200
    elif act == "use-up":
        parts.limit.use_up(shop.code, int(sent.get("calls", parts.limit.calls)))
    else:
        return jsonify({"error": f"nothing is called {act}"}), 404
    return jsonify(_shop_json(shop)), 200


# --- orders -----------------------------------------------------------------------------------------------


@pages.get("/shops/<code>/orders")
def orders(code: str) -> Response:
    shop = shop_or_404(code)
    return jsonify([order_details(shop, order) for _, order in sorted(shop.orders.items(), reverse=True)])


@pages.get("/examples")
def examples() -> Response:
    return jsonify({name: {"title": one.title, "spec": one.spec} for name, one in EXAMPLES.items()})


@pages.post("/shops/<code>/orders")
def place(code: str) -> tuple[Response, int]:
    shop = shop_or_404(code)
    return jsonify(order_json(components().state, shop, components().orders.place(shop, json_body()))), 201


@pages.get("/shops/<code>/orders/<int:number>")
def one_order(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    return jsonify(order_details(shop, _order_or_error(shop, number)))


@pages.post("/shops/<code>/orders/<int:number>/<act>")
def act_on_order(code: str, number: int, act: str) -> tuple[Response, int]:
    shop, sent, actions = shop_or_404(code), json_body(), components().orders
    order = _order_or_error(shop, number)
    acts: dict[str, Callable[[], object]] = {
        "pay": lambda: actions.pay(shop, order, sent.get("paid_at"), sent.get("origin", "process")),
        "unpay": lambda: actions.unpay(shop, order),
        "fail-payment": lambda: actions.fail_payment(shop, order),
        "change-payment": lambda: actions.change_payment(shop, order, sent.get("method", "mbway")),
        "cancel": lambda: actions.set_status(shop, order, "canceled"),
        "ship": lambda: actions.set_status(shop, order, "sent"),
        "status": lambda: actions.set_status(shop, order, str(sent.get("status"))),
        "return": lambda: actions.give_back(shop, order, sent.get("lines")),
        "request-invoice": lambda: actions.request_invoice(shop, order),
        "delete": lambda: actions.delete(shop, order),
        "edit": lambda: actions.edit(shop, order, sent),
    }
    if act == "webhook":
        body = {"order": order_json(components().state, shop, order)}
        event, copies = sent.get("event", "order_paid"), int(sent.get("copies", 1))
        origin = sent.get("origin", "process")
        begun = components().sender.enqueue(shop, event, body, origin, copies, sent.get("changes"))
        return jsonify({"deliveries": begun}), 200
    if act not in acts:
        return jsonify({"error": f"nothing is called {act}"}), 404
    acts[act]()
    return jsonify(order_details(shop, order)), 200


# --- webhooks, calls and faults ---------------------------------------------------------------------------


@pages.get("/deliveries")
def deliveries() -> Response:
    """Return the webhooks sent, newest first, filtered by query; `settled=S` waits until none is due."""
    sender = components().sender
    if request.args.get("settled"):
        sender.wait_until_idle(float(request.args["settled"]))
    wanted = {key: request.args.get(key) for key in ("shop", "event", "state", "order_id", "product_id")}
    rows = []
    for delivery in reversed(list(sender.deliveries.values())):
        if all(value is None or str(delivery.get(key)) == value for key, value in wanted.items()):
            rows.append({key: delivery[key] for key in delivery if key != "body" or request.args.get("body")})
        if len(rows) >= request.args.get("limit", 200, int):
            break
    return jsonify(rows)


@pages.get("/calls")
def calls() -> Response:
    """Return the ledger of the API's calls, filtered by query: `shop`, `method`, `call`, `path`, `status`."""
    wanted = {
        name: text
        for name, text in request.args.items()
        if name in ("shop", "method", "call", "path", "status")
    }
    entries = components().limit.ledger.entries
    return jsonify([e for e in entries if all(str(e[name]) == text for name, text in wanted.items())])


@pages.get("/limits")
def limits() -> Response:
    return jsonify(components().limit.as_json())


@pages.post("/limits")
def change_limits() -> Response:
    """Set the limit: `calls` in `seconds`."""
    limit, sent = components().limit, json_body()
    limit.calls = int(sent.get("calls", limit.calls))
    limit.seconds = float(sent.get("seconds", limit.seconds))
    return jsonify({"calls": limit.calls, "seconds": limit.seconds})


@pages.delete("/limits")
def reset_limits() -> Response:
    components().limit.reset_counts()
    return limits()


@pages.get("/faults")
def faults() -> Response:
    return jsonify(components().state.faults)


@pages.post("/faults")
def new_fault() -> tuple[Response, int]:
    return jsonify(fault_rules.add_fault(json_body())), 201


@pages.delete("/faults")
def clear_faults() -> Response:
    components().state.faults.clear()
    return jsonify([])
