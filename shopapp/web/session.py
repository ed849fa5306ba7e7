"""The session: which store a browser belongs to, who may post, and how the session reaches the frame.

A session names a store and its installation, so it ends when the store uninstalls. It starts only at the end of an
authorisation and reaches the frame by a one-time token or a typed code.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Flask,
    Request,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from shopapp.messages.i18n import html_language
from shopapp.models import Account, OneTimeToken, Store, db, now, read_only
from shopapp.web.headers import own_origin
from shopapp.web.limits import LOGIN_RATE, limiter

bp = Blueprint("session", __name__)
csrf = CSRFProtect()

SESSION_HOURS = 12
TOKEN_SECONDS, CODE_SECONDS = 60, 300
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits that people do not confuse: 5 bits each."""
_WITHOUT_SESSION = ("health.healthz", "public.buyer_pdf")


class LazySessionInterface(SecureCookieSessionInterface):
    """The cookie that holds the session; a request without the cookie needs no signing key."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return self.session_class()


View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Configure the cookie and register the checks that precede every page."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-session",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="None",
        SESSION_COOKIE_PARTITIONED=True,
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
        WTF_CSRF_TIME_LIMIT=None,
        # it would compare the Referer with the name by which a proxy calls us; _check_origin compares with our own
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=256 * 1024,
    )
    app.session_interface = LazySessionInterface()
    app.before_request(_refuse_unstorable)
    app.before_request(_check_origin)
    csrf.init_app(app)
    app.before_request(_load_store)
    app.teardown_request(_end_read_only)
    app.context_processor(_template_context)


def _refuse_unstorable() -> None:
    """Answer 400 to U+0000, which no database stores, and to a form's part without a name, which no page sends."""
    given = list(request.args.items(multi=True))
    if request.method == "POST":
        if None in request.form or None in request.files:
            abort(400)
        given += request.form.items(multi=True)
    if any("\0" in text for text in (request.path, *chain.from_iterable(given))):
        abort(400)


def _check_origin() -> None:
    """Answer 403 to every request that changes something and does not come from our own origin."""
    if request.endpoint == "webhooks.receive" or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Origin") != own_origin():
        abort(403)


def writes_database(view: View) -> View:
    """Mark a GET view that writes, so that its database transaction is not read-only."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def _load_store() -> None:
    """Set `g.store` and `g.account` to those of the session, or None; a GET gets a read-only transaction."""
    g.store = g.account = None
    if request.endpoint in ("static", "webhooks.receive"):
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method in ("GET", "HEAD") and not getattr(view, "writes", False):
        g.reading = ExitStack()
        g.reading.enter_context(read_only())
    if request.endpoint in _WITHOUT_SESSION:
        return
    g.store = _session_store()
    g.account = Account.find_current(g.store) if g.store is not None else None


def _end_read_only(_: BaseException | None) -> None:
    stack = g.pop("reading", None)
    if stack is not None:
        db.session.rollback()
        stack.close()


def _session_store() -> Store | None:
    named, installation, since = session.get("store"), session.get("installation"), session.get("since")
    if not isinstance(named, int) or not isinstance(since, int | float):
        return None
    if now().timestamp() - since > SESSION_HOURS * 3600:
        return None
    store = db.session.get(Store, named)
    if store is None or store.state == "uninstalled" or store.installation != installation:
        return None
    return store


def start_session(store_id: int, installation: int) -> None:
    """Start a new session of this store for the browser; nothing of the old one is kept."""
    session.clear()
    session.permanent = True
    session.update(store=store_id, installation=installation, since=int(now().timestamp()))


def store_required(view: View) -> View:
    """Wrap the view so that a browser without a session gets 401 and the consent page."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if g.store is None:
            return consent_page(401)
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def consent_page(status: int = 200, problem: str = "") -> tuple[str, int]:
    """Return the page that asks the merchant to authorise the store; it reads nothing from the URL."""
    return render_template("consent.html", problem=problem), status


def entry_token(store: Store) -> str:
    """Return a secret that opens this store's session once, within a minute. Commits."""
    secret = secrets.token_urlsafe(32)
    OneTimeToken.create(
        "entry", secret, TOKEN_SECONDS, {"store": store.id, "installation": store.installation}
    )
    return secret


def entry_code(store: Store) -> str:
    """Return a code of 60 bits that opens the session once, typed within five minutes. Commits."""
    plain = "".join(secrets.choice(CODE_ALPHABET) for _ in range(12))
    OneTimeToken.create("code", plain, CODE_SECONDS, {"store": store.id, "installation": store.installation})
    return "-".join(plain[at : at + 4] for at in range(0, 12, 4))


@bp.post("/enter")
@limiter.limit(LOGIN_RATE)
def enter() -> Response | tuple[str, int]:
    """Start the session for a valid token or code; 401 with the consent page otherwise. Commits."""
    token = request.form.get("token", "")
    typed = "".join(c for c in request.form.get("code", "").upper() if c.isalnum())
    content = None
    if token:
        content = OneTimeToken.redeem("entry", token[:200])
    elif typed:
        content = OneTimeToken.redeem("code", typed[:40])
    store = db.session.get(Store, content["store"]) if content else None
    is_gone = store is None or store.state == "uninstalled"
    if content is None or store is None or is_gone or store.installation != content["installation"]:
        g.store = None
        return consent_page(401, "code" if typed and not token else "token")
    start_session(store.id, store.installation)
    return redirect(url_for("home.index"), 303)


@bp.get("/authorise")
def authorise() -> tuple[str, int]:
    """Show the consent page to a browser with a session, when its store must be authorised again."""
    return consent_page()


def _template_context() -> dict[str, Any]:
    return {
        "store": g.get("store"),
        "account": g.get("account"),
        "support": current_app.config["SUPPORT_EMAIL"],
        "language": html_language(),
    }
