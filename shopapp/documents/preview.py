"""What would happen: the small check after set-up, and the preview of a document or of a credit note.

Called by the pages, where a person waits. Reads only; issues nothing. Findings and reasons are codes with facts: the
words are the pages' own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shopapp.documents import credit_notes, prepare
from shopapp.errors import AppError, NotAllowedError
from shopapp.fiscal.document import Draft
from shopapp.models import Account, Document, db

# previews


@dataclass(frozen=True, slots=True)
class DocumentPreview:
    """What would be issued now, or why nothing would; `rules` had decided something either way."""

    draft: Draft | None
    rules: tuple[str, ...]
    error: AppError | None = None


def preview_document(document: Document, account: Account) -> DocumentPreview:
    """The draft that the document would have now. Asks the platform (and VIES); issues nothing.

    What may have been sent already is shown as it was: the same bytes go again, or nothing.
    """
    try:
        if document.frozen and document.draft is not None:
            draft = document.draft
        elif document.cause.startswith("credit:"):
            draft = prepare.prepare_credit_note(document, account)
        else:
            draft = prepare.prepare_invoice(prepare.fetch_order(document), account, document)
    except AppError as why:
        db.session.rollback()
        return DocumentPreview(None, why.rules, why)
    return DocumentPreview(draft, draft.rules)


def preview_credit_note(original: Document, credit_request: dict[str, Any]) -> Draft:
    """The credit note that `asked` (as in `preparing.credit_of`) would be; nothing is written.

    NotAllowedError when the original can't be credited now, or not by so much; SettingsError without a series.
    """
    if original.account is None:
        raise NotAllowedError("credit-without-original")
    if credit_notes.has_open_credit_note(original):
        raise NotAllowedError("credit-open")
    return prepare.draft_credit_note(original, original.account, credit_request)
