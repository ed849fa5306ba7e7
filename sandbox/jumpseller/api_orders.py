"""The calls on orders: lists, one, search, count, change, history, documents."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request

from sandbox.web import Json

from .api import Refusal, body, found, needs, only_fields, page_of, pages, shop
from .here import parts
from .orders import StateError
from .shapes import STATES

ZONES = {"Lisbon": "Europe/Lisbon", "Azores": "Atlantic/Azores"}
DAYS = {
    "today": (0, 0),
    "yesterday": (1, 1),
    "last7days": (7, 0),
    "last30days": (30, 0),
    "last90days": (90, 0),
}
TRACKING = {"tracking_number", "tracking_company", "tracking_url"}
DOCUMENT_FIELDS = ("document_type", "external_id", "public_id", "url")


def _shown(order: Json) -> Json:
    return {"order": only_fields(parts().orders.shape(shop(), order))}


def _newest_first() -> list[Json]:
    orders = shop().orders
    return [orders[number] for number in sorted(orders, reverse=True)]


def _days() -> tuple[date, date] | None:
    wanted = request.args.get("dateFilter")
    zone = ZoneInfo(ZONES.get(shop().profile["timezone"], "Europe/Lisbon"))
    today = datetime.now(zone).date()
    if wanted in DAYS:
        first, last = DAYS[wanted]
        return today - timedelta(days=first), today - timedelta(days=last)
    if wanted == "customDate":
        try:
            first_day = date.fromisoformat(request.args.get("initialDate", "2000-01-01"))
            return first_day, date.fromisoformat(request.args.get("finalDate", today.isoformat()))
        except ValueError as wrong:
            raise Refusal(400, "bad-body") from wrong
    return None


def _filtered(orders: Iterable[Json]) -> list[Json]:
    states = request.args.getlist("status_filters[]") or request.args.getlist("status_filters")
    fulfilment = request.args.get("fulfillment_filters")
    days = _days()
    zone = ZoneInfo(ZONES.get(shop().profile["timezone"], "Europe/Lisbon"))
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
@needs("read_orders")
def orders() -> Response:
    return jsonify([_shown(order) for order in page_of(_filtered(_newest_first()))])


@pages.get("/orders/status/<status>.json")
@needs("read_orders")
def orders_by_status(status: str) -> Response:
    if status not in STATES:
        raise Refusal(404, "status")
    return jsonify([_shown(one) for one in page_of([o for o in _newest_first() if o["status"] == status])])


@pages.get("/orders/after/<int:number>.json")
@needs("read_orders")
def orders_after(number: int) -> Response:
    later = [order for order in reversed(_newest_first()) if order["id"] > number]
    if parts().switches["orders-after"] == "one":
        if not later:
            raise Refusal(404, "not-found")
        return jsonify(_shown(later[0]))
    return jsonify([_shown(order) for order in page_of(later)])


@pages.get("/orders/count.json")
@needs("read_orders")
def count_orders() -> Response:
    return jsonify({"count": len(shop().orders)})


@pages.get("/orders/search.json")
@needs("read_orders")
def search_orders() -> Response:
    query = request.args.get("query", "").lower()
    hits = [order for order in _filtered(_newest_first()) if query in _words(order)]
    return jsonify({"orders": [_shown(order) for order in page_of(hits)], "count": len(hits)})


def _words(order: Json) -> str:
    spec = order["spec"]
    words = (order["id"], *spec["buyer"].values(), spec["nif"], spec["company"])
    return " ".join(str(word).lower() for word in words if word)


@pages.get("/orders/<int:number>.json")
@needs("read_orders")
def one_order(number: int) -> Response:
    return jsonify(_shown(found("order", number)))


@pages.put("/orders/<int:number>.json")
@needs("write_orders")
def change_order(number: int) -> Response:
    order, sent, room = found("order", number), body("order"), parts().orders
    if TRACKING & sent.keys():
        raise Refusal(400, "tracking")
    if "additional_information" in sent:
        room.change(shop(), order, {"note": sent["additional_information"], "hook": False})
    if "additional_fields" in sent:
        room.change(shop(), order, {"raw": {**order["raw"], "additional_fields": sent["additional_fields"]}})
    if "shipment_status" in sent:
        room.ship(shop(), order, str(sent["shipment_status"]))
    if "status" in sent:
        states = {shown.lower(): state for state, shown in STATES.items()}
        act = {"paid": room.pay, "canceled": room.cancel, "abandoned": room.abandon}
        state = states.get(str(sent["status"]).lower())
        if state not in act:
            raise Refusal(400, "status")
        with contextlib.suppress(StateError):  # the same state again changes nothing
            act[state](shop(), order)
    return jsonify(_shown(order))


@pages.get("/orders/<int:number>/history.json")
@needs("read_orders")
def history(number: int) -> Response:
    return jsonify([{"order_history": entry} for entry in found("order", number)["history"]])


@pages.post("/orders/<int:number>/history.json")
@needs("write_orders")
def add_history(number: int) -> Response:
    order, sent = found("order", number), body("order_history")
    if not sent.get("message"):
        raise Refusal(422, "missing", "message")
    return jsonify({"order_history": parts().orders.add_history(shop(), order, str(sent["message"]))})


# --- documents --------------------------------------------------------------------------------------------


def _document(order: Json, public_id: str) -> Json:
    if "/" in public_id and parts().switches["public-id-slash"] == "refused":
        raise Refusal(404, "not-found")
    for document in order["documents"]:
        if document["public_id"] == public_id:
            return document
    raise Refusal(404, "not-found")


@pages.get("/orders/<int:number>/documents.json")
@needs("read_orders")
def documents(number: int) -> Response:
    return jsonify([{"document": document} for document in found("order", number)["documents"]])


@pages.post("/orders/<int:number>/documents.json")
@needs("write_orders")
def add_document(number: int) -> Response:
    order, sent = found("order", number), body("document")
    for field in ("document_type", "public_id", "url"):
        if sent.get(field) in (None, ""):
            raise Refusal(422, "missing", field)
    if sent["document_type"] not in (0, 1):
        raise Refusal(422, "not-a-choice", "document_type")
    document = {field: sent.get(field) for field in DOCUMENT_FIELDS}
    document |= {"order_id": number, "app_code": sent.get("app_code")}
    with parts().world.lock:
        same = [one for one in order["documents"] if one["public_id"] == document["public_id"]]
        if same and parts().switches["documents-post"] == "once":
            same[0].update(document)
        else:
            order["documents"].append(document)
        shop().put("order", order)
    return jsonify({"document": document})


@pages.put("/orders/<int:number>/documents/<path:public_id>.json")
@needs("write_orders")
def change_document(number: int, public_id: str) -> Response:
    order = found("order", number)
    document, sent = _document(order, public_id), body()
    document.update({field: sent[field] for field in DOCUMENT_FIELDS if field in sent})
    shop().put("order", order)
    return jsonify({"document": document})


@pages.delete("/orders/<int:number>/documents/<path:public_id>.json")
@needs("write_orders")
def drop_document(number: int, public_id: str) -> Response:
    order = found("order", number)
    order["documents"].remove(_document(order, public_id))
    shop().put("order", order)
    return jsonify("OK")


@pages.get("/documents.json")
@needs(None)
def all_documents() -> Response:
    every = [{"document": document} for order in _newest_first() for document in order["documents"]]
    return jsonify(page_of(every))
