"""OAuth installation: state, exchange of the code for tokens, the store's row and its first session.

The pages are top-level and never framed. The platform itself says, for the new token, which store it is; nothing in a
URL is trusted. The last page passes a one-time token to the frame in the shop's admin, or shows a code to type there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, abort, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from shopapp import failpoints, logs
from shopapp.connections.contracts import require
from shopapp.connections.shop import platform_names, platform_with, platform_without_store
from shopapp.errors import AppError, ThrottledError
from shopapp.jobs.queue import notify_workers
from shopapp.logs import log_event
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import message_for
from shopapp.models import BrowserSession, OneTimeToken, Store, db, now
from shopapp.platforms.base import StoreInfo, SupportsWebhookSecret
from shopapp.platforms.oauth import OAuthTokens, SupportsOAuth
from shopapp.web.browser_binding import bind_browser, bound_secret, new_secret, unbind_browser
from shopapp.web.errors import error_page
from shopapp.web.limits import ENTRY
from shopapp.web.session import entry_code, entry_token, start_session, store_required, writes_database

bp = Blueprint("install", __name__)

Result = TypeVar("Result")

STATE_SECONDS = 600


@bp.get("/install")
@bp.get("/install/<platform>")
@ENTRY
@writes_database
def start(platform: str = "") -> Response:
    """Redirect to the platform's consent page, with a state that this browser can use once. Commits.

    Without a name, the first platform is used. 404 for a platform that does not connect by OAuth.
    """
    name = platform or platform_names()[0]
    adapter = platform_without_store(name) if name in platform_names() else None
    if not isinstance(adapter, SupportsOAuth):
        abort(404)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    # two windows opened at the same time share the cookie, so that both can finish
    browser_secret = bound_secret() or new_secret()
    OneTimeToken.create(
        "state", state, STATE_SECONDS, {"platform": name, "verifier": verifier}, browser_secret
    )
    response = redirect(adapter.authorize_url(state, _challenge(verifier)), 302)
    bind_browser(response, browser_secret, STATE_SECONDS)
    return response


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@bp.get("/install/callback")
@ENTRY
@writes_database
def callback() -> ResponseReturnValue:
    """Install the store that authorised and start its session; 400 when anything does not match. Commits."""
    browser_secret, state = bound_secret(), request.args.get("state", "")
    content = OneTimeToken.redeem("state", state[:200], browser_secret) if state and browser_secret else None
    if content is None:
        return _refused_page("state")
    platform = _oauth_platform(content["platform"])
    issuer = request.args.get("iss")
    if issuer is not None and not _same_origin(issuer, platform.authorize_url("", "")):
        return _refused_page("issuer")
    code = request.args.get("code", "")
    if request.args.get("error") or not code:
        return _refused_page("denied" if request.args.get("error") == "access_denied" else "error")
    db.session.commit()
    try:
        store = _install_store(content, code[:2000])
    except AppError as error:
        db.session.rollback()
        log_event("install-refused", reason=error.code)
        return error_page(
            502, gettext("A autorização não ficou concluída"), message_for(error.code, error.detail).cause
        )
    start_session(store, "authorised")
    notify_workers()
    response = redirect(url_for("install.welcome"), 303)
    unbind_browser(response)
    return response


def _same_origin(issuer: str, ours: str) -> bool:
    origin = "/".join(ours.split("/")[:3])
    return hmac.compare_digest(issuer.rstrip("/").encode(), origin.encode())


def _oauth_platform(name: str) -> SupportsOAuth:
    return require(platform_without_store(name), SupportsOAuth)


def _install_store(content: dict[str, Any], code: str) -> Store:
    """Return the store's row with its tokens. Commits; its webhooks are subscribed later."""
    name = content["platform"]
    tokens = _oauth_platform(name).exchange(code, content["verifier"])
    opened = platform_with(name, tokens.access)
    found = _retry_throttled(opened.store_info)
    secret = _retry_throttled(opened.webhook_secret) if isinstance(opened, SupportsWebhookSecret) else ""
    return record_store(name, found, tokens, secret)


def record_store(name: str, found: StoreInfo, tokens: OAuthTokens | str, webhook_secret: str = "") -> Store:
    """Store what the platform told of the shop, and its tokens or its API key; end its earlier sessions. Commits."""
    failpoints.hit("install_before_commit")
    known: dict[str, Any] = {
        "name": found.name[:200], "currency": found.currency[:3], "country": found.country[:2],
        "language": found.language[:10] or "pt", "email": found.email[:200], "url": found.url[:300],
    }  # fmt: skip
    if found.timezone:
        known["timezone"] = found.timezone[:60]
    store = Store.install(name, found.code[:100], **known)
    if isinstance(tokens, str):
        store.set_tokens(tokens, None, None)
    else:
        store.set_tokens(tokens.access, tokens.refresh, tokens.expires_in)
    if webhook_secret:
        store.hooks_token, store.hooks_token_read_at = webhook_secret, now()
    ended = BrowserSession.end_of_store(store.id)
    failpoints.hit("install_after_commit")
    logs.bind(store=store.id)
    log_event("store-installed", installation=store.installation)
    log_event("session-ended", how="authorised", count=ended)
    return store


def _retry_throttled(call: Callable[[], Result]) -> Result:
    """Return what `call` returns, repeated after a short wait when throttled: the code works only once."""
    for seconds in (1, 2):
        try:
            return call()
        except ThrottledError:
            time.sleep(seconds)
    return call()


def _refused_page(reason: str) -> ResponseReturnValue:
    """Return 400 with our sentence for the reason; nothing from the URL is repeated."""
    log_event("install-refused", reason=reason)
    texts = {
        "state": gettext("O pedido de autorização expirou ou começou noutro navegador. Comece de novo."),
        "issuer": gettext("A resposta não veio de quem a devia dar. Nada foi guardado. Comece de novo."),
        "denied": gettext(
            "A autorização foi recusada na loja. Nada foi guardado. Pode começar de novo quando quiser."
        ),
        "error": gettext("A loja não concluiu a autorização. Nada foi guardado. Comece de novo."),
    }
    shown = render_template("install_refused.html", text=texts[reason])
    return shown, 400


@bp.get("/welcome")
@ENTRY
@store_required
@writes_database
def welcome() -> ResponseReturnValue:
    """Show the page that brings the session into the frame: by a token with scripts, by a code without."""
    token, code = entry_token(g.store), entry_code(g.store)
    return make_response(render_template("welcome.html", token=token, code=code))
