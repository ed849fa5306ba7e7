"""Preview a document or a credit note: what would be issued now, or why nothing would. Issues nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shopapp.documents import credit_notes, prepare
from shopapp.errors import AppError, NotAllowedError
from shopapp.fiscal.document import Draft
from shopapp.models import Account, Document, db


@dataclass(frozen=True, slots=True)
class DocumentPreview:
    """What would be issued now, or the error that prevents it, with the fiscal rules that decided."""

    draft: Draft | None
    rules: tuple[str, ...]
    error: AppError | None = None


def preview_document(document: Document, account: Account) -> DocumentPreview:
    """Return the preview of the document as its order is now. Asks the platform, and VIES; issues nothing.

    A draft that may have been sent is shown as it was: the same bytes are sent again, or nothing is.
    """
    try:
        if document.frozen and document.draft is not None:
            draft = document.draft
        elif document.is_credit_note:
            draft = prepare.prepare_credit_note(document, account)
        else:
            draft = prepare.prepare_invoice(prepare.fetch_order(document), account, document)
    except AppError as why:
        db.session.rollback()
        return DocumentPreview(None, why.rules, why)
    return DocumentPreview(draft, draft.rules)


def preview_credit_note(original: Document, credit_request: dict[str, Any]) -> Draft:
    """Return the credit note that `credit_request` (as in `prepare.draft_credit_note`) would be. Writes nothing.

    Raises NotAllowedError when the original can't be credited now, or not by so much; SettingsError without a series.
    """
    if original.account is None:
        raise NotAllowedError("credit-without-original")
    if credit_notes.has_open_credit_note(original):
        raise NotAllowedError("credit-open")
    return prepare.draft_credit_note(original, original.account, credit_request)
