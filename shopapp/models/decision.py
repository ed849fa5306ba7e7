"""Decisions: what the merchant was asked once and answered, for an account.

A decision holds for later documents until it is revoked; documents that were issued keep what they have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from shopapp.fiscal.decisions import DECISION_KINDS, DecisionKind, Decisions
from shopapp.logs import log_event

from .base import BigId, UtcDateTime, db, db_now, execute_update

MAX_SUBJECT_LENGTH = 400
MERCHANT, SETTINGS_FORM = "merchant", "settings"
"""Who decided: the merchant on a document's page or in the settings form; empty where an older version stored it."""


class Decision(db.Model):  # type: ignore[name-defined,misc]
    """One answer about one subject; `kind` and `subject` are those of `fiscal.decisions`."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_account", "account_id", "revoked_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT_LENGTH))
    answer: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The values of the sentence with which the question was asked."""
    document_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("document.id"))
    """The document that asked; empty for a decision of the settings form."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str] = mapped_column(String(20), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def record(
        cls,
        account_id: int,
        kind: DecisionKind,
        subject: str,
        answer: str,
        by: str,
        document_id: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Store the answer in place of the one before. Not committed."""
        cls._revoke(account_id, kind, subject)
        db.session.add(
            cls(
                account_id=account_id, kind=kind, subject=subject, answer=answer, facts=dict(facts or {}),
                document_id=document_id, decided_at=db_now(), decided_by=by,
            )
        )  # fmt: skip
        db.session.flush()
        log_event("decision-made", kind=kind, account=account_id)

    @classmethod
    def apply_form(
        cls,
        account_id: int,
        kind: DecisionKind,
        answers: Mapping[str, str],
        shown: Collection[str],
        by: str,
    ) -> None:
        """Make these the decisions of that kind: record what changed, revoke those `shown` that are missing.

        Not committed. What was decided since the form was shown stays.
        """
        former = cls.in_force(account_id).answers.get(kind, {})
        for subject in set(shown) - answers.keys():
            cls._revoke(account_id, kind, subject)
        for subject, answer in answers.items():
            if former.get(subject) != answer:
                cls.record(account_id, kind, subject, answer, by)

    @classmethod
    def _revoke(cls, account_id: int, kind: DecisionKind, subject: str) -> None:
        mine = update(cls).where(
            cls.account_id == account_id, cls.kind == kind, cls.subject == subject, cls.revoked_at.is_(None)
        )
        execute_update(mine.values(revoked_at=db_now()))

    @classmethod
    def revoke(cls, account_id: int, number: int) -> bool:
        """Take a decision back; False when it is not the account's, or no longer in force. Not committed."""
        mine = update(cls).where(cls.id == number, cls.account_id == account_id, cls.revoked_at.is_(None))
        revoked = execute_update(mine.values(revoked_at=db_now())) > 0
        if revoked:
            log_event("decision-revoked", decision=number, account=account_id)
        return revoked

    @classmethod
    def in_force(cls, account_id: int) -> Decisions:
        """Return the account's decisions as the fiscal core reads them."""
        answers: dict[DecisionKind, dict[str, str]] = {kind: {} for kind in DECISION_KINDS}
        for row in db.session.scalars(
            select(cls).where(cls.account_id == account_id, cls.revoked_at.is_(None)).order_by(cls.id)
        ):
            answers[row.kind][row.subject] = row.answer  # type: ignore[index]
        return Decisions(answers)
