"""Products: what the shop sells, as last read; one row for a product without variants, else one for each variant.

A SKU may be empty or be in several rows: the shop allows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, fold_for_search, insert_into
from .lease import take_first


class Product(db.Model):  # type: ignore[name-defined,misc]
    """One thing that is sold; `stock` is None when it is unlimited."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "variant_id"),
        Index("ix_product_sku", "store_id", "sku"),
        Index("ix_product_stale", "store_id", "stale_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    product_id: Mapped[str] = mapped_column(String(40))
    variant_id: Mapped[str] = mapped_column(String(40), default="")
    sku: Mapped[str] = mapped_column(String(200), default="")
    name: Mapped[str] = mapped_column(String(300), default="")
    folded: Mapped[str] = mapped_column(String(520), default="")
    """Name and SKU in lower case without accents, for the search."""
    kind: Mapped[str] = mapped_column(String(10), default="goods")
    stock: Mapped[int | None] = mapped_column()
    active: Mapped[bool] = mapped_column(default=True)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stale_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it must be read again, because a webhook announced it or a list did not show it."""

    @classmethod
    def upsert(cls, store_id: int, rows: Iterable[dict[str, Any]]) -> None:
        """Store these products as read now. Not committed.

        A product that is marked stale stays so: its webhook may report a change after this reading.
        """
        values = [
            {
                "store_id": store_id, "gone_at": None, "seen_at": db_now(), **row,
                "name": row["name"][:300], "folded": fold_for_search(f"{row['name']} {row['sku']}")[:520],
            }
            for row in rows
        ]  # fmt: skip
        if not values:
            return
        new = insert_into(cls).values(values)
        kept = {
            name: new.excluded[name]
            for name in values[0]
            if name not in ("store_id", "product_id", "variant_id")
        }
        db.session.execute(
            new.on_conflict_do_update(index_elements=["store_id", "product_id", "variant_id"], set_=kept)
        )

    @classmethod
    def mark_stale(cls, store_id: int, product_id: str) -> None:
        """Have the product read again, even one that was never read. Not committed."""
        new = insert_into(cls).values(
            store_id=store_id, product_id=product_id, variant_id="", sku="", name="", folded="", kind="goods",
            active=False, seen_at=db_now(), gone_at=db_now(), stale_at=db_now(),
        )  # fmt: skip
        db.session.execute(
            new.on_conflict_do_update(
                index_elements=["store_id", "product_id", "variant_id"], set_={"stale_at": db_now()}
            )
        )

    @classmethod
    def take_stale(cls, store_id: int, seconds: float = 60) -> Product | None:
        """Lease a product of the store that must be read again. Commits."""
        stale = select(cls).where(cls.store_id == store_id, cls.stale_at <= db_now())
        return take_first(stale.order_by(cls.stale_at, cls.id), "stale_at", seconds)

    def mark_read(self, gone: bool) -> None:
        """Record that this row, which `take_stale` returned, was read, unless it became stale again. Not committed."""
        mine = update(Product).where(Product.id == self.id)
        if gone:
            execute_update(mine.where(Product.gone_at.is_(None)).values(gone_at=db_now()))
        execute_update(mine.where(Product.stale_at == self.stale_at).values(stale_at=None))

    @classmethod
    def skus(cls, store_id: int, after_sku: str = "", most: int | None = None) -> list[str]:
        """Return the SKUs that the store sells after `after_sku`, each once, in order."""
        current = select(cls.sku).where(cls.store_id == store_id, cls.gone_at.is_(None), cls.sku > after_sku)
        return list(db.session.scalars(current.distinct().order_by(cls.sku).limit(most)))

    @classmethod
    def skus_of(cls, store_id: int, product_id: str) -> set[str]:
        """Return the SKUs of the product and its variants, as last read."""
        mine = select(cls.sku).where(cls.store_id == store_id, cls.product_id == product_id, cls.sku != "")
        return set(db.session.scalars(mine))

    @classmethod
    def mark_unseen_stale(cls, store_id: int, unseen_since: datetime) -> None:
        """Have products read one by one that a reading of the whole list did not fully show. Not committed."""
        unseen = select(func.min(cls.id)).where(
            cls.store_id == store_id, cls.gone_at.is_(None), cls.seen_at < unseen_since
        )
        # one row of each product: it is read with all its variants
        mine = update(cls).where(cls.id.in_(unseen.group_by(cls.product_id)), cls.stale_at.is_(None))
        execute_update(mine.values(stale_at=db_now()))

    @classmethod
    def mark_gone(cls, store_id: int, product_id: str, unseen_since: datetime) -> None:
        """Mark as gone the rows of this product that a reading begun at `unseen_since` did not show. Not committed."""
        mine = update(cls).where(
            cls.store_id == store_id, cls.product_id == product_id, cls.gone_at.is_(None), cls.seen_at < unseen_since
        )  # fmt: skip
        execute_update(mine.values(gone_at=db_now()))

    @classmethod
    def current_by_sku(cls, store_id: int, skus: Iterable[str]) -> dict[str, list[Product]]:
        """Return the current rows of these SKUs; several rows of one SKU mean that the shop has it twice."""
        mine = select(cls).where(cls.store_id == store_id, cls.sku.in_(list(skus)), cls.gone_at.is_(None))
        found: dict[str, list[Product]] = {}
        # rows are written without the session, which would otherwise return its old copies
        for row in db.session.scalars(mine.order_by(cls.id).execution_options(populate_existing=True)):
            found.setdefault(row.sku, []).append(row)
        return found

    @classmethod
    def count_current(cls, store_id: int) -> int:
        """Return how many current rows the store has."""
        mine = select(func.count()).where(cls.store_id == store_id, cls.gone_at.is_(None))
        return db.session.scalar(mine) or 0
