"""Set-up: the browsers in which this store's pages are open, ending all but this one, and a code for another."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shopapp.logs import log_event
from shopapp.messages.i18n import gettext, ngettext
from shopapp.models import BrowserSession
from shopapp.web.headers import own_origin
from shopapp.web.session import entry_code, store_required

bp = Blueprint("sessions", __name__, url_prefix="/setup/sessions")


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """List the open sessions."""
    return _render()


def _render(code: str = "") -> str:
    rows = BrowserSession.list_of_store(g.store)
    return render_template(
        "setup_sessions.html", rows=rows, own_id=g.session_id, code=code, own_address=own_origin()
    )


@bp.post("/end-others")
@store_required
def end_others() -> ResponseReturnValue:
    """End every session of the store but this one. Commits."""
    count = BrowserSession.end_of_store(g.store.id, but=g.session_id)
    log_event("session-ended", how="others", count=count)
    flash(
        ngettext("Terminou %(count)s sessão.", "Terminaram %(count)s sessões.", count, count=count)
        if count
        else gettext("Não havia outra sessão aberta.")
    )
    return redirect(url_for("sessions.index"), 303)


@bp.post("/code")
@store_required
def code() -> ResponseReturnValue:
    """Show a code that opens a session in another browser, without ending this one. Commits."""
    return _render(entry_code(g.store))
