"""Rows of a shop's order list that could not be read: set aside, shown, and forgotten once they can be read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Money, UtcDateTime, db, db_now, execute_update, insert_into


class UnreadableOrder(db.Model):  # type: ignore[name-defined,misc]
    """One row as last listed; `order_id` is empty where not even that could be read."""

    __tablename__ = "unreadable_order"
    __table_args__ = (
        UniqueConstraint("store_id", "key"),
        Index("ix_unreadable_order_seen", "store_id", "seen_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    key: Mapped[str] = mapped_column(String(60))
    order_id: Mapped[str] = mapped_column(String(40), default="")
    status: Mapped[str] = mapped_column(String(12), default="")
    fields: Mapped[str] = mapped_column(String(60), default="")
    """What could not be read, separated by spaces: id, date, total, status."""
    total: Mapped[Decimal | None] = mapped_column(Money)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The order's own date, or that of the row before it in the list: about when it was placed."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def record(cls, store_id: int, key: str, values: Mapping[str, Any]) -> None:
        """Set the row aside, or note that it is still as it was. Not committed."""
        kept = {**values, "seen_at": db_now()}
        new = insert_into(cls).values(store_id=store_id, key=key, **kept)
        db.session.execute(new.on_conflict_do_update(index_elements=["store_id", "key"], set_=kept))

    @classmethod
    def forget(cls, store_id: int, key: str) -> None:
        """Forget the row of that key, which the shop has answered properly. Not committed."""
        execute_update(delete(cls).where(cls.store_id == store_id, cls.key == key))

    @classmethod
    def forget_answered(cls, store_id: int, since: datetime, began: datetime) -> None:
        """Forget the rows of orders since `since` that a whole reading from `began` on did not show. Not committed."""
        gone = delete(cls).where(cls.store_id == store_id, cls.created_at >= since, cls.seen_at < began)
        execute_update(gone)

    @classmethod
    def list_of_store(cls, store_id: int, most: int = 50) -> list[UnreadableOrder]:
        """Return the store's rows, newest first."""
        mine = select(cls).where(cls.store_id == store_id).order_by(cls.created_at.desc(), cls.id)
        return list(db.session.scalars(mine.limit(most)))
