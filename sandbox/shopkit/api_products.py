"""The API of products, their options and their stock, which is always written as an absolute number."""

from __future__ import annotations

from functools import partial

from flask import Response, jsonify, request

from sandbox.core.storage import Json

from .api import bad_request, calling_shop, json_body, list_answer, not_found, pages
from .components import components
from .product_catalogue import ProductError, add_product, change_goods, remove_product
from .product_format import STATUS_ALIASES, option_json, product_json
from .state import Shop


def _shown(shop: Shop, product: Json) -> Json:
    return product_json(components().state, shop, product)


def _option(product: Json, number: int) -> Json | None:
    return next((option for option in product["options"] if option["id"] == number), None)


@pages.get("/product")
def products() -> Response:
    shop, asked = calling_shop(), request.args
    found, switches = list(shop.products.values()), components().switches
    if (
        switches["hidden-products"] == "left-out"
        and not {"status", "status_alias", "id", "ids"} & asked.keys()
    ):
        found = [one for one in found if one["status"] != 2]
    for name, text in asked.items():
        if name in ("id", "ids"):
            found = [one for one in found if str(one["id"]) in text.split(",")]
        elif name == "status":
            found = [one for one in found if str(one["status"]) in text.split(",")]
        elif name == "status_alias" and text != "all":
            found = [one for one in found if STATUS_ALIASES.get(one["status"]) in text.split(",")]
        elif name == "reference":
            found = [one for one in found if one["reference"] == text]
        elif name == "q":
            found = [one for one in found if text.lower() in f"{one['title']} {one['reference']}".lower()]
    left_out = {"options"} if switches["row-options"] == "left-out" else set()
    return list_answer([partial(_row, shop, one, left_out) for one in found], switches["product-list"])


def _row(shop: Shop, product: Json, left_out: set[str]) -> Json:
    return {name: value for name, value in _shown(shop, product).items() if name not in left_out}


@pages.get("/product/<int:number>")
def one_product(number: int) -> Response:
    product = calling_shop().products.get(number)
    return jsonify(_shown(calling_shop(), product)) if product else not_found()


@pages.post("/product")
def create_product() -> tuple[Response, int] | Response:
    try:
        product = add_product(components(), calling_shop(), json_body(), "api")
    except ProductError:
        return bad_request()
    return jsonify(_shown(calling_shop(), product)), 201


@pages.put("/product/<int:number>")
def write_product(number: int) -> Response:
    shop = calling_shop()
    product = shop.products.get(number)
    if product is None:
        return not_found()
    sent = dict(json_body())
    if "stock_qty" in sent:
        sent["stock"] = sent.pop("stock_qty")
    try:
        change_goods(components(), shop, product, None, sent, "api")
    except ProductError:
        return bad_request()
    return jsonify(_shown(shop, product))


@pages.delete("/product/<int:number>")
def delete_product(number: int) -> Response:
    product = calling_shop().products.get(number)
    if product is None:
        return not_found()
    remove_product(components(), calling_shop(), product, "api")
    return Response(status=204)


@pages.get("/product/<int:number>/option")
def options(number: int) -> Response:
    shop = calling_shop()
    product = shop.products.get(number)
    if product is None:
        return not_found()
    return jsonify([option_json(components().state, shop, product, option) for option in product["options"]])


@pages.route("/product/<int:number>/option/<int:option_number>", methods=["GET", "PUT"])
def one_option(number: int, option_number: int) -> Response:
    shop = calling_shop()
    product = shop.products.get(number)
    option = _option(product, option_number) if product else None
    if product is None or option is None:
        return not_found()
    if request.method == "PUT":
        try:
            change_goods(components(), shop, product, option, json_body(), "api")
        except ProductError:
            return bad_request()
    return jsonify(option_json(components().state, shop, product, option))
