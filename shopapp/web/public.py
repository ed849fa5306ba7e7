"""The link by which a buyer opens their document, without a session."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, g
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from shopapp.documents.pdf import costs_a_call, read_pdf
from shopapp.errors import AppError
from shopapp.logs import log_event
from shopapp.messages.i18n import gettext, locale_of
from shopapp.models import Document
from shopapp.models.queries import documents
from shopapp.web.errors import error_page
from shopapp.web.limits import LINK, LINK_FETCH, LINKS_FETCH
from shopapp.web.session import writes_database

log = logging.getLogger(__name__)

bp = Blueprint("public", __name__)


def pdf_response(document: Document, content: bytes) -> Response:
    """Return the PDF as a download named after the document."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in document.number or document.reference)
    response = Response(content, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{plain.strip("-") or "documento"}.pdf"'
    return response


@bp.get("/d/<token>")
@LINK
@writes_database
def buyer_pdf(token: str) -> ResponseReturnValue:
    """Send the document's PDF, or say that the shop has it; 404 for an unknown or revoked link."""
    document = documents.find_by_link_token(token) if len(token) == 32 else None
    if document is None:
        log_event("link-refused")
        return error_page(
            404, gettext("Esta ligação não abre nenhum documento"),
            gettext("O endereço pode estar incompleto, ou a loja fechou-o. Peça o documento à loja."),
        )  # fmt: skip
    if not document.has_pdf:
        return _ask_the_shop(document)
    try:
        content = _fetch(document) if costs_a_call(document) else read_pdf(document)
    except AppError as error:
        log.warning("document %s: no PDF for the buyer: %s", document.id, error.code)
        return _not_now(document)
    response = pdf_response(document, content)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _fetch(document: Document) -> bytes:
    g.fetched = document
    return _fetch_within_budget()


@LINKS_FETCH
@LINK_FETCH
def _fetch_within_budget() -> bytes:
    return read_pdf(g.fetched)


def _not_now(document: Document) -> tuple[str, int]:
    """Return the page for a document whose PDF can't be fetched now; the buyer is not told the reason."""
    number, shop = document.number or "", document.store.name
    with force_locale(locale_of(document.store)):
        return error_page(
            503, gettext("Não conseguimos abrir o documento %(number)s agora", number=number),
            gettext("Tente de novo dentro de minutos, ou peça-o a %(shop)s.", shop=shop),
        )  # fmt: skip


def _ask_the_shop(document: Document) -> tuple[str, int]:
    """Return the page of a document that the merchant recorded by hand: its PDF is at the provider only."""
    number, shop = document.number or "", document.store.name
    with force_locale(locale_of(document.store)):
        return error_page(
            404, gettext("O documento %(number)s existe, mas não está aqui", number=number),
            gettext("Peça o PDF a %(shop)s, que o tem no seu programa de faturação.", shop=shop),
        )  # fmt: skip
