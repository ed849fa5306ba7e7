"""The control routes under /sandbox: actions of tests and the demo on the shops, without a browser.

They do not exist in Jumpseller.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, jsonify, request

from sandbox.core.storage import Json

from . import faults as fault_rules
from .components import components, shop_or_404
from .examples import EXAMPLES
from .faults import FaultError
from .order_spec import OrderSpecError
from .orders import StateError
from .platform_state import Shop
from .product_catalogue import ProductError
from .seed import PLACES, profile

pages = Blueprint("control", __name__, url_prefix="/sandbox")


@pages.errorhandler(ProductError)
@pages.errorhandler(OrderSpecError)
@pages.errorhandler(StateError)
@pages.errorhandler(FaultError)
def handle_error(error: ValueError) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 409 if isinstance(error, StateError) else 422


def _json_body() -> Json:
    return request.get_json(silent=True) or {}


def _order_or_error(shop: Shop, number: int) -> Json:
    order = shop.orders.get(number)
    if order is None:
        raise OrderSpecError(f"{shop.code} has no order {number}")
    return order


def _order_details(shop: Shop, order: Json) -> Json:
    more = {name: order.get(name, []) for name in ("documents", "history", "refunds")}
    return {**components().orders.as_json(shop, order), **more}


@pages.post("/reset")
def reset() -> Response:
    components().webhook_sender.reset()
    components().limits.reset()
    components().platform.reset()
    components().stock.ledger.archive()
    return jsonify({"shops": list(components().platform.shops)})


@pages.get("/shops")
def shops() -> Response:
    return jsonify([_shop_json(shop) for shop in components().platform.shops.values()])


@pages.post("/shops")
def new_shop() -> tuple[Response, int]:
    sent, platform = _json_body(), components().platform
    code = str(sent.get("code", f"loja{len(platform.shops) + 1}"))
    if code in platform.shops:
        return jsonify({"error": f"{code} exists already"}), 409
    with platform.lock:
        number = max(shop.profile["number"] for shop in platform.shops.values()) - 40000 + 1
        inclusive = bool(sent.get("prices_include_tax", True))
        place = PLACES[sent.get("place", "lisboa")]
        made = profile(code, sent.get("name", code), number, inclusive, place, sent.get("language", "pt"))
        for field in ("currency", "country", "timezone", "email"):
            made[field] = sent.get(field, made[field])
        made["locations"] = int(sent.get("locations", 2))
        shop = platform.create_shop(made)
    return jsonify(_shop_json(shop)), 201


def _shop_json(shop: Shop) -> Json:
    profile = shop.profile
    return {
        "code": shop.code,
        "name": profile["name"],
        "language": profile["language"],
        "prices_include_tax": profile["prices_include_tax"],
        "installed": profile["installed"],
        "scope": profile["scope"],
        "hooks_token": profile["hooks_token"],
        "hooks": list(shop.hooks.values()),
        "tokens": len(components().oauth_tokens.live_tokens(shop)),
        "orders": len(shop.orders),
        "letters": profile["letters"],
    }


@pages.get("/shops/<code>")
def about(code: str) -> Response:
    return jsonify(_shop_json(shop_or_404(code)))


@pages.post("/shops/<code>")
def change_shop(code: str) -> Response:
    """Change the shop's name, language, currency, country, timezone or way of pricing."""
    shop, sent = shop_or_404(code), _json_body()
    for field in ("name", "language", "currency", "country", "timezone", "prices_include_tax"):
        if field in sent:
            shop.profile[field] = sent[field]
    shop.save()
    return jsonify(_shop_json(shop))


