"""The API of orders: read, list with filters, write, delete, issue by the store's own app."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from flask import Response, jsonify, request

from sandbox.core.clock import LISBON
from sandbox.core.storage import Json

from .api import bad_request, calling_shop, json_body, list_answer, message, not_found, pages
from .components import components
from .order_format import order_json, order_row
from .orders import FILE_LIMITS, RefusedError, has_invoice, is_true

BULK_MOST = 50
NOT_IN_BULK = {"invoice_file", "is_new", "tags", "notify_client"}


def _shown(order: Json) -> Json:
    return order_json(components().state, calling_shop(), order)


@pages.get("/order")
def orders() -> Response:
    shop, switches = calling_shop(), components().switches
    found = list(shop.orders.values())
    if switches["order-filters"] == "applied":
        try:
            found = [order for order in found if _is_wanted(order)]
        except ValueError:
            return bad_request()
    found.sort(key=lambda order: order["id"], reverse=switches["order-sort"] == "newest")
    rows = [partial(order_row, components().state, shop, order) for order in found]
    return list_answer(rows, switches["order-list"])


def _is_wanted(order: Json) -> bool:
    asked = request.args
    tests: dict[str, Callable[[str], bool]] = {
        "id": lambda text: str(order["id"]) == text,
        "ids": lambda text: str(order["id"]) in text.split(","),
        "status_alias": lambda text: text == "all" or order["status_alias"] in text.split(","),
        "paid": lambda text: order["paid"] == is_true(text),
        "is_new": lambda text: order["is_new"] == is_true(text),
        "shipped": lambda text: bool(order["sent_at"]) == is_true(text),
        "invoice": lambda text: has_invoice(order) == is_true(text),
        "client_email": lambda text: order["spec"]["buyer"]["email"] == text,
        "client_hash": lambda text: order["client_hash"] == text,
        "coupon_code": lambda text: (order["spec"]["coupon"] or {}).get("code") == text,
        "q": lambda text: text.lower() in f"{order['id']} {order['spec']['buyer']}".lower(),
    }
    return all(test(asked[name]) for name, test in tests.items() if asked.get(name)) and _is_in_days(order)


def _is_in_days(order: Json) -> bool:
    first, last = _wanted_days()
    if first is None and last is None:
        return True
    kind = request.args.get("date_type", "created_at")
    at = order.get(kind) if kind in ("created_at", "update_at", "sent_at", "paid_at") else None
    if not at:
        return False
    switches = components().switches
    zone = LISBON if switches["filter-days"] == "lisbon" else UTC
    day = datetime.fromisoformat(at).astimezone(zone).date()
    if first and day < first:
        return False
    return last is None or day < last or (day == last and switches["date-to"] == "inclusive")


def _wanted_days() -> tuple[date | None, date | None]:
    today, asked = components().state.clock.today(), request.args
    monday, month = today - timedelta(today.weekday()), today.replace(day=1)
    named = {
        "today": (today, today),
        "yesterday": (today - timedelta(1), today - timedelta(1)),
        "last_week": (monday - timedelta(7), monday - timedelta(1)),
        "last_month": ((month - timedelta(1)).replace(day=1), month - timedelta(1)),
    }
    if asked.get("date_filter") in named:
        return named[asked["date_filter"]]
    first, last = asked.get("date_from"), asked.get("date_to")
    return date.fromisoformat(first[:10]) if first else None, date.fromisoformat(last[:10]) if last else None


@pages.get("/order/<int:number>")
def one_order(number: int) -> Response:
    order = calling_shop().orders.get(number)
    return jsonify(_shown(order)) if order else not_found()


@pages.put("/order/<int:number>")
def write_order(number: int) -> Response:
    order = calling_shop().orders.get(number)
    if order is None:
        return not_found()
    if len(request.get_data()) > FILE_LIMITS[components().switches["file-limit"]]:
        return message(413, "Content Too Large")
    sent = json_body()
    if not isinstance(sent, dict):
        return bad_request()
    try:
        components().orders.write(calling_shop(), order, sent)
    except RefusedError as refusal:
        return message(refusal.status, str(refusal))
    return jsonify(_shown(order))


@pages.delete("/order/<int:number>")
def delete_order(number: int) -> Response:
    order = calling_shop().orders.get(number)
    if order is None:
        return not_found()
    components().orders.delete(calling_shop(), order, "api")
    return Response(status=204)


@pages.put("/order/bulk")
def write_orders() -> Response:
    return _bulk(lambda order, sent: components().orders.write(calling_shop(), order, sent), 200, "OK")


def _bulk(act: Callable[[Json, Json], None], status: int, text: str) -> Response:
    sent = json_body()
    if not isinstance(sent, list) or not all(isinstance(one, dict) and "id" in one for one in sent):
        return bad_request()
    if len(sent) > BULK_MOST:
        return message(413, "Content Too Large")
    results = []
    for one in sent:
        order = calling_shop().orders.get(int(one["id"]))
        result = {"code": status, "message": text, "id": one["id"]}
        if order is None:
            result |= {"code": 404, "message": "Not found"}
        else:
            changes = {name: value for name, value in one.items() if name not in NOT_IN_BULK | {"id"}}
            try:
                act(order, changes)
            except RefusedError as refusal:
                result |= {"code": refusal.status, "message": str(refusal)}
        results.append(result)
    answer = jsonify(results)
    answer.status_code = status
    return answer


@pages.route("/order/<int:number>/invoice", methods=["GET", "POST", "PUT"])
def issue(number: int) -> Response:
    if request.method != components().switches["invoice-verb"]:
        return not_found()
    order = calling_shop().orders.get(number)
    if order is None:
        return not_found()
    try:
        components().orders.issue(calling_shop(), order)
    except RefusedError as refusal:
        return message(refusal.status, str(refusal))
    return message(201, "The invoice was issued successfully")


@pages.put("/order/bulk/invoice")
def issue_many() -> Response:
    if components().switches["invoice-app"] == "none":
        return message(400, "No invoice app active")
    issued = "The invoice was issued successfully"
    return _bulk(lambda order, _: components().orders.issue(calling_shop(), order), 201, issued)
