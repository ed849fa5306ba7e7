"""The one page without a session: the link by which a buyer opens his document.

Called by buyers from the shop's order page. Streams the provider's PDF; an unknown or revoked link tells nothing.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort

from shopapp import followups
from shopapp.models import Document, listing
from shopapp.web.limits import PAPERS, limiter

bp = Blueprint("public", __name__)


def pdf_answer(document: Document, content: bytes) -> Response:
    """The PDF as a download under a name of ours."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in document.number or document.reference)
    answer = Response(content, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{plain.strip("-") or "documento"}.pdf"'
    return answer


@bp.get("/d/<token>")
@limiter.limit(PAPERS)
def paper(token: str) -> Response:
    """The document's PDF, or 404."""
    document = listing.by_link(token) if len(token) == 32 else None
    if document is None:
        abort(404)
    answer = pdf_answer(document, followups.pdf(document))
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