@pages.post("/shops/<code>/<act>")
def act_on_shop(code: str, act: str) -> tuple[Response, int]:
    """Set a new `hooks-token`, `pause-hooks`, `expire` or `revoke` tokens, `uninstall`, or `ban` for seconds."""
    shop = shop_or_404(code)
    if act == "hooks-token":
        shop.profile["hooks_token"] = _json_body().get("token") or secrets.token_hex(16)
        shop.save()
    elif act == "pause-hooks":
        for hook in list(shop.hooks.values()):
            shop.put("hook", {**hook, "paused": True})
    elif act in ("expire", "revoke"):
        components().oauth_tokens.expire(shop, act)
    elif act == "uninstall":
        components().oauth_tokens.uninstall(shop)
    elif act == "ban":
        components().limits.ban(shop.code, float(_json_body().get("seconds", 60)))
    else:
        return jsonify({"error": f"nothing is called {act}"}), 404
    return jsonify(_shop_json(shop)), 200


# --- orders -----------------------------------------------------------------------------------------------


@pages.get("/shops/<code>/orders")
def orders(code: str) -> Response:
    shop = shop_or_404(code)
    return jsonify([_order_details(shop, order) for _, order in sorted(shop.orders.items(), reverse=True)])


@pages.get("/examples")
def examples() -> Response:
    return jsonify({name: {"title": one.title, "spec": one.spec} for name, one in EXAMPLES.items()})


@pages.post("/shops/<code>/orders")
def place(code: str) -> tuple[Response, int]:
    shop = shop_or_404(code)
    return jsonify(components().orders.as_json(shop, components().orders.place(shop, _json_body()))), 201


@pages.get("/shops/<code>/orders/<int:number>")
def one_order(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    return jsonify(_order_details(shop, _order_or_error(shop, number)))


@pages.post("/shops/<code>/orders/<int:number>/<act>")
def act_on_order(code: str, number: int, act: str) -> tuple[Response, int]:
    shop, sent, order_actions = shop_or_404(code), _json_body(), components().orders
    order = _order_or_error(shop, number)
    if act == "hook":
        copies = int(sent.get("copies", 1))
        begun = order_actions.send_webhook(
            shop, order, sent.get("event", "order_paid"), copies, sent.get("changes")
        )
        return jsonify({"deliveries": begun}), 200
    if act == "pay":
        order_actions.pay(shop, order, sent.get("paid_at"))
    elif act == "ship":
        order_actions.ship(shop, order, sent.get("shipment_status", "requested"))
    elif act == "refund":
        order_actions.refund(shop, order, str(sent["amount"]))
    elif act in ("cancel", "abandon", "forget"):
        acts = {
            "cancel": order_actions.cancel,
            "abandon": order_actions.abandon,
            "forget": order_actions.forget_customer,
        }
        acts[act](shop, order)
    else:
        return jsonify({"error": f"nothing is called {act}"}), 404
    return jsonify(_order_details(shop, order)), 200


@pages.post("/shops/<code>/edit/<int:number>")
def edit(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    order = components().orders.change(shop, _order_or_error(shop, number), _json_body())
    return jsonify(_order_details(shop, order))


# --- deliveries and faults --------------------------------------------------------------------------------


@pages.get("/deliveries")
def deliveries() -> Response:
    """Return the webhooks sent, newest first, filtered by query; `settled=S` waits until none is due."""
    if request.args.get("settled"):
        components().webhook_sender.wait_until_idle(float(request.args["settled"]))
    wanted = {key: request.args.get(key) for key in ("shop", "event", "state", "order_id", "product_id")}
    rows = []
    for delivery in reversed(list(components().webhook_sender.deliveries.values())):
        if all(value is None or str(delivery.get(key)) == value for key, value in wanted.items()):
            rows.append({key: delivery[key] for key in delivery if key != "body" or request.args.get("body")})
        if len(rows) >= request.args.get("limit", 200, int):
            break
    return jsonify(rows)


@pages.get("/faults")
def faults() -> Response:
    return jsonify(components().platform.faults)


@pages.post("/faults")
def new_fault() -> tuple[Response, int]:
    return jsonify(fault_rules.add_fault(_json_body())), 201


@pages.delete("/faults")
def clear_faults() -> Response:
    components().platform.faults.clear()
    return jsonify([])
