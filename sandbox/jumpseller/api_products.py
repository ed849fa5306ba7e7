"""The calls on products: lists, search, one, create, change, delete, variants."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.web import Json

from . import goods
from .api import Refusal, body, cause, found, needs, only_fields, page_of, pages, shop
from .here import parts
from .shapes import product_shape, variant_shape


def _shown(number: int) -> Json:
    return {"product": product_shape(shop(), shop().products[number], parts().switches)}


@pages.get("/products.json")
@needs("read_products")
def products() -> Response:
    shown = (_shown(number) for number in page_of(shop().finder.numbers[::-1]))
    return jsonify([{"product": only_fields(one["product"])} for one in shown])


@pages.get("/products/after/<int:number>.json")
@needs("read_products")
def products_after(number: int) -> Response:
    later, position = shop().finder.after(number), parts().switches["products-after"]
    if position == "missing":
        raise Refusal(404, "not-found")
    if position == "newest-first":
        later.reverse()
    elif position == "newest-alone":
        later = later[-50:]
    some = later[:50] if position == "fifty" else page_of(later)
    return jsonify([_shown(one) for one in some])


@pages.get("/products/status/<status>.json")
@needs("read_products")
def products_by_status(status: str) -> Response:
    known = shop().products
    wanted = [number for number in shop().finder.numbers[::-1] if known[number]["status"] == status]
    return jsonify([_shown(number) for number in page_of(wanted)])


@pages.get("/products/count.json")
@needs("read_products")
def count_products() -> Response:
    return jsonify({"count": len(shop().products)})


@pages.get("/products/search.json")
@needs("read_products")
def search_products() -> Response:
    query = request.args.get("query", "").lower()
    fields = request.args.get("fields", "sku,name").split(",")
    hits = []
    for number in shop().finder.numbers[::-1]:
        product = shop().products[number]
        texts = [str(product.get(field) or "") for field in fields]
        if "variants" in fields:
            texts += [str(variant["sku"] or "") for variant in product["variants"]]
        if query == "*" or any(query in text.lower() for text in texts):
            hits.append(number)
    return jsonify([_shown(number) for number in page_of(hits)])


@pages.post("/products.json")
@needs("write_products")
def new_product() -> Response:
    sent = body("product")
    for field in ("name", "price"):
        if sent.get(field) in (None, ""):
            raise Refusal(422, "missing", field)
    product = goods.add(parts(), shop(), {**sent, "variants": []})
    return jsonify(_shown(product["id"]))


@pages.get("/products/<int:number>.json")
@needs("read_products")
def one_product(number: int) -> Response:
    return jsonify({"product": only_fields(_shown(found("product", number)["id"])["product"])})


@pages.put("/products/<int:number>.json")
@needs("write_products")
def change_product(number: int) -> Response:
    goods.change(parts(), shop(), found("product", number), None, body("product"), cause())
    return jsonify(_shown(number))


@pages.delete("/products/<int:number>.json")
@needs("write_products")
def drop_product(number: int) -> Response:
    goods.remove(parts(), shop(), found("product", number))
    return jsonify("OK")


# --- variants ---------------------------------------------------------------------------------------------


def one_of(product: Json, number: int) -> Json:
    """The product's variant of that id, or a 404."""
    for variant in product["variants"]:
        if variant["id"] == number:
            return variant
    raise Refusal(404, "not-found")


@pages.get("/products/<int:number>/variants.json")
@needs("read_products")
def variants(number: int) -> Response:
    shown = [
        variant_shape(shop(), variant, parts().switches) for variant in found("product", number)["variants"]
    ]
    return jsonify([{"variant": one} for one in shown])


@pages.get("/products/<int:number>/variants/<int:variant_id>.json")
@needs("read_products")
def one_variant(number: int, variant_id: int) -> Response:
    variant = one_of(found("product", number), variant_id)
    return jsonify({"variant": variant_shape(shop(), variant, parts().switches)})


@pages.put("/products/<int:number>/variants/<int:variant_id>.json")
@needs("write_products")
def change_variant(number: int, variant_id: int) -> Response:
    product = found("product", number)
    variant = one_of(product, variant_id)
    goods.change(parts(), shop(), product, variant, body("variant"), cause())
    return jsonify({"variant": variant_shape(shop(), variant, parts().switches)})
