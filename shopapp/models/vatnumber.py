"""VAT numbers that VIES was asked about, with its answer and the day: kept by a keyed hash, not readable."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from shopapp import sealed

from .base import BigId, Moment, db, now


class VatNumber(db.Model):  # type: ignore[name-defined,misc]
    """One number and the last definite answer."""

    __tablename__ = "vat_number"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mark: Mapped[str] = mapped_column(String(32), unique=True)
    valid: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(Moment)

    @classmethod
    def of(cls, number: str) -> VatNumber | None:
        """The last definite answer about that number."""
        return db.session.scalar(select(cls).where(cls.mark.in_(sealed.marks(number))))

    @classmethod
    def keep(cls, number: str, valid: bool) -> None:
        """Nothing; the answer is kept as of now. Commits."""
        row = cls.of(number)
        if row is None:
            row = cls(mark=sealed.marks(number)[0])
            db.session.add(row)
        row.valid, row.asked_at = valid, now()
        db.session.commit()
