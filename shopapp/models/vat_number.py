"""VAT numbers that VIES was asked about, with its answer and the day; stored under a keyed hash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from shopapp import encryption

from .base import BigId, UtcDateTime, db, insert_into, now


class VatNumber(db.Model):  # type: ignore[name-defined,misc]
    """One number and its last definite answer."""

    __tablename__ = "vat_number"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mark: Mapped[str] = mapped_column(String(32), unique=True)
    valid: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    consultation: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """VIES's number of the consultation, given where it was asked in the name of a VAT number; else empty."""

    @classmethod
    def find(cls, number: str) -> VatNumber | None:
        """Return the last definite answer about that number."""
        of_it = select(cls).where(cls.mark.in_(encryption.keyed_hashes(number)))
        return db.session.scalar(of_it.order_by(cls.asked_at.desc()).limit(1))

    @classmethod
    def record(cls, number: str, valid: bool, consultation: str = "") -> None:
        """Store the answer as of now, also when another worker stores it at this moment. Commits."""
        answer = {"valid": valid, "asked_at": now(), "consultation": consultation}
        new = insert_into(cls).values(mark=encryption.keyed_hashes(number)[0], **answer)
        db.session.execute(new.on_conflict_do_update(index_elements=[cls.mark], set_=answer))
        db.session.commit()
