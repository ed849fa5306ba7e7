"""The admin's pages of orders: placed by form, as an example or from JSON; paid, refunded, edited, cancelled."""

from __future__ import annotations

import json
from decimal import InvalidOperation

from flask import Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.storage import Json

from .admin import pages, redirect_to, render_page
from .components import components, shop_or_404
from .examples import EXAMPLES
from .oauth import COOKIE
from .order_format import order_amounts
from .order_spec import OrderSpecError
from .orders import StateError
from .platform_state import Shop
from .seed import PLACE_NAMES
from .stock_levels import variants_or_product

ORDER_ROWS = 4
ORDERS_SHOWN = 100
PRODUCTS_OFFERED = 200
DAMAGED_ROWS = {
    "": ("inteira", {}),
    "id": ("sem número", {"id": None}),
    "date": ("sem data", {"created_at": None}),
    "amount": ("com um total que não é número", {"total": "n/d"}),
}
"""How the list of orders may show an order: the choice's name in the form, its text, and the fields that it changes."""


def _order_or_404(shop: Shop, number: int) -> Json:
    order = shop.orders.get(number)
    return order if order else abort(404)


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


def _order_form(shop: Shop, sent: Json, problem: str = "") -> Response:
    return render_page(
        "order_form.html",
        shop,
        422 if problem else 200,
        choices=_product_choices(shop),
        places=PLACE_NAMES,
        rows=ORDER_ROWS,
        examples=EXAMPLES,
        sent=sent,
        problem=problem,
    )


@pages.get("/orders/new")
def order_form(code: str) -> Response:
    return _order_form(shop_or_404(code), {})


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


def _spec_from_json(text: str) -> Json:
    """Return the specification in this text. Raises OrderSpecError where it is none."""
    try:
        spec = json.loads(text)
    except ValueError as wrong:
        raise OrderSpecError(f"Este JSON não se consegue ler: {wrong}") from wrong
    if not isinstance(spec, dict):
        raise OrderSpecError("Uma encomenda é um objeto JSON.")
    return spec


@pages.post("/orders/new")
def place_order(code: str) -> AnyResponse:
    shop, form = shop_or_404(code), {key: value.strip() for key, value in request.form.items()}
    for name in ("shipping", "coupon", "gift_card", *(f"discount{at}" for at in range(ORDER_ROWS))):
        form[name] = form.get(name, "").replace(",", ".")
    try:
        if form.get("example"):
            spec = {"example": form["example"], "pay": form.get("pay") == "yes"}
        else:
            spec = _spec_from_json(form["json"]) if form.get("json") else _spec_from_form(form)
        order = components().orders.place(shop, spec)
    except (OrderSpecError, StateError, InvalidOperation, ValueError, TypeError, KeyError) as wrong:
        problem = (
            str(wrong)
            if isinstance(wrong, (OrderSpecError, StateError))
            else "Um dos números não se consegue ler."
        )
        if not any(form.get(name) for name in ("json", "example", *(f"sku{at}" for at in range(ORDER_ROWS)))):
            problem = "Escolha pelo menos um artigo."
        return _order_form(shop, form, problem)
    return redirect_to(shop, f"orders/{order['id']}")


@pages.get("/orders/<int:number>")
def one_order(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    return _order_page(shop, _order_or_404(shop, number))


def _order_page(shop: Shop, order: Json, problem: str = "") -> Response:
    sent = [
        one
        for one in reversed(list(components().webhook_sender.deliveries.values()))
        if one["order_id"] == order["id"]
    ]
    return render_page(
        "order.html",
        shop,
        422 if problem else 200,
        problem=problem,
        spec=json.dumps(order["spec"], indent=1, ensure_ascii=False),
        raw=json.dumps(order["raw"], indent=1, ensure_ascii=False),
        damaged_rows=DAMAGED_ROWS,
        order=order,
        amounts=order_amounts(order, components().switches),
        deliveries=[one for one in sent if one["shop"] == shop.code][:20],
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
        "forget": order_actions.forget_customer,
    }
    try:
        if act == "hook":
            order_actions.send_webhook(shop, order, request.form.get("event", "order_paid"))
        elif act == "refund":
            order_actions.refund(shop, order, request.form.get("amount", "").replace(",", "."))
        elif act == "list-row":
            row = DAMAGED_ROWS.get(request.form.get("row", ""), DAMAGED_ROWS[""])[1]
            order_actions.change(shop, order, {"list_row": row, "hook": False})
        elif act == "edit":
            sent = {name: _spec_from_json(request.form.get(name) or "{}") for name in ("spec", "raw")}
            order_actions.change(shop, order, sent)
        elif act in acts:
            acts[act](shop, order)
        else:
            abort(404)
    except StateError:
        pass  # The same button was clicked twice.
    except (OrderSpecError, InvalidOperation, ValueError, TypeError, KeyError) as wrong:
        is_ours = isinstance(wrong, OrderSpecError)
        return _order_page(shop, order, str(wrong) if is_ours else "Um dos valores não se consegue ler.")
    return redirect_to(shop, f"orders/{number}")


def redirect_to_order(number: int) -> AnyResponse:
    """Redirect from the address that an order has in a real admin."""
    shop = (
        components().platform.shops.get(request.cookies.get(COOKIE, "")) or components().platform.first_shop()
    )
    return redirect_to(shop, f"orders/{number}")
