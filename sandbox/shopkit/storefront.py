"""The buyer's pages: an order with its invoice, and the invoice's file where one was uploaded."""

from __future__ import annotations

import base64

from flask import Blueprint, Response, abort, render_template

from sandbox.core.storage import Json

from .components import components
from .order_format import amounts_of, order_json
from .state import Shop

pages = Blueprint("storefront", __name__)


def _order_by_hash(wanted: str) -> tuple[Shop, Json]:
    orders = ((shop, order) for shop in components().state.shops.values() for order in shop.orders.values())
    return next((found for found in orders if found[1]["hash"] == wanted), None) or abort(404)


@pages.get("/order/<wanted>")
def order_page(wanted: str) -> str:
    shop, order = _order_by_hash(wanted)
    state = components().state
    shown = order_json(state, shop, order)
    return render_template(
        "buyer.html", shop=shop, order=order, shown=shown, amounts=amounts_of(state, order)
    )


@pages.get("/invoice/<wanted>.pdf")
def invoice_file(wanted: str) -> Response:
    _, order = _order_by_hash(wanted)
    if not order["invoice_file"]:
        abort(404)
    return Response(base64.b64decode(order["invoice_file"]), mimetype="application/pdf")
