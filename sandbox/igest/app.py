"""The stand-in as one Flask app: endpoint, papers, panel and control routes around one office.

Called by `python -m sandbox.igest` and by tests; the office hangs on the app as `app.extensions["office"]`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.web import core

from . import paper, service
from .control import control
from .office import Office
from .panel import panel

READ_AT_MOST = 16 * 1024 * 1024


def create_app(
    folder: Path, public: str = "http://127.0.0.1", today: date | None = None, seed: str = "1480"
) -> Flask:
    """The app over the state kept in the folder."""
    app = Flask("sandbox.igest", template_folder=str(Path(__file__).parent / "templates"))
    app.config["MAX_CONTENT_LENGTH"] = READ_AT_MOST
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    office = Office(folder, public, today, seed)
    app.extensions["office"] = office
    app.register_blueprint(core("iGEST (sandbox)", office.switches))
    app.register_blueprint(control(office))
    app.register_blueprint(panel(office))

    @app.get("/")
    def front() -> BaseResponse:
        return redirect("/panel/")

    @app.post("/webservice.php")
    def webservice() -> Response:
        return service.answer(office, request.get_data(), request.headers.get("Content-Type", ""))

    @app.get("/documentos/<int:number>.pdf")
    def document(number: int) -> Response:
        entry = office.books.documents.get(number)
        if entry is None:
            abort(404)
        if not paper.may_open(office, number, request.args.get("ate", ""), request.args.get("sig", "")):
            abort(403)
        body = paper.pdf(office.entities[entry["entity"]], entry, office.books.annulled(entry))
        return Response(body, mimetype="application/pdf")

    return app
