"""The PDF of an issued document: the provider's own, asked for once and then kept."""

from __future__ import annotations

from shopapp.connections.provider import provider_of
from shopapp.errors import AppError, MerchantError
from shopapp.fiscal.document import Issued
from shopapp.models import Document, DocumentPdf, db
from shopapp.models.document_pdf import AS_ISSUED, MAX_KEPT_BYTES


def costs_a_call(document: Document) -> bool:
    """Return whether reading the PDF asks the provider."""
    return document.has_pdf and not DocumentPdf.exists(document)


def read_pdf(document: Document) -> bytes:
    """Return the provider's own PDF of an issued document, as it was kept or else fetched now. Commits.

    Once a document is annulled the provider is asked again, as its PDF may say so now. Raises AppError when there is
    none, or it can't be fetched and no copy is kept.
    """
    if document.account is None or document.number is None:
        raise MerchantError("pdf-none")
    if not document.has_pdf:
        raise MerchantError("pdf-by-hand")
    copy = DocumentPdf.copy_of(document)
    kept = DocumentPdf.find(document, copy)
    if kept is not None:
        return bytes(kept.content)
    try:
        content = _fetch(document)
    except AppError:
        db.session.rollback()
        as_issued = DocumentPdf.find(document, AS_ISSUED)
        if as_issued is None:
            raise
        return bytes(as_issued.content)
    if len(content) <= MAX_KEPT_BYTES and _is_whole(content):
        DocumentPdf.keep(document, copy, content)
        db.session.commit()
    return content


def _fetch(document: Document) -> bytes:
    assert document.account is not None
    known = Issued(
        provider_id=document.provider_id,
        number=document.number or "",
        pdf_url=document.pdf_url,
        total=document.total,
    )
    provider = provider_of(document.account, "comfort", document)
    db.session.commit()
    return provider.pdf(known)


def _is_whole(content: bytes) -> bool:
    """Return whether the PDF has its end: one that was cut off would be shown to every later reader."""
    return b"%%EOF" in content[-1024:]
