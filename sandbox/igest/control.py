"""The control routes of the iGEST stand-in under `/sandbox/`, for tests, the demo and developers.

They do not exist in the real iGEST.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from sandbox.core.control import control_blueprint, error_response, json_body

from . import inventory, issue, panel
from .document_request import Refusal
from .entities import Entity, Warehouse
from .fiscal_tables import REGION_RATES
from .program_state import ProgramState


def control_routes(program: ProgramState) -> Blueprint:
    """Return the control routes that every invoicing stand-in has, and those of iGEST."""
    pages = control_blueprint(program)

    @pages.get("/limits")
    def limits() -> Response:
        return jsonify(program.limits.as_json())

    @pages.delete("/limits")
    def reset_limits() -> Response:
        program.limits.reset()
        return limits()

    _document_routes(program, pages)
    _entity_routes(program, pages)
    _stock_routes(program, pages)
    return pages


def _document_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.post("/documents/<int:number>/<any(annul, receipt):what>")
    def correct(number: int, what: str) -> Response:
        entry = program.index.documents.get(number) or abort(404)
        entity = program.entities[entry["entity"]]
        try:
            if what == "receipt":
                return jsonify(issue.record_receipt(program, entity, entry))
            return jsonify(
                issue.annul_document(program, entity, entry, json_body().get("reason", "Anulado à mão"))
            )
        except Refusal as no:
            return error_response(str(no))


def _entity_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/entities")
    def entities() -> Response:
        return jsonify(program.accounts())

    @pages.post("/entities")
    def add() -> Response:
        wanted = json_body()
        number = str(wanted.get("number") or 40500 + len(program.entities))
        places = [Warehouse(**place) for place in wanted.get("warehouses", [])]
        region = wanted.get("region", "PT")
        if number in program.entities or region not in REGION_RATES:
            return error_response("the number is taken or the region unknown")
        entity = Entity(number, wanted["name"], wanted["nif"], region, warehouses=places)
        with program.lock:
            program.save_entities(entity)
            program.index.add_entity(entity)
        return jsonify(program.entity_json(entity))

    @pages.get("/entities/<number>")
    def one(number: str) -> Response:
        return jsonify(program.entity_json(program.entities.get(number) or abort(404)))

    @pages.post("/entities/<number>")
    def change(number: str) -> Response:
        entity = program.entities.get(number) or abort(404)
        for name, value in json_body().items():
            if name not in ("forbidden", "closed"):
                return error_response(f"{name} cannot be changed")
            setattr(entity, name, [str(item) for item in value])
        program.save_entities(entity)
        return jsonify(program.entity_json(entity))

    @pages.post("/entities/<number>/<any(activate, deactivate, rotate):what>")
    def integration(number: str, what: str) -> Response:
        entity = program.entities.get(number) or abort(404)
        panel.INTEGRATION_ACTIONS[what](program, entity)
        return jsonify(program.entity_json(entity))


def _stock_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/entities/<number>/stock")
    def stock(number: str) -> Response:
        entity = program.entities.get(number) or abort(404)
        return jsonify(panel.stock_rows(program, entity))

    @pages.post("/entities/<number>/stock")
    def move(number: str) -> Response:
        entity = program.entities.get(number) or abort(404)
        asked = request.get_json()
        wanted = asked if isinstance(asked, list) else [asked]
        try:
            for one in wanted:
                _move_stock(program, entity, one)
        except (Refusal, ArithmeticError, KeyError) as no:
            return error_response(str(no))
        moved = {one["ref"] for one in wanted}
        return jsonify([row for row in panel.stock_rows(program, entity) if row["ref"] in moved])

    @pages.post("/entities/<number>/articles")
    def article(number: str) -> Response:
        entity = program.entities.get(number) or abort(404)
        wanted = json_body()
        found = program.index.active_article(entity.number, wanted.get("ref", "")) or abort(404)
        if wanted.get("withdrawn"):
            inventory.withdraw_article(program, entity, found)
        else:
            try:
                inventory.rename_article(
                    program, entity, found, wanted.get("to", ""), wanted.get("description", "")
                )
            except Refusal as no:
                return error_response(str(no))
        return jsonify(found)

    @pages.post("/catalogue")
    def catalogue() -> Response:
        wanted = json_body()
        entity = program.entities.get(str(wanted.get("entity"))) or abort(404)
        try:
            entry = inventory.load_catalogue(program, entity, wanted["articles"])
        except (Refusal, KeyError) as no:
            return error_response(str(no))
        return jsonify({"entity": entity.number, "articles": len(entry["articles"])})


def _move_stock(program: ProgramState, entity: Entity, wanted: dict[str, Any]) -> None:
    """Set the stock to `to`, or add `qty`."""
    found = program.index.active_article(entity.number, wanted["ref"])
    if found is None:
        raise Refusal(f"Artigo desconhecido: {wanted['ref']}")
    place = wanted.get("warehouse", "")
    if "to" in wanted:
        inventory.set_stock(program, entity, found, place, Decimal(str(wanted["to"])))
    else:
        inventory.move_stock(program, entity, found["ref"], place, Decimal(str(wanted["qty"])), who="hand")
