"""How an issued document reaches people: its PDF, and its e-mail to the buyer."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue

from shopapp.documents import followups, merchant_actions
from shopapp.documents.pdf import costs_a_call, read_pdf
from shopapp.messages.i18n import gettext
from shopapp.web.documents.page import own_document_or_404, render_page
from shopapp.web.documents.views import redirect_to_document
from shopapp.web.form_fields import clean_text, parse_email
from shopapp.web.limits import ACTIONS, MAILS, MAILS_TO_ONE, PDF_FETCH, PDFS_FETCH
from shopapp.web.public import pdf_response
from shopapp.web.session import accountant_allowed, store_required, writes_database

bp = Blueprint("delivery", __name__, url_prefix="/documents")


@bp.get("/<int:number>/pdf")
@accountant_allowed
@store_required
@writes_database
def pdf(number: int) -> Response:
    """Send the provider's PDF."""
    document = own_document_or_404(number)
    g.fetched = document
    return pdf_response(document, _fetch_pdf() if costs_a_call(document) else read_pdf(document))


@PDFS_FETCH
@PDF_FETCH
def _fetch_pdf() -> bytes:
    return read_pdf(g.fetched)


@bp.post("/<int:number>/mail")
@store_required
@ACTIONS
@MAILS
@MAILS_TO_ONE
def send_email(number: int) -> ResponseReturnValue:
    """Queue an e-mail with the document to that address. Commits."""
    document = own_document_or_404(number)
    text = clean_text(request.form.get("to", ""))
    if not parse_email(text):
        return render_page(
            document, 422, errors={"to": gettext("Este endereço não é um e-mail.")}, typed={"to": text}
        )
    if request.form.get("again") != "yes" and followups.was_just_emailed(document, parse_email(text)):
        asked = gettext(
            "Já o enviámos para este endereço há menos de dez minutos. Se não chegou, envie outra vez."
        )
        return render_page(document, 422, errors={"to": asked}, typed={"to": text, "again": "yes"})
    merchant_actions.resend_email(document, parse_email(text))
    return redirect_to_document(document, gettext("O e-mail sai dentro de segundos."))
