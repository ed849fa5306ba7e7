"""Sales: each order that we have seen, with the figures for the daily reconciliation and the order polling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Money, UidModel, UtcDateTime, cached_statement, db, db_now, insert_into, new_uid
from .sealed_columns import SealedString


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
    order_digest: Mapped[str] = mapped_column(
        SealedString("sale.order_digest"), default="", server_default=""
    )
    """The digest of the order as last compared with its document (`documents.order_changes`)."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def list_unpaid(cls, store_id: int, days: int, most: Mapping[str, int]) -> list[Sale]:
        """Return orders that are not known to be paid, up to a limit for each status, those read longest ago first."""
        return [
            sale
            for status, limit in most.items()
            for sale in db.session.scalars(
                _young(days), {"store_id": store_id, "status": status, "limit": limit}
            )
        ]

    @classmethod
    def get_or_create(cls, store_id: int, order_id: str) -> Sale:
        """Return the row of that order, created if we never saw it. Not committed."""
        known = {"store_id": store_id, "order_id": order_id}
        sale = db.session.scalar(_of_order(), known)
        if sale is None:
            new = insert_into(cls).values(uid=new_uid(), seen_at=db_now(), **known)
            db.session.execute(new.on_conflict_do_nothing())
            sale = db.session.scalars(_of_order(), known).one()
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


@cached_statement
def _of_order() -> Select[Sale]:
    """Select the row of the order bound to "order_id", of the store bound to "store_id"."""
    return select(Sale).where(Sale.store_id == bindparam("store_id"), Sale.order_id == bindparam("order_id"))


@cached_statement
def _young(days: int) -> Select[Sale]:
    """Select orders of the last days, those read longest ago first; "store_id", "status" and "limit" are bound."""
    is_young = func.coalesce(Sale.ordered_at, Sale.seen_at) > db_now(-days * 86400.0)
    mine = select(Sale).where(
        Sale.store_id == bindparam("store_id"), Sale.status == bindparam("status"), is_young
    )
    return mine.order_by(Sale.checked_at.asc().nulls_first(), Sale.id).limit(bindparam("limit"))
