"""The back office: the page for developers, webhooks, calls and products, as plain Portuguese pages without scripts."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.storage import Json

from .api_webhooks import EVENTS, subscribe
from .components import components, shop_or_404
from .order_format import STATUS_NAMES
from .product_catalogue import ProductError, change_goods
from .state import Shop
from .test_payload import send_test_payload
from .webhooks import RETRIES

pages = Blueprint("admin", __name__, url_prefix="/admin/<code>")
DELIVERIES_SHOWN, CALLS_SHOWN, PRODUCTS_SHOWN = 50, 200, 200
NO_CALLS: Json = {"calls": 0, "over_limit": 0, "busiest_hour": 0, "limit": 3600}


def render_page(template: str, shop: Shop, status: int = 200, **more: object) -> Response:
    page = render_template(f"admin/{template}", shop=shop, states=STATUS_NAMES, events=EVENTS, **more)
    return make_response(page, status)


def redirect_to(shop: Shop, path: str) -> AnyResponse:
    return redirect(f"/admin/{shop.code}/{path}", 303)


def deliveries_of(shop: Shop, order_id: int | None = None) -> list[Json]:
    """Return the store's newest deliveries, or those of an order."""
    sent = (
        one for one in reversed(list(components().sender.deliveries.values())) if one["shop"] == shop.code
    )
    return [one for one in sent if order_id is None or one["order_id"] == order_id][:DELIVERIES_SHOWN]


@pages.get("/")
def home(code: str) -> Response:
    state = components().state
    return render_page("home.html", shop_or_404(code), shops=state.shops.values(), app_url=state.app_url)


@pages.get("/developers")
def developers(code: str) -> Response:
    return render_page(
        "developers.html", shop_or_404(code), secret_from=components().switches["webhook-secret"]
    )


@pages.post("/developers/<any('new-key', 'revoke-key'):act>")
def change_key(code: str, act: str) -> AnyResponse:
    shop = shop_or_404(code)
    components().state.replace_key(shop, None if act == "new-key" else "")
    return redirect_to(shop, "developers")


# --- webhooks -----------------------------------------------------------------------------------------------


def _webhooks_page(shop: Shop, problem: str = "") -> Response:
    status = 422 if problem else 200
    sent = deliveries_of(shop)
    return render_page("webhooks.html", shop, status, problem=problem, deliveries=sent, retries=RETRIES)


@pages.get("/webhooks")
def webhooks(code: str) -> Response:
    return _webhooks_page(shop_or_404(code))


@pages.post("/webhooks")
def create_webhook(code: str) -> AnyResponse:
    shop, event, url = shop_or_404(code), request.form.get("event", ""), request.form.get("url", "").strip()
    if event not in EVENTS or urlsplit(url).scheme not in ("http", "https"):
        return _webhooks_page(shop, "Um webhook precisa de um evento e de um endereço http ou https.")
    if any((one["event"], one["url"]) == (event, url) for one in shop.webhooks.values()):
        return _webhooks_page(shop, "Esse webhook já existe.")
    subscribe(shop, event, url)
    return redirect_to(shop, "webhooks")


@pages.post("/webhooks/<int:number>/<any(test, suspend, resume, remove):act>")
def act_on_webhook(code: str, number: int, act: str) -> AnyResponse:
    shop = shop_or_404(code)
    webhook = shop.webhooks.get(number) or abort(404)
    if act == "test":
        send_test_payload(components(), shop, webhook["event"], number)
        components().sender.wait_until_idle(3)
    elif act == "remove":
        shop.drop("webhook", number)
    else:
        shop.put("webhook", {**webhook, "suspended": act == "suspend"})
    return redirect_to(shop, "webhooks")


# --- calls and products -------------------------------------------------------------------------------------


@pages.get("/calls")
def calls(code: str) -> Response:
    shop, limit = shop_or_404(code), components().limit
    made = [entry for entry in reversed(limit.ledger.entries) if entry["shop"] == code][:CALLS_SHOWN]
    return render_page("calls.html", shop, calls=made, counts=limit.as_json().get(code, NO_CALLS))


def _products_page(shop: Shop, problem: str = "") -> Response:
    shown = list(shop.products.values())[:PRODUCTS_SHOWN]
    status = 422 if problem else 200
    return render_page("products.html", shop, status, shown=shown, count=len(shop.products), problem=problem)


@pages.get("/products")
def products(code: str) -> Response:
    return _products_page(shop_or_404(code))


@pages.post("/products/<int:number>")
def edit_product(code: str, number: int) -> AnyResponse:
    shop, form = shop_or_404(code), request.form
    product = shop.products.get(number) or abort(404)
    option = next((one for one in product["options"] if str(one["id"]) == form.get("option")), None)
    changes = {name: form[name].strip() for name in ("reference", "price", "stock") if name in form}
    if "price" in changes:
        changes["price"] = changes["price"].replace(",", ".")
    try:
        change_goods(components(), shop, product, option, changes, "backoffice")
    except ProductError:
        return _products_page(shop, "O preço e o stock são números.")
    return redirect_to(shop, "products")
