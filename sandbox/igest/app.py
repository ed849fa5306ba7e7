"""Make the iGEST stand-in as one Flask app: its endpoint, document files, panel and control routes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Flask, Response, abort, request

from sandbox.core.app import create_program_app

from . import document_pdf, service
from .control import control_routes
from .panel import panel_pages
from .program_state import ProgramState


def create_app(
    folder: Path, public: str = "http://127.0.0.1", today: date | None = None, seed: str = "1480"
) -> Flask:
    """Return the app over the state kept in the folder; the state is `app.extensions["program"]`."""
    program = ProgramState(folder, public, today, seed)
    app = create_program_app(
        "sandbox.igest",
        "iGEST (sandbox)",
        Path(__file__).parent,
        program,
        control_routes(program),
        panel_pages(program),
    )

    @app.post("/webservice.php")
    def webservice() -> Response:
        return service.handle_request(program, request.get_data(), request.headers.get("Content-Type", ""))

    @app.get("/documentos/<int:number>.pdf")
    def document(number: int) -> Response:
        entry = program.index.documents.get(number)
        if entry is None:
            abort(404)
        expires, signature = request.args.get("ate", ""), request.args.get("sig", "")
        if not document_pdf.may_fetch(program, number, expires, signature):
            abort(403)
        entity, is_annulled = program.entities[entry["entity"]], program.index.is_annulled(entry)
        return Response(document_pdf.render_pdf(entity, entry, is_annulled), mimetype="application/pdf")

    return app
