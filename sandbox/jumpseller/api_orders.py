"""The calls on orders: list, show, search, count, change, history and documents."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request

from sandbox.core.storage import Json

from .api import Refusal, current_shop, get_or_404, only_fields, pages, paginate, request_body, requires_scope
from .components import components
from .order_format import STATES, list_row
from .orders import StateError

ZONES = {"Lisbon": "Europe/Lisbon", "Azores": "Atlantic/Azores"}
DATE_RANGES = {
    "today": (0, 0),
    "yesterday": (1, 1),
    "last7days": (7, 0),
    "last30days": (30, 0),
    "last90days": (90, 0),
}
TRACKING = {"tracking_number", "tracking_company", "tracking_url"}
DOCUMENT_FIELDS = ("document_type", "external_id", "public_id", "url")


def _order_json(order: Json) -> Json:
    return {"order": only_fields(components().orders.as_json(current_shop(), order))}


def _rows(orders: Iterable[Json]) -> list[Json]:
    """Return the orders as lists show them."""
    shop, switches = current_shop(), components().switches
    return [{"order": only_fields(list_row(shop, order, switches))} for order in orders]


def _newest_first() -> list[Json]:
    orders = current_shop().orders
    return [orders[number] for number in sorted(orders, reverse=True)]


def _date_range() -> tuple[date, date] | None:
    wanted = request.args.get("dateFilter")
    zone = ZoneInfo(ZONES.get(current_shop().profile["timezone"], "Europe/Lisbon"))
    today = datetime.now(zone).date()
    if wanted in DATE_RANGES:
        first, last = DATE_RANGES[wanted]
        return today - timedelta(days=first), today - timedelta(days=last)
    if wanted == "customDate":
        try:
            first_day = date.fromisoformat(request.args.get("initialDate", "2000-01-01"))
            return first_day, date.fromisoformat(request.args.get("finalDate", today.isoformat()))
        except ValueError as wrong:
            raise Refusal(400, "bad-body") from wrong
    return None


def _filter_orders(orders: Iterable[Json]) -> list[Json]:
    states = request.args.getlist("status_filters[]") or request.args.getlist("status_filters")
    fulfilment = request.args.get("fulfillment_filters")
    days = _date_range()
    zone = ZoneInfo(ZONES.get(current_shop().profile["timezone"], "Europe/Lisbon"))
    kept = []
    for order in orders:
        if states and order["status"] not in states:
            continue
        if fulfilment and (order["shipment"] == "unfulfilled") != (fulfilment == "unfulfilled"):
            continue
        if days:
            created = datetime.strptime(order["created_at"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
            if not days[0] <= created.astimezone(zone).date() <= days[1]:
                continue
        kept.append(order)
    return kept


@pages.get("/orders.json")
@requires_scope("read_orders")
def orders() -> Response:
    return jsonify(_rows(paginate(_filter_orders(_newest_first()))))


@pages.get("/orders/status/<status>.json")
@requires_scope("read_orders")
def orders_by_status(status: str) -> Response:
    if status not in STATES:
        raise Refusal(404, "status")
    return jsonify(_rows(paginate([order for order in _newest_first() if order["status"] == status])))


@pages.get("/orders/after/<int:number>.json")
@requires_scope("read_orders")
def orders_after(number: int) -> Response:
    later = [order for order in reversed(_newest_first()) if order["id"] > number]
    if components().switches["orders-after"] == "one":
        if not later:
            raise Refusal(404, "not-found")
        return jsonify(_order_json(later[0]))
    return jsonify(_rows(paginate(later)))


@pages.get("/orders/count.json")
@requires_scope("read_orders")
def count_orders() -> Response:
    return jsonify({"count": len(current_shop().orders)})


@pages.get("/orders/search.json")
@requires_scope("read_orders")
def search_orders() -> Response:
    query = request.args.get("query", "").lower()
    hits = [order for order in _filter_orders(_newest_first()) if query in _search_text(order)]
    return jsonify({"orders": _rows(paginate(hits)), "count": len(hits)})


def _search_text(order: Json) -> str:
    spec = order["spec"]
    words = (order["id"], *spec["buyer"].values(), spec["nif"], spec["company"])
    return " ".join(str(word).lower() for word in words if word)


@pages.get("/orders/<int:number>.json")
@requires_scope("read_orders")
def one_order(number: int) -> Response:
    return jsonify(_order_json(get_or_404("order", number)))


@pages.put("/orders/<int:number>.json")
@requires_scope("write_orders")
def change_order(number: int) -> Response:
    order, sent, order_actions = get_or_404("order", number), request_body("order"), components().orders
    if TRACKING & sent.keys():
        raise Refusal(400, "tracking")
    if "additional_information" in sent:
        order_actions.change(current_shop(), order, {"note": sent["additional_information"], "hook": False})
    if "additional_fields" in sent:
        order_actions.change(
            current_shop(), order, {"raw": {**order["raw"], "additional_fields": sent["additional_fields"]}}
        )
    if "shipment_status" in sent:
        order_actions.ship(current_shop(), order, str(sent["shipment_status"]))
    if "status" in sent:
        states = {shown.lower(): state for state, shown in STATES.items()}
        act = {
            "paid": order_actions.pay,
            "canceled": order_actions.cancel,
            "abandoned": order_actions.abandon,
        }
        state = states.get(str(sent["status"]).lower())
        if state not in act:
            raise Refusal(400, "status")
        with contextlib.suppress(StateError):  # Setting the same state again changes nothing.
            act[state](current_shop(), order)
    return jsonify(_order_json(order))


@pages.get("/orders/<int:number>/history.json")
@requires_scope("read_orders")
def history(number: int) -> Response:
    return jsonify([{"order_history": entry} for entry in get_or_404("order", number)["history"]])


@pages.post("/orders/<int:number>/history.json")
@requires_scope("write_orders")
def add_history(number: int) -> Response:
    order, sent = get_or_404("order", number), request_body("order_history")
    if not sent.get("message"):
        raise Refusal(422, "missing", "message")
    return jsonify(
        {"order_history": components().orders.add_history(current_shop(), order, str(sent["message"]))}
    )


# --- documents --------------------------------------------------------------------------------------------


def _document_or_404(order: Json, public_id: str) -> Json:
    if "/" in public_id and components().switches["public-id-slash"] == "refused":
        raise Refusal(404, "not-found")
    for document in order["documents"]:
        if document["public_id"] == public_id:
            return document
    raise Refusal(404, "not-found")


@pages.get("/orders/<int:number>/documents.json")
@requires_scope("read_orders")
def documents(number: int) -> Response:
    return jsonify([{"document": document} for document in get_or_404("order", number)["documents"]])


@pages.post("/orders/<int:number>/documents.json")
@requires_scope("write_orders")
def add_document(number: int) -> Response:
    order, sent = get_or_404("order", number), request_body("document")
    for field in ("document_type", "public_id", "url"):
        if sent.get(field) in (None, ""):
            raise Refusal(422, "missing", field)
    if sent["document_type"] not in (0, 1):
        raise Refusal(422, "not-a-choice", "document_type")
    document = {field: sent.get(field) for field in DOCUMENT_FIELDS}
    document |= {"order_id": number, "app_code": sent.get("app_code")}
    with components().platform.lock:
        same = [one for one in order["documents"] if one["public_id"] == document["public_id"]]
        if same and components().switches["documents-post"] == "once":
            same[0].update(document)
        else:
            order["documents"].append(document)
        current_shop().put("order", order)
    return jsonify({"document": document})


@pages.put("/orders/<int:number>/documents/<path:public_id>.json")
@requires_scope("write_orders")
def change_document(number: int, public_id: str) -> Response:
    order = get_or_404("order", number)
    document, sent = _document_or_404(order, public_id), request_body()
    document.update({field: sent[field] for field in DOCUMENT_FIELDS if field in sent})
    current_shop().put("order", order)
    return jsonify({"document": document})


@pages.delete("/orders/<int:number>/documents/<path:public_id>.json")
@requires_scope("write_orders")
def drop_document(number: int, public_id: str) -> Response:
    order = get_or_404("order", number)
    order["documents"].remove(_document_or_404(order, public_id))
    current_shop().put("order", order)
    return jsonify("OK")


@pages.get("/documents.json")
@requires_scope(None)
def all_documents() -> Response:
    every = [{"document": document} for order in _newest_first() for document in order["documents"]]
    return jsonify(paginate(every))
