"""The admin's page of products, where a person edits name, SKU, price, tax and the stock in each location."""

from __future__ import annotations

from decimal import InvalidOperation
from urllib.parse import urlencode

from flask import Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.storage import Json

from . import product_catalogue, stock_levels
from .admin import pages, redirect_to, render_page
from .components import components, shop_or_404
from .oauth import COOKIE
from .platform_state import Shop
from .seed import decimal_text

BY_ADMIN = {"by": "admin"}
PAGE_SIZE = 50


@pages.get("/products")
def products(code: str) -> Response:
    shop, words = shop_or_404(code), request.args.get("q", "").strip().lower()
    first = max(request.args.get("page", 1, int), 1) * PAGE_SIZE - PAGE_SIZE
    numbers = [
        number
        for number in shop.product_index.product_ids
        if not words or words in _search_text(shop.products[number])
    ]
    return render_page(
        "products.html",
        shop,
        shown=[shop.products[number] for number in numbers[first : first + PAGE_SIZE]],
        count=len(numbers),
        words=words,
        first=first,
        size=PAGE_SIZE,
        places=[shop.records["location"][place] for place in stock_levels.location_ids(shop)],
        goods_of=stock_levels.variants_or_product,
        at=stock_levels.quantity_at,
    )


def _search_text(product: Json) -> str:
    texts = [product["name"], product["sku"], *(variant["sku"] for variant in product["variants"])]
    return " ".join(text for text in texts if text).lower()


def redirect_to_product(number: int) -> AnyResponse:
    """Redirect from the address that a product has in a real admin."""
    shop = (
        components().platform.shops.get(request.cookies.get(COOKIE, "")) or components().platform.first_shop()
    )
    product = shop.products.get(number) or abort(404)
    return redirect_to(shop, "products?" + urlencode({"q": product["name"]}))


@pages.post("/products/<int:number>")
def change_product(code: str, number: int) -> AnyResponse:
    """Change the product, or its variant, as its row of the form says."""
    shop = shop_or_404(code)
    product = shop.products.get(number) or abort(404)
    variant = None
    if request.form.get("variant"):
        found = [one for one in product["variants"] if str(one["id"]) == request.form["variant"]]
        variant = found[0] if found else abort(404)
    try:
        product_catalogue.change_product(
            components(), shop, product, variant, _changes_from_form(shop), BY_ADMIN
        )
    except (InvalidOperation, ValueError):
        abort(422)
    return redirect_to(shop, "products?" + request.query_string.decode())


def _changes_from_form(shop: Shop) -> Json:
    form = request.form
    sent: Json = {}
    if form.get("name"):
        sent["name"] = form["name"]
    if "sku" in form:
        sent["sku"] = form["sku"] or None
    if form.get("price"):
        sent["price"] = decimal_text(form["price"].replace(",", "."))
    if "tax" in form:
        sent["tax_names"] = [name for name in form.getlist("tax") if name]
    if "counted" in form:
        sent["stock_unlimited"] = form["counted"] == "no"
    fields = {place: form.get(f"stock-{place}", "") for place in stock_levels.location_ids(shop)}
    sent["stock"] = {place: int(written) for place, written in fields.items() if written}
    return sent
