"""Make the PHC GO stand-in as one Flask app: its web services, panel and control routes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Flask, Response

from sandbox.core.app import create_program_app

from . import service, session
from .control import control_routes
from .panel import panel_pages
from .program_state import ProgramState


def create_app(
    folder: Path, public: str = "http://127.0.0.1", today: date | None = None, smtp: str = ""
) -> Flask:
    """Return the app over the state kept in the folder; the state is `app.extensions["program"]`.

    E-mails go to the SMTP server `smtp` (host:port), or nowhere when it is empty.
    """
    program = ProgramState(folder, public, today, smtp)
    app = create_program_app(
        "sandbox.phcgo",
        "PHC GO (sandbox)",
        Path(__file__).parent,
        program,
        control_routes(program),
        panel_pages(program),
    )
    # The addresses of the real PHC GO also contain two slashes in a row.
    app.url_map.merge_slashes = False

    @app.get("/login.aspx")
    def login_page() -> Response:
        return Response(session.LOGIN_PAGE, mimetype="text/html")

    @app.route("/<installation>/", defaults={"path": ""}, methods=["GET", "POST"])
    @app.route("/<installation>/<path:path>", methods=["GET", "POST"])
    @app.route("/<installation>//<path:path>", methods=["GET", "POST"])
    def installed(installation: str, path: str) -> Response:
        if not path and installation in program.installations:
            return Response(session.LOGIN_PAGE, mimetype="text/html")
        return service.handle_request(program, installation, path)

    return app
