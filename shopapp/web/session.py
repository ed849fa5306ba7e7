"""The session: which store a browser belongs to, who may post, and how the session reaches the frame.

A session is a row that the cookie names (`BrowserSession`). It starts only at the end of an authorisation, with a key
that the platform accepts, or by a link to the shop's own address; it reaches the frame by a one-time token or a typed
code. It ends by log-out, two hours after its last use, twelve hours after its start, with the store's next
authorisation, and when the merchant or the operator ends it. Where the app is never framed by the shop, the limits are
fourteen and thirty days.
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
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from shopapp import logs
from shopapp.connections.shop import platform_class, platform_names, platform_without_store
from shopapp.logs import log_event
from shopapp.messages.i18n import gettext, html_language
from shopapp.models import Account, BrowserSession, OneTimeToken, Store, db, read_only
from shopapp.platforms.base import Platform, SupportsApiKey
from shopapp.web import interrupted
from shopapp.web.browser_names import browser_name
from shopapp.web.headers import own_origin
from shopapp.web.limits import ENTRY

bp = Blueprint("session", __name__)
csrf = CSRFProtect()

COOKIE_DAYS = 31
"""Longer than any session, so that what a browser sends with an ended one is kept for it."""
TOKEN_SECONDS, CODE_SECONDS = 60, 300
CODE_CHARS = 24
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits that people do not confuse: 5 bits each."""
_FOR_EVERYONE = ("help", "install")
"""Blueprints that do not belong to the session's store."""
_WITHOUT_SESSION = ("health.healthz", "public.buyer_pdf")


class LazySessionInterface(SecureCookieSessionInterface):
    """The cookie that holds the session; a request without the cookie needs no signing key."""

    def get_cookie_samesite(self, app: Flask) -> str | None:
        """Return Lax for the session of a store that is never framed: other sites' requests go without it."""
        return "Lax" if session.get("top") else super().get_cookie_samesite(app)

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
        PERMANENT_SESSION_LIFETIME=timedelta(days=COOKIE_DAYS),
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
        log_event("form-refused", reason="origin")
        abort(403)


def writes_database(view: View) -> View:
    """Mark a GET view that writes, so that its database transaction is not read-only."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def polled(view: View) -> View:
    """Mark a view that our scripts ask again and again: asking it does not count as use of the session."""
    view.polled = True  # type: ignore[attr-defined]
    return view


def accountant_allowed(view: View) -> View:
    """Mark a view that the session of an accountant's link may ask for; every other one is refused to it."""
    view.for_accountants = True  # type: ignore[attr-defined]
    return view


def _load_store() -> ResponseReturnValue | None:
    """Set `g.store` and `g.account` to those of the session, or None; a GET gets a read-only transaction.

    An accountant's session is led from every other page to the reports, and may send no other form.
    """
    g.store = g.account = None
    g.read_only = False
    if request.endpoint in ("static", "webhooks.receive"):
        return None
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method in ("GET", "HEAD") and not getattr(view, "writes", False):
        g.reading = ExitStack()
        g.reading.enter_context(read_only())
    if request.endpoint in _WITHOUT_SESSION:
        return None
    _find_session(is_used=not getattr(view, "polled", False))
    if g.store is not None:
        g.account = Account.find_current(g.store)
        if g.read_only and request.endpoint and not _is_for_accountants(view):
            if request.method not in ("GET", "HEAD"):
                abort(403)
            return redirect(url_for("reports.index"))
        interrupted.restore_form(request)
    return None


def _is_for_accountants(view: View | None) -> bool:
    return request.blueprint in _FOR_EVERYONE or getattr(view, "for_accountants", False)


def _find_session(is_used: bool) -> None:
    """Set `g.store` and `g.session_id` when the cookie names an open session."""
    secret = session.get("key")
    found = BrowserSession.find(secret) if isinstance(secret, str) else None
    if found is not None:
        g.session_id, g.store, is_late, g.read_only = found
        g.touches = is_used and is_late
        logs.bind(store=g.store.id)


def _end_read_only(_: BaseException | None) -> None:
    """End the read-only transaction, and record that the session is used."""
    stack = g.pop("reading", None)
    if stack is not None:
        db.session.rollback()
        stack.close()
    if g.pop("touches", False):
        db.session.rollback()
        BrowserSession.touch(g.session_id)


def start_session(store: Store, how: str, accountant_link_id: int | None = None) -> None:
    """Start a new session of this store for the browser; nothing of the old one is kept. Commits."""
    logs.bind(store=store.id)
    log_event("session-started", how=how)
    by_key = connects_by_key(store.platform)
    browser = browser_name(request.headers.get("User-Agent", ""))
    secret = BrowserSession.begin(store, browser, accountant_link_id, by_key and accountant_link_id is None)
    session.clear()
    session.permanent = True
    session.update(key=secret, store=store.id, **({"top": 1} if by_key else {}))


