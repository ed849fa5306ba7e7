"""API usage: the calls that were made for an account, by month; some plans include only so many.

The calls are counted in memory and added here later: a process that dies loses the last few.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, db, execute_update, insert_into
from .document import Document


class ApiUsage(db.Model):  # type: ignore[name-defined,misc]
    """The calls of one account in one month (`2026-11`)."""

    __tablename__ = "usage"
    __table_args__ = (UniqueConstraint("account_id", "month"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    month: Mapped[str] = mapped_column(String(7))
    calls: Mapped[int] = mapped_column(default=0)

    @classmethod
    def add(cls, account_id: int, month: str, calls: int, document_id: int | None = None) -> None:
        """Add calls to the month, and to the document that they were made for. Not committed."""
        new = insert_into(cls).values(account_id=account_id, month=month, calls=calls)
        db.session.execute(
            new.on_conflict_do_update(
                index_elements=["account_id", "month"], set_={"calls": cls.calls + new.excluded.calls}
            )
        )
        if document_id is not None:
            mine = update(Document).where(Document.id == document_id)
            execute_update(mine.values(calls=Document.calls + calls))

    @classmethod
    def calls_in_month(cls, account_id: int, month: str) -> int:
        """Return how many calls were made for the account in that month."""
        mine = select(cls.calls).where(cls.account_id == account_id, cls.month == month)
        return db.session.scalar(mine) or 0
