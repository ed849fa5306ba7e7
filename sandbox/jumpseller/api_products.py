"""The calls on products: lists, search, one, create, change, delete, variants, stock by location."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.web import Json

from .api import Refusal, body, found, needs, only_fields, page_of, pages, shop
from .here import parts
from .seed import plain
from .shapes import product_shape, variant_shape
from .world import stamp

TEXT_FIELDS = ("name", "sku", "type", "status", "description", "barcode")


def _shown(product: Json) -> Json:
    return {"product": product_shape(shop(), product, parts().switches)}


def _tell(event: str, product: Json) -> None:
    parts().sender.announce(shop(), event, _shown(product))


def _newest_first() -> list[Json]:
    return [shop().products[number] for number in sorted(shop().products, reverse=True)]


def _lay(thing: Json, sent: Json) -> bool:
    """Whether the stock changed when what was sent was laid over the product or variant."""
    before = (thing["stock"], thing.get("stock_unlimited"))
    for field in TEXT_FIELDS:
        if field in sent:
            thing[field] = sent[field]
    for field in ("price", "weight"):
        if field in sent:
            thing[field] = plain(sent[field])
    if "stock" in sent:
        thing["stock"] = int(sent["stock"])
    if "stock_unlimited" in sent:
        thing["stock_unlimited"] = bool(sent["stock_unlimited"])
    return before != (thing["stock"], thing.get("stock_unlimited"))


@pages.get("/products.json")
@needs("read_products")
def products() -> Response:
    return jsonify([{"product": only_fields(_shown(one)["product"])} for one in page_of(_newest_first())])


@pages.get("/products/after/<int:number>.json")
@needs("read_products")
def products_after(number: int) -> Response:
    later = [one for one in reversed(_newest_first()) if one["id"] > number]
    return jsonify([_shown(one) for one in page_of(later)])


@pages.get("/products/status/<status>.json")
@needs("read_products")
def products_by_status(status: str) -> Response:
    return jsonify([_shown(one) for one in page_of([p for p in _newest_first() if p["status"] == status])])


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
    for product in _newest_first():
        texts = [str(product.get(field) or "") for field in fields]
        if "variants" in fields:
            texts += [str(variant["sku"] or "") for variant in product["variants"]]
        if query == "*" or any(query in text.lower() for text in texts):
            hits.append(product)
    return jsonify([_shown(product) for product in page_of(hits)])


@pages.post("/products.json")
@needs("write_products")
def new_product() -> Response:
    sent = body("product")
    for field in ("name", "price"):
        if sent.get(field) in (None, ""):
            raise Refusal(422, "missing", field)
    with parts().world.lock:
        product: Json = {
            "id": shop().next_id("product", 30415000),
            "name": sent["name"],
            "sku": None,
            "price": "0",
            "tax_names": ["IVA 23%"],
            "type": "physical",
            "stock": 0,
            "stock_unlimited": False,
            "weight": "1",
            "status": "available",
            "created_at": stamp(),
            "updated_at": stamp(),
            "variants": [],
        }
        _lay(product, sent)
        shop().put("product", product)
    _tell("product_created", product)
    return jsonify(_shown(product))


@pages.get("/products/<int:number>.json")
@needs("read_products")
def one_product(number: int) -> Response:
    return jsonify({"product": only_fields(_shown(found("product", number))["product"])})


@pages.put("/products/<int:number>.json")
@needs("write_products")
def change_product(number: int) -> Response:
    product = found("product", number)
    set_product(product, body("product"), shop_=shop())
    return jsonify(_shown(product))


def set_product(product: Json, sent: Json, shop_: Json) -> None:
    """The product changed, kept and told by hook."""
    is_moved = _lay(product, sent)
    product["updated_at"] = stamp()
    shop_.put("product", product)
    shown = {"product": product_shape(shop_, product, parts().switches)}
    parts().sender.announce(shop_, "product_updated", shown)
    if is_moved:
        parts().sender.announce(shop_, "product_stock_updated", shown)


@pages.delete("/products/<int:number>.json")
@needs("write_products")
def drop_product(number: int) -> Response:
    product = found("product", number)
    shop().drop("product", number)
    _tell("product_deleted", product)
    return jsonify("OK")


# --- variants ---------------------------------------------------------------------------------------------


def _variant(product: Json, number: int) -> Json:
    for variant in product["variants"]:
        if variant["id"] == number:
            return variant
    raise Refusal(404, "not-found")


@pages.get("/products/<int:number>/variants.json")
@needs("read_products")
def variants(number: int) -> Response:
    shown = [variant_shape(variant, parts().switches) for variant in found("product", number)["variants"]]
    return jsonify([{"variant": one} for one in shown])


@pages.get("/products/<int:number>/variants/<int:variant_id>.json")
@needs("read_products")
def one_variant(number: int, variant_id: int) -> Response:
    variant = _variant(found("product", number), variant_id)
    return jsonify({"variant": variant_shape(variant, parts().switches)})


@pages.put("/products/<int:number>/variants/<int:variant_id>.json")
@needs("write_products")
def change_variant(number: int, variant_id: int) -> Response:
    product = found("product", number)
    variant = _variant(product, variant_id)
    is_moved = _lay(variant, body("variant"))
    shop().put("product", product)
    _tell("product_updated", product)
    if is_moved:
        _tell("product_stock_updated", product)
    return jsonify({"variant": variant_shape(variant, parts().switches)})


# --- stock by location: all of it lies in the main one ------------------------------------------------------


def _numbers(name: str) -> set[int]:
    texts = [
        text
        for value in request.args.getlist(name) + request.args.getlist(f"{name}[]")
        for text in value.split(",")
    ]
    return {int(text) for text in texts if text.strip().isdigit()}


@pages.get("/products_locations")
@needs("read_products")
def stock_by_location() -> Response:
    wanted, places = _numbers("product_ids"), _numbers("location_ids")
    rows = []
    for product in [one for one in shop().products.values() if one["id"] in wanted]:
        for place in [one for one in shop().things["location"].values() if one["id"] in places]:
            for variant in product["variants"] or [None]:
                held = variant or product
                rows.append(
                    {
                        "location_id": place["id"],
                        "product_id": product["id"],
                        "variant_id": variant["id"] if variant else None,
                        "stock": held["stock"] if place["main"] else 0,
                    }
                )
    return jsonify(rows)


@pages.put("/products_locations")
@needs("write_products")
def set_stock_by_location() -> Response:
    sent = body()
    if not isinstance(sent.get("stock"), int) or not isinstance(sent.get("stock_unlimited"), bool):
        raise Refusal(400, "bad-body")
    product = found("product", int(sent.get("product_id", 0)))
    place = found("location", int(sent.get("location_id", 0)))
    held = _variant(product, int(sent["variant_id"])) if sent.get("variant_id") else product
    if place["main"] and _lay(held, sent):
        shop().put("product", product)
        _tell("product_stock_updated", product)
    return jsonify({**sent, "stock": held["stock"] if place["main"] else 0})
