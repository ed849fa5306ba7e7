"""The control routes under `/sandbox/`: what tests, the demo and developers steer and look with.

Registered by the app. Nothing of this exists in the real program.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from . import issuing, keeping, panel
from .asked import Refusal
from .entities import Entity, Warehouse, to_json
from .office import Office
from .rates import REGIONS


def control(office: Office) -> Blueprint:
    """The routes around one office."""
    pages = Blueprint("control", __name__, url_prefix="/sandbox")

    @pages.post("/reset")
    def reset() -> Response:
        office.reset()
        return jsonify([_shown(office, entity) for entity in office.entities.values()])

    @pages.get("/ledger")
    def ledger() -> Response:
        kind = request.args.get("kind")
        return jsonify([entry for entry in office.ledger.entries if not kind or entry["kind"] == kind])

    @pages.get("/requests")
    def requests() -> Response:
        return jsonify(list(office.requests))

    @pages.get("/limits")
    def limits() -> Response:
        return jsonify(office.limits.as_json())

    @pages.delete("/limits")
    def forget_limits() -> Response:
        office.limits.begin()
        return limits()

    @pages.get("/outbox")
    def outbox() -> Response:
        return jsonify(office.books.mails)

    _clock_routes(office, pages)
    _document_routes(office, pages)
    _fault_routes(office, pages)
    _entity_routes(office, pages)
    _stock_routes(office, pages)
    return pages


def _clock_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/clock")
    def clock() -> Response:
        return jsonify({"now": office.clock.now().isoformat(timespec="seconds")})

    @pages.post("/clock")
    def set_clock() -> Response:
        wanted = _json()
        try:
            if wanted.get("today"):
                office.clock.put_on(date.fromisoformat(wanted["today"]))
            elif wanted.get("now"):
                office.clock.put_at(datetime.fromisoformat(wanted["now"]))
            else:
                office.clock.put_back()
        except ValueError as wrong:
            return _wrong(str(wrong))
        return clock()


def _document_routes(office: Office, pages: Blueprint) -> None:
    @pages.post("/documents/<int:number>/<any(annul, receipt):what>")
    def correct(number: int, what: str) -> Response:
        entry = office.books.documents.get(number) or abort(404)
        entity = office.entities[entry["entity"]]
        try:
            if what == "receipt":
                return jsonify(issuing.settle(office, entity, entry))
            return jsonify(issuing.annul(office, entity, entry, _json().get("reason", "Anulado à mão")))
        except Refusal as no:
            return _wrong(str(no))


def _fault_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/faults")
    def faults() -> Response:
        return jsonify(office.faults.as_json())

    @pages.post("/faults")
    def order() -> Response:
        wanted = request.get_json()
        try:
            for one in wanted if isinstance(wanted, list) else [wanted]:
                office.faults.order(one)
        except (ValueError, TypeError) as wrong:
            return _wrong(str(wrong))
        return jsonify(office.faults.as_json())

    @pages.delete("/faults")
    def clear() -> Response:
        office.faults.clear()
        office.faults.release()
        return jsonify(office.faults.as_json())

    @pages.post("/faults/release")
    def release() -> Response:
        office.faults.release()
        return jsonify(office.faults.as_json())


def _entity_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/entities")
    def entities() -> Response:
        return jsonify([_shown(office, entity) for entity in office.entities.values()])

    @pages.post("/entities")
    def add() -> Response:
        wanted = _json()
        number = str(wanted.get("number") or 40500 + len(office.entities))
        places = [Warehouse(**place) for place in wanted.get("warehouses", [])]
        region = wanted.get("region", "PT")
        if number in office.entities or region not in REGIONS:
            return _wrong("the number is taken or the region unknown")
        entity = Entity(number, wanted["name"], wanted["nif"], region, warehouses=places)
        with office.lock:
            office.keep(entity)
            office.books.open(entity)
        return jsonify(_shown(office, entity))

    @pages.get("/entities/<number>")
    def one(number: str) -> Response:
        return jsonify(_shown(office, office.entities.get(number) or abort(404)))

    @pages.post("/entities/<number>")
    def change(number: str) -> Response:
        entity = office.entities.get(number) or abort(404)
        for name, value in _json().items():
            if name not in ("forbidden", "closed"):
                return _wrong(f"{name} cannot be changed")
            setattr(entity, name, [str(item) for item in value])
        office.keep(entity)
        return jsonify(_shown(office, entity))

    @pages.post("/entities/<number>/<any(activate, deactivate, rotate):what>")
    def integration(number: str, what: str) -> Response:
        entity = office.entities.get(number) or abort(404)
        panel.INTEGRATION[what](office, entity)
        return jsonify(_shown(office, entity))


def _stock_routes(office: Office, pages: Blueprint) -> None:
    @pages.get("/entities/<number>/stock")
    def stock(number: str) -> Response:
        entity = office.entities.get(number) or abort(404)
        return jsonify(panel.stock_rows(office, entity))

    @pages.post("/entities/<number>/stock")
    def move(number: str) -> Response:
        entity = office.entities.get(number) or abort(404)
        asked = request.get_json()
        wanted = asked if isinstance(asked, list) else [asked]
        try:
            for one in wanted:
                _move(office, entity, one)
        except (Refusal, ArithmeticError, KeyError) as no:
            return _wrong(str(no))
        moved = {one["ref"] for one in wanted}
        return jsonify([row for row in panel.stock_rows(office, entity) if row["ref"] in moved])

    @pages.post("/entities/<number>/articles")
    def article(number: str) -> Response:
        entity = office.entities.get(number) or abort(404)
        wanted = _json()
        found = office.books.article(entity.number, wanted.get("ref", "")) or abort(404)
        if wanted.get("withdrawn"):
            keeping.withdraw(office, entity, found)
        else:
            try:
                keeping.rename(office, entity, found, wanted.get("to", ""), wanted.get("description", ""))
            except Refusal as no:
                return _wrong(str(no))
        return jsonify(found)

    @pages.post("/catalogue")
    def catalogue() -> Response:
        wanted = _json()
        entity = office.entities.get(str(wanted.get("entity"))) or abort(404)
        try:
            entry = keeping.load(office, entity, wanted["articles"])
        except (Refusal, KeyError) as no:
            return _wrong(str(no))
        return jsonify({"entity": entity.number, "articles": len(entry["articles"])})


def _move(office: Office, entity: Entity, wanted: dict[str, Any]) -> None:
    """Nothing; `qty` more lie there than before, or as many as `to` says."""
    found = office.books.article(entity.number, wanted["ref"])
    if found is None:
        raise Refusal(f"Artigo desconhecido: {wanted['ref']}")
    place = wanted.get("warehouse", "")
    if "to" in wanted:
        keeping.put(office, entity, found, place, Decimal(str(wanted["to"])))
    else:
        keeping.move(office, entity, found["ref"], place, Decimal(str(wanted["qty"])), who="hand")


def _shown(office: Office, entity: Entity) -> dict[str, Any]:
    key, code = entity.keys(office.seed)
    return to_json(entity) | {
        "active": bool(entity.active_since),
        "integration_key": key,
        "security_code": code,
        "series": [list(row) for row in office.series(entity)],
    }


def _json() -> dict[str, Any]:
    found: dict[str, Any] = request.get_json(silent=True) or {}
    return found


def _wrong(text: str) -> Response:
    answer = jsonify({"error": text})
    answer.status_code = 422
    return answer
