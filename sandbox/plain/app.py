"""The plain provider as one Flask app: JSON over HTTP, its faults and its list of documents."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, abort, jsonify, request

from sandbox.core.blueprint import core_blueprint
from sandbox.core.response_faults import SPOILED_RESPONSES
from sandbox.core.server import drop_connection
from sandbox.core.storage import Json
from sandbox.core.switches import Switch, Switches

from .document_ledger import DocumentLedger, Draft
from .faults import Faults

GUARANTEES = ("by_search", "by_key", "by_draft", "by_person")
SWITCHES = (
    Switch("promise", "what the program is able to do", GUARANTEES, "ours"),
    Switch("search-lag", "seconds until a search shows a document", ("0", "1", "2", "5"), "ours"),
)
_PDF = b"%PDF-1.4\n%plain\n"


def create_app(folder: Path, guarantee: str = "by_search", seconds: float = 0.0) -> Flask:
    """Return the app over the ledger in the folder; each call takes this number of seconds."""
    app = Flask("sandbox.plain")
    switches = Switches(SWITCHES)
    switches.set("promise", guarantee)
    app.register_blueprint(core_blueprint("Plain", switches))
    document_ledger, faults = DocumentLedger(folder / "ledger.jsonl"), Faults()
    app.extensions["document_ledger"], app.extensions["faults"] = document_ledger, faults
    _control_routes(app, document_ledger, faults)
    _read_routes(app, document_ledger, faults, switches, seconds)
    _write_routes(app, document_ledger, faults, switches, seconds)
    return app


def _control_routes(app: Flask, document_ledger: DocumentLedger, faults: Faults) -> None:
    @app.post("/sandbox/faults")
    def order() -> Response | tuple[Response, int]:
        try:
            faults.configure(request.get_json())
        except ValueError as wrong:
            return jsonify({"error": str(wrong)}), 422
        return jsonify({"share": faults.share})

    @app.get("/sandbox/faults")
    def counted() -> Response:
        return jsonify({"calls": faults.calls, "kinds": dict(faults.counts)})

    @app.get("/sandbox/documents")
    def listed() -> Response:
        return jsonify(list(document_ledger.documents))


def _entity() -> str:
    return request.headers.get("Plain-Entity", "")


def _require_guarantee(switches: Switches, *guarantees: str) -> None:
    if switches["promise"] not in guarantees:
        abort(404)


def _read_routes(
    app: Flask, document_ledger: DocumentLedger, faults: Faults, switches: Switches, seconds: float
) -> None:
    @app.get("/v1/account")
    def account() -> Response | tuple[Response, int]:
        if request.headers.get("Plain-Key") != f"key-of-{_entity()}":
            return jsonify({"error": "key"}), 401
        return jsonify({"entity": _entity(), "name": "Contas Claras, Lda.", "promise": switches["promise"]})

    @app.get("/v1/documents")
    def search() -> Response:
        _require_guarantee(switches, "by_search")

        def look() -> Json:
            lag = float(switches["search-lag"])
            return {
                "documents": document_ledger.find_documents(_entity(), request.args.get("reference", ""), lag)
            }

        return _respond(faults, False, seconds, look)

    @app.get("/v1/ledger")
    def ledger() -> Response:
        _require_guarantee(switches, "by_key", "by_draft", "by_search")
        since = float(request.args.get("since", "0"))
        return _respond(
            faults, False, seconds, lambda: {"documents": document_ledger.documents_since(_entity(), since)}
        )

    @app.get("/v1/documents/<int:number>.pdf")
    def paper(number: int) -> Response:
        return Response(_PDF, mimetype="application/pdf")

    @app.get("/v1/drafts/<number>")
    def draft(number: str) -> Response:
        found = _draft_or_404(document_ledger, number)
        return _respond(faults, False, seconds, lambda: {"document": found.document})

    @app.get("/v1/drafts")
    def drafts() -> Response:
        _require_guarantee(switches, "by_draft")
        wanted = request.args.get("reference", "")
        return _respond(
            faults, False, seconds,
            lambda: {"drafts": [found.number for found in document_ledger.find_drafts(_entity(), wanted)]},
        )  # fmt: skip


def _draft_or_404(document_ledger: DocumentLedger, number: str) -> Draft:
    draft = document_ledger.drafts.get(number)
    if draft is None or draft.entity != _entity():
        abort(404)
    return draft


def _write_routes(
    app: Flask, document_ledger: DocumentLedger, faults: Faults, switches: Switches, seconds: float
) -> None:
    @app.post("/v1/documents")
    def issue() -> Response:
        _require_guarantee(switches, "by_key", "by_search", "by_person")
        entity, content = _entity(), request.get_json()
        key = request.headers.get("Idempotency-Key", "") if switches["promise"] == "by_key" else ""
        return _respond(faults, True, seconds, lambda: document_ledger.issue(entity, content, key))

    @app.post("/v1/drafts")
    def open_draft() -> Response:
        _require_guarantee(switches, "by_draft")
        entity, content = _entity(), request.get_json()

        def opened() -> Json:
            return {"draft": document_ledger.open_draft(entity, content).number, "total": content["total"]}

        return _respond(faults, True, seconds, opened)

    @app.post("/v1/drafts/<number>/finalise")
    def finalise(number: str) -> Response:
        found = _draft_or_404(document_ledger, number)
        return _respond(faults, True, seconds, lambda: document_ledger.finalise_draft(found))

    @app.delete("/v1/drafts/<number>")
    def drop(number: str) -> Response:
        _draft_or_404(document_ledger, number)
        return _respond(faults, True, seconds, lambda: {"dropped": document_ledger.delete_draft(number)})


def _respond(faults: Faults, changes: bool, seconds: float, execute: Callable[[], Json]) -> Response:
    """Answer with the act's result, or as the fault drawn for this call says."""
    kind = faults.draw(changes)
    time.sleep(seconds)
    if kind == "slow":
        time.sleep(faults.random_seconds(0.8))
    if kind == "slow-commit":
        timer = threading.Timer(faults.random_seconds(faults.latest), execute)
        timer.daemon = True
        timer.start()
        return drop_connection()
    if kind in _RESPONSES_BEFORE:
        return _RESPONSES_BEFORE[kind]()
    answer = jsonify(execute())
    return _RESPONSES_AFTER[kind](answer) if kind in _RESPONSES_AFTER else answer


def _status_response(code: int, **headers: str) -> Callable[[], Response]:
    return lambda: Response("{}", status=code, mimetype="application/json", headers=headers)


_LOGIN_PAGE = "<!doctype html><title>Entrar</title><form>...</form>"
_RESPONSES_BEFORE: dict[str, Callable[[], Response]] = {
    "drop-before": drop_connection,
    "500-before": _status_response(500),
    "503": _status_response(503),
    "408": _status_response(408),
    "429": _status_response(429, **{"Retry-After": "1"}),
    "redirect": _status_response(302, Location="/v1/login"),
    "login-page": lambda: Response(_LOGIN_PAGE, mimetype="text/html"),
}
_RESPONSES_AFTER: dict[str, Callable[[Response], Response]] = SPOILED_RESPONSES | {
    "500-after": lambda _: _status_response(500)()
}
