"""The Flask app of an invoicing system's stand-in."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, redirect
from werkzeug.wrappers import Response

from .blueprint import core_blueprint
from .program_state import InvoicingProgram

MAX_REQUEST_BYTES = 16 * 1024 * 1024


def create_program_app(
    name: str, title: str, folder: Path, program: InvoicingProgram, *blueprints: Blueprint
) -> Flask:
    """Return the app with its blueprints; `folder` holds the stand-in's templates.

    The stand-in's state is kept as `app.extensions["program"]`.
    """
    app = Flask(name, template_folder=str(folder / "templates"))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MAX_REQUEST_BYTES
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["program"] = program
    for blueprint in (core_blueprint(title, program.switches), *blueprints):
        app.register_blueprint(blueprint)

    @app.get("/")
    def front() -> Response:
        return redirect("/panel/")

    return app