def connects_by_key(platform_name: str) -> bool:
    """Return whether stores of that platform connect by an API key, outside any frame of the shop."""
    return issubclass(platform_class(platform_name), SupportsApiKey)


def store_required(view: View) -> View:
    """Wrap the view so that a browser without a session gets 401 and the consent page."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if g.store is None:
            return consent_page(401)
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def consent_page(status: int = 200, problem: str = "") -> tuple[str, int]:
    """Return the page on which the merchant authorises, connects or opens the store; it reads nothing from the URL.

    With 401 it carries what the browser asked for, to return to it. It offers each platform, or in a frame those that
    frame us, or the one of the store that this browser had open.
    """
    back = request.form.get(interrupted.FIELD, "") if request.endpoint == "session.enter" else ""
    if status == 401 and not back:
        back = interrupted.interrupted_request()
    typed = request.method == "POST" and request.endpoint != "session.enter"
    return render_template(
        "consent.html", problem=problem, back=back, typed=typed, platforms=_offered_platforms()
    ), status


def _offered_platforms() -> list[type[Platform]]:
    known = session.get("store")
    store = g.get("store") or (db.session.get(Store, known) if isinstance(known, int) else None)
    if store is not None:
        return [platform_class(store.platform)]
    is_framed = request.headers.get("Sec-Fetch-Dest") == "iframe"
    return [
        platform_class(name)
        for name in platform_names()
        if not is_framed or platform_without_store(name).admin_origins()
    ]


def entry_token(store: Store) -> str:
    """Return a secret that opens this store's session once, within a minute. Commits."""
    secret = secrets.token_urlsafe(32)
    OneTimeToken.create(
        "entry", secret, TOKEN_SECONDS, {"store": store.id, "installation": store.installation}
    )
    return secret


def entry_code(store: Store) -> str:
    """Return a code of 120 bits that opens the session once, within five minutes. Commits."""
    plain = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))
    OneTimeToken.create("code", plain, CODE_SECONDS, {"store": store.id, "installation": store.installation})
    return "-".join(plain[at : at + 4] for at in range(0, CODE_CHARS, 4))


@bp.post("/enter")
@accountant_allowed
@ENTRY
def enter() -> ResponseReturnValue:
    """Start the session for a valid token or code; 401 with the consent page otherwise. Commits."""
    token = request.form.get("token", "")
    typed = "".join(c for c in request.form.get("code", "").upper() if c.isalnum())
    how = "code" if typed and not token else "token"
    content = None
    if token:
        content = OneTimeToken.redeem("entry", token[:200])
    elif typed:
        content = OneTimeToken.redeem("code", typed[:40])
    store = db.session.get(Store, content["store"]) if content else None
    is_gone = store is None or store.state == "uninstalled"
    if content is None or store is None or is_gone or store.installation != content["installation"]:
        g.store = None
        log_event("session-refused", how=how)
        return consent_page(401, how)
    start_session(store, how)
    return return_to(store, request.form.get(interrupted.FIELD, ""))


def return_to(store: Store, sealed: str) -> ResponseReturnValue:
    """Lead a browser that has just logged in to what it had asked for, else to the home page."""
    match interrupted.return_path(sealed, store) if sealed else None:
        case (path, True):
            g.store, g.account = store, Account.find_current(store)
            return interrupted.confirm_page(path, sealed)
        case (path, False):
            return redirect(path, 303)
    return redirect(url_for("home.index"), 303)


@bp.post("/leave")
@accountant_allowed
@store_required
def leave() -> Response:
    """End this browser's session. Commits."""
    log_event("session-ended", how="log-out", count=BrowserSession.end(g.session_id))
    session.clear()
    to_merchant = (
        gettext("A sessão terminou neste navegador. Para voltar, peça aqui uma ligação de entrada.")
        if connects_by_key(g.store.platform)
        else gettext(
            "A sessão terminou neste navegador. Para voltar, abra a aplicação no painel da loja e carregue em «Abrir "
            "Quick Invoice»."
        )
    )
    to_accountant = gettext("A sessão terminou. Para voltar, abra de novo a ligação que a loja lhe deu.")
    flash(to_accountant if g.read_only else to_merchant)
    answer = redirect(url_for("home.index"), 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@bp.get("/authorise")
def authorise() -> ResponseReturnValue:
    """Show the consent page to a browser with a session, when its store must be authorised again.

    Where the store connects by a key, redirect to the page that takes the new one.
    """
    if g.store is not None and connects_by_key(g.store.platform):
        return redirect(url_for("connect.show", platform=g.store.platform))
    return consent_page()


def _template_context() -> dict[str, Any]:
    return {
        "store": g.get("store"),
        "shop_platform": platform_class(g.store.platform) if g.get("store") is not None else None,
        "by_key": g.get("store") is not None and connects_by_key(g.store.platform),
        "account": g.get("account"),
        "read_only": g.get("read_only", False),
        "support": current_app.config["SUPPORT_EMAIL"],
        "language": html_language(),
    }
