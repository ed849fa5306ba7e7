"""The stand-in as one Flask app: web services, panel and control routes around one office.

Called by `python -m sandbox.phcgo` and by tests; the office hangs on the app as `app.extensions["program"]`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Flask, Response, redirect
from werkzeug.wrappers import Response as BaseResponse

from sandbox.core import core_blueprint

from . import service, session
from .control import control_blueprint
from .panel import panel_blueprint
from .program_state import ProgramState

READ_AT_MOST = 16 * 1024 * 1024


def create_app(
    folder: Path, public: str = "http://127.0.0.1", today: date | None = None, smtp: str = ""
) -> Flask:
    """The app over the state kept in the folder; mails go to the SMTP address (host:port), or nowhere."""
    app = Flask("sandbox.phcgo", template_folder=str(Path(__file__).parent / "templates"))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = READ_AT_MOST
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # the product's own addresses come with two slashes in them
    app.url_map.merge_slashes = False
    program = ProgramState(folder, public, today, smtp)
    app.extensions["program"] = program
    app.register_blueprint(core_blueprint("PHC GO (sandbox)", program.switches))
    app.register_blueprint(control_blueprint(program))
    app.register_blueprint(panel_blueprint(program))

    @app.get("/")
    def front() -> BaseResponse:
        return redirect("/panel/")

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
