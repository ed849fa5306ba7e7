"""Login attempts: how often a store tried credentials at a provider that locks an account after wrong ones.

One is counted before each login with credentials that may be wrong; good ones clear the count.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, now
from .store import Store


class LoginAttempt(db.Model):  # type: ignore[name-defined,misc]
    """One attempt; `door` names where the store logged in."""

    __tablename__ = "knock"
    __table_args__ = (Index("ix_knock_door", "store_id", "door", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    door: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def acquire(cls, store_id: int, door: str, most: int, seconds: float) -> float:
        """Count an attempt; return 0, or the seconds until the store may try again after too many. Commits."""
        # two browsers of one store are counted one after the other
        db.session.execute(select(Store.id).where(Store.id == store_id).with_for_update())
        mine = (cls.store_id == store_id, cls.door == door, cls.at > db_now(-seconds))
        found = db.session.execute(select(func.count(), func.min(cls.at)).where(*mine)).one()
        count, first = found
        if count < most:
            db.session.add(cls(store_id=store_id, door=door, at=now()))
        db.session.commit()
        return 0.0 if count < most else max(1.0, seconds - (now() - first).total_seconds())

    @classmethod
    def clear(cls, store_id: int, door: str, last_only: bool = False) -> None:
        """Forget the store's attempts, or with `last_only` the last one, which got no answer. Commits."""
        mine = select(cls.id).where(cls.store_id == store_id, cls.door == door).order_by(cls.id.desc())
        gone = mine.limit(1) if last_only else mine
        execute_update(delete(cls).where(cls.id.in_(gone)))
        db.session.commit()

    @classmethod
    def delete_old(cls) -> None:
        """Delete attempts older than a day. Not committed."""
        execute_update(delete(cls).where(cls.at < db_now(-86400)))
