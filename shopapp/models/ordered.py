"""Goods that the shop has sold and the invoicing program has not yet taken off: what a level must leave out.

Begun when an order is first told of, filled when it is read, ended in the commit that settles its document, or when the
order is void. Holds nothing of the buyer. Never talks to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Moment, db, insert_into, moment

UNREAD, COUNTS, ENDED = "unread", "counts", "ended"


class Ordered(db.Model):  # type: ignore[name-defined,misc]
    """One order whose goods count as reserved while `state` is `counts`; `goods` is {SKU: pieces as text}."""

    __tablename__ = "ordered"
    __table_args__ = (
        UniqueConstraint("store_id", "order_id"),
        Index("ix_ordered_state", "store_id", "state", "not_before"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    order_id: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(6))
    goods: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    told_at: Mapped[datetime] = mapped_column(Moment)
    not_before: Mapped[datetime] = mapped_column(Moment)
    """When the order is read, unless somebody else reads it first."""

    @classmethod
    def tell(cls, store_id: int, order_id: str, after: float = 0.0) -> None:
        """Nothing; the order is to be read for its goods after some seconds, unless it ended. Not committed."""
        new = insert_into(cls).values(
            store_id=store_id,
            order_id=order_id,
            state=UNREAD,
            goods={},
            told_at=moment(),
            not_before=moment(after),
        )
        db.session.execute(
            new.on_conflict_do_update(
                index_elements=["store_id", "order_id"],
                set_={"state": UNREAD, "not_before": moment(after)},
                where=cls.state != ENDED,
            )
        )

    @classmethod
    def read(cls, store_id: int, order_id: str, goods: dict[str, Decimal]) -> None:
        """Nothing; the order, which is not settled, holds so much. Not committed."""
        kept = {sku: str(pieces) for sku, pieces in goods.items()}
        new = insert_into(cls).values(
            store_id=store_id,
            order_id=order_id,
            state=COUNTS,
            goods=kept,
            told_at=moment(),
            not_before=moment(),
        )
        db.session.execute(
            new.on_conflict_do_update(
                index_elements=["store_id", "order_id"],
                set_={"state": COUNTS, "goods": kept},
                where=cls.state != ENDED,
            )
        )

    @classmethod
    def end(cls, store_id: int, order_id: str) -> None:
        """Nothing; its goods no longer count, and never will again. Not committed."""
        new = insert_into(cls).values(
            store_id=store_id, order_id=order_id, state=ENDED, goods={}, told_at=moment(), not_before=moment()
        )
        db.session.execute(
            new.on_conflict_do_update(index_elements=["store_id", "order_id"], set_={"state": ENDED})
        )

    @classmethod
    def take_unread(cls, seconds: float = 60) -> Ordered | None:
        """An order to be read now, put off so that no one else reads it; commits."""
        due = (
            select(cls)
            .where(cls.state == UNREAD, cls.not_before <= moment())
            .order_by(cls.not_before, cls.id)
        )
        found: Ordered | None = db.session.scalar(due.limit(1).with_for_update(skip_locked=True))
        if found is None:
            db.session.rollback()
            return None
        found.not_before = moment(seconds)
        db.session.commit()
        return found

    @classmethod
    def any_unread(cls, store_id: int) -> bool:
        """True while an order of the store was told of and not read: what it holds is not known."""
        mine = select(cls.id).where(cls.store_id == store_id, cls.state == UNREAD).limit(1)
        return db.session.scalar(mine) is not None

    @classmethod
    def reserved(cls, store_id: int, skus: Iterable[str]) -> dict[str, list[tuple[str, Decimal]]]:
        """By SKU the orders that count, each with its pieces."""
        wanted = set(skus)
        mine = select(cls.order_id, cls.goods).where(cls.store_id == store_id, cls.state == COUNTS)
        found: dict[str, list[tuple[str, Decimal]]] = {}
        for order_id, goods in db.session.execute(mine):
            for sku in wanted & goods.keys():
                found.setdefault(sku, []).append((order_id, Decimal(goods[sku])))
        return found

    @classmethod
    def forget(cls, days: int = 90) -> int:
        """How many ended rows older than that were removed; the caller commits."""
        gone = db.session.execute(
            delete(cls).where(cls.state == ENDED, cls.told_at < moment(-days * 86400.0))
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]

    @classmethod
    def all_told_anew(cls, store_id: int) -> None:
        """Nothing; every order that counts is read again. Not committed."""
        mine = update(cls).where(cls.store_id == store_id, cls.state == COUNTS)
        db.session.execute(mine.values(state=UNREAD, not_before=moment()))
