"""The preview: the document as it would be issued now, and why, or what prevents it.

The order is read again from the shop; nothing is issued and no state changes.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from shopapp.connections.shop import platform_without_store
from shopapp.documents.preview import DocumentPreview, preview_document
from shopapp.errors import MerchantError, TransientError
from shopapp.messages.fiscal_rules import rules_by_subject
from shopapp.models import Document, db
from shopapp.models.document import BLOCKED, PENDING, WAITING
from shopapp.web.documents.page import own_document_or_404, warehouse_name
from shopapp.web.documents.rows import (
    account_of,
    document_kind,
    document_row,
    error_message,
    remedy_url,
    warning_texts,
)
from shopapp.web.limits import PREVIEWS
from shopapp.web.session import store_required, writes_database

bp = Blueprint("preview", __name__, url_prefix="/documents")

PREVIEWABLE_STATES = (WAITING, PENDING, BLOCKED)


@bp.get("/<int:number>/preview")
@store_required
@PREVIEWS
@writes_database
def show(number: int) -> Response | str:
    """Show the document that would be issued for a waiting, pending or blocked one; redirect to its page otherwise."""
    document = own_document_or_404(number)
    account = account_of(document)
    if document.state not in PREVIEWABLE_STATES:
        return redirect(url_for("documents.one", number=number))
    if account is None or not account.settings:
        return redirect(url_for("setup.resume"))
    return _render_preview(document, preview_document(document, account))


def _render_preview(document: Document, result: DocumentPreview) -> str:
    draft, why = result.draft, result.error
    message = error_message(why, document) if why is not None else None
    original = db.session.get(Document, document.original_id) if document.original_id else None
    return render_template(
        "document_preview.html",
        document=document,
        row=document_row(document),
        kind=draft.kind if draft else document_kind(document),
        draft=draft,
        message=message,
        is_blocking=isinstance(why, MerchantError),
        is_unavailable=isinstance(why, TransientError),
        remedy_url=remedy_url(document, message.remedy_page) if message else "",
        buyer=draft.customer.as_buyer() if draft else document.buyer or {},
        rules=rules_by_subject(result.rules),
        warnings=warning_texts(draft.warnings if draft else ()),
        warehouse=warehouse_name(document, draft),
        original=original,
        order_url=platform_without_store(g.store.platform).order_admin_url(g.store.code, document.order_id),
    )
