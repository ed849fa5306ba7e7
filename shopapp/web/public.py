"""The link by which a buyer opens their document, without a session."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from shopapp.documents import followups
from shopapp.models import Document
from shopapp.models.queries import documents
from shopapp.web.limits import PDF_RATE, limiter

bp = Blueprint("public", __name__)


def pdf_response(document: Document, content: bytes) -> Response:
    """Return the PDF as a download named after the document."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in document.number or document.reference)
    response = Response(content, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{plain.strip("-") or "documento"}.pdf"'
    return response


@bp.get("/d/<token>")
@limiter.limit(PDF_RATE)
def buyer_pdf(token: str) -> Response:
    """Send the document's PDF; 404 for an unknown or revoked link."""
    document = documents.find_by_link_token(token) if len(token) == 32 else None
    if document is None:
        abort(404)
    response = pdf_response(document, followups.fetch_pdf(document))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
