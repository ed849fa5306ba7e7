"""Sales: each order that we have seen, with the figures for the daily reconciliation and the order polling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Money, UidModel, UtcDateTime, db, db_now, insert_into, new_uid


class Sale(UidModel):
    """One order of one store; `status` is open, paid, cancelled, abandoned, missing, or empty while it is unread."""

    __tablename__ = "sale"
    __table_args__ = (
        UniqueConstraint("store_id", "order_id"),
        Index("ix_sale_store_paid", "store_id", "paid_at"),
    )

    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    order_id: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(12), default="")
    total: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(String(3), default="")
    ordered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was paid, as well as we know; always set on a paid order, and kept when it is cancelled afterwards."""
    paid_source: Mapped[str] = mapped_column(String(12), default="")
    first_paid_hook_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the order was first read as cancelled or unpaid again; None once it was paid again and that is settled."""
    order_digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The digest of the order as last compared with its document (`documents.order_changes`)."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def list_unpaid(cls, store_id: int, days: int, most: Mapping[str, int]) -> list[Sale]:
        """Return orders that are not known to be paid, up to a limit for each status, those read longest ago first."""
        found: list[Sale] = []
        for status, limit in most.items():
            young = func.coalesce(cls.ordered_at, cls.seen_at) > db_now(-days * 86400.0)
            mine = select(cls).where(cls.store_id == store_id, cls.status == status, young)
            found += db.session.scalars(
                mine.order_by(cls.checked_at.asc().nulls_first(), cls.id).limit(limit)
            )
        return found

    @classmethod
    def get_or_create(cls, store_id: int, order_id: str) -> Sale:
        """Return the row of that order, created if we never saw it. Not committed."""
        wanted = select(cls).where(cls.store_id == store_id, cls.order_id == order_id)
        sale = db.session.scalar(wanted)
        if sale is None:
            new = insert_into(cls).values(
                uid=new_uid(), store_id=store_id, order_id=order_id, seen_at=db_now()
            )
            db.session.execute(new.on_conflict_do_nothing())
            sale = db.session.scalars(wanted).one()
        return sale

    def record(
        self, status: str, paid_at: datetime | None = None, source: str = "list", **values: Any
    ) -> None:
        """Record what the shop says of the order, whether or not the order itself could be read. Not committed.

        `values` are `total`, `currency`, `ordered_at`; what is empty stays as it was. A paid order always has a
        `paid_at`: that of the shop, else our first webhook, else the order's date, else when we first saw it.
        """
        for name, value in values.items():
            if value not in (None, ""):
                setattr(self, name, value)
        self.status = status
        if status != "paid":
            return
        if paid_at is not None and (source != "list" or self.paid_at is None):
            self.paid_at, self.paid_source = paid_at, source
        elif self.paid_at is None:
            self.paid_at = self.first_paid_hook_at or self.ordered_at or self.seen_at
            self.paid_source = "hook" if self.first_paid_hook_at else "list"
