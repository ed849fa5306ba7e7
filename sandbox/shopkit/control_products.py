"""The control routes of products and stock."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.core.storage import Json

from .components import components, shop_or_404
from .control import json_body, pages
from .order_spec import all_goods
from .product_catalogue import (
    ProductError,
    add_product,
    change_goods,
    generate_items,
    load_items,
    remove_product,
)


@pages.get("/shops/<code>/goods")
def goods(code: str) -> Response:
    """List everything that is sold, a row for each product or option; `sku` asks for one."""
    rows = [_row(product, option) for product, option in all_goods(shop_or_404(code))]
    wanted = request.args.get("sku")
    return jsonify([row for row in rows if wanted is None or row["sku"] == wanted])


def _row(product: Json, option: Json | None) -> Json:
    one = option or product
    return {
        "product": product["id"],
        "option": option["id"] if option else None,
        "sku": one["reference"],
        "name": product["title"],
        "status": product["status"],
        "stock": one["stock"] if product["stock_enabled"] else None,
    }


@pages.post("/shops/<code>/goods")
def new_goods(code: str) -> tuple[Response, int]:
    product = add_product(components(), shop_or_404(code), json_body(), "backoffice")
    return jsonify(_row(product, None)), 201


@pages.post("/shops/<code>/goods/<int:number>")
def change(code: str, number: int) -> Response:
    shop, sent = shop_or_404(code), json_body()
    product = shop.products.get(number)
    if product is None:
        raise ProductError(f"{code} has no product {number}")
    option = next((one for one in product["options"] if one["id"] == sent.get("option")), None)
    changes = {{"sku": "reference", "name": "title"}.get(name, name): value for name, value in sent.items()}
    change_goods(components(), shop, product, option, changes, "backoffice")
    return jsonify(_row(product, option))


@pages.delete("/shops/<code>/goods/<int:number>")
def remove(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    if number not in shop.products:
        raise ProductError(f"{code} has no product {number}")
    remove_product(components(), shop, shop.products[number], "backoffice")
    return jsonify({})


@pages.post("/catalogue")
def catalogue() -> tuple[Response, int]:
    sent = json_body()
    shop, wanted = shop_or_404(str(sent.get("shop", ""))), sent.get("products", 0)
    if isinstance(wanted, int):
        wanted = generate_items(wanted, int(sent.get("options_every", 0)), int(sent.get("seed", 1)))
    return jsonify({"products": load_items(components(), shop, wanted)}), 201


@pages.get("/stock")
def stock() -> Response:
    """Return the ledger of stock, filtered by query: `shop`, `reference`, `by`."""
    wanted = {name: text for name, text in request.args.items() if name in ("shop", "reference", "by")}
    entries = components().stock.ledger.entries
    return jsonify([e for e in entries if all(str(e[name]) == text for name, text in wanted.items())])
