"""Create, change and remove products, for apps, for people and for whole catalogues.

Each change is stored and sends its webhooks; loading a catalogue sends none.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sandbox.core.storage import Json

from .product_format import product_json
from .state import Shop

if TYPE_CHECKING:
    from .components import Components

FIRST_PRODUCT_ID, FIRST_OPTION_ID = 600_001, 900_001


class ProductError(ValueError):
    """The request cannot be a product; the text says why."""


def change_goods(
    components: Components, shop: Shop, product: Json, option: Json | None, sent: Json, origin: str
) -> None:
    """Change the product, or its option. Raises ProductError for a number that is none."""
    goods = option or product
    try:
        pieces = int(sent["stock"]) if sent.get("stock") is not None else None
        price = float(sent["price"]) if "price" in sent else None
    except (TypeError, ValueError) as wrong:
        raise ProductError(str(wrong)) from wrong
    with components.state.lock:
        for name in ("title", "reference", "barcode", "status", "active", "type", "description"):
            if name in sent:
                goods[name] = sent[name]
        if "stock_enabled" in sent:
            product["stock_enabled"] = bool(sent["stock_enabled"])
        if "rate" in sent:
            product["rate"] = float(sent["rate"])
        if price is not None:
            goods["price"] = price
        is_moved = pieces is not None and components.stock.set(shop, product, option, pieces, origin)
        components.stock.publish(shop, product, is_moved, origin)


def add_product(components: Components, shop: Shop, item: Json, origin: str) -> Json:
    """Add the product and send its webhook. Raises ProductError."""
    with components.state.lock:
        product = build_product(components, shop, item, shop.next_id("product", FIRST_PRODUCT_ID))
        shop.put("product", product)
    body = {"product": product_json(components.state, shop, product)}
    components.sender.enqueue(shop, "product_created", body, origin)
    return product


def remove_product(components: Components, shop: Shop, product: Json, origin: str) -> None:
    """Remove the product and send its webhook."""
    body = {"product": product_json(components.state, shop, product)}
    with components.state.lock:
        shop.drop("product", product["id"])
    components.sender.enqueue(shop, "product_deleted", body, origin)


def build_product(components: Components, shop: Shop, item: Json, number: int) -> Json:
    """Return a product from a short item: `title`, `reference`, `price`, `stock` (null: not counted), `options`."""
    title = item.get("title") or item.get("name")
    if not title:
        raise ProductError("a product needs a title")
    stock = item.get("stock", item.get("stock_qty"))
    options = []
    for option in item.get("options", []):
        options.append(
            {
                "id": shop.next_id("option", FIRST_OPTION_ID) if "id" not in option else option["id"],
                "reference": option.get("reference", ""),
                "title": option["title"],
                "price": float(option.get("price", item.get("price", 0))),
                "stock": int(option.get("stock") or 0),
            }
        )
    return {
        "id": number,
        "title": title,
        "reference": item.get("reference", item.get("sku", "")) or "",
        "price": float(item.get("price", 0)),
        "rate": float(item.get("rate", 23)),
        "type": item.get("type", "physical"),
        "status": int(item.get("status", 1)),
        "stock_enabled": bool(item.get("stock_enabled", stock is not None or bool(options))),
        "stock": int(stock or 0),
        "options": options,
        "created_at": components.state.now(),
        "updated_at": components.state.now(),
    }


def load_items(components: Components, shop: Shop, items: list[Json]) -> int:
    """Add the products in one transaction, without webhooks; return their number."""
    with components.state.lock:
        made = [
            build_product(components, shop, item, shop.next_id("product", FIRST_PRODUCT_ID) + at)
            for at, item in enumerate(items)
        ]
        shop.put_products(made)
    return len(made)


def generate_items(count: int, options_every: int = 0, seed: int = 1) -> list[Json]:
    """Return invented items `P00001` and so on; every n-th has two options."""
    dice = random.Random(seed)
    items = []
    for at in range(1, count + 1):
        reference = f"P{at:05d}"
        item: Json = {
            "title": f"Peça {at}",
            "reference": reference,
            "price": dice.randrange(100, 9000) / 100,
            "stock": dice.randrange(0, 60),
        }
        if options_every and at % options_every == 0:
            item |= {
                "reference": "",
                "options": [
                    {"title": name, "reference": f"{reference}-{nth}", "stock": dice.randrange(0, 60)}
                    for nth, name in enumerate(("Azul", "Verde"), 1)
                ],
            }
        items.append(item)
    return items
