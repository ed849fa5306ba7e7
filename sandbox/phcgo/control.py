"""The control routes under `/sandbox/`: what tests, the demo and developers steer and look with.

Registered by the app. Nothing of this exists in the real program.
"""

from __future__ import annotations

import copy
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from . import inventory, manual_actions
from .database import Database
from .program_state import ProgramState
from .wire import Refusal

INVENTORY_TABLES = {"articles": "St", "stock": "Sa", "movements": "Sl"}


def control_blueprint(program: ProgramState) -> Blueprint:
    """The routes around one office."""
    pages = Blueprint("control", __name__, url_prefix="/sandbox")

    @pages.post("/reset")
    def reset() -> Response:
        program.reset()
        return installations()

    @pages.get("/installations")
    def installations() -> Response:
        return jsonify([_installation_json(program, path) for path in program.installations])

    @pages.post("/installations/<path>")
    def change(path: str) -> Response:
        _check_installation(program, path)
        wanted = _json_body()
        if unknown := set(wanted) - {"plan", "allowance", "user", "password", "rotation"}:
            return _error_response(f"{', '.join(sorted(unknown))} cannot be changed")
        program.change_installation(path, **wanted)
        return jsonify(_installation_json(program, path))

    _read_routes(program, pages)
    _clock_routes(program, pages)
    _fault_routes(program, pages)
    _session_routes(program, pages)
    _company_routes(program, pages)
    _inventory_routes(program, pages)
    return pages


def _read_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/ledger")
    def ledger() -> Response:
        return jsonify(program.ledger.entries)

    @pages.get("/requests")
    def requests() -> Response:
        return jsonify(list(program.requests))

    @pages.get("/outbox")
    def outbox() -> Response:
        return jsonify(program.mails)

    @pages.get("/<any(documents, drafts, dossiers):what>")
    def listed(what: str) -> Response:
        found = []
        for base in program.databases.values():
            for row in base.rows("Bo" if what == "dossiers" else "Ft"):
                if what == "dossiers" or row["draftRecord"] == (what == "drafts"):
                    found.append(
                        copy.deepcopy(row) | {"installation": base.installation, "company": base.code}
                    )
        return jsonify(found)


def _clock_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/clock")
    def clock() -> Response:
        return jsonify({"now": program.clock.now().isoformat(timespec="seconds")})

    @pages.post("/clock")
    def set_clock() -> Response:
        wanted = _json_body()
        try:
            if wanted.get("today"):
                program.clock.set_day(date.fromisoformat(wanted["today"]))
            elif wanted.get("now"):
                program.clock.set_time(datetime.fromisoformat(wanted["now"]))
            else:
                program.clock.reset()
        except ValueError as wrong:
            return _error_response(str(wrong))
        return clock()


def _fault_routes(program: ProgramState, pages: Blueprint) -> None:
    @pages.get("/faults")
    def faults() -> Response:
        return jsonify(program.faults.as_json())

    @pages.post("/faults")
    def order() -> Response:
        wanted = request.get_json()
        try:
            for one in wanted if isinstance(wanted, list) else [wanted]:
                program.faults.schedule(one)
        except (ValueError, TypeError) as wrong:
            return _error_response(str(wrong))
        return faults()

    @pages.delete("/faults")
    def clear() -> Response:
        program.faults.clear()
        program.faults.release()
        program.maintenance_until = 0.0
        return faults()

    @pages.post("/faults/release")
    def release() -> Response:
        program.faults.release()
        return faults()


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
        seconds = float(_json_body().get("seconds", 180))
        program.maintenance_until = program.clock.now().timestamp() + seconds
        return jsonify({"seconds": seconds})


def _company_routes(program: ProgramState, pages: Blueprint) -> None:
    def company(path: str, code: str) -> Database:
        return program.databases.get((path, code)) or abort(404)

    @pages.post("/companies/<path>/<code>/<any(series, dossier_series, layouts, customers):table>")
    def put(path: str, code: str, table: str) -> Response:
        try:
            with program.lock:
                row = manual_actions.save_row(company(path, code), table, _json_body())
        except Refusal as no:
            return _error_response(str(no))
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
            return _error_response(str(no))


def _inventory_routes(program: ProgramState, pages: Blueprint) -> None:
    def company(path: str, code: str) -> Database:
        return program.databases.get((path, code)) or abort(404)

    @pages.get("/goods")
    def deeds() -> Response:
        return jsonify(program.inventory_ledger.entries)

    @pages.get("/companies/<path>/<code>/<any(articles, stock, movements):what>")
    def goods_of(path: str, code: str, what: str) -> Response:
        base, ref = company(path, code), request.args.get("ref")
        with program.lock:
            return jsonify(
                base.rows(INVENTORY_TABLES[what])
                if ref is None
                else base.find_indexed(INVENTORY_TABLES[what], ref)
            )

    @pages.post("/companies/<path>/<code>/<any(articles, stock, catalogue):what>")
    def write(path: str, code: str, what: str) -> Response:
        base, wanted = company(path, code), request.get_json()
        try:
            with program.lock:
                if what == "articles":
                    return jsonify(manual_actions.edit_article(program, base, wanted))
                if what == "catalogue":
                    return jsonify({"articles": inventory.load_catalogue(program, base, wanted["articles"])})
                for one in wanted if isinstance(wanted, list) else [wanted]:
                    manual_actions.edit_stock(program, base, one)
                return jsonify(base.rows("Sa"))
        except (Refusal, KeyError, ValueError) as no:
            return _error_response(str(no))


def _check_installation(program: ProgramState, path: str) -> None:
    if path not in program.installations:
        abort(404)


def _installation_json(program: ProgramState, path: str) -> dict[str, Any]:
    """The installation with all that a merchant would copy from it."""
    facts = program.installations[path]
    return facts | {
        "path": path,
        "url": f"{program.public}/{path}",
        "token": program.token(path),
        "used": program.used(path),
        "companies": [
            {
                "code": database.code,
                "name": database.facts["name"],
                "nif": database.facts["nif"],
                "series": database.rows("Td"),
                "dossier_series": database.rows("Ts"),
                "layouts": database.rows("Layout"),
            }
            for database in program.companies(path)
        ],
    }


def _json_body() -> dict[str, Any]:
    found: dict[str, Any] = request.get_json(silent=True) or {}
    return found


def _error_response(text: str) -> Response:
    answer = jsonify({"error": text})
    answer.status_code = 422
    return answer
