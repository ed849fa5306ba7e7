"""What every answer carries: who may frame it, what it may load, how long it may be kept.

Registered by `web`. One place for all routes, errors included; a page never sets these itself, except the PDF,
which is shut in further.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from shopapp import connect

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'"
)
NEVER_FRAMED = frozenset(
    {
        "install.start",
        "install.callback",
        "install.welcome",
        "public.paper",
        "health.healthz",
        "hooks.receive",
        "static",
    }
)
YEAR = 31_536_000


def init_app(app: Flask) -> None:
    """Nothing; every answer of the app gets its headers."""
    app.after_request(dressed)


def own_origin() -> str:
    """The origin under which browsers know us."""
    parts = urlsplit(current_app.config["APP_URL"])
    return f"{parts.scheme}://{parts.netloc}"


def framers() -> tuple[str, ...]:
    """The origins that may frame this answer: the store's admin, the platforms' where there is no session."""
    if request.endpoint is None or request.endpoint in NEVER_FRAMED:
        return ()
    store = g.get("store")
    if store is not None:
        return connect.platform(store.platform).admin_origins(store.code)
    names = connect.platform_names()
    return tuple(dict.fromkeys(origin for name in names for origin in connect.platform(name).admin_origins()))


def dressed(answer: Response) -> Response:
    """The answer with its headers."""
    ancestors = " ".join(framers()) or "'none'"
    policy = f"{POLICY}; frame-ancestors {ancestors}"
    if answer.mimetype == "application/pdf":
        policy += "; sandbox"
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    if own_origin().startswith("https:"):
        answer.headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    if request.endpoint == "static" and answer.status_code in (200, 304):
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    else:
        answer.headers["Cache-Control"] = "no-store"
    return answer
