"""Stock reservations: what the shop has sold and the provider has not yet taken off its stock.

A row is created when an order is announced and filled when the order is read. Whether it still counts is read from
the order's document, so that no transition of a document has to update it. It contains no data of the buyer.
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
"""Why an order has no document although its products left the shop: there was nothing to pay."""
_NOT_OURS_REASONS = ("older", "set-aside")
"""Reasons of waiting documents that we do not issue: the merchant handles such an order."""


class StockReservation(db.Model):  # type: ignore[name-defined,misc]
    """One order and the products in it, as {SKU: pieces as text}; empty once it was cancelled or abandoned."""

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
    """When it was last announced, or its last reading began: an older reading is not stored."""
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    """When an unread order is read, unless somebody else reads it first."""

    @classmethod
    def mark_stale(cls, store_id: int, order_id: str, delay: float = 0.0) -> None:
        """Have the order read after some seconds for what it reserves. Not committed."""
        unread = {"state": UNREAD, "told_at": db_now(), "not_before": db_now(delay)}
        new = insert_into(cls).values(store_id=store_id, order_id=order_id, goods={}, **unread)
        db.session.execute(new.on_conflict_do_update(index_elements=["store_id", "order_id"], set_=unread))

    @classmethod
    def record_goods(
        cls, store_id: int, order_id: str, goods: dict[str, Decimal] | None, began: datetime
    ) -> set[str]:
        """Store the products that a reading of the order, begun at `began`, found. Not committed.

        None leaves the products as they were. An order that was announced since stays unread. Return the SKUs whose
        quantity changed.
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
        """Return the known pieces of each SKU in the order."""
        goods = db.session.scalar(select(cls.goods).where(cls.store_id == store_id, cls.order_id == order_id))
        return {sku: Decimal(pieces) for sku, pieces in (goods or {}).items()}

    @classmethod
    def differs(cls, store_id: int, order_id: str, order_stands: bool) -> bool:
        """Return whether an open or paid order is unknown here, or a cancelled one still reserves products."""
        mine = select(cls.goods).where(cls.store_id == store_id, cls.order_id == order_id)
        goods = db.session.execute(mine).first()
        return (goods is None) if order_stands else (goods is not None and bool(goods[0]))

    @classmethod
    def release_sku(cls, store_id: int, order_id: str, sku: str) -> None:
        """Record that the provider has taken off what the order reserves of that SKU. Not committed."""
        mine = select(cls).where(cls.store_id == store_id, cls.order_id == order_id).with_for_update()
        row = db.session.scalar(mine.execution_options(populate_existing=True))
        if row is not None and sku in row.goods:
            row.goods = {name: pieces for name, pieces in row.goods.items() if name != sku}
            db.session.flush()

    @classmethod
    def take_unread(cls, store_id: int, seconds: float = 60) -> StockReservation | None:
        """Lease an order of the store that must be read now. Commits."""
        due = select(cls).where(cls.store_id == store_id, cls.state == UNREAD, cls.not_before <= db_now())
        return take_first(due.order_by(cls.not_before, cls.id), "not_before", seconds)

    @classmethod
    def any_unread(cls, store_id: int) -> bool:
        """Return whether an order of the store was announced and not read: what it reserves is unknown."""
        mine = select(cls.id).where(cls.store_id == store_id, cls.state == UNREAD).limit(1)
        return db.session.scalar(mine) is not None

    @classmethod
    def reserved_quantities(cls, store_id: int, skus: Iterable[str]) -> dict[str, dict[str, Decimal]]:
        """Return by SKU and order the pieces that nothing has taken off at the provider yet."""
        wanted = set(skus)
        # even where the movement failed: the provider still has what the shop has sold
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
        """Return the condition that the order was given away: no document will take its products off."""
        free = Document.is_sale, Document.state == WAITING, Document.reason == FREE_ORDER
        mine = Document.store_id == cls.store_id, Document.order_id == cls.order_id
        return select(Document.id).where(*mine, *free).exists()

    @classmethod
    def release_free_orders(cls, store_id: int) -> None:
        """Reserve nothing for orders that were given away; the provider follows the shop. Not committed."""
        mine = update(cls).where(cls.store_id == store_id, cls._is_free_order())
        execute_update(mine.values(goods={}))

    @classmethod
    def delete_old(cls, days: int = 90) -> int:
        """Delete rows older than `days`, except orders that were given away; return how many. Not committed."""
        old = delete(cls).where(
            cls.state == READ, cls.told_at < db_now(-days * 86400.0), ~cls._is_free_order()
        )
        return execute_update(old)
