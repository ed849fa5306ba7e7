"""The calls on stock by location."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.core.storage import Json

from . import stock_levels
from .api import Refusal, current_shop, get_or_404, pages, request_body, requires_scope, stock_cause
from .api_products import variant_or_404
from .components import components

MAX_IDS = 50


def _query_ids(name: str) -> list[int]:
    texts = [
        text.strip()
        for value in request.args.getlist(name) + request.args.getlist(f"{name}[]")
        for text in value.split(",")
    ]
    numbers = [int(text) for text in texts if text.isdigit()]
    if len(numbers) > MAX_IDS:
        raise Refusal(400, "bad-body")
    return list(dict.fromkeys(numbers))


@pages.get("/products_locations")
@requires_scope("read_products")
def stock_by_location() -> Response:
    places, variants = _query_ids("location_ids"), _query_ids("variant_ids")
    rows = []
    for number in _query_ids("product_ids"):
        product = current_shop().products.get(number)
        for variant, held in stock_levels.variants_or_product(product) if product else []:
            if variant is None or not variants or variant["id"] in variants:
                rows += [row for place in places for row in _stock_row(number, variant, held, place)]
    return jsonify(rows)


def _stock_row(number: int, variant: Json | None, held: Json, place: int) -> list[Json]:
    if place not in current_shop().records["location"]:
        return []
    pieces: int | None = stock_levels.quantity_at(held, place)
    if held.get("stock_unlimited"):
        shown = components().switches["unlimited-by-place"]
        if shown == "left-out":
            return []
        pieces = None if shown == "null" else 0
    variant_id = variant["id"] if variant else None
    return [{"location_id": place, "product_id": number, "variant_id": variant_id, "stock": pieces}]


@pages.put("/products_locations")
@requires_scope("write_products")
def set_stock_by_location() -> Response:
    sent = request_body()
    if not isinstance(sent.get("stock"), int) or not isinstance(sent.get("stock_unlimited"), bool):
        raise Refusal(400, "bad-body")
    product = get_or_404("product", int(sent.get("product_id", 0)))
    place = get_or_404("location", int(sent.get("location_id", 0)))["id"]
    variant = variant_or_404(product, int(sent["variant_id"])) if sent.get("variant_id") else None
    stock = components().stock
    with components().platform.lock:
        is_moved = stock.set_unlimited(
            current_shop(), product, variant, sent["stock_unlimited"], stock_cause()
        )
        is_moved |= stock.set_at_location(
            current_shop(), product, variant, place, sent["stock"], stock_cause()
        )
        stock.publish_change(current_shop(), product, is_moved)
    return jsonify({**sent, "stock": stock_levels.quantity_at(variant or product, place)})
