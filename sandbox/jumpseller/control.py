"""The routes under /sandbox: what tests and the demo do to the shops without a browser.

Nothing of this exists in Jumpseller.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, jsonify, request

from sandbox.web import Json

from . import faults as faults_room
from .faults import FaultError
from .goods import GoodsError
from .here import parts, shop_called
from .orders import StateError
from .seed import PLACES, profile
from .specs import SpecError
from .world import Shop

pages = Blueprint("control", __name__, url_prefix="/sandbox")


@pages.errorhandler(GoodsError)
@pages.errorhandler(SpecError)
@pages.errorhandler(StateError)
@pages.errorhandler(FaultError)
def wrong(error: ValueError) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 409 if isinstance(error, StateError) else 422


def _sent() -> Json:
    return request.get_json(silent=True) or {}


def _order(shop: Shop, number: int) -> Json:
    order = shop.orders.get(number)
    if order is None:
        raise SpecError(f"{shop.code} has no order {number}")
    return order


def _whole(shop: Shop, order: Json) -> Json:
    more = {"documents": order["documents"], "history": order["history"]}
    return {**parts().orders.shape(shop, order), **more}


@pages.post("/reset")
def reset() -> Response:
    parts().sender.reset()
    parts().limits.reset()
    parts().world.reset()
    parts().stock.ledger.lay_aside()
    return jsonify({"shops": list(parts().world.shops)})


@pages.get("/shops")
def shops() -> Response:
    return jsonify([_about(shop) for shop in parts().world.shops.values()])


@pages.post("/shops")
def new_shop() -> tuple[Response, int]:
    sent, world = _sent(), parts().world
    code = str(sent.get("code", f"loja{len(world.shops) + 1}"))
    if code in world.shops:
        return jsonify({"error": f"{code} exists already"}), 409
    with world.lock:
        number = max(shop.profile["number"] for shop in world.shops.values()) - 40000 + 1
        inclusive = bool(sent.get("prices_include_tax", True))
        place = PLACES[sent.get("place", "lisboa")]
        made = profile(code, sent.get("name", code), number, inclusive, place, sent.get("language", "pt"))
        for field in ("currency", "country", "timezone", "email"):
            made[field] = sent.get(field, made[field])
        made["locations"] = int(sent.get("locations", 2))
        shop = world.open_shop(made)
    return jsonify(_about(shop)), 201


def _about(shop: Shop) -> Json:
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
        "tokens": len(parts().accounts.live(shop)),
        "orders": len(shop.orders),
        "letters": profile["letters"],
    }


@pages.get("/shops/<code>")
def about(code: str) -> Response:
    return jsonify(_about(shop_called(code)))


@pages.post("/shops/<code>")
def change_shop(code: str) -> Response:
    """The shop with another name, language, currency, country, timezone or way of pricing."""
    shop, sent = shop_called(code), _sent()
    for field in ("name", "language", "currency", "country", "timezone", "prices_include_tax"):
        if field in sent:
            shop.profile[field] = sent[field]
    shop.keep()
    return jsonify(_about(shop))


@pages.post("/shops/<code>/<act>")
def act_on_shop(code: str, act: str) -> tuple[Response, int]:
    """`hooks-token` a new secret; `pause-hooks`; `expire` or `revoke` its tokens; `uninstall`; `ban` for seconds."""
    shop = shop_called(code)
    if act == "hooks-token":
        shop.profile["hooks_token"] = _sent().get("token") or secrets.token_hex(16)
        shop.keep()
    elif act == "pause-hooks":
        for hook in list(shop.hooks.values()):
            shop.put("hook", {**hook, "paused": True})
    elif act in ("expire", "revoke"):
        parts().accounts.expire(shop, act)
    elif act == "uninstall":
        parts().accounts.uninstall(shop)
    elif act == "ban":
        parts().limits.ban(shop.code, float(_sent().get("seconds", 60)))
    else:
        return jsonify({"error": f"nothing is called {act}"}), 404
    return jsonify(_about(shop)), 200


# --- orders -----------------------------------------------------------------------------------------------


@pages.get("/shops/<code>/orders")
def orders(code: str) -> Response:
    shop = shop_called(code)
    return jsonify([_whole(shop, order) for _, order in sorted(shop.orders.items(), reverse=True)])


@pages.post("/shops/<code>/orders")
def place(code: str) -> tuple[Response, int]:
    shop = shop_called(code)
    return jsonify(parts().orders.shape(shop, parts().orders.place(shop, _sent()))), 201


@pages.get("/shops/<code>/orders/<int:number>")
def one_order(code: str, number: int) -> Response:
    shop = shop_called(code)
    return jsonify(_whole(shop, _order(shop, number)))


@pages.post("/shops/<code>/orders/<int:number>/<act>")
def act_on_order(code: str, number: int, act: str) -> tuple[Response, int]:
    shop, sent, room = shop_called(code), _sent(), parts().orders
    order = _order(shop, number)
    if act == "hook":
        copies = int(sent.get("copies", 1))
        begun = room.send_hook(shop, order, sent.get("event", "order_paid"), copies, sent.get("changes"))
        return jsonify({"deliveries": begun}), 200
    if act == "pay":
        room.pay(shop, order, sent.get("paid_at"))
    elif act == "ship":
        room.ship(shop, order, sent.get("shipment_status", "requested"))
    elif act in ("cancel", "abandon"):
        (room.cancel if act == "cancel" else room.abandon)(shop, order)
    else:
        return jsonify({"error": f"nothing is called {act}"}), 404
    return jsonify(_whole(shop, order)), 200


@pages.post("/shops/<code>/edit/<int:number>")
def edit(code: str, number: int) -> Response:
    shop = shop_called(code)
    order = parts().orders.change(shop, _order(shop, number), _sent())
    return jsonify(_whole(shop, order))


# --- deliveries and faults --------------------------------------------------------------------------------


@pages.get("/deliveries")
def deliveries() -> Response:
    """The hooks sent, newest first; `shop`, `order_id`, `product_id`, `event`, `limit`; `settled=S` waits for quiet."""
    if request.args.get("settled"):
        parts().sender.wait_until_quiet(float(request.args["settled"]))
    wanted = {key: request.args.get(key) for key in ("shop", "event", "state", "order_id", "product_id")}
    rows = []
    for delivery in reversed(list(parts().sender.deliveries.values())):
        if all(value is None or str(delivery.get(key)) == value for key, value in wanted.items()):
            rows.append({key: delivery[key] for key in delivery if key != "body" or request.args.get("body")})
        if len(rows) >= request.args.get("limit", 200, int):
            break
    return jsonify(rows)


@pages.get("/faults")
def faults() -> Response:
    return jsonify(parts().world.faults)


@pages.post("/faults")
def new_fault() -> tuple[Response, int]:
    return jsonify(faults_room.add(_sent())), 201


@pages.delete("/faults")
def no_faults() -> Response:
    parts().world.faults.clear()
    return jsonify([])
