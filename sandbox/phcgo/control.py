"""The control routes of the PHC GO stand-in under `/sandbox/`, for tests, the demo and developers.

They do not exist in the real PHC GO.
"""

from __future__ import annotations

import copy

from flask import Blueprint, Response, abort, jsonify, request

from sandbox.core.control import control_blueprint, error_response, json_body

from . import inventory, manual_actions
from .database import Database
from .program_state import ProgramState
from .wire import Refusal

INVENTORY_TABLES = {"articles": "St", "stock": "Sa", "movements": "Sl"}


def control_routes(program: ProgramState) -> Blueprint:
    """Return the control routes that every invoicing stand-in has, and those of PHC GO."""
    pages = control_blueprint(program)

    @pages.get("/installations")
    def installations() -> Response:
        return jsonify(program.accounts())

    @pages.post("/installations/<path>")
    def change(path: str) -> Response:
        if path not in program.installations:
            abort(404)
        wanted = json_body()
        if unknown := set(wanted) - {"plan", "allowance", "user", "password", "rotation"}:
            return error_response(f"{', '.join(sorted(unknown))} cannot be changed")
        program.change_installation(path, **wanted)
        return jsonify(program.installation_json(path))

    @pages.get("/<any(documents, drafts, dossiers):what>")
    def listed(what: str) -> Response:
        found = []
        for database in program.databases.values():
            for row in database.rows("Bo" if what == "dossiers" else "Ft"):
                if what == "dossiers" or row["draftRecord"] == (what == "drafts"):
                    found.append(
                        copy.deepcopy(row) | {"installation": database.installation, "company": database.code}
                    )
        return jsonify(found)

    _session_routes(program, pages)
    _company_routes(program, pages)
    _inventory_routes(program, pages)
    return pages


def _session_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/sessions")
    def sessions() -> Response:
        return jsonify([{"installation": one.installation, "company": one.company, "user": one.user,
                         "calls": one.calls} for one in program.sessions.values()])  # fmt: skip

    @pages.delete("/sessions")
    def end() -> Response:
        with program.lock:
            program.sessions.clear()
            program.login_failures.clear()
        return sessions()

    @pages.post("/maintenance")
    def maintenance() -> Response:
        seconds = float(json_body().get("seconds", 180))
        program.maintenance_until = program.clock.now().timestamp() + seconds
        return jsonify({"seconds": seconds})


def _company_routes(program: ProgramState, pages: Blueprint) -> None:
    def company(path: str, code: str) -> Database:
        return program.databases.get((path, code)) or abort(404)

    @pages.post("/companies/<path>/<code>/<any(series, dossier_series, layouts, customers):table>")
    def put(path: str, code: str, table: str) -> Response:
        try:
            with program.lock:
                row = manual_actions.save_row(company(path, code), table, json_body())
        except Refusal as no:
            return error_response(str(no))
        return jsonify(row)

    @pages.delete("/companies/<path>/<code>/<any(layouts, dossier_series):table>")
    def none(path: str, code: str, table: str) -> Response:
        with program.lock:
            manual_actions.clear_table(company(path, code), table)
        return jsonify([])

    @pages.post("/companies/<path>/<code>/records/<stamp>/<any(sign, annul, delete, receipt):act>")
    def by_hand(path: str, code: str, stamp: str, act: str) -> Response:
        try:
            with program.lock:
                return jsonify(manual_actions.ACTIONS[act](program, company(path, code), stamp))
        except Refusal as no:
            return error_response(str(no))


def _inventory_routes(program: ProgramState, pages: Blueprint) -> None:
    def company(path: str, code: str) -> Database:
        return program.databases.get((path, code)) or abort(404)

    @pages.get("/goods")
    def deeds() -> Response:
        return jsonify(program.inventory_ledger.entries)

    @pages.get("/companies/<path>/<code>/<any(articles, stock, movements):what>")
    def goods_of(path: str, code: str, what: str) -> Response:
        database, ref = company(path, code), request.args.get("ref")
        with program.lock:
            return jsonify(
                database.rows(INVENTORY_TABLES[what])
                if ref is None
                else database.find_indexed(INVENTORY_TABLES[what], ref)
            )

    @pages.post("/companies/<path>/<code>/<any(articles, stock, catalogue):what>")
    def write(path: str, code: str, what: str) -> Response:
        database, wanted = company(path, code), request.get_json()
        try:
            with program.lock:
                if what == "articles":
                    return jsonify(manual_actions.edit_article(program, database, wanted))
                if what == "catalogue":
                    return jsonify(
                        {"articles": inventory.load_catalogue(program, database, wanted["articles"])}
                    )
                for one in wanted if isinstance(wanted, list) else [wanted]:
                    manual_actions.edit_stock(program, database, one)
                return jsonify(database.rows("Sa"))
        except (Refusal, KeyError, ValueError) as no:
            return error_response(str(no))
