"""The admin's page of products: name, SKU, price, tax, and the stock in each location, all edited by hand."""

from __future__ import annotations

from decimal import InvalidOperation
from urllib.parse import urlencode

from flask import Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.web import Json

from . import goods, levels
from .admin import page, pages, to
from .here import parts, shop_called
from .oauth import COOKIE
from .seed import plain
from .world import Shop

BY_HAND = {"by": "admin"}
SHOWN = 50


@pages.get("/products")
def products(code: str) -> Response:
    shop, words = shop_called(code), request.args.get("q", "").strip().lower()
    first = max(request.args.get("page", 1, int), 1) * SHOWN - SHOWN
    numbers = [
        number for number in shop.finder.numbers if not words or words in _words(shop.products[number])
    ]
    return page(
        "products.html",
        shop,
        shown=[shop.products[number] for number in numbers[first : first + SHOWN]],
        count=len(numbers),
        words=words,
        first=first,
        size=SHOWN,
        places=[shop.things["location"][place] for place in levels.locations(shop)],
        goods_of=levels.goods_of,
        at=levels.at,
    )


def _words(product: Json) -> str:
    texts = [product["name"], product["sku"], *(variant["sku"] for variant in product["variants"])]
    return " ".join(text for text in texts if text).lower()


def edit_address(number: int) -> AnyResponse:
    """The product's row, asked for by the address that its page has in a real admin."""
    shop = parts().world.shops.get(request.cookies.get(COOKIE, "")) or parts().world.first_shop()
    product = shop.products.get(number) or abort(404)
    return to(shop, "products?" + urlencode({"q": product["name"]}))


@pages.post("/products/<int:number>")
def change_product(code: str, number: int) -> AnyResponse:
    """The product, or its variant, with what its row of the page says."""
    shop = shop_called(code)
    product = shop.products.get(number) or abort(404)
    variant = None
    if request.form.get("variant"):
        found = [one for one in product["variants"] if str(one["id"]) == request.form["variant"]]
        variant = found[0] if found else abort(404)
    try:
        goods.change(parts(), shop, product, variant, _sent(shop), BY_HAND)
    except (InvalidOperation, ValueError):
        abort(422)
    return to(shop, "products?" + request.query_string.decode())


def _sent(shop: Shop) -> Json:
    form = request.form
    sent: Json = {}
    if form.get("name"):
        sent["name"] = form["name"]
    if "sku" in form:
        sent["sku"] = form["sku"] or None
    if form.get("price"):
        sent["price"] = plain(form["price"].replace(",", "."))
    if "tax" in form:
        sent["tax_names"] = [name for name in form.getlist("tax") if name]
    if "counted" in form:
        sent["stock_unlimited"] = form["counted"] == "no"
    fields = {place: form.get(f"stock-{place}", "") for place in levels.locations(shop)}
    sent["stock"] = {place: int(written) for place, written in fields.items() if written}
    return sent
