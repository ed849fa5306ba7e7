"""The small shop admin: apps, orders, taxes and webhooks, as plain Portuguese pages without scripts.

Opening a shop's admin logs the browser in to that shop with a cookie, which the consent page reads.
"""

from __future__ import annotations

import secrets
from decimal import InvalidOperation
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.storage import Json

from .api_store import add_tax
from .components import components, shop_or_404
from .json_format import order_amounts
from .oauth import COOKIE
from .oauth_tokens import APP_SCOPE, CLIENT_ID
from .order_spec import OrderSpecError
from .orders import StateError
from .platform_state import Shop
from .seed import PLACE_NAMES, decimal_text
from .stock_levels import variants_or_product
from .webhooks import MAX_TRIES

pages = Blueprint("admin", __name__, url_prefix="/admin/<code>")
STATE_NAMES = {
    "created": "Em aberto",
    "pending_payment": "Pagamento pendente",
    "paid": "Pago",
    "canceled": "Cancelado",
    "abandoned": "Abandonado",
}
ORDER_ROWS = 4
ORDERS_SHOWN = 100
PRODUCTS_OFFERED = 200


def render_page(template: str, shop: Shop, status: int = 200, **more: object) -> Response:
    answer = make_response(
        render_template(
            f"admin/{template}",
            shop=shop,
            shops=components().platform.shops.values(),
            switches=components().switches,
            states=STATE_NAMES,
            **more,
        ),
        status,
    )
    answer.set_cookie(COOKIE, shop.code, httponly=True, samesite="Lax")
    return answer


def redirect_to(shop: Shop, path: str) -> AnyResponse:
    return redirect(f"/admin/{shop.code}/{path}", 303)


def _order_or_404(shop: Shop, number: int) -> Json:
    order = shop.orders.get(number)
    return order if order else abort(404)


# --- the app ----------------------------------------------------------------------------------------------


def app_url(shop: Shop) -> str:
    """Return the App URL with the parameters that the switch says Jumpseller adds."""
    added = {
        "none": {},
        "store": {"store": shop.code},
        "junk": {"store": "outra-loja", "locale": "pt_BR", "hmac": "0" * 64, "token": "x' OR 1=1"},
    }[components().switches["app-url-parameters"]]
    return f"{components().platform.app_url}/" + (f"?{urlencode(added)}" if added else "")


def _consent_address() -> str:
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": components().oauth_tokens.redirect_uris()[0],
        "response_type": "code",
        "scope": APP_SCOPE,
    }
    return f"{components().platform.public}/oauth/authorize?{urlencode(asked)}"


@pages.get("/")
def home(code: str) -> Response:
    return render_page("home.html", shop_or_404(code))


@pages.get("/apps")
def apps(code: str) -> Response:
    return render_page("apps.html", shop_or_404(code), client=CLIENT_ID)


@pages.get("/apps/quick-invoice")
def app(code: str) -> AnyResponse:
    shop = shop_or_404(code)
    if not shop.profile["installed"] and components().switches["install-begins"] == "authorize":
        answer = redirect(_consent_address(), 303)
        answer.set_cookie(COOKIE, shop.code, httponly=True, samesite="Lax")
        return answer
    return render_page("app.html", shop, address=app_url(shop))


@pages.post("/apps/quick-invoice/uninstall")
def uninstall(code: str) -> AnyResponse:
    components().oauth_tokens.uninstall(shop_or_404(code))
    return redirect_to(shop_or_404(code), "apps")


# --- orders -----------------------------------------------------------------------------------------------


@pages.get("/orders")
def orders(code: str) -> Response:
    shop = shop_or_404(code)
    newest = [shop.orders[number] for number in sorted(shop.orders, reverse=True)[:ORDERS_SHOWN]]
    rows = [(order, order_amounts(order, components().switches)) for order in newest]
    return render_page("orders.html", shop, rows=rows, count=len(shop.orders))


def _product_choices(shop: Shop) -> list[tuple[str, str]]:
    """Return the first products for the form, named by SKU or, without one, by number."""
    choices = []
    for number in shop.product_index.product_ids[:PRODUCTS_OFFERED]:
        product = shop.products[number]
        for variant, held in variants_or_product(product):
            value = f" ({variant['options'][0]['value']})" if variant else ""
            key = held["sku"] or f"#{number}/{variant['id'] if variant else ''}"
            choices.append((key, f"{product['name']}{value} · {held['price']} €"))
    return choices


def _line_from_form(form: Json, at: int) -> Json:
    named, line = form[f"sku{at}"], {"qty": int(form.get(f"qty{at}") or 1)}
    if not named.startswith("#"):
        return {**line, "sku": named}
    number, _, variant = named[1:].partition("/")
    return {**line, "product_id": int(number), "variant_id": int(variant) if variant else None}


@pages.get("/orders/new")
def order_form(code: str) -> Response:
    shop = shop_or_404(code)
    return render_page(
        "order_form.html", shop, choices=_product_choices(shop), places=PLACE_NAMES, rows=ORDER_ROWS, sent={}
    )


