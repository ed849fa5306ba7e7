"""Goods that the shop has sold and the invoicing program has not yet taken off: what a level must leave out.

Begun when an order is told of, filled when it is read. Whether it still counts is asked of the order's document, so no
move of a document has to think of it. Holds nothing of the buyer. Never talks to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    and_,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, insert_into
from .document import ISSUED, VOID, WAITING, Document
from .followup import DONE, FollowUp
from .lease import take_first

UNREAD, READ = "unread", "read"
FREE_ORDER = "free"
"""Why an order has no document although its goods left the shop: there was nothing to pay."""
_NOT_OURS_REASONS = ("older", "set-aside")
"""Why a waiting document will not be ours: the merchant answered such an order himself."""


class StockReservation(db.Model):  # type: ignore[name-defined,misc]
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
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was last told of, or its last reading began: an older reading is not kept."""
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    """When an unread order is read, unless somebody else reads it first."""

    @classmethod
    def mark_stale(cls, store_id: int, order_id: str, delay: float = 0.0) -> None:
        """Nothing; the order is to be read for its goods after some seconds. Not committed."""
        anew = {"state": UNREAD, "told_at": db_now(), "not_before": db_now(delay)}
        new = insert_into(cls).values(store_id=store_id, order_id=order_id, goods={}, **anew)
        db.session.execute(new.on_conflict_do_update(index_elements=["store_id", "order_id"], set_=anew))

    @classmethod
    def record_goods(
        cls, store_id: int, order_id: str, goods: dict[str, Decimal] | None, began: datetime
    ) -> set[str]:
        """The SKUs of which the order holds another number than was known, by a reading begun then. Not committed.

        None leaves its goods as they were. An order that was told of since stays unread.
        """
        former = cls.goods_of(store_id, order_id)
        found = former if goods is None else goods
        kept = {"state": READ, "told_at": began, "goods": {sku: str(pieces) for sku, pieces in found.items()}}
        new = insert_into(cls).values(store_id=store_id, order_id=order_id, not_before=db_now(), **kept)
        new = new.on_conflict_do_update(
            index_elements=["store_id", "order_id"], set_=kept, where=cls.told_at <= began
        )
        if db.session.scalar(new.returning(cls.id)) is None:
            return set()
        return {sku for sku in former.keys() | found.keys() if former.get(sku) != found.get(sku)}

    @classmethod
    def goods_of(cls, store_id: int, order_id: str) -> dict[str, Decimal]:
        """The pieces of each SKU that the order holds, as far as is known."""
        goods = db.session.scalar(select(cls.goods).where(cls.store_id == store_id, cls.order_id == order_id))
        return {sku: Decimal(pieces) for sku, pieces in (goods or {}).items()}

    @classmethod
    def differs(cls, store_id: int, order_id: str, order_stands: bool) -> bool:
        """True when an order that stands is not known here, or one that stands no more still holds goods."""
        mine = select(cls.goods).where(cls.store_id == store_id, cls.order_id == order_id)
        goods = db.session.execute(mine).first()
        return (goods is None) if order_stands else (goods is not None and bool(goods[0]))

    @classmethod
    def release_sku(cls, store_id: int, order_id: str, sku: str) -> None:
        """Nothing; the provider has taken off what the order holds of that SKU. Not committed."""
        mine = select(cls).where(cls.store_id == store_id, cls.order_id == order_id).with_for_update()
        row = db.session.scalar(mine.execution_options(populate_existing=True))
        if row is not None and sku in row.goods:
            row.goods = {name: pieces for name, pieces in row.goods.items() if name != sku}
            db.session.flush()

    @classmethod
    def take_unread(cls, store_id: int, seconds: float = 60) -> StockReservation | None:
        """An order of the store to be read now, put off so that no one else reads it; commits."""
        due = select(cls).where(cls.store_id == store_id, cls.state == UNREAD, cls.not_before <= db_now())
        return take_first(due.order_by(cls.not_before, cls.id), "not_before", seconds)

    @classmethod
    def any_unread(cls, store_id: int) -> bool:
        """True while an order of the store was told of and not read: what it holds is not known."""
        mine = select(cls.id).where(cls.store_id == store_id, cls.state == UNREAD).limit(1)
        return db.session.scalar(mine) is not None

    @classmethod
    def reserved_quantities(cls, store_id: int, skus: Iterable[str]) -> dict[str, dict[str, Decimal]]:
        """The pieces of each SKU, by order, that nothing has taken off at the provider yet."""
        wanted = set(skus)
        # also where they can't be moved: the provider still has what the shop has sold
        moving = select(FollowUp.id).where(
            FollowUp.document_id == Document.id, FollowUp.kind == "stock", FollowUp.state != DONE
        )
        settled = select(Document.id).where(
            Document.store_id == cls.store_id,
            Document.order_id == cls.order_id,
            Document.is_sale,
            or_(
                Document.state == VOID,
                and_(Document.state == ISSUED, ~moving.exists()),
                and_(Document.state == WAITING, Document.reason.in_(_NOT_OURS_REASONS)),
            ),
        )
        mine = select(cls.order_id, cls.goods).where(cls.store_id == store_id, ~settled.exists())
        found: dict[str, dict[str, Decimal]] = {}
        for order_id, goods in db.session.execute(mine):
            for sku in wanted & goods.keys():
                found.setdefault(sku, {})[order_id] = Decimal(goods[sku])
        return found

    @classmethod
    def _is_free_order(cls) -> ColumnElement[bool]:
        """True of orders that were given away: no document will take their goods off."""
        free = Document.is_sale, Document.state == WAITING, Document.reason == FREE_ORDER
        mine = Document.store_id == cls.store_id, Document.order_id == cls.order_id
        return select(Document.id).where(*mine, *free).exists()

    @classmethod
    def release_free_orders(cls, store_id: int) -> None:
        """Nothing; what was given away is put aside no more: the program comes down with the shop. Not committed."""
        mine = update(cls).where(cls.store_id == store_id, cls._is_free_order())
        execute_update(mine.values(goods={}))

    @classmethod
    def delete_old(cls, days: int = 90) -> int:
        """How many rows older than that were removed, but of what was given away; the caller commits."""
        old = delete(cls).where(
            cls.state == READ, cls.told_at < db_now(-days * 86400.0), ~cls._is_free_order()
        )
        return execute_update(old)
