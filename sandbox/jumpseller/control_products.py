"""The control routes for products and stock: tests and the demo change a catalogue as a person would.

They do not exist in Jumpseller.
"""

from __future__ import annotations

from flask import Response, abort, jsonify, request

from sandbox.core.storage import Json

from . import product_catalogue, stock_levels
from .components import components, shop_or_404
from .control import pages
from .platform_state import Shop

BY_ADMIN = {"by": "admin"}


def _stock_rows(shop: Shop, product: Json) -> list[Json]:
    """Return a row for the product or for each of its variants, with the stock by location."""
    return [
        {
            "product": product["id"],
            "variant": variant["id"] if variant else None,
            "sku": held["sku"],
            "name": product["name"],
            "status": product["status"],
            "stock": None
            if held.get("stock_unlimited")
            else stock_levels.shown_stock(shop, held, components().switches),
            "locations": {
                str(place): stock_levels.quantity_at(held, place) for place in stock_levels.location_ids(shop)
            },
        }
        for variant, held in stock_levels.variants_or_product(product)
    ]


@pages.get("/shops/<code>/goods")
def all_goods(code: str) -> Response:
    """Return everything that the shop sells, oldest first; `sku` limits it to one SKU."""
    shop, sku = shop_or_404(code), request.args.get("sku")
    numbers = shop.product_index.products_with_sku(sku) if sku else shop.product_index.product_ids
    rows = [row for number in numbers for row in _stock_rows(shop, shop.products[number])]
    return jsonify([row for row in rows if not sku or row["sku"] == sku])


@pages.post("/shops/<code>/goods")
def new_goods(code: str) -> tuple[Response, int]:
    """Add a product from an item and send its webhook."""
    shop = shop_or_404(code)
    return jsonify(
        _stock_rows(shop, product_catalogue.add_product(components(), shop, request.get_json()))
    ), 201


@pages.post("/shops/<code>/goods/<int:number>")
def edit_goods(code: str, number: int) -> Response:
    """Change the product or its `variant` as a person does: name, sku, price, status, stock, ..."""
    shop, sent = shop_or_404(code), request.get_json()
    product = shop.products.get(number) or abort(404)
    variant = None
    if sent.get("variant"):
        found = [one for one in product["variants"] if one["id"] == sent["variant"]]
        variant = found[0] if found else abort(404)
    product_catalogue.change_product(components(), shop, product, variant, sent, BY_ADMIN)
    return jsonify(_stock_rows(shop, product))


@pages.delete("/shops/<code>/goods/<int:number>")
def drop_goods(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    product_catalogue.remove_product(components(), shop, shop.products.get(number) or abort(404))
    return jsonify([])


@pages.post("/catalogue")
def catalogue() -> tuple[Response, int]:
    """Load a list of items, or generate this number of `products` (`variants_every`, `seed`)."""
    sent = request.get_json()
    shop = shop_or_404(sent.get("shop") or components().platform.first_shop().code)
    items = sent.get("products", [])
    if isinstance(items, int):
        items = product_catalogue.generate_items(
            items, int(sent.get("variants_every", 0)), int(sent.get("seed", 1))
        )
    loaded = product_catalogue.load_items(components(), shop, items)
    count = sum(len(stock_levels.variants_or_product(product)) for product in loaded)
    return jsonify({"shop": shop.code, "products": len(loaded), "goods": count}), 201


@pages.get("/stock")
def ledger() -> Response:
    """Return the stock ledger, oldest entry first, filtered by `shop`, `sku`, `by`."""
    wanted = {key: value for key in ("shop", "sku", "by") if (value := request.args.get(key)) is not None}
    lines = components().stock.ledger.entries
    return jsonify([one for one in lines if all(one[key] == value for key, value in wanted.items())])


@pages.get("/limits")
def limits() -> Response:
    """Return the calls of each shop with its busiest second and minute and its refused calls."""
    return jsonify(components().limits.call_counts())


@pages.delete("/limits")
def forget_limits() -> Response:
    components().limits.reset_counts()
    return limits()
