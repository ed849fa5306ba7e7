"""The accountant's entry: links that open one store's reports and documents to read, until the merchant revokes them.

A link is a secret of 256 bits that is shown once. Opening it takes a click, so that no program that only looks at
addresses starts a session. Its session may ask for the views marked `accountant_allowed` alone (`web.session`).
"""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.logs import log_event
from shopapp.messages.i18n import gettext
from shopapp.models import AccountantLink
from shopapp.models.accountant_link import MAX_OPEN_LINKS
from shopapp.web.errors import error_page
from shopapp.web.form_fields import MAX_ROW_ID, clean_text
from shopapp.web.headers import own_origin
from shopapp.web.limits import ACTIONS, ENTRY
from shopapp.web.session import accountant_allowed, start_session, store_required

bp = Blueprint("report_access", __name__, url_prefix="/reports/access")
entry = Blueprint("accountant", __name__, url_prefix="/accountant")

_MAX_NAME = 80


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """List the links in force, and offer a new one."""
    return _render()


def _render(address: str = "", wrong: str = "", name: str = "") -> str:
    rows = AccountantLink.list_of_store(g.store)
    return render_template("reports/access.html", rows=rows, address=address, wrong=wrong, name=name)


@bp.post("")
@store_required
@ACTIONS
def create() -> ResponseReturnValue:
    """Create a link and show it, this once. Commits."""
    name = clean_text(request.form.get("name", ""), _MAX_NAME)
    if not name:
        return _render(wrong=gettext("Escreva para quem é, para a reconhecer depois.")), 422
    if len(AccountantLink.list_of_store(g.store)) >= MAX_OPEN_LINKS:
        return _render(wrong=gettext("Já há dez ligações. Feche uma que já não use."), name=name), 422
    secret = AccountantLink.create(g.store, name)
    log_event("accountant-link", how="created")
    return _render(own_origin() + url_for("accountant.open_link", secret=secret))


@bp.post("/<int:number>/revoke")
@store_required
def revoke(number: int) -> ResponseReturnValue:
    """Revoke a link and end its sessions. Commits."""
    if number >= MAX_ROW_ID or not AccountantLink.revoke(g.store, number):
        abort(404)
    log_event("accountant-link", how="revoked")
    flash(gettext("Ligação fechada. Quem a tinha aberta já não vê nada."))
    return redirect(url_for("report_access.index"), 303)


@entry.route("/<secret>", methods=["GET", "POST"])
@ENTRY
@accountant_allowed
def open_link(secret: str) -> ResponseReturnValue:
    """Say whose reports the link opens; on the click start a session that only reads. Commits."""
    found = AccountantLink.find(secret) if len(secret) == 43 else None
    if found is None:
        log_event("link-refused")
        return error_page(
            404, gettext("Esta ligação não abre nada"),
            gettext("O endereço pode estar incompleto, ou a loja fechou-o. Peça outro à loja."),
        )  # fmt: skip
    link, store = found
    if request.method == "GET":
        return render_template("reports/enter.html", shop=store.name)
    link.record_use()
    start_session(store, "accountant", link.id)
    return redirect(url_for("reports.index"), 303)
