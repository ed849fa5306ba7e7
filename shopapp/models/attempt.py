"""The parts of a document: its issued lines, its attempts, and the transitions of its timeline.

Each is written in the same commit as the transition that it belongs to. Only the end of an attempt is updated.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from shopapp.fiscal.document import DraftLine

from .base import BigId, DecimalText, Money, SealedText, UidModel, UtcDateTime, db, db_now, execute_update
from .sealed_columns import SealedDict


class DocumentLine(db.Model):  # type: ignore[name-defined,misc]
    """One line as it was issued; it contains no data of the buyer."""

    __tablename__ = "document_line"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"), index=True)
    position: Mapped[int]
    ref: Mapped[str] = mapped_column(String(60), default="")
    sku: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(10), default="goods")
    description: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(DecimalText)
    unit_price_net: Mapped[Decimal] = mapped_column(DecimalText)
    discount_percent: Mapped[Decimal] = mapped_column(DecimalText)
    region: Mapped[str] = mapped_column(String(6))
    vat_rate: Mapped[Decimal] = mapped_column(DecimalText)
    tax_code: Mapped[str] = mapped_column(String(3))
    exemption_code: Mapped[str] = mapped_column(String(3), default="")
    exemption_mention: Mapped[str] = mapped_column(String(120), default="")
    net: Mapped[Decimal] = mapped_column(Money)
    vat: Mapped[Decimal] = mapped_column(Money)
    gross: Mapped[Decimal] = mapped_column(Money)

    @classmethod
    def from_draft_line(cls, document_id: int, position: int, line: DraftLine) -> DocumentLine:
        """Build the row of an issued line; a text that is too long for its column is cut.

        The document exists already: nothing that a shop wrote into a SKU may prevent us from recording it.
        """
        kept: dict[str, Any] = {}
        for column in cls.__table__.columns:
            value = getattr(line, column.name, None)
            if isinstance(value, str):
                value = value.replace("\0", "")[: getattr(column.type, "length", None)]
            if value is not None:
                kept[column.name] = value
        return cls(document_id=document_id, position=position, **kept)

    def as_draft_line(self) -> DraftLine:
        """Return the line as the fiscal core reads it, without what is not stored."""
        known = [field.name for field in fields(DraftLine) if hasattr(self, field.name)]
        return DraftLine(**{name: getattr(self, name) for name in known})


class Attempt(UidModel):
    """One attempt: inserted at the claim, ended by one update that names its number."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("document_id", "number"),)

    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"))
    number: Mapped[int]
    draft_hash: Mapped[str] = mapped_column(String(64))
    text_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(12), default="")
    """issued, refused, not-sent, unknown; empty while it runs or when its worker died."""
    code: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("attempt.detail"), default=dict)
    answer_hash: Mapped[str] = mapped_column(String(64), default="")

    text = SealedText()

    @classmethod
    def end(
        cls, document_id: int, number: int, outcome: str, code: str = "", detail: dict[str, Any] | None = None
    ) -> None:
        """Record how the attempt ended. Not committed."""
        mine = update(cls).where(cls.document_id == document_id, cls.number == number)
        execute_update(mine.values(ended_at=db_now(), outcome=outcome, code=code, detail=detail or {}))

    @classmethod
    def count_worker_deaths(cls, document_id: int) -> int:
        """Return how many workers died while sending this document."""
        died = select(func.count()).where(cls.document_id == document_id, cls.code == "worker-died")
        return db.session.scalar(died) or 0


class Transition(db.Model):  # type: ignore[name-defined,misc]
    """One transition of a document: a line of the timeline that its page shows."""

    __tablename__ = "move"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    old: Mapped[str] = mapped_column(String(10), default="")
    new: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("move.detail"), default=dict)
    by: Mapped[str] = mapped_column(String(10), default="app")
