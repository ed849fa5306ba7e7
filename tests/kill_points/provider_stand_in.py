"""The sandbox's plain provider with a scheduled answer for each account.

`python -m tests.kill_points.provider_stand_in` is a process that is never killed; its ledger is the judge.
`POST /grid/order` schedules the answer to one call, and `GET /grid/met` returns whether it was given.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from flask import Flask, Response, copy_current_request_context, g, jsonify, request

from sandbox.core.server import drop_connection, serve
from sandbox.plain.app import create_app

SLOW_SECONDS, LATE_SECONDS, LAG_SECONDS = 0.3, 0.6, 0.6
"""Seconds of a slow answer; from the closed connection to a late commit; from a late commit until the list shows
it.
"""

_LOGIN = "<!doctype html><title>Entrar</title><form>...</form>"
_BEFORE: dict[str, Callable[[], Response]] = {
    "drop-before": drop_connection,
    "503": lambda: Response("{}", 503, mimetype="application/json"),
    "429": lambda: Response("{}", 429, {"Retry-After": "1"}, mimetype="application/json"),
    "200-error": lambda: jsonify({"error": "A série não aceita documentos."}),
    "login-page": lambda: Response(_LOGIN, mimetype="text/html"),
}
_AFTER: dict[str, Callable[[], Response]] = {
    "drop-after": lambda: drop_connection(abruptly=True),
    "500-after": lambda: Response("{}", 500, mimetype="application/json"),
    "garbage-after": lambda: Response(b"\x00\xff{\x13", mimetype="application/json"),
}


class PlannedAnswers:
    """The answer planned for each account's call, and whether it was given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[tuple[str, str], str] = {}
        self.lagging: set[str] = set()
        self.late: dict[str, int] = {}
        self.repeated: dict[str, threading.Event] = {}
        """Set when an account that waits for a late commit sends its call again."""
        self.late_seconds: dict[str, float] = {}

    def plan(self, entity: str, verb: str, kind: str, late_seconds: float = LATE_SECONDS) -> None:
        with self._lock:
            self._due[entity, verb] = kind
            self.late_seconds[entity] = late_seconds

    def take(self, entity: str, verb: str) -> str:
        with self._lock:
            return self._due.pop((entity, verb), "")

    def was_used(self, entity: str) -> bool:
        with self._lock:
            return not any(known == entity for known, _ in self._due)


def program(folder: Path, promise: str) -> Flask:
    """Return the stand-in with its planned answers."""
    app = create_app(folder, promise)
    orders, books = PlannedAnswers(), app.extensions["document_ledger"]

    @app.post("/grid/order")
    def ordered() -> Response:
        orders.plan(**request.get_json())
        return jsonify({})

    @app.get("/grid/met/<entity>")
    def whether_met(entity: str) -> Response:
        return jsonify({"met": orders.was_used(entity), "late": orders.late.get(entity, 0)})

    @app.before_request
    def before() -> Response | None:
        verb = {"issue": "issue", "open_draft": "open", "finalise": "finalise"}.get(
            request.endpoint or "", ""
        )
        g.entity = request.headers.get("Plain-Entity", "")
        g.kind = orders.take(g.entity, verb) if verb else ""
        if verb and g.entity in orders.repeated:
            orders.repeated[g.entity].set()
        if g.kind == "slow":
            time.sleep(SLOW_SECONDS)
        elif g.kind == "late":
            return _commit_late(app, orders)
        elif g.kind == "wrong-total":
            content = books.drafts[_number()].content if verb == "finalise" else request.get_json()
            content["total"] = str(Decimal(content["total"]) + Decimal("0.01"))
        return _BEFORE[g.kind]() if g.kind in _BEFORE else None

    @app.after_request
    def after(answer: Response) -> Response:
        if g.kind in _AFTER:
            return _AFTER[g.kind]()
        if request.endpoint == "search" and g.entity in orders.lagging:
            shown = [one for one in answer.get_json()["documents"] if one["time"] < time.time() - LAG_SECONDS]
            return jsonify({"documents": shown})
        return answer

    return app


def _number() -> str:
    return str((request.view_args or {})["number"])


def _commit_late(app: Flask, orders: PlannedAnswers) -> Response:
    """Answer nothing, and carry out the call a little later, or when it is sent again."""
    entity, view = g.entity, app.view_functions[request.endpoint or ""]
    request.get_data(cache=True)
    orders.lagging.add(entity)
    orders.late[entity] = 1
    repeated = orders.repeated[entity] = threading.Event()
    seconds = orders.late_seconds[entity]

    @copy_current_request_context
    def act() -> None:
        repeated.wait(seconds)
        try:
            view(**(request.view_args or {}))
        finally:
            orders.late[entity] = 0

    threading.Thread(target=act, daemon=True).start()
    return drop_connection()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill_points.provider_stand_in")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--promise", required=True)
    chosen = parser.parse_args()
    serve(program(chosen.data, chosen.promise), chosen.port)


if __name__ == "__main__":
    main()
