"""The preview: the document as it would be issued now, and why, or what is missing until it can be.

Browsers with a session only. The order is read again for it; nothing is issued and no row moves.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from shopapp import checking, connect
from shopapp.fiscal.errors import MerchantError, TransientError
from shopapp.models import Account, Document, db
from shopapp.models.states import BLOCKED, PENDING, WAITING
from shopapp.web.reasons import deciding_rules
from shopapp.web.session import store_required, writes
from shopapp.web.sheet import mine, warehouse_of, warnings_of
from shopapp.web.showing import address, kind_of, provider_label, row_of
from shopapp.web.wording import say

bp = Blueprint("previewing", __name__, url_prefix="/documents")

SHOWN = (WAITING, PENDING, BLOCKED)


@bp.get("/<int:number>/preview")
@store_required
@writes
def preview(number: int) -> Response | str:
    """What would be issued for a document that waits, is on its way or is blocked; else its own page."""
    document = mine(number)
    account: Account | None = document.account or g.account
    if document.state not in SHOWN:
        return redirect(url_for("documents.one", number=number))
    if account is None or not account.settings:
        return redirect(url_for("setup.resume"))
    return _page(document, checking.preview(document, account))


def _page(document: Document, seen: checking.Preview) -> str:
    draft, why = seen.draft, seen.why
    said = say(why.code, why.detail, provider_label(document)) if why is not None else None
    original = db.session.get(Document, document.original_id) if document.original_id else None
    return render_template(
        "document_preview.html",
        document=document,
        shown=row_of(document),
        kind=draft.kind if draft else kind_of(document),
        draft=draft,
        said=said,
        stops=isinstance(why, MerchantError),
        unread=isinstance(why, TransientError),
        remedy=address(document, said.where) if said else "",
        buyer=draft.customer.as_buyer() if draft else document.buyer or {},
        rules=deciding_rules(seen.rules),
        warnings=warnings_of(draft),
        warehouse=warehouse_of(document, draft),
        original=original,
        order_url=connect.platform(g.store.platform).order_admin_url(g.store.code, document.order_id),
    )
