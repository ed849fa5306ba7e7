"""One example of each call, for the comparison with Jumpseller's description.

The comparison fails for a call without a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from . import components_of
from .oauth_tokens import SCOPES


@dataclass(frozen=True)
class Sample:
    """A path with the names of prepared ids in braces, and a body's text with them as %(name)s."""

    path: str
    body: str | None = None


_DOCUMENT = '{"document": {"document_type": 1, "external_id": "9", "public_id": "FT 9", "url": "https://a.example/9"}}'
_LOCATION = '{"location_id": %(location)s, "product_id": %(product)s, "stock": 3, "stock_unlimited": false}'
SAMPLES = {
    "GET /store/info.json": Sample("/store/info.json"),
    "GET /store/languages.json": Sample("/store/languages.json"),
    "GET /locations.json": Sample("/locations.json"),
    "GET /apps/{}/install_status.json": Sample("/apps/quick-invoice/install_status.json"),
    "GET /hooks.json": Sample("/hooks.json"),
    "POST /hooks.json": Sample(
        "/hooks.json", '{"hook": {"event": "order_paid", "url": "https://a.example/h"}}'
    ),
    "GET /hooks/{}.json": Sample("/hooks/{hook}.json"),
    "PUT /hooks/{}.json": Sample(
        "/hooks/{hook}.json", '{"hook": {"event": "order_paid", "url": "https://a.example/i"}}'
    ),
    "DELETE /hooks/{}.json": Sample("/hooks/{spare_hook}.json"),
    "GET /taxes.json": Sample("/taxes.json"),
    "GET /taxes/{}.json": Sample("/taxes/{tax}.json"),
    "POST /taxes.json": Sample("/taxes.json", '{"tax": {"name": "IVA 21%%", "tax": 21, "country": "PT"}}'),
    "GET /customers.json": Sample("/customers.json"),
    "GET /customers/count.json": Sample("/customers/count.json"),
    "GET /customers/{}.json": Sample("/customers/{customer}.json"),
    "GET /customers/email/{}.json": Sample("/customers/email/ana.exemplo@example.pt.json"),
    "GET /payment_methods.json": Sample("/payment_methods.json"),
    "GET /shipping_methods.json": Sample("/shipping_methods.json"),
    "GET /orders.json": Sample("/orders.json?status_filters[]=paid&limit=2"),
    "GET /orders/status/{}.json": Sample("/orders/status/paid.json"),
    "GET /orders/after/{}.json": Sample("/orders/after/{first_order}.json"),
    "GET /orders/count.json": Sample("/orders/count.json"),
    "GET /orders/search.json": Sample("/orders/search.json?query=ana"),
    "GET /orders/{}.json": Sample("/orders/{order}.json"),
    "PUT /orders/{}.json": Sample("/orders/{order}.json", '{"order": {"additional_information": "Nota"}}'),
    "GET /orders/{}/history.json": Sample("/orders/{order}/history.json"),
    "POST /orders/{}/history.json": Sample(
        "/orders/{order}/history.json", '{"order_history": {"message": "FT 9", "log": {}}}'
    ),
    "GET /orders/{}/documents.json": Sample("/orders/{order}/documents.json"),
    "POST /orders/{}/documents.json": Sample("/orders/{order}/documents.json", _DOCUMENT),
    "PUT /orders/{}/documents/{}.json": Sample(
        "/orders/{order}/documents/FT%201.json", '{"url": "https://a.example/2"}'
    ),
    "DELETE /orders/{}/documents/{}.json": Sample("/orders/{order}/documents/FT%202.json"),
    "GET /documents.json": Sample("/documents.json"),
    "GET /products.json": Sample("/products.json"),
    "GET /products/after/{}.json": Sample("/products/after/{product}.json"),
    "GET /products/status/{}.json": Sample("/products/status/available.json"),
    "GET /products/count.json": Sample("/products/count.json"),
    "GET /products/search.json": Sample("/products/search.json?query=taca&fields=sku"),
    "POST /products.json": Sample("/products.json", '{"product": {"name": "Jarro", "price": 18.5}}'),
    "GET /products/{}.json": Sample("/products/{product}.json"),
    "PUT /products/{}.json": Sample("/products/{product}.json", '{"product": {"stock": 4}}'),
    "DELETE /products/{}.json": Sample("/products/{spare_product}.json"),
    "GET /products/{}/variants.json": Sample("/products/{parent}/variants.json"),
    "GET /products/{}/variants/{}.json": Sample("/products/{parent}/variants/{variant}.json"),
    "PUT /products/{}/variants/{}.json": Sample(
        "/products/{parent}/variants/{variant}.json", '{"variant": {"stock": 4}}'
    ),
    "GET /products_locations": Sample("/products_locations?location_ids={location}&product_ids={product}"),
    "PUT /products_locations": Sample("/products_locations", _LOCATION),
}


def prepare_data(app: Flask) -> tuple[str, dict[str, int]]:
    """Return a token with every scope and the ids that the samples name, in a shop with two paid orders."""
    components = components_of(app)
    shop = components.platform.first_shop()
    uri = components.oauth_tokens.redirect_uris()[0]
    code = components.oauth_tokens.issue_code(shop, {"scope": " ".join(sorted(SCOPES)), "redirect_uri": uri})
    token = components.oauth_tokens.exchange(code, uri, None)["access_token"]
    lines = [{"sku": "TACA-01", "qty": 2}, {"sku": "AZJ-15-AZUL"}]
    spec = {"lines": lines, "coupon": "1.00", "shipping": "4.92", "nif": "123456789", "pay": True}
    first, order = (components.orders.place(shop, spec) for _ in range(2))
    for number in (1, 2):
        paper = {
            "document_type": 1,
            "external_id": "1",
            "public_id": f"FT {number}",
            "url": "https://a.example/",
        }
        order["documents"].append({**paper, "order_id": order["id"], "app_code": "quick-invoice"})
    hooks = []
    for event in ("order_updated", "order_shipped"):
        hook = {"id": shop.next_id("hook", 1), "name": event, "event": event, "url": "https://a.example/h"}
        shop.put("hook", {**hook, "created_at": "2026-01-01 00:00:00 UTC", "application_id": 8801})
        hooks.append(hook["id"])
    products = list(shop.products.values())
    parent = next(product for product in products if product["variants"])
    return token, {
        "first_order": first["id"],
        "order": order["id"],
        "hook": hooks[0],
        "spare_hook": hooks[1],
        "tax": next(iter(shop.taxes)),
        "customer": 21480000 + order["id"],
        "product": products[0]["id"],
        "spare_product": products[-1]["id"],
        "parent": parent["id"],
        "variant": parent["variants"][0]["id"],
        "location": next(iter(shop.records["location"])),
    }
