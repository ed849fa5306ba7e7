"""Goods that the shop has sold and the invoicing program has not yet taken off: what a level must leave out.

Begun when an order is told of, filled when it is read. Whether it still counts is asked of the order's document, so no
move of a document has to think of it. Holds nothing of the buyer. Never talks to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, and_, delete, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Moment, db, insert_into, moment
from .document import Document
from .followup import DUE, FollowUp
from .states import ISSUED, VOID, WAITING

UNREAD, READ = "unread", "read"
_NOBODYS = ("older", "free", "set-aside")
"""Why a waiting document will not be ours: the merchant answered such an order himself, or nobody does."""


class Ordered(db.Model):  # type: ignore[name-defined,misc]
    """One order and the goods in it, as {SKU: pieces as text}; empty once it was cancelled or abandoned."""

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
    """When an unread order is read, unless somebody else reads it first."""

    @classmethod
    def tell(cls, store_id: int, order_id: str, after: float = 0.0) -> None:
        """Nothing; the order is to be read for its goods after some seconds. Not committed."""
        anew = {"state": UNREAD, "not_before": moment(after)}
        new = insert_into(cls).values(
            store_id=store_id, order_id=order_id, goods={}, told_at=moment(), **anew
        )
        db.session.execute(new.on_conflict_do_update(index_elements=["store_id", "order_id"], set_=anew))

    @classmethod
    def read(cls, store_id: int, order_id: str, goods: dict[str, Decimal]) -> None:
        """Nothing; the order, as just read, holds so much. Not committed."""
        kept = {"state": READ, "goods": {sku: str(pieces) for sku, pieces in goods.items()}}
        new = insert_into(cls).values(
            store_id=store_id, order_id=order_id, told_at=moment(), not_before=moment(), **kept
        )
        db.session.execute(new.on_conflict_do_update(index_elements=["store_id", "order_id"], set_=kept))

    @classmethod
    def take_unread(cls, store_id: int, seconds: float = 60) -> Ordered | None:
        """An order of the store to be read now, put off so that no one else reads it; commits."""
        due = select(cls).where(cls.store_id == store_id, cls.state == UNREAD, cls.not_before <= moment())
        due = due.order_by(cls.not_before, cls.id)
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
    def reserved(cls, store_id: int, skus: Iterable[str]) -> dict[str, Decimal]:
        """The pieces of each SKU in orders whose document has not taken them off at the provider yet."""
        wanted = set(skus)
        moving = select(FollowUp.id).where(
            FollowUp.document_id == Document.id, FollowUp.kind == "stock", FollowUp.state == DUE
        )
        settled = select(Document.id).where(
            Document.store_id == cls.store_id,
            Document.order_id == cls.order_id,
            Document.cause == "sale",
            or_(
                Document.state == VOID,
                and_(Document.state == ISSUED, ~moving.exists()),
                and_(Document.state == WAITING, Document.reason.in_(_NOBODYS)),
            ),
        )
        mine = select(cls.goods).where(cls.store_id == store_id, cls.state == READ, ~settled.exists())
        found: dict[str, Decimal] = {}
        for goods in db.session.scalars(mine):
            for sku in wanted & goods.keys():
                found[sku] = found.get(sku, Decimal(0)) + Decimal(goods[sku])
        return found

    @classmethod
    def forget(cls, days: int = 90) -> int:
        """How many rows older than that were removed; the caller commits."""
        gone = db.session.execute(delete(cls).where(cls.state == READ, cls.told_at < moment(-days * 86400.0)))
        return int(gone.rowcount)  # type: ignore[attr-defined]
