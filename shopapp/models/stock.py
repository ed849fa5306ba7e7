"""Synced SKUs, and the history of every stock level that we changed.

A SKU is due when something may have changed. The due rows are the whole work list, and all that a crash leaves
behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, case, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, DecimalText, UtcDateTime, db, db_now, execute_update, insert_into
from .sealed_columns import SealedDict

PLANNED, DONE, LOST, UNSURE, UNDONE = "planned", "done", "lost", "unsure", "undone"
SHOP, PROVIDER = "shop", "provider"
CAUSE_RUN, CAUSE_WEBHOOK, CAUSE_SALE, CAUSE_HAND, CAUSE_UNDO = "run", "hook", "sale", "hand", "undo"
HELD_REASON, UNSURE_REASON = "held", "unsure"
"""Why a due row waits: for an order or a document, or for the outcome of a movement."""


class SyncedSku(db.Model):  # type: ignore[name-defined,misc]
    """One SKU of an account in one pair of places; '' is a side that has only one place."""

    __tablename__ = "stocked"
    __table_args__ = (
        UniqueConstraint("account_id", "sku", "warehouse", "location"),
        Index("ix_stocked_due", "store_id", "due_at"),
        Index("ix_stocked_run", "run_id"),
        Index("ix_stocked_reason", "account_id", "reason"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    sku: Mapped[str] = mapped_column(String(200))
    warehouse: Mapped[str] = mapped_column(String(40), default="")
    location: Mapped[str] = mapped_column(String(40), default="")
    theirs: Mapped[Decimal | None] = mapped_column(DecimalText)
    """The provider's level as last read."""
    ours: Mapped[int | None] = mapped_column()
    """The shop's level as last read or written."""
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When to check it; empty when it is not due."""
    cause: Mapped[str] = mapped_column(String(10), default="")
    """Why it is due: run, hook, sale, hand or undo."""
    order_id: Mapped[str] = mapped_column(String(40), default="")
    """The order whose document made it due."""
    run_id: Mapped[int | None] = mapped_column(BigId)
    """The run that found it due, until it has been checked."""
    tries: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(40), default="")
    """Why it waits or is left alone (docs/stock.md)."""
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("stocked.detail"), default=dict)
    rejected: Mapped[str] = mapped_column(String(32), default="")
    """The level that the merchant undid: it is not set again until the other side's level changes."""
    undoes_id: Mapped[int | None] = mapped_column(BigId)
    """The change that the merchant wants to undo, until it is undone."""
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def add_missing(
        cls,
        store_id: int,
        account_id: int,
        skus: Iterable[str],
        places: Iterable[tuple[str, str]],
        run_id: int | None = None,
    ) -> None:
        """Sync these SKUs in these pairs of places; new rows are due now. Not committed."""
        values: list[dict[str, Any]] = [
            {
                "store_id": store_id, "account_id": account_id, "sku": sku, "warehouse": warehouse,
                "location": location, "due_at": db_now(), "cause": "run", "order_id": "", "tries": 0, "reason": "",
                "detail": {}, "rejected": "", "run_id": run_id,
            }
            for sku in skus
            for warehouse, location in places
        ]  # fmt: skip
        if values:
            db.session.execute(insert_into(cls).values(values).on_conflict_do_nothing())

    @classmethod
    def mark_due(
        cls, account_id: int, skus: Iterable[str], cause: str, delay: float = 0.0, **more: Any
    ) -> int:
        """Make the rows of these SKUs due after some seconds; return how many there are. Not committed."""
        mine = update(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        return execute_update(mine.values(**cls._due_values(cause, delay), **more))

    @classmethod
    def reset_all(cls, account_id: int) -> None:
        """Check every row as if for the first time, because the settings of the sync changed. Not committed."""
        mine = update(cls).where(cls.account_id == account_id)
        execute_update(
            mine.values(due_at=db_now(), cause=CAUSE_RUN, tries=0, reason="", rejected="", undoes_id=None)
        )

    def mark_due_now(self, cause: str, **more: Any) -> None:
        """Make this row due now, for that cause. Not committed."""
        mine = update(SyncedSku).where(SyncedSku.id == self.id)
        execute_update(mine.values(**self._due_values(cause, 0.0), **more))

    @classmethod
    def _due_values(cls, cause: str, delay: float) -> dict[str, Any]:
        """Return the values that make a row due.

        A row that is due sooner stays so, and whoever has leased it can no longer clear it.
        """
        waits, merchants = cls.due_at.is_not(None), (CAUSE_HAND, CAUSE_UNDO)
        # an earlier cause outranks a run's, and the merchant's outranks both
        outranks = waits & (cls.cause != "" if cause == CAUSE_RUN else cls.cause.in_(merchants))
        kept = cause if cause in merchants else case((outranks, cls.cause), else_=cause)
        sooner = case((waits & (cls.due_at < db_now(delay)), cls.due_at), else_=db_now(delay))
        return {"due_at": sooner, "cause": kept, "tries": 0}

    @classmethod
    def take(cls, store_id: int, seconds: float = 60, most: int = 50) -> list[SyncedSku]:
        """Lease due rows of one of the store's accounts. Commits."""
        due = (cls.due_at <= db_now()) & (cls.store_id == store_id)
        first = select(cls.account_id).where(due).order_by(cls.due_at, cls.id).limit(1)
        account_id = db.session.scalar(first)
        if account_id is None:
            db.session.rollback()
            return []
        mine = select(cls).where(due, cls.account_id == account_id).order_by(cls.due_at, cls.id).limit(most)
        rows = list(db.session.scalars(mine.with_for_update(skip_locked=True)))
        ids = [row.id for row in rows]
        held = update(cls).where(cls.id.in_(ids)).values(due_at=db_now(seconds), tries=cls.tries + 1)
        execute_update(held)
        db.session.flush()
        for row in rows:
            db.session.refresh(row)
        db.session.commit()
        return rows

    def clear_due(self, reason: str = "", detail: dict[str, Any] | None = None, **known: Any) -> bool:
        """Mark the row as not due; return False when it became due again in the meantime. Not committed."""
        still = {"reason": reason, "detail": detail or {}, **known}
        return self._update_if_held(due_at=None, tries=0, run_id=None, order_id="", cause="", **still)

    def postpone(
        self, seconds: float, reason: str = "", detail: dict[str, Any] | None = None, **known: Any
    ) -> None:
        """Check the row again after some seconds, unless it became due sooner. Not committed."""
        self._update_if_held(due_at=db_now(seconds), reason=reason, detail=detail or {}, **known)

    def confirm_lease(self) -> bool:
        """Return whether this caller still has the row and nothing made it due. Locks the row; not committed."""
        return self._update_if_held(tries=self.tries)

    def _update_if_held(self, **values: Any) -> bool:
        mine = update(SyncedSku).where(
            SyncedSku.id == self.id, SyncedSku.due_at == self.due_at, SyncedSku.tries == self.tries
        )
        return execute_update(mine.values(**values)) > 0

    @classmethod
    def count_unchecked(cls, run_id: int) -> int:
        """Return how many rows of the run are not checked yet; one with a reason to wait counts as checked."""
        left = select(func.count()).where(cls.run_id == run_id, cls.due_at.is_not(None), cls.reason == "")
        return db.session.scalar(left) or 0


class StockChange(db.Model):  # type: ignore[name-defined,misc]
    """One stock level that we changed; `state` is planned, done, lost, unsure or undone."""

    __tablename__ = "stock_change"
    __table_args__ = (
        Index("ix_stock_change_listed", "store_id", "id"),
        Index("ix_stock_change_row", "stocked_id", "id"),
        Index("ix_stock_change_run", "run_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    stocked_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("stocked.id"))
    run_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("run.id"))
    document_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("document.id"))
    order_id: Mapped[str] = mapped_column(String(40), default="")
    sku: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(300), default="")
    """The product's name at that time, for the list."""
    warehouse: Mapped[str] = mapped_column(String(40), default="")
    location: Mapped[str] = mapped_column(String(40), default="")
    side: Mapped[str] = mapped_column(String(8))
    """Which side was changed: shop or provider."""
    before: Mapped[Decimal] = mapped_column(DecimalText)
    """For a document's movement, whose level is not read, the pieces moved; `after` is then 0."""
    after: Mapped[Decimal] = mapped_column(DecimalText)
    cause: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(8), default=PLANNED)
    reference: Mapped[str] = mapped_column(String(60), unique=True)
    """Our reference, stored with a movement at the provider so that it can be asked for."""
    truth: Mapped[str] = mapped_column(String(32), default="")
    """The level of the other side that this change followed."""
    undoes_id: Mapped[int | None] = mapped_column(BigId)
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(40), default="")

    @classmethod
    def plan(cls, **values: Any) -> StockChange:
        """Record the change before it is sent. Commits."""
        change = cls(state=PLANNED, planned_at=db_now(), **values)
        db.session.add(change)
        db.session.flush()
        db.session.refresh(change)
        db.session.commit()
        return change

    @classmethod
    def find_open(cls, stocked_id: int) -> StockChange | None:
        """Return the change of that row that is planned, perhaps sent, and not ended."""
        mine = select(cls).where(cls.stocked_id == stocked_id, cls.state == PLANNED)
        found: StockChange | None = db.session.scalar(mine.order_by(cls.id.desc()).limit(1))
        return found

    @classmethod
    def find_by_reference(cls, reference: str) -> StockChange | None:
        """Return the change with this reference."""
        found: StockChange | None = db.session.scalar(select(cls).where(cls.reference == reference))
        return found

    @classmethod
    def recent_done(cls, stocked_id: int, most: int, seconds: float) -> list[StockChange]:
        """Return the last finished changes of that row within some seconds, newest first."""
        mine = select(cls).where(
            cls.stocked_id == stocked_id, cls.state == DONE, cls.ended_at > db_now(-seconds)
        )
        return list(db.session.scalars(mine.order_by(cls.id.desc()).limit(most)))

    def claim(self) -> bool:
        """Let this caller alone send it; return False when somebody sent or ended it since it was read. Commits."""
        mine = update(StockChange).where(
            StockChange.id == self.id,
            StockChange.state == PLANNED,
            StockChange.sent_at.is_not_distinct_from(self.sent_at),
        )
        sent = mine.values(sent_at=db_now()).returning(StockChange.sent_at)
        at: datetime | None = db.session.scalar(sent.execution_options(synchronize_session=False))
        db.session.commit()
        if at is not None:
            db.session.refresh(self)
            db.session.commit()
        return at is not None

    def release_claim(self) -> None:
        """Give back the claim of a change that was certainly not sent. Commits."""
        mine = update(StockChange).where(StockChange.id == self.id, StockChange.sent_at == self.sent_at)
        execute_update(mine.values(sent_at=None))
        db.session.commit()

    def end(self, state: str, reason: str = "") -> None:
        """Record how the change ended. Not committed."""
        self.state, self.reason, self.ended_at = state, reason, db_now()
