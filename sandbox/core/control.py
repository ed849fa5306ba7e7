"""The control routes that every stand-in of an invoicing system has under `/sandbox/`.

Tests, the demo and developers use them. They do not exist in the real systems.
"""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, Response, jsonify, request

from .program_state import InvoicingProgram
from .storage import Json


def control_blueprint(program: InvoicingProgram) -> Blueprint:
    """Return the routes; the stand-in adds its own to the same blueprint."""
    pages = Blueprint("control", __name__, url_prefix="/sandbox")

    @pages.post("/reset")
    def reset() -> Response:
        program.reset()
        return jsonify(program.accounts())

    @pages.get("/ledger")
    def ledger() -> Response:
        kind = request.args.get("kind")
        return jsonify([entry for entry in program.ledger.entries if not kind or entry["kind"] == kind])

    @pages.get("/requests")
    def requests() -> Response:
        return jsonify(list(program.requests))

    @pages.get("/outbox")
    def outbox() -> Response:
        return jsonify(program.outbox())

    _clock_routes(program, pages)
    _fault_routes(program, pages)
    return pages


def _clock_routes(program: InvoicingProgram, pages: Blueprint) -> None:
    @pages.get("/clock")
    def clock() -> Response:
        return jsonify({"now": program.clock.now().isoformat(timespec="seconds")})

    @pages.post("/clock")
    def set_clock() -> Response:
        wanted = json_body()
        try:
            if wanted.get("today"):
                program.clock.set_day(date.fromisoformat(wanted["today"]))
            elif wanted.get("now"):
                program.clock.set_time(datetime.fromisoformat(wanted["now"]))
            else:
                program.clock.reset()
        except ValueError as error:
            return error_response(str(error))
        return clock()


def _fault_routes(program: InvoicingProgram, pages: Blueprint) -> None:
    @pages.get("/faults")
    def faults() -> Response:
        return jsonify(program.faults.as_json())

    @pages.post("/faults")
    def schedule() -> Response:
        wanted = request.get_json()
        try:
            for one in wanted if isinstance(wanted, list) else [wanted]:
                program.faults.schedule(one)
        except (ValueError, TypeError) as error:
            return error_response(str(error))
        return faults()

    @pages.delete("/faults")
    def clear() -> Response:
        program.clear_faults()
        return faults()

    @pages.post("/faults/release")
    def release() -> Response:
        program.faults.release()
        return faults()


def json_body() -> Json:
    """Return the request's JSON object, empty when there is none."""
    return request.get_json(silent=True) or {}


def error_response(text: str) -> Response:
    """Return HTTP 422 with the error."""
    response = jsonify({"error": text})
    response.status_code = 422
    return response
