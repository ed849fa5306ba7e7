"""Queries on decisions for their page. Nothing is changed."""

from __future__ import annotations

from sqlalchemy import select

from shopapp.models.account import Account
from shopapp.models.base import db
from shopapp.models.decision import Decision
from shopapp.models.document import Document


def list_decisions(account: Account, most: int = 500) -> list[tuple[Decision, str]]:
    """Return the account's decisions, each with the order that asked: those in force first, newest first."""
    rows = (
        select(Decision, Document.order_id)
        .outerjoin(Document, Document.id == Decision.document_id)
        .where(Decision.account_id == account.id)
        .order_by(Decision.revoked_at.is_not(None), Decision.id.desc())
    )
    return [(decision, order_id or "") for decision, order_id in db.session.execute(rows.limit(most))]
