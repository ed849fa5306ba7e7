"""Signing in to a store that is connected by a key: a link goes to the shop's own address, as the platform told it.

The answer is the same, and as fast, whether there is such a shop or not: a worker finds it and sends the mail. The
link's code stands behind `#`, which no browser sends; a button posts it, so that a mail scanner never uses it up, and
only the browser that asked for it can.
"""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from shopapp.jobs.queue import notify_workers
from shopapp.logs import log_event
from shopapp.messages.i18n import gettext
from shopapp.models import SignInRequest
from shopapp.models.sign_in_request import LINK_SECONDS
from shopapp.web import interrupted
from shopapp.web.browser_binding import bind_browser, bound_secret, new_secret, unbind_browser
from shopapp.web.browser_names import browser_name
from shopapp.web.connect import key_platform
from shopapp.web.form_fields import shop_address
from shopapp.web.limits import ENTRY, SIGN_IN_LINK, SIGN_IN_NETWORK, SIGN_IN_SHOP
from shopapp.web.session import return_to, start_session

bp = Blueprint("sign_in", __name__, url_prefix="/sign-in/<platform>")

_COOKIE_SECONDS = 2 * LINK_SECONDS
_MAX_BACK_CHARS = 2000
"""What was asked for is kept in the cookie until the link is used, unless it is longer."""


@bp.get("")
@ENTRY
def ask(platform: str) -> ResponseReturnValue:
    """Show the form that asks for a link."""
    return render_template("sign_in.html", platform=key_platform(platform), error="")


@bp.post("")
@SIGN_IN_LINK
@SIGN_IN_NETWORK
@SIGN_IN_SHOP
def send(platform: str) -> ResponseReturnValue:
    """Record that this browser asks for a link, and show where to type its code; nothing is looked up here. Commits."""
    adapter, address = key_platform(platform), shop_address(request.form.get("shop", ""))
    if not address:
        error = gettext("Escreva o endereço da sua loja.")
        return render_template("sign_in.html", platform=adapter, error=error), 422
    secret = bound_secret() or new_secret()
    SignInRequest.record(platform, address, secret, browser_name(request.headers.get("User-Agent", "")))
    notify_workers()
    back = request.form.get(interrupted.FIELD, "")
    session["back"] = back if len(back) <= _MAX_BACK_CHARS else ""
    response = redirect(url_for("sign_in.show", platform=platform), 303)
    bind_browser(response, secret, _COOKIE_SECONDS)
    return response


@bp.get("/code")
@ENTRY
def show(platform: str) -> ResponseReturnValue:
    """Show the form for the code; the link of the e-mail leads here and brings it along."""
    return render_template("sign_in_code.html", platform=key_platform(platform), refused=False)


@bp.post("/code")
@ENTRY
def enter(platform: str) -> ResponseReturnValue:
    """Start the session of the store to which the code belongs; 401 when it opens none here. Commits."""
    adapter, secret = key_platform(platform), bound_secret()
    store = SignInRequest.redeem(request.form.get("code", ""), secret) if secret else None
    if store is None:
        log_event("session-refused", how="link")
        return render_template("sign_in_code.html", platform=adapter, refused=True), 401
    back = str(session.get("back", ""))
    start_session(store, "link")
    response = make_response(return_to(store, back))
    unbind_browser(response)
    return response
