"""The back office's pages of orders: placed by form, as an example or from JSON; paid, invoiced, returned, edited."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.storage import Json

from .admin import deliveries_of, pages, redirect_to, render_page
from .components import components, shop_or_404
from .examples import EXAMPLES
from .order_format import amounts_of, order_json
from .order_spec import PAYMENTS, OrderSpecError, all_goods
from .seed import PLACE_NAMES
from .state import Shop

ORDER_ROWS, ORDERS_SHOWN, GOODS_OFFERED = 4, 100, 200


def _order_or_404(shop: Shop, number: int) -> Json:
    order = shop.orders.get(number)
    return order if order else abort(404)


def _invoice_address(order: Json) -> str:
    if order["invoice_file"]:
        return f"/invoice/{order['hash']}.pdf"
    return str(order["invoice_url"])


@pages.get("/orders")
def orders(code: str) -> Response:
    shop = shop_or_404(code)
    newest = [shop.orders[number] for number in sorted(shop.orders, reverse=True)[:ORDERS_SHOWN]]
    rows = [(order, amounts_of(components().state, order)) for order in newest]
    return render_page(
        "orders.html", shop, rows=rows, count=len(shop.orders), invoice_address=_invoice_address
    )


# --- placing ------------------------------------------------------------------------------------------------


def _choices(shop: Shop) -> list[tuple[str, str]]:
    offered = []
    for product, option in list(all_goods(shop))[:GOODS_OFFERED]:
        name = product["title"] + (f" ({option['title']})" if option else "")
        key = f"{product['id']}/{option['id'] if option else ''}"
        offered.append((key, f"{name} · {(option or product)['price']:.2f} €".replace(".", ",")))
    return offered


def _order_form(shop: Shop, sent: Json, problem: str = "") -> Response:
    return render_page(
        "order_form.html",
        shop,
        422 if problem else 200,
        choices=_choices(shop),
        places=PLACE_NAMES,
        payments=PAYMENTS,
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
        if form.get(f"goods{at}"):
            product, _, option = form[f"goods{at}"].partition("/")
            named = {"product_id": int(product), "option_id": int(option) if option else None}
            discount = form.get(f"discount{at}") or "0"
            lines.append({**named, "qty": form.get(f"qty{at}") or 1, "discount": discount})
    coupon = None
    if form.get("coupon_type"):
        coupon = {"type": form["coupon_type"], "value": form.get("coupon") or "0"}
    return {
        "lines": lines,
        "coupon": coupon,
        "shipping": form.get("shipping") or "0",
        "loyalty": form.get("loyalty") or "0",
        "payment": {"method": form.get("method") or "multibanco", "fee": form.get("fee") or "0"},
        "nif": form.get("nif") or None,
        "company": form.get("company") or None,
        "address": form.get("place") or "lisboa",
        "buyer": {name: form[name] for name in ("name", "email") if form.get(name)},
        "note": form.get("note"),
        "pay": form.get("pay") == "yes",
    }


def _object_from(text: str) -> Json:
    try:
        found = json.loads(text or "{}")
    except ValueError as wrong:
        raise OrderSpecError(f"Este JSON não se consegue ler: {wrong}") from wrong
    if not isinstance(found, dict):
        raise OrderSpecError("É preciso um objeto JSON.")
    return found


@pages.post("/orders/new")
def place_order(code: str) -> AnyResponse:
    shop, form = shop_or_404(code), {key: value.strip() for key, value in request.form.items()}
    for name in ("shipping", "coupon", "loyalty", "fee", *(f"discount{at}" for at in range(ORDER_ROWS))):
        form[name] = form.get(name, "").replace(",", ".")
    try:
        if form.get("example"):
            spec = {"example": form["example"], "pay": form.get("pay") == "yes"}
        else:
            spec = _object_from(form["json"]) if form.get("json") else _spec_from_form(form)
        order = components().orders.place(shop, spec)
    except OrderSpecError as wrong:
        return _order_form(shop, form, str(wrong))
    except (ValueError, TypeError, KeyError, AttributeError):
        return _order_form(shop, form, "Um dos campos não se consegue ler.")
    return redirect_to(shop, f"orders/{order['id']}")


# --- one order ----------------------------------------------------------------------------------------------


@pages.get("/orders/<int:number>")
def one_order(code: str, number: int) -> Response:
    shop = shop_or_404(code)
    return _order_page(shop, _order_or_404(shop, number))


def _order_page(shop: Shop, order: Json, problem: str = "") -> Response:
    return render_page(
        "order.html",
        shop,
        422 if problem else 200,
        problem=problem,
        order=order,
        amounts=amounts_of(components().state, order),
        spec_text=json.dumps(order["sent"], indent=1, ensure_ascii=False),
        raw_text=json.dumps(order["raw"], indent=1, ensure_ascii=False),
        invoice_address=_invoice_address,
        deliveries=deliveries_of(shop, order["id"]),
    )


@pages.post("/orders/<int:number>/<act>")
def act_on_order(code: str, number: int, act: str) -> AnyResponse:
    shop, form, actions = shop_or_404(code), request.form, components().orders
    order = _order_or_404(shop, number)
    acts: dict[str, Callable[[], object]] = {
        "pay": lambda: actions.pay(shop, order, origin="backoffice"),
        "unpay": lambda: actions.unpay(shop, order),
        "fail-payment": lambda: actions.fail_payment(shop, order),
        "ship": lambda: actions.set_status(shop, order, "sent"),
        "deliver": lambda: actions.set_status(shop, order, "delivered"),
        "cancel": lambda: actions.set_status(shop, order, "canceled"),
        "request-invoice": lambda: actions.request_invoice(shop, order),
        "attach": lambda: actions.edit(shop, order, {"invoice_url": form.get("invoice_url", "").strip()}),
        "return": lambda: actions.give_back(
            shop, order, {at: pieces for at, pieces in form.items() if int(pieces or 0)}
        ),
        "delete": lambda: actions.delete(shop, order),
        "edit": lambda: actions.edit(
            shop, order, {name: _object_from(form.get(name, "")) for name in ("spec", "raw")}
        ),
        "webhook": lambda: components().sender.enqueue(
            shop,
            form.get("event", "order_paid"),
            {"order": order_json(components().state, shop, order)},
            "backoffice",
            1,
        ),
    }
    if act not in acts:
        abort(404)
    try:
        acts[act]()
    except OrderSpecError as wrong:
        return _order_page(shop, order, str(wrong))
    except (ValueError, TypeError, KeyError, AttributeError):
        return _order_page(shop, order, "Um dos valores não se consegue ler.")
    return redirect_to(shop, "orders" if act == "delete" else f"orders/{number}")
