"""One action for several documents: a page that lists them and asks for confirmation, then one transition for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.documents import merchant_actions
from shopapp.errors import NotAllowedError
from shopapp.jobs.queue import notify_workers
from shopapp.messages.i18n import ngettext
from shopapp.models import Document, db
from shopapp.models.document import BLOCKED, PENDING, VOID, WAITING
from shopapp.models.queries import documents
from shopapp.web.documents.rows import document_rows
from shopapp.web.form_fields import parse_email, parse_row_id
from shopapp.web.limits import BULK, BULK_MAILS
from shopapp.web.session import store_required

bp = Blueprint("bulk", __name__, url_prefix="/documents/bulk")


def _buyer_email_address(document: Document) -> str:
    return parse_email(str((document.buyer or {}).get("email", "")))


ACTIONS: Mapping[str, Callable[[Document], None]] = {
    "issue": merchant_actions.request_issue,
    "email": lambda document: merchant_actions.resend_email(document, _buyer_email_address(document)),
    "aside": merchant_actions.dismiss_document,
}
APPLICABLE: Mapping[str, Callable[[Document], bool]] = {
    "issue": lambda d: d.state in (BLOCKED, WAITING) or (d.state == VOID and d.reason == "set-aside"),
    "email": lambda d: merchant_actions.may_email(d) and bool(_buyer_email_address(d)),
    "aside": lambda d: d.state in (BLOCKED, WAITING, PENDING),
}


def _selected_documents(texts: Sequence[str]) -> list[Document]:
    """Return the store's documents with these ids; 404 when the store lacks one of them."""
    ids = {parse_row_id(text) or abort(404) for text in texts[:200]}
    found = documents.find_documents(g.store, sorted(ids))
    if len(found) != len(ids):
        abort(404)
    return found


@bp.get("")
@store_required
def confirm() -> ResponseReturnValue:
    """Show the selected documents and what the action will do; nothing has happened yet."""
    action = request.args.get("do", "")
    if action not in ACTIONS:
        abort(404)
    selected = _selected_documents(request.args.getlist("id"))
    applicable = [document for document in selected if APPLICABLE[action](document)]
    left_out = [document for document in selected if not APPLICABLE[action](document)]
    total = sum((d.total for d in applicable if d.total is not None), start=Decimal(0))
    return render_template(
        "bulk.html",
        action=action,
        rows=document_rows(applicable),
        left_out=document_rows(left_out),
        total=total,
    )


@bp.post("")
@store_required
@BULK
@BULK_MAILS
def apply() -> ResponseReturnValue:
    """Apply the action to each document, oldest first; one that changed in the meantime is left as it is."""
    action = request.form.get("do", "")
    if action not in ACTIONS:
        abort(404)
    done = left = refused = 0
    for document in _selected_documents(request.form.getlist("id")):
        try:
            if not APPLICABLE[action](document):
                raise merchant_actions.StateConflictError
            ACTIONS[action](document)
            done += 1
        except merchant_actions.StateConflictError:
            db.session.rollback()
            left += 1
        except NotAllowedError:
            db.session.rollback()
            refused += 1
    notify_workers()
    flash(ngettext("Pedido feito para %(num)d encomenda.", "Pedido feito para %(num)d encomendas.", done))
    if left:
        flash(
            ngettext(
                "%(num)d mudou entretanto e ficou como estava.",
                "%(num)d mudaram entretanto e ficaram como estavam.",
                left,
            ),
            "warn",
        )
    if refused:
        flash(
            ngettext(
                "%(num)d não se pode fazer agora e ficou como estava: tente na página do documento, que diz porquê.",
                "%(num)d não se podem fazer agora e ficaram como estavam: tente na página de cada um, que diz porquê.",
                refused,
            ),
            "warn",
        )
    return redirect(url_for("documents.index"), 303)
