"""The security headers of every response: who may frame it, what it may load, how long it may be cached."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from shopapp.connections.shop import platform_names, platform_without_store

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'"
)
NEVER_FRAMED = frozenset(
    {
        "connect.show",
        "connect.try_key",
        "connect.confirm",
        "sign_in.ask",
        "sign_in.send",
        "sign_in.show",
        "sign_in.enter",
        "install.start",
        "install.callback",
        "install.welcome",
        "public.buyer_pdf",
        "health.healthz",
        "webhooks.receive",
        "static",
    }
)
YEAR_SECONDS = 31_536_000


def init_app(app: Flask) -> None:
    """Add the headers to every response of the app."""
    app.after_request(with_security_headers)


def own_origin() -> str:
    """Return the origin under which browsers know the app."""
    parts = urlsplit(current_app.config["APP_URL"])
    return f"{parts.scheme}://{parts.netloc}"


def frame_ancestors() -> tuple[str, ...]:
    """Return the origins that may frame this page: the store's admin, or every platform's without a session."""
    if request.endpoint is None or request.endpoint in NEVER_FRAMED:
        return ()
    store = g.get("store")
    if store is not None:
        return platform_without_store(store.platform).admin_origins(store.code)
    names = platform_names()
    return tuple(
        dict.fromkeys(origin for name in names for origin in platform_without_store(name).admin_origins())
    )


def _opener_policy() -> str:
    """Return who may keep a reference to the page's window.

    The consent page opens a window for the authorisation; its last page, `/welcome`, passes the token back.
    """
    if request.blueprint == "install":
        return "unsafe-none"
    alone = not frame_ancestors()
    return "same-origin" if alone else "same-origin-allow-popups"


def with_security_headers(response: Response) -> Response:
    """Return the response with its headers; a PDF is sandboxed as well."""
    ancestors = " ".join(frame_ancestors()) or "'none'"
    policy = f"{CONTENT_SECURITY_POLICY}; frame-ancestors {ancestors}"
    if response.mimetype == "application/pdf":
        policy += "; sandbox"
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Request-ID"] = g.request_id
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = _opener_policy()
    if own_origin().startswith("https:"):
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}; includeSubDomains"
    if request.endpoint == "static" and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response
