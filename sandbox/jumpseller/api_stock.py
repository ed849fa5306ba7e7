"""The calls on stock by location."""

from __future__ import annotations

from flask import Response, jsonify, request

from sandbox.web import Json

from . import levels
from .api import Refusal, body, cause, found, needs, pages, shop
from .api_products import one_of
from .here import parts

MOST_IDS = 50


def _numbers(name: str) -> list[int]:
    texts = [
        text.strip()
        for value in request.args.getlist(name) + request.args.getlist(f"{name}[]")
        for text in value.split(",")
    ]
    numbers = [int(text) for text in texts if text.isdigit()]
    if len(numbers) > MOST_IDS:
        raise Refusal(400, "bad-body")
    return list(dict.fromkeys(numbers))


@pages.get("/products_locations")
@needs("read_products")
def stock_by_location() -> Response:
    places, variants = _numbers("location_ids"), _numbers("variant_ids")
    rows = []
    for number in _numbers("product_ids"):
        product = shop().products.get(number)
        for variant, held in levels.goods_of(product) if product else []:
            if variant is None or not variants or variant["id"] in variants:
                rows += [row for place in places for row in _row(number, variant, held, place)]
    return jsonify(rows)


def _row(number: int, variant: Json | None, held: Json, place: int) -> list[Json]:
    if place not in shop().things["location"]:
        return []
    pieces: int | None = levels.at(held, place)
    if held.get("stock_unlimited"):
        shown = parts().switches["unlimited-by-place"]
        if shown == "left-out":
            return []
        pieces = None if shown == "null" else 0
    variant_id = variant["id"] if variant else None
    return [{"location_id": place, "product_id": number, "variant_id": variant_id, "stock": pieces}]


@pages.put("/products_locations")
@needs("write_products")
def set_stock_by_location() -> Response:
    sent = body()
    if not isinstance(sent.get("stock"), int) or not isinstance(sent.get("stock_unlimited"), bool):
        raise Refusal(400, "bad-body")
    product = found("product", int(sent.get("product_id", 0)))
    place = found("location", int(sent.get("location_id", 0)))["id"]
    variant = one_of(product, int(sent["variant_id"])) if sent.get("variant_id") else None
    stock = parts().stock
    with parts().world.lock:
        is_moved = stock.limit(shop(), product, variant, sent["stock_unlimited"], cause())
        is_moved |= stock.put_at(shop(), product, variant, place, sent["stock"], cause())
        stock.changed(shop(), product, is_moved)
    return jsonify({**sent, "stock": levels.at(variant or product, place)})
