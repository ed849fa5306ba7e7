"""The stand-in as one Flask app: endpoint, papers, panel and control routes around one office.

Called by `python -m sandbox.igest` and by tests; the office hangs on the app as `app.extensions["program"]`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.core import core_blueprint

from . import document_pdf, service
from .control import control_blueprint
from .panel import panel_blueprint
from .program_state import ProgramState

READ_AT_MOST = 16 * 1024 * 1024


def create_app(
    folder: Path, public: str = "http://127.0.0.1", today: date | None = None, seed: str = "1480"
) -> Flask:
    """The app over the state kept in the folder."""
    app = Flask("sandbox.igest", template_folder=str(Path(__file__).parent / "templates"))
    app.config["MAX_CONTENT_LENGTH"] = READ_AT_MOST
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    program = ProgramState(folder, public, today, seed)
    app.extensions["program"] = program
    app.register_blueprint(core_blueprint("iGEST (sandbox)", program.switches))
    app.register_blueprint(control_blueprint(program))
    app.register_blueprint(panel_blueprint(program))

    @app.get("/")
    def front() -> BaseResponse:
        return redirect("/panel/")

    @app.post("/webservice.php")
    def webservice() -> Response:
        return service.handle_request(program, request.get_data(), request.headers.get("Content-Type", ""))

    @app.get("/documentos/<int:number>.pdf")
    def document(number: int) -> Response:
        entry = program.index.documents.get(number)
        if entry is None:
            abort(404)
        if not document_pdf.may_fetch(
            program, number, request.args.get("ate", ""), request.args.get("sig", "")
        ):
            abort(403)
        body = document_pdf.render_pdf(
            program.entities[entry["entity"]], entry, program.index.is_annulled(entry)
        )
        return Response(body, mimetype="application/pdf")

    return app
