"""The REST API under /v1: the key, the limit, pages of lists, and the store; orders and products are elsewhere."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, g, jsonify, make_response, request

from sandbox.core.storage import Json

from .components import components
from .order_spec import PAYMENTS
from .state import Shop

pages = Blueprint("api", __name__, url_prefix="/v1")
PAGE_SIZE = 25
KEY = "X-API-KEY"


def message(status: int, text: str) -> Response:
    """Return an answer with a message alone, as every error has."""
    return make_response(jsonify({"message": text}), status)


def bad_request() -> Response:
    return message(400, "Bad request.")


def not_found() -> Response:
    return message(404, "Not found.")


@pages.app_errorhandler(404)
def handle_unknown(error: Exception) -> Any:
    return not_found() if request.path.startswith("/v1") else (error, 404)


def authenticate() -> Response | None:
    """Find the store of the key and count the call; return a refusal, or None."""
    if not request.path.startswith("/v1"):
        return None
    switches = components().switches
    key = request.headers.get(KEY) or request.args.get(KEY) or ""
    g.shop = next(
        (
            shop
            for shop in list(components().state.shops.values())
            if shop.key and hmac.compare_digest(shop.key, key)
        ),
        None,
    )
    if not request.headers.get("User-Agent"):
        return message(int(switches["no-user-agent"]), "User-Agent is required")
    if g.shop is None:
        return message(int(switches["refused-key"]), "Unauthorized")
    wait = components().limit.count(g.shop.code, switches["limit-window"])
    if wait:
        g.over_limit = True
        answer = message(int(switches["limit-answer"]), "Rate limit exceeded")
        if switches["retry-after"] == "told":
            answer.headers["Retry-After"] = str(int(wait))
        return answer
    return None


def record_call(answer: Response) -> Response:
    """Write the call into the ledger."""
    if request.path.startswith("/v1") and request.url_rule is not None:
        rule = request.url_rule.rule.removeprefix("/v1")
        shop = g.get("shop")
        components().limit.record(
            {
                "time": components().state.now(),
                "shop": shop.code if shop else "",
                "call": f"{request.method} {rule}",
                "method": request.method,
                "path": request.path,
                "query": {name: value for name, value in request.args.items() if name != KEY},
                "status": answer.status_code,
                "over_limit": bool(g.get("over_limit")),
                "key": "header" if request.headers.get(KEY) else "query" if request.args.get(KEY) else "",
                "user_agent": request.headers.get("User-Agent", ""),
            }
        )
    return answer


def calling_shop() -> Shop:
    """Return the store whose key the call has."""
    shop: Shop = g.shop
    return shop


def json_body() -> Any:
    """Return the JSON of the call, or abort with 400."""
    body = request.get_json(silent=True)
    return body if body is not None else abort(bad_request())


def list_answer(rows: list[Any], shape: str) -> Response:
    """Return one page of the rows (any list of things that `as_row` has made) with its paging and X-Total-Count."""
    switches = components().switches
    most = 25 if switches["page-limit"] == "ignored" else int(switches["page-limit"])
    wanted = _positive(request.args.get("limit"), PAGE_SIZE)
    size = min(wanted, most) if switches["page-limit"] != "ignored" else PAGE_SIZE
    page = _positive(request.args.get("page"), 1)
    shown = rows[(page - 1) * size : page * size]
    if not shown and switches["empty-list"] == "404":
        return not_found()
    paging = {
        "previous": _page_address(page - 1) if page > 1 else None,
        "next": _page_address(page + 1) if page * size < len(rows) else None,
    }
    if switches["paging-ends"] == "absent":
        paging = {name: url for name, url in paging.items() if url}
    elif switches["paging-ends"] == "empty":
        paging = {name: url or "" for name, url in paging.items()}
    body: Any = [row() for row in shown]
    if shape == "keyed" and not (not shown and switches["empty-list"] == "array"):
        body = {**{str(at): row for at, row in enumerate(body)}, "paging": paging}
    answer = jsonify(body)
    answer.headers["X-Total-Count"] = str(len(rows))
    return answer


def _positive(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else otherwise


def _page_address(page: int) -> str:
    query = {**{name: value for name, value in request.args.items() if name != KEY}, "page": page}
    return f"{components().state.public}{request.path}?{urlencode(query)}"


@pages.get("/store")
def store() -> Response:
    shop, state = calling_shop(), components().state
    profile, place = shop.profile, shop.profile["place"]
    payments = {
        method: {"active": True, "title": title, "method": method, "alias": method, "gateway": gateway}
        for method, (title, gateway) in PAYMENTS.items()
    }  # fmt: skip
    location: Json = {
        "id": str(400 + profile["number"]),
        "title": "Morada Principal",
        "name": profile["name"],
        "address": place["address"],
        "address_extra": place["address_extra"],
        "city": place["city"],
        "zip_code": place["zip_code"],
        "country": place["country"],
        "country_code": place["country_code"],
        "phone": "+351210000000",
    }
    wholesale = {"show_regular_price": False, "taxes_included": False, "client_signup": True}
    cart = {"users_registration": "optional", "field_company": "optional", "field_fiscal_id": "optional"}
    return jsonify(
        {
            "username": shop.code,
            "name": profile["name"],
            "description": "",
            "email": profile["email"],
            "phone": None,
            "cellphone": "+351910000000",
            "address": f"{place['address']}\n{place['zip_code']} {place['city']}",
            "currency": profile["currency"],
            "page_title": profile["name"],
            "settings": {"cart": cart, "wholesale": wholesale},
            "url": f"{state.public}/shop/{shop.code}",
            "domain": profile.get("domain", f"{shop.code}.shopk.it"),
            "payments": payments,
            "locations": [location],
            "is_ssl": True,
            "taxes_included": profile["prices_include_tax"],
        }
    )


@pages.get("/client")
def clients() -> Response:
    """The buyers of orders, each once; a plain array, with times in Unix seconds."""
    orders = list(calling_shop().orders.values())
    found = {order["client_hash"]: order for order in orders}
    return jsonify(
        [
            {
                "id": order["client_id"],
                "hash": order["client_hash"],
                "name": order["spec"]["buyer"]["name"],
                "email": order["spec"]["buyer"]["email"],
                "company": order["spec"]["company"],
                "fiscal_id": order["spec"]["nif"] or "",
                "created_at": order["client_since"],
                "last_seen_at": order["client_since"],
            }
            for order in found.values()
        ]
    )
