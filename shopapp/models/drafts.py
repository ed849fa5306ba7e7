"""The provider's draft of an order that waits: recorded as the only one, or let go; each by one conditional UPDATE.

Used by `early` and `issuing`. What an attempt records of its own is in `document`. Never talks to anyone.
"""

from __future__ import annotations

from sqlalchemy import update

from shopapp.fiscal.document import Draft

from .account import Account
from .base import db, db_now, execute_update
from .document import Document
from .states import ISSUING, WAITING


def record_waiting_draft(
    document: Document, draft: Draft, draft_id: str, account: Account, promise: str
) -> bool:
    """True when the waiting row, as we read it, now has this draft as its only one; commits.

    False when it moved, or another worker recorded his: then this one is spare.
    """
    changed = execute_update(
        update(Document)
        .where(
            Document.id == document.id,
            Document.state == WAITING,
            Document.attempt == document.attempt,
            Document.frozen.is_(False),
            Document.draft_id.is_(None),
            Document.draft_hash == document.draft_hash,
        )
        .values(
            draft_id=draft_id, draft_account_id=account.id, promise=promise, draft_hash=draft.digest(),
            draft_text_sealed=Document.draft_text.sealed(document, draft.to_bytes().decode()), kind=draft.kind,
            series=draft.series, net=draft.net, vat=draft.vat, total=draft.gross, changed_at=db_now(),
        )
    )  # fmt: skip
    return _refresh_if(changed > 0, document)


def clear_provider_draft(document: Document, draft_id: str) -> bool:
    """True when the row no longer knows that draft, which is gone; False while it is being sent. Commits."""
    changed = execute_update(
        update(Document)
        .where(
            Document.id == document.id,
            Document.draft_id == draft_id,
            Document.state != ISSUING,
            Document.attempt == document.attempt,
            Document.frozen.is_(False),
        )
        .values(draft_id=None, draft_account_id=None, draft_hash="", changed_at=db_now())
    )
    return _refresh_if(changed > 0, document)


def _refresh_if(changed: bool, document: Document) -> bool:
    if changed:
        db.session.refresh(document)
    db.session.commit()
    return changed
