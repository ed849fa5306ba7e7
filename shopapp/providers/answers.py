"""How adapters read a provider's HTTP answers, whatever their format."""

from __future__ import annotations

from shopapp.errors import TransientError
from shopapp.http_client import HttpResponse

MAX_PDF_BYTES = 10 * 1024 * 1024


class UnreadableAnswer(Exception):
    """An answer that is not one whole, well-formed message; its text says what it is instead (`html`, `empty`)."""


def pdf_from(answer: HttpResponse) -> bytes:
    """Return the PDF in the answer. Raises TransientError `pdf-not-ready` when it holds none."""
    if answer.status != 200 or not answer.body.startswith(b"%PDF-"):
        raise TransientError("pdf-not-ready", how=f"status-{answer.status}")
    return answer.body
