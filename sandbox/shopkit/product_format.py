"""Products in the JSON that the API and webhooks send."""

from __future__ import annotations

import re

from sandbox.core.storage import Json

from .order_format import number
from .state import Shop, ShopkitState

STATUS_ALIASES = {1: "active", 2: "hidden", 3: "out_of_stock", 4: "soon"}


def product_json(state: ShopkitState, shop: Shop, product: Json) -> Json:
    """Return the product as `GET /product/{id}` answers."""
    pieces = product["stock"]
    if product["options"]:
        of_options = sum(option["stock"] for option in product["options"])
        pieces = of_options if state.switches["option-stock"] == "sum" else 0
    handle = re.sub(r"\W+", "-", product["title"].lower()).strip("-")
    url = f"{state.public}/product/{handle}"
    return {
        "id": product["id"],
        "title": product["title"],
        "reference": product["reference"],
        "barcode": product.get("barcode"),
        **_prices(state, shop, product),
        "created_at": product["created_at"],
        "updated_at": product["updated_at"],
        "status": product["status"],
        "status_alias": STATUS_ALIASES.get(product["status"], "hidden"),
        "type": product["type"],
        "tax": number(product["rate"], state.switches["numbers"]),
        "taxable": product["rate"] > 0,
        "reduced_rate": None,
        "handle": handle,
        "weight": 0,
        "wholesale": False,
        "description": product.get("description", ""),
        "url": url,
        "permalink": url,
        "image": {},
        "images": [],
        "categories": [],
        "brand": None,
        "tags": [],
        "options": [option_json(state, shop, product, option) for option in product["options"]],
        "stock": {
            "stock_enabled": product["stock_enabled"],
            "stock_qty": pieces,
            "stock_backorder": False,
            "stock_show": True,
            "stock_sold_single": False,
            "stock_notify": 0,
        },
    }


def option_json(state: ShopkitState, shop: Shop, product: Json, option: Json) -> Json:
    """Return the option as `GET /product/{id}/option/{id_option}` answers."""
    return {
        "id": option["id"],
        "id_variant_1": option["id"] + 500_000,
        "id_variant_2": None,
        "id_variant_3": None,
        "title": option["title"],
        **_prices(state, shop, {**option, "rate": product["rate"]}),
        "stock": option["stock"],
        "weight": 0,
        "reference": option["reference"],
        "barcode": option.get("barcode") or "",
        "active": option.get("active", True),
    }


def _prices(state: ShopkitState, shop: Shop, goods: Json) -> Json:
    how = state.switches["numbers"]
    factor = 1 + goods["rate"] / 100 if shop.profile["prices_include_tax"] else 1
    return {
        "price": number(goods["price"], how),
        "price_formatted": f"{goods['price']:.2f} €".replace(".", ","),
        "price_promo": None,
        "price_wholesale": None,
        "price_without_tax": number(goods["price"] / factor, how),
        "price_on_request": False,
        "promo": False,
    }
