"""The calls on products: lists, search, one, create, change, delete, variants."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.web import Json

from . import goods
from .api import Refusal, body, cause, found, needs, only_fields, page_of, pages, shop
from .here import parts
from .shapes import product_shape, variant_shape


def _shown(product: Json) -> Json:
    return {"product": product_shape(shop(), product, parts().switches)}


def _page(numbers: list[int]) -> list[Json]:
    """The page of these products that is asked for; one that was deleted this moment is none."""
    known = shop().products
    return [_shown(product) for number in page_of(numbers) if (product := known.get(number))]


def _change(product: Json, variant: Json | None, sent: Json) -> None:
    try:
        goods.change(parts(), shop(), product, variant, sent, cause())
    except (ValueError, ArithmeticError) as wrong:
        raise Refusal(400, "bad-body") from wrong


@pages.get("/products.json")
@needs("read_products")
def products() -> Response:
    shown = _page(shop().finder.numbers[::-1])
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
    return jsonify(_page(later[:50] if position == "fifty" else later))


@pages.get("/products/status/<status>.json")
@needs("read_products")
def products_by_status(status: str) -> Response:
    wanted = [number for number, one in list(shop().products.items()) if one["status"] == status]
    return jsonify(_page(sorted(wanted, reverse=True)))


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
    for number, product in sorted(shop().products.items(), reverse=True):
        texts = [str(product.get(field) or "") for field in fields]
        if "variants" in fields:
            texts += [str(variant["sku"] or "") for variant in product["variants"]]
        if query == "*" or any(query in text.lower() for text in texts):
            hits.append(number)
    return jsonify(_page(hits))


@pages.post("/products.json")
@needs("write_products")
def new_product() -> Response:
    sent = body("product")
    for field in ("name", "price"):
        if sent.get(field) in (None, ""):
            raise Refusal(422, "missing", field)
    product = goods.add(parts(), shop(), {**sent, "variants": []})
    return jsonify(_shown(product))


@pages.get("/products/<int:number>.json")
@needs("read_products")
def one_product(number: int) -> Response:
    return jsonify({"product": only_fields(_shown(found("product", number))["product"])})


@pages.put("/products/<int:number>.json")
@needs("write_products")
def change_product(number: int) -> Response:
    product = found("product", number)
    _change(product, None, body("product"))
    return jsonify(_shown(product))


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
    _change(product, variant, body("variant"))
    return jsonify({"variant": variant_shape(shop(), variant, parts().switches)})
