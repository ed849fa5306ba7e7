"""Products and taxes in the JSON that Jumpseller's API and webhooks send; orders are in order_format.py.

It changes no state; the switches for uncertain formats are read here, whenever JSON is made.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.core.storage import Json
from sandbox.core.switches import Switches

from .platform_state import Shop
from .stock_levels import shown_stock

# product fields that an invoicing application never reads
UNUSED_FIELDS: Json = {
    "featured": False,
    "package_format": "box",
    "length": 0.0,
    "width": 0.0,
    "height": 0.0,
    "diameter": 0.0,
    "digital_products": [],
    "quotable": False,
    "reviews_enabled": False,
    "google_product_category_text": "",
}


def variant_json(shop: Shop, variant: Json, switches: Switches) -> Json:
    """Return the variant as the API shows it, without its wrapper."""
    return {
        "id": variant["id"],
        "price": _price_value(variant["price"], switches),
        "sku": variant["sku"],
        "barcode": variant.get("barcode"),
        "stock": _stock_value(shop, variant, switches),
        "stock_unlimited": variant.get("stock_unlimited", False),
        "stock_threshold": 0,
        "stock_notification": False,
        "cost_per_item": None,
        "compare_at_price": None,
        "options": variant["options"],
        "image": None,
    }


def _price_value(text: str, switches: Switches) -> float | str:
    return text if switches["product-numbers"] == "text" else float(Decimal(text))


def _stock_value(shop: Shop, held: Json, switches: Switches) -> int | str:
    pieces = shown_stock(shop, held, switches)
    return str(pieces) if switches["product-numbers"] == "text" else pieces


def product_json(shop: Shop, product: Json, switches: Switches) -> Json:
    """Return the product as the API shows it, without its wrapper; variants have their own stock and SKU."""
    variants = [variant_json(shop, variant, switches) for variant in product["variants"]]
    return {
        "id": product["id"],
        "name": product["name"],
        "page_title": "",
        "description": product.get("description", ""),
        "type": product["type"],
        "days_to_expire": None,
        "price": _price_value(product["price"], switches),
        "discount": _price_value("0.0", switches),
        "weight": float(product["weight"]),
        "stock": _stock_value(shop, product, switches),
        "stock_unlimited": product["stock_unlimited"],
        "stock_threshold": 0,
        "stock_notification": False,
        "back_in_stock_enabled": False,
        "cost_per_item": None,
        "compare_at_price": None,
        "sku": product["sku"],
        "brand": None,
        "barcode": product.get("barcode"),
        **UNUSED_FIELDS,
        "status": product["status"],
        "created_at": product["created_at"],
        "updated_at": product["updated_at"],
        "permalink": product["name"].lower().replace(" ", "-"),
        "categories": [],
        "images": [],
        "variants": variants,
        "fields": [],
        "currency": shop.profile["currency"],
    }


def tax_json(tax: Json) -> Json:
    """Return the tax as the API shows it, without its wrapper."""
    return {**tax, "tax_amount": float(Decimal(tax["tax_amount"]))}
