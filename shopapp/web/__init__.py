"""Browsers and hooks come in here: the blueprints, the security headers, the error page, health.

Called by `create_app`. Joins the rooms of this folder and does nothing itself.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from shopapp.connections import api_usage
from shopapp.documents import followups
from shopapp.messages import emails, fiscal_rules, formats, i18n, wording
from shopapp.web import errors, headers, health, help, home, install, limits, public, session, webhooks
from shopapp.web.documents import bulk, credit, preview
from shopapp.web.documents import views as documents_views
from shopapp.web.products import page, stock_history
from shopapp.web.products import views as products_views
from shopapp.web.setup import keys, settings

BLUEPRINT_MODULES = (
    bulk,
    stock_history,
    settings,
    credit,
    documents_views,
    health,
    help,
    home,
    webhooks,
    install,
    preview,
    page,
    products_views,
    public,
    session,
    keys,
)


class WebApp(Flask):
    """Flask, but that what stands before and after every page (session, origin, form mark, knocks) is not a hook's.

    A hook proves by its signature who sent it, and nothing else that it says or carries counts; its answer has the
    headers of every answer, and no cookie.
    """

    def preprocess_request(self) -> ResponseReturnValue | None:
        return None if request.endpoint == "webhooks.receive" else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        return (
            headers.with_security_headers(response)
            if request.endpoint == "webhooks.receive"
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
    i18n.init_app(app)
    formats.init_app(app)
    app.jinja_env.filters.update(
        translated=wording.translated,
        kind=wording.kind_name,
        kind_title=wording.kind_title,
        kinds=wording.kind_plural,
        payment_means=fiscal_rules.payment_means_label,
        provider_state=wording.provider_state,
        region=wording.region_name,
    )
    session.init_app(app)
    limits.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    for module in BLUEPRINT_MODULES:
        app.register_blueprint(module.bp)
    session.csrf.exempt(webhooks.bp)
    app.teardown_request(lambda _: api_usage.flush_usage())
    followups.set_email_writer(emails.compose_email)
