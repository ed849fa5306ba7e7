"""Quick Invoice: a shop's paid order becomes exactly one certified fiscal document, and the merchant can see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from flask import Flask

from shopapp import config, failpoints, logs, web
from shopapp.jobs import init_app
from shopapp.models import configure_engine, db, engine_options, migrate, missing_keys


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Create the application for web, worker and clock. Raises ConfigError when a setting is missing or wrong.

    `overrides` are settings by name that win over the environment (tests).
    """
    settings = config.load(overrides)
    app = web.WebApp(__name__, template_folder="../templates", static_folder="../static")
    app.config.update(settings)
    logs.configure(settings["LOG_LEVEL"], settings["LOG_FORMAT"])
    failpoints.arm(settings["FAULT_POINT"])
    _init_database(app)
    init_app(app)
    web.init_app(app)
    return app


def _init_database(app: Flask) -> None:
    url = app.config["DATABASE_URL"]
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
        missing = missing_keys()
        # a process forked from this one must open its own connections
        db.engine.dispose()
        if missing:
            raise config.ConfigError(
                "Quick Invoice cannot start:\n  - SEAL_KEYS does not decrypt what this database holds. Put back the"
                " key that encrypted it, after the newest where there are several; `flask --app wsgi reseal` encrypts"
                " all with the newest, and `flask --app wsgi keys` says when an older one may go. Nothing was changed."
                + "".join(f"\n  - key {key_id}: {', '.join(columns)}" for key_id, columns in missing.items())
            )

    @app.cli.command("release")
    def release() -> None:
        """Run the migrations; safe to repeat."""
        migrate(url)
        click.echo("The tables are up to date.")
