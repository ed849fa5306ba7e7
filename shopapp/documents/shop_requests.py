"""Issue an invoice for which the merchant asked in the shop's back office, as if they had asked on our pages.

The webhook is only a hint. A platform's test of its webhooks may name any order, also one that exists: whether the
request is about this order shows when the order is read, by the moment at which it was placed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update

from shopapp.documents import order_changes
from shopapp.models import Document, Store, db
from shopapp.models.base import db_now, execute_update
from shopapp.models.document import BLOCKED, PENDING, WAITING

ASKED_IN_SHOP = "asked-in-shop"
"""The reason in the timeline of a document that was asked for in the shop."""
_ORDERED_AT = "ordered_at"
_UNKNOWN = "unknown"


def request_invoice(store: Store, order_id: str, ordered_at: datetime | None) -> None:
    """Have the order's invoice issued, whatever the automatic mode says. Not committed.

    `ordered_at` is when the order was placed, as the webhook has it. Repeated, it changes nothing: a document that is
    issued or in doubt, or that the merchant has dismissed, stays as it is.
    """
    Document.create_if_absent(store, order_id)
    document = Document.current_invoice(store.id, order_id)
    if document is None or (
        order_changes.is_revivable(document) and not order_changes.revive_document(document)
    ):
        return
    while document.state in (WAITING, PENDING, BLOCKED):
        if document.state == PENDING and document.asked_at is not None:
            return
        if _ask(document, ordered_at):
            return
        # a worker has just moved it
        db.session.refresh(document)


def _ask(document: Document, ordered_at: datetime | None) -> bool:
    """Record the request; return False when the row is no longer in the state read. Not committed."""
    is_new = document.asked_at is None
    asked: dict[str, Any] = {"asked_at": db_now()} if is_new else {}
    if document.state != PENDING:
        done = document.transition(PENDING, ASKED_IN_SHOP, by="merchant", tries=0, **asked)
    else:
        # a worker may have it: its lease and its delay stay
        mine = update(Document).where(Document.id == document.id, Document.state == PENDING)
        done = bool(execute_update(mine.values(changed_at=db_now(), **asked)))
        if done:
            document.log_transition(PENDING, PENDING, ASKED_IN_SHOP, by="merchant")
            db.session.refresh(document)
    if done and is_new:
        document.asked_for = {_ORDERED_AT: ordered_at.isoformat() if ordered_at else _UNKNOWN}
    return done


def confirm_request(document: Document, ordered_at: datetime) -> None:
    """Take back a request from the shop that was not about this order, as its date shows. Commits."""
    asked = (document.asked_for or {}).get(_ORDERED_AT)
    if asked is not None:
        if asked == _UNKNOWN or datetime.fromisoformat(asked) != ordered_at:
            document.asked_at = None
        document.asked_for = None
    db.session.commit()
