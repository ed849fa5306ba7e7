"""From "open the app" to "Yes, Authorize" and back: the state, the code for tokens, the store's row, its first session.

Top-level pages, never framed. Who the store is, is asked of the platform with the fresh token; nothing in an address
is believed. Ends by handing the frame a one-use token, or showing a code to paste into it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import connect, fault, jobs
from shopapp.fiscal.errors import AppError, ThrottledError
from shopapp.models import Store, Ticket, db, now
from shopapp.web.errors import page
from shopapp.web.limits import KNOCKS, limiter
from shopapp.web.session import entry_code, entry_token, open_for, store_required, writes
from shopapp.web.tongue import gettext
from shopapp.web.wording import say

log = logging.getLogger("quickinvoice.install")

bp = Blueprint("install", __name__)

Asked = TypeVar("Asked")

COOKIE = "__Host-install"
STATE_SECONDS = 600
_OURS = re.compile(r"[A-Za-z0-9_-]{43}")

Answer = Response | tuple[str, int]


@bp.get("/install")
@limiter.limit(KNOCKS)
@writes
def start() -> Response:
    """The platform's consent page, for this browser and this one time."""
    name = connect.platform_names()[0]
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    known = request.cookies.get(COOKIE, "")
    # two windows opened at once share the cookie, so that neither breaks the other
    bound = known if _OURS.fullmatch(known) else secrets.token_urlsafe(32)
    Ticket.issue("state", state, STATE_SECONDS, {"platform": name, "verifier": verifier}, bound)
    answer = redirect(connect.platform(name).authorize_url(state, _challenge(verifier)), 302)
    answer.set_cookie(
        COOKIE, bound, max_age=STATE_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
    )
    return answer


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@bp.get("/install/callback")
@limiter.limit(KNOCKS)
@writes
def callback() -> Answer:
    """The welcome page of the store that authorised; 400 with a sentence when anything does not fit."""
    bound = request.cookies.get(COOKIE, "")
    state = request.args.get("state", "")
    content = Ticket.use("state", state[:200], bound) if state and _OURS.fullmatch(bound) else None
    if content is None:
        return _refused("state")
    connected = connect.platform(content["platform"])
    issuer = request.args.get("iss")
    if issuer is not None and not _same_origin(issuer, connected.authorize_url("", "")):
        return _refused("issuer")
    code = request.args.get("code", "")
    if request.args.get("error") or not code:
        return _refused("denied" if request.args.get("error") == "access_denied" else "error")
    db.session.commit()
    try:
        store = _installed(content, code[:2000])
    except AppError as error:
        db.session.rollback()
        log.warning("install refused: %s", error.code)
        return page(502, gettext("A autorização não ficou concluída"), say(error.code, error.detail).cause)
    open_for(store.id, store.installation)
    jobs.ring()
    answer = redirect(url_for("install.welcome"), 303)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def _same_origin(issuer: str, ours: str) -> bool:
    origin = "/".join(ours.split("/")[:3])
    return hmac.compare_digest(issuer.rstrip("/").encode(), origin.encode())


def _installed(content: dict[str, Any], code: str) -> Store:
    """The store's row with its tokens, committed; its hooks follow by themselves."""
    name = content["platform"]
    tokens = connect.platform(name).exchange(code, content["verifier"])
    found = _patiently(connect.platform_with(name, tokens.access).store_info)
    fault.point("install_before_commit")
    known: dict[str, Any] = {
        "name": found.name[:200], "currency": found.currency[:3], "country": found.country[:2],
        "language": found.language[:10] or "pt", "email": found.email[:200], "url": found.url[:300],
    }  # fmt: skip
    if found.timezone:
        known["timezone"] = found.timezone[:60]
    store = Store.installed(name, found.code[:100], **known)
    store.keep_tokens(tokens.access, tokens.refresh, tokens.expires_in)
    if found.hooks_token:
        store.hooks_token, store.hooks_token_read_at = found.hooks_token, now()
    db.session.commit()
    fault.point("install_after_commit")
    log.info("store %s installed, installation %s", store.id, store.installation)
    return store


def _patiently(ask: Callable[[], Asked]) -> Asked:
    """What `ask` gives, after a short wait where the store is called too often: the code is spent, so not in vain."""
    for seconds in (1, 2):
        try:
            return ask()
        except ThrottledError:
            time.sleep(seconds)
    return ask()


def _refused(why: str) -> Answer:
    """400; `why` chooses among our own sentences, nothing of the address is repeated."""
    log.warning("install refused: %s", why)
    texts = {
        "state": gettext("O pedido de autorização expirou ou começou noutro navegador. Comece de novo."),
        "issuer": gettext("A resposta não veio de quem a devia dar. Nada foi guardado. Comece de novo."),
        "denied": gettext(
            "A autorização foi recusada na loja. Nada foi guardado. Pode começar de novo quando quiser."
        ),
        "error": gettext("A loja não concluiu a autorização. Nada foi guardado. Comece de novo."),
    }
    shown = render_template("refused.html", text=texts[why])
    return shown, 400


@bp.get("/welcome")
@limiter.limit(KNOCKS)
@store_required
@writes
def welcome() -> Answer:
    """The door of the app at top level, which also lets the frame in: by itself with scripts, by a code without."""
    token, code = entry_token(g.store), entry_code(g.store)
    return make_response(render_template("welcome.html", token=token, code=code))
