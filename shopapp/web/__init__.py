"""The pages and the webhook address: joins blueprints, template filters, headers and error pages to the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RequestRedirect

from shopapp import logs
from shopapp.connections import api_usage
from shopapp.messages import fiscal_rules, formats, i18n, wording
from shopapp.web import (
    connect,
    decisions,
    documents,
    errors,
    headers,
    health,
    help,
    home,
    install,
    limits,
    products,
    public,
    reports,
    session,
    setup,
    sign_in,
    webhooks,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BLUEPRINTS = (
    *documents.BLUEPRINTS,
    *products.BLUEPRINTS,
    *reports.BLUEPRINTS,
    *setup.BLUEPRINTS,
    connect.bp,
    decisions.bp,
    health.bp,
    help.bp,
    home.bp,
    install.bp,
    public.bp,
    session.bp,
    sign_in.bp,
    webhooks.bp,
)


class WebApp(Flask):
    """Flask that skips the work around every page (session, origin, CSRF, rate limits) for webhooks.

    The signature alone proves who sent a webhook. Its answer has the same security headers as every answer, and no
    cookie.
    """

    def request_context(self, environ: WSGIEnvironment) -> Any:
        """Put our own host in the place of the one that the request names.

        Else the request would decide where a redirect leads, and a malformed host would cause an internal error.
        """
        return super().request_context({**environ, "HTTP_HOST": urlsplit(self.config["APP_URL"]).netloc})

    def raise_routing_exception(self, request: Request) -> NoReturn:
        if isinstance(request.routing_exception, RequestRedirect):
            raise NotFound  # a redirect to the tidy address would name the host that the request names
        super().raise_routing_exception(request)

    def preprocess_request(self) -> ResponseReturnValue | None:
        g.request_id = logs.new_request_id()
        logs.begin(request=g.request_id, client=logs.client_address(request.remote_addr))
        return None if request.endpoint == "webhooks.receive" else super().preprocess_request()

    def process_response(self, response: Response) -> Response:
        if request.endpoint == "webhooks.receive":
            return headers.with_security_headers(response)
        return super().process_response(response)


def init_app(app: Flask) -> None:
    """Register everything of this package with the app."""
    proxies = app.config["PROXIES"]
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
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
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    session.csrf.exempt(webhooks.bp)
    app.teardown_request(lambda _: api_usage.flush_usage())
