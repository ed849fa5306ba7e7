"""Create, change and remove products, for apps, for people and for whole catalogues.

Each change is stored and sends its webhook; loading a catalogue sends none.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sandbox.core.storage import Json

from . import stock_levels
from .json_format import product_json
from .platform_state import Shop, format_timestamp
from .seed import decimal_text
from .stock import StockCause

if TYPE_CHECKING:
    from .components import Components

TEXT_FIELDS = ("name", "sku", "type", "status", "description", "barcode")
FIRST_PRODUCT_ID, FIRST_VARIANT_ID = 30415000, 120415000


class ProductError(ValueError):
    """The request cannot be a product; the text says why."""


def change_product(
    components: Components, shop: Shop, product: Json, variant: Json | None, sent: Json, cause: StockCause
) -> None:
    """Change the product or variant; `stock` is plain, or a quantity by location."""
    with components.platform.lock:
        stock_item = variant or product
        for field in TEXT_FIELDS:
            if field in sent:
                stock_item[field] = sent[field]
        for field in ("price", "weight"):
            if field in sent:
                stock_item[field] = decimal_text(sent[field])
        if "tax_names" in sent:
            product["tax_names"] = list(sent["tax_names"])
        is_moved = (variant is not None or not product["variants"]) and _apply_stock(
            components, shop, product, variant, sent, cause
        )
        components.stock.publish_change(shop, product, is_moved)


def _apply_stock(
    components: Components, shop: Shop, product: Json, variant: Json | None, sent: Json, cause: StockCause
) -> bool:
    is_moved = False
    if "stock_unlimited" in sent:
        is_moved = components.stock.set_unlimited(
            shop, product, variant, bool(sent["stock_unlimited"]), cause
        )
    wanted = sent.get("stock")
    if isinstance(wanted, dict):
        for place, pieces in wanted.items():
            is_moved |= components.stock.set_at_location(
                shop, product, variant, int(place), int(pieces), cause
            )
    elif wanted is not None:
        is_moved |= components.stock.set_shown_stock(shop, product, variant, int(wanted), cause)
    return is_moved


def add_product(components: Components, shop: Shop, item: Json) -> Json:
    """Add the product and send its webhook."""
    with components.platform.lock:
        product = build_product(shop, item, shop.next_id("product", FIRST_PRODUCT_ID))
        shop.put("product", product)
        shop.save()
    _send_webhook(
        components, shop, "product_created", {"product": product_json(shop, product, components.switches)}
    )
    return product


def remove_product(components: Components, shop: Shop, product: Json) -> None:
    """Remove the product and send its webhook, with the body that the switch says."""
    body = {
        "whole": {"product": product_json(shop, product, components.switches)},
        "id": {"id": product["id"]},
        "empty": {},
    }[components.switches["product-deleted"]]
    with components.platform.lock:
        shop.drop("product", product["id"])
    _send_webhook(components, shop, "product_deleted", body)


def _send_webhook(components: Components, shop: Shop, event: str, body: Json) -> None:
    components.webhook_sender.enqueue(shop, event, body)


def build_product(shop: Shop, item: Json, number: int) -> Json:
    """Return a product from a short item; `stock` is a number, null (unlimited) or a quantity by location."""
    if not item.get("name"):
        raise ProductError("a product needs a name")
    is_parent = bool(item.get("variants"))
    product = {
        "id": number,
        "name": item["name"],
        "sku": item.get("sku"),
        "price": decimal_text(item.get("price", "0")),
        "tax_names": list(item.get("tax_names", ["IVA 23%"])),
        "type": item.get("type", "physical"),
        "weight": decimal_text(item.get("weight", "1")),
        "status": item.get("status", "available"),
        "description": item.get("description", ""),
        "barcode": item.get("barcode"),
        "created_at": format_timestamp(),
        "updated_at": format_timestamp(),
        **_initial_stock(shop, 0 if is_parent else item.get("stock", 0), item.get("stock_unlimited", False)),
        "variants": [],
    }
    for at, wanted in enumerate(item.get("variants", []), 1):
        product["variants"].append(_build_variant(shop, product, wanted, at))
    return product


def _build_variant(shop: Shop, product: Json, wanted: Json, at: int) -> Json:
    counters = shop.profile.setdefault("counters", {})
    counters["variant"] = counters.get("variant", FIRST_VARIANT_ID - 1) + 1
    option = {"name": wanted.get("option", "Opção"), "option_type": "option"}
    value = {"value": str(wanted.get("value", at)), "custom": None}
    position = {"product_option_position": 1, "product_value_position": at}
    return {
        "id": counters["variant"],
        "sku": wanted.get("sku"),
        "price": decimal_text(wanted.get("price", product["price"])),
        **_initial_stock(shop, wanted.get("stock", 0), wanted.get("stock_unlimited", False)),
        "options": [{**option, **value, **position}],
    }


def _initial_stock(shop: Shop, wanted: Json, is_unlimited: bool) -> Json:
    if isinstance(wanted, dict):
        return {"at": {str(place): int(pieces) for place, pieces in wanted.items()}, "stock_unlimited": False}
    main = str(stock_levels.location_ids(shop)[0])
    return {"at": {main: int(wanted or 0)}, "stock_unlimited": wanted is None or is_unlimited}


# --- a whole catalogue ------------------------------------------------------------------------------------


def generate_items(count: int, variants_every: int, seed: int) -> list[Json]:
    """Return this number of items, P00001 and so on.

    Every n-th has three variants (P00004-1, ...) and no SKU of its own.
    """
    chance = random.Random(seed)
    items: list[Json] = []
    for at in range(1, count + 1):
        item: Json = {"name": f"Artigo {at:05}", "price": f"{chance.randint(100, 9999) / 100:.2f}"}
        if variants_every and at % variants_every == 0:
            item["variants"] = [
                {"sku": f"P{at:05}-{nth}", "option": "Tamanho", "value": size, "stock": chance.randint(0, 99)}
                for nth, size in enumerate(("S", "M", "L"), 1)
            ]
        else:
            item |= {"sku": f"P{at:05}", "stock": chance.randint(0, 99)}
        items.append(item)
    return items


def load_items(components: Components, shop: Shop, items: list[Json]) -> list[Json]:
    """Store the new products in one transaction; sends no webhook and writes nothing to the ledger."""
    with components.platform.lock:
        first = shop.next_id("product", FIRST_PRODUCT_ID)
        products = [build_product(shop, item, first + at) for at, item in enumerate(items)]
        shop.profile["counters"]["product"] = first + len(items)
        shop.put_products(products)
        shop.save()
    return products
