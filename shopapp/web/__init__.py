"""Browsers and hooks come in here: the blueprints, the security headers, the error page, health."""

from __future__ import annotations

from flask import Flask

from shopapp.web import hooks


def init_app(app: Flask) -> None:
    """Nothing; the pages join the app."""
    app.register_blueprint(hooks.bp)
