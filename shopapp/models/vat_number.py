"""VAT numbers that VIES was asked about, with its answer and the day; found by a keyed hash, stored encrypted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from shopapp import encryption

from .base import BigId, UtcDateTime, db, insert_into, now
from .sealed_columns import Mark, SealedString


class VatNumber(db.Model):  # type: ignore[name-defined,misc]
    """One number and its last definite answer."""

    __tablename__ = "vat_number"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mark: Mapped[str] = mapped_column(Mark(encryption.MARK_CHARS), unique=True)
    number: Mapped[str] = mapped_column(SealedString("vat_number.number"), default="", server_default="")
    """What the mark marks; empty in answers of earlier releases."""
    valid: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    consultation: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """VIES's number of the consultation, given where it was asked in the name of a VAT number; else empty."""

    marked_from = ("number",)

    def make_marks(self) -> None:
        """Make the mark again with the newest key; an answer of unknown number, or that has a newer, is deleted."""
        mark = encryption.marks_of(self.number)[0]
        newer = db.session.scalar(select(VatNumber.id).where(VatNumber.mark == mark, VatNumber.id != self.id))
        if self.number and newer is None:
            self.mark = mark
        else:
            db.session.delete(self)

    @classmethod
    def find(cls, number: str) -> VatNumber | None:
        """Return the last definite answer about that number."""
        of_it = select(cls).where(cls.mark.in_(encryption.marks_of(number)))
        return db.session.scalar(of_it.order_by(cls.asked_at.desc()).limit(1))

    @classmethod
    def record(cls, number: str, valid: bool, consultation: str = "") -> None:
        """Store the answer as of now, also when another worker stores it at this moment. Commits."""
        answer = {"valid": valid, "asked_at": now(), "consultation": consultation}
        new = insert_into(cls).values(mark=encryption.marks_of(number)[0], number=number, **answer)
        db.session.execute(new.on_conflict_do_update(index_elements=[cls.mark], set_=answer))
        db.session.commit()
