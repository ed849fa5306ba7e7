"""The calls on products: list, search, show, create, change, delete, and their variants."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.core.storage import Json

from . import product_catalogue
from .api import (
    Refusal,
    current_shop,
    get_or_404,
    only_fields,
    pages,
    paginate,
    request_body,
    requires_scope,
    stock_cause,
)
from .components import components
from .json_format import product_json, variant_json


def _product_body(product: Json) -> Json:
    return {"product": product_json(current_shop(), product, components().switches)}


def _product_page(numbers: list[int]) -> list[Json]:
    """Return the requested page of these products, without any that was deleted in the meantime."""
    known = current_shop().products
    return [_product_body(product) for number in paginate(numbers) if (product := known.get(number))]


def _change(product: Json, variant: Json | None, sent: Json) -> None:
    try:
        product_catalogue.change_product(components(), current_shop(), product, variant, sent, stock_cause())
    except (ValueError, ArithmeticError) as wrong:
        raise Refusal(400, "bad-body") from wrong


@pages.get("/products.json")
@requires_scope("read_products")
def products() -> Response:
    shown = _product_page(current_shop().product_index.product_ids[::-1])
    return jsonify([{"product": only_fields(one["product"])} for one in shown])


@pages.get("/products/after/<int:number>.json")
@requires_scope("read_products")
def products_after(number: int) -> Response:
    later, position = current_shop().product_index.ids_after(number), components().switches["products-after"]
    if position == "missing":
        raise Refusal(404, "not-found")
    if position == "newest-first":
        later.reverse()
    elif position == "newest-alone":
        later = later[-50:]
    return jsonify(_product_page(later[:50] if position == "fifty" else later))


@pages.get("/products/status/<status>.json")
@requires_scope("read_products")
def products_by_status(status: str) -> Response:
    wanted = [number for number, one in list(current_shop().products.items()) if one["status"] == status]
    return jsonify(_product_page(sorted(wanted, reverse=True)))


@pages.get("/products/count.json")
@requires_scope("read_products")
def count_products() -> Response:
    return jsonify({"count": len(current_shop().products)})


@pages.get("/products/search.json")
@requires_scope("read_products")
def search_products() -> Response:
    query = request.args.get("query", "").lower()
    fields = request.args.get("fields", "sku,name").split(",")
    hits = []
    for number, product in sorted(current_shop().products.items(), reverse=True):
        texts = [str(product.get(field) or "") for field in fields]
        if "variants" in fields:
            texts += [str(variant["sku"] or "") for variant in product["variants"]]
        if query == "*" or any(query in text.lower() for text in texts):
            hits.append(number)
    return jsonify(_product_page(hits))


@pages.post("/products.json")
@requires_scope("write_products")
def new_product() -> Response:
    sent = request_body("product")
    for field in ("name", "price"):
        if sent.get(field) in (None, ""):
            raise Refusal(422, "missing", field)
    product = product_catalogue.add_product(components(), current_shop(), {**sent, "variants": []})
    return jsonify(_product_body(product))


@pages.get("/products/<int:number>.json")
@requires_scope("read_products")
def one_product(number: int) -> Response:
    return jsonify({"product": only_fields(_product_body(get_or_404("product", number))["product"])})


@pages.put("/products/<int:number>.json")
@requires_scope("write_products")
def change_product(number: int) -> Response:
    product = get_or_404("product", number)
    _change(product, None, request_body("product"))
    return jsonify(_product_body(product))


@pages.delete("/products/<int:number>.json")
@requires_scope("write_products")
def drop_product(number: int) -> Response:
    product_catalogue.remove_product(components(), current_shop(), get_or_404("product", number))
    return jsonify("OK")


# --- variants ---------------------------------------------------------------------------------------------


def variant_or_404(product: Json, number: int) -> Json:
    """Return the product's variant with that id, or abort with 404."""
    for variant in product["variants"]:
        if variant["id"] == number:
            return variant
    raise Refusal(404, "not-found")


@pages.get("/products/<int:number>/variants.json")
@requires_scope("read_products")
def variants(number: int) -> Response:
    shown = [
        variant_json(current_shop(), variant, components().switches)
        for variant in get_or_404("product", number)["variants"]
    ]
    return jsonify([{"variant": one} for one in shown])


@pages.get("/products/<int:number>/variants/<int:variant_id>.json")
@requires_scope("read_products")
def one_variant(number: int, variant_id: int) -> Response:
    variant = variant_or_404(get_or_404("product", number), variant_id)
    return jsonify({"variant": variant_json(current_shop(), variant, components().switches)})


@pages.put("/products/<int:number>/variants/<int:variant_id>.json")
@requires_scope("write_products")
def change_variant(number: int, variant_id: int) -> Response:
    product = get_or_404("product", number)
    variant = variant_or_404(product, variant_id)
    _change(product, variant, request_body("variant"))
    return jsonify({"variant": variant_json(current_shop(), variant, components().switches)})
