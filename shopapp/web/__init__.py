"""Browsers and hooks come in here: the blueprints, the security headers, the error page, health.

Called by `create_app`. Joins the rooms of this folder and does nothing itself.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from shopapp import counting, followups
from shopapp.web import (
    bulk,
    changes,
    choosing,
    crediting,
    documents,
    errors,
    formats,
    headers,
    health,
    help,
    home,
    hooks,
    install,
    limits,
    mails,
    previewing,
    product,
    products,
    public,
    reasons,
    session,
    setup,
    wording,
)

ROOMS = (
    bulk, changes, choosing, crediting, documents, health, help, home, hooks, install, previewing, product, products,
    public, session, setup,
)  # fmt: skip


class Doors(Flask):
    """Flask, but that what stands before and after every page (session, origin, form mark, knocks) is not a hook's.

    A hook proves by its signature who sent it, and nothing else that it says or carries counts; its answer has the
    headers of every answer, and no cookie.
    """

    def preprocess_request(self) -> ResponseReturnValue | None:
        return None if request.endpoint == "hooks.receive" else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        return (
            headers.dressed(response)
            if request.endpoint == "hooks.receive"
            else super().process_response(response)
        )


def init_app(app: Flask) -> None:
    """Nothing; the pages join the app."""
    proxies = app.config["PROXIES"]
    if proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    formats.init_app(app)
    app.jinja_env.filters.update(
        declared=wording.declared, kind=wording.kind_word, kind_title=wording.kind_title, kinds=wording.kinds_word,
        means=reasons.means_word, provider_state=wording.provider_state, region=wording.region_name,
    )  # fmt: skip
    session.init_app(app)
    limits.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    for room in ROOMS:
        app.register_blueprint(room.bp)
    session.csrf.exempt(hooks.bp)
    app.teardown_request(lambda _: counting.tell())
    followups.speak_with(mails.worded)