def _spec_from_form(form: Json) -> Json:
    lines = []
    for at in range(ORDER_ROWS):
        if form.get(f"sku{at}"):
            lines.append({**_line_from_form(form, at), "discount": form.get(f"discount{at}") or "0"})
    names = (form.get("name") or "Ana Exemplo").split(" ", 1)
    buyer = {"name": names[0], "surname": names[1] if len(names) > 1 else ""}
    if form.get("email"):
        buyer["email"] = form["email"]
    shipping: Json = {"price": form.get("shipping") or "0"}
    if form.get("shipping_tax") == "no":
        shipping["taxes"] = []
    coupon = (
        {"code": form.get("coupon_code") or "OBRIGADO", "amount": form["coupon"]}
        if form.get("coupon")
        else None
    )
    return {
        "lines": lines,
        "coupon": coupon,
        "shipping": shipping,
        "gift_card": form.get("gift_card") or "0",
        "nif": form.get("nif") or None,
        "company": form.get("company") or None,
        "address": form.get("place") or "lisboa",
        "buyer": buyer,
        "note": form.get("note") or None,
        "pay": form.get("pay") == "yes",
    }


@pages.post("/orders/new")
def place_order(code: str) -> AnyResponse:
    shop, form = shop_or_404(code), {key: value.strip() for key, value in request.form.items()}
    for name in ("shipping", "coupon", "gift_card", *(f"discount{at}" for at in range(ORDER_ROWS))):
        form[name] = form.get(name, "").replace(",", ".")
    try:
        order = components().orders.place(shop, _spec_from_form(form))
    except (OrderSpecError, InvalidOperation, ValueError) as wrong:
        problem = str(wrong) if isinstance(wrong, OrderSpecError) else "Um dos números não se consegue ler."
        if not any(form.get(f"sku{at}") for at in range(ORDER_ROWS)):
            problem = "Escolha pelo menos um artigo."
        return render_page(
            "order_form.html",
            shop,
            422,
            choices=_product_choices(shop),
            places=PLACE_NAMES,
            rows=ORDER_ROWS,
            sent=form,
            problem=problem,
        )
    return redirect_to(shop, f"orders/{order['id']}")


@pages.get("/orders/<int:number>")
def one_order(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    order = _order_or_404(shop, number)
    sent = [
        one
        for one in reversed(list(components().webhook_sender.deliveries.values()))
        if one["order_id"] == number
    ]
    return render_page(
        "order.html",
        shop,
        order=order,
        amounts=order_amounts(order, components().switches),
        deliveries=[one for one in sent if one["shop"] == code][:20],
    )


@pages.post("/orders/<int:number>/<act>")
def act_on_order(code: str, number: int, act: str) -> AnyResponse:
    shop, order_actions = shop_or_404(code), components().orders
    order = _order_or_404(shop, number)
    acts = {
        "pay": order_actions.pay,
        "cancel": order_actions.cancel,
        "ship": order_actions.ship,
        "abandon": order_actions.abandon,
    }
    try:
        if act == "hook":
            order_actions.send_webhook(shop, order, request.form.get("event", "order_paid"))
        elif act in acts:
            acts[act](shop, order)
        else:
            abort(404)
    except StateError:
        pass  # The same button was clicked twice.
    return redirect_to(shop, f"orders/{number}")


def redirect_to_order(number: int) -> AnyResponse:
    """Redirect from the address that an order has in a real admin."""
    shop = (
        components().platform.shops.get(request.cookies.get(COOKIE, "")) or components().platform.first_shop()
    )
    return redirect_to(shop, f"orders/{number}")


# --- taxes ----------------------------------------------------------------------------------------------


@pages.get("/taxes")
def taxes(code: str) -> Response:
    return render_page("taxes.html", shop_or_404(code))


@pages.post("/taxes")
def new_tax(code: str) -> AnyResponse:
    shop = shop_or_404(code)
    try:
        rate = decimal_text(request.form.get("rate", "").replace(",", "."))
    except InvalidOperation:
        abort(422)
    add_tax(request.form.get("name") or f"IVA {rate}%", rate, False, shop)
    return redirect_to(shop, "taxes")


@pages.post("/taxes/<int:number>/remove")
def remove_tax(code: str, number: int) -> AnyResponse:
    shop = shop_or_404(code)
    if number in shop.taxes:
        shop.drop("tax", number)
    return redirect_to(shop, "taxes")


# --- webhooks ---------------------------------------------------------------------------------------------


@pages.get("/hooks")
def webhooks(code: str) -> Response:
    sent = [
        one for one in reversed(list(components().webhook_sender.deliveries.values())) if one["shop"] == code
    ]
    return render_page("hooks.html", shop_or_404(code), deliveries=sent[:100], tries=MAX_TRIES)


@pages.post("/hooks/token")
def new_token(code: str) -> AnyResponse:
    shop = shop_or_404(code)
    shop.profile["hooks_token"] = secrets.token_hex(16)
    shop.save()
    return redirect_to(shop, "hooks")


@pages.post("/hooks/<int:number>/resume")
def resume(code: str, number: int) -> AnyResponse:
    shop = shop_or_404(code)
    if number in shop.hooks:
        hook = shop.hooks[number]
        hook.update(paused=False, failures=0)
        shop.put("hook", hook)
    return redirect_to(shop, "hooks")
