"""The stand-in as one Flask app: JSON over HTTP, the faults, and the program's own list for a merchant to look at.

Called by `python -m sandbox.plain` and by tests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request

from sandbox.web import Switch, Switches, core, cut

from .books import Books, Sheet
from .faults import Faults

Json = dict[str, Any]
PROMISES = ("by_search", "by_key", "by_draft", "by_person")
SWITCHES = (
    Switch("promise", "what the program is able to do", PROMISES, "ours"),
    Switch("search-lag", "seconds until a search shows a document", ("0", "1", "2", "5"), "ours"),
)
_PDF = b"%PDF-1.4\n%plain\n"


def create_app(folder: Path, promise: str = "by_search", seconds: float = 0.0) -> Flask:
    """The app over the ledger in the folder; each call takes so many seconds."""
    app = Flask("sandbox.plain")
    switches = Switches(SWITCHES)
    switches.set("promise", promise)
    app.register_blueprint(core("Plain", switches))
    books, faults = Books(folder / "ledger.jsonl"), Faults()
    app.extensions["books"], app.extensions["faults"] = books, faults
    _control(app, books, faults)
    _looks(app, books, faults, switches, seconds)
    _writes(app, books, faults, switches, seconds)
    return app


def _control(app: Flask, books: Books, faults: Faults) -> None:
    @app.post("/sandbox/faults")
    def order() -> Response | tuple[Response, int]:
        try:
            faults.order(request.get_json())
        except ValueError as wrong:
            return jsonify({"error": str(wrong)}), 422
        return jsonify({"share": faults.share})

    @app.get("/sandbox/faults")
    def counted() -> Response:
        return jsonify({"calls": faults.calls, "kinds": dict(faults.counts)})

    @app.get("/sandbox/documents")
    def listed() -> Response:
        return jsonify(list(books.documents))


def _entity() -> str:
    return request.headers.get("Plain-Entity", "")


def _offered(switches: Switches, *promises: str) -> None:
    if switches["promise"] not in promises:
        abort(404)


def _looks(app: Flask, books: Books, faults: Faults, switches: Switches, seconds: float) -> None:
    @app.get("/v1/account")
    def account() -> Response | tuple[Response, int]:
        if request.headers.get("Plain-Key") != f"key-of-{_entity()}":
            return jsonify({"error": "key"}), 401
        return jsonify({"entity": _entity(), "name": "Contas Claras, Lda.", "promise": switches["promise"]})

    @app.get("/v1/documents")
    def search() -> Response:
        _offered(switches, "by_search")

        def look() -> Json:
            lag = float(switches["search-lag"])
            return {"documents": books.found(_entity(), request.args.get("reference", ""), lag)}

        return _answered(faults, False, seconds, look)

    @app.get("/v1/ledger")
    def ledger() -> Response:
        _offered(switches, "by_key", "by_draft", "by_search")
        since = float(request.args.get("since", "0"))
        return _answered(faults, False, seconds, lambda: {"documents": books.listed(_entity(), since)})

    @app.get("/v1/documents/<int:number>.pdf")
    def paper(number: int) -> Response:
        return Response(_PDF, mimetype="application/pdf")

    @app.get("/v1/drafts/<number>")
    def draft(number: str) -> Response:
        sheet = _sheet(books, number)
        return _answered(faults, False, seconds, lambda: {"document": sheet.document})

    @app.get("/v1/drafts")
    def drafts() -> Response:
        _offered(switches, "by_draft")
        wanted = request.args.get("reference", "")
        return _answered(
            faults, False, seconds,
            lambda: {"drafts": [sheet.number for sheet in books.drafted(_entity(), wanted)]},
        )  # fmt: skip


def _sheet(books: Books, number: str) -> Sheet:
    sheet = books.drafts.get(number)
    if sheet is None or sheet.entity != _entity():
        abort(404)
    return sheet


def _writes(app: Flask, books: Books, faults: Faults, switches: Switches, seconds: float) -> None:
    @app.post("/v1/documents")
    def issue() -> Response:
        _offered(switches, "by_key", "by_search", "by_person")
        entity, content = _entity(), request.get_json()
        key = request.headers.get("Idempotency-Key", "") if switches["promise"] == "by_key" else ""
        return _answered(faults, True, seconds, lambda: books.issue(entity, content, key))

    @app.post("/v1/drafts")
    def open_draft() -> Response:
        _offered(switches, "by_draft")
        entity, content = _entity(), request.get_json()

        def opened() -> Json:
            return {"draft": books.open(entity, content).number, "total": content["total"]}

        return _answered(faults, True, seconds, opened)

    @app.post("/v1/drafts/<number>/finalise")
    def finalise(number: str) -> Response:
        sheet = _sheet(books, number)
        return _answered(faults, True, seconds, lambda: books.finalise(sheet))

    @app.delete("/v1/drafts/<number>")
    def drop(number: str) -> Response:
        _sheet(books, number)
        return _answered(faults, True, seconds, lambda: {"dropped": books.drop(number)})


def _answered(faults: Faults, changes: bool, seconds: float, act: Callable[[], Json]) -> Response:
    """What the caller gets: the act's result, or what the fault of this call makes of it."""
    kind = faults.draw(changes)
    time.sleep(seconds)
    if kind == "slow":
        time.sleep(faults.seconds(0.8))
    if kind == "slow-commit":
        timer = threading.Timer(faults.seconds(faults.latest), act)
        timer.daemon = True
        timer.start()
        return cut()
    if kind in _BEFORE:
        return _BEFORE[kind]()
    answer = jsonify(act())
    return _AFTER[kind](answer) if kind in _AFTER else answer


def _status(code: int, **headers: str) -> Callable[[], Response]:
    return lambda: Response("{}", status=code, mimetype="application/json", headers=headers)


def _half(answer: Response) -> Response:
    whole = answer.get_data()
    return Response(whole[: len(whole) // 2], mimetype="application/json")


_LOGIN = "<!doctype html><title>Entrar</title><form>...</form>"
_BEFORE: dict[str, Callable[[], Response]] = {
    "drop-before": cut,
    "500-before": _status(500),
    "503": _status(503),
    "408": _status(408),
    "429": _status(429, **{"Retry-After": "1"}),
    "redirect": _status(302, Location="/v1/login"),
    "login-page": lambda: Response(_LOGIN, mimetype="text/html"),
}
_AFTER: dict[str, Callable[[Response], Response]] = {
    "drop-after": lambda _: cut(abruptly=True),
    "500-after": lambda _: Response("{}", status=500, mimetype="application/json"),
    "garbage-after": lambda _: Response(b"\x00\xff{\x13", mimetype="application/json"),
    "cut-after": _half,
    "wrong-type-after": lambda answer: Response(answer.get_data(), mimetype="text/html"),
}
