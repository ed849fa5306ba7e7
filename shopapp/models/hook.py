"""What a platform posted to us: one row per body whose signature was good, whatever it contains.

Inserted by `web/hooks` in one statement, opened by `issuing`. The body goes after 30 days, its hash stays.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Moment, db, insert_into, moment

NEW, OPENED, QUARANTINED = "new", "opened", "quarantined"


class Hook(db.Model):  # type: ignore[name-defined,misc]
    """One verified delivery; further identical ones only count in `copies` and open it again."""

    __tablename__ = "hook"
    __table_args__ = (
        UniqueConstraint("store_id", "event", "body_hash"),
        Index("ix_hook_state", "state", "id"),
        Index("ix_hook_order", "store_id", "order_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    event: Mapped[str] = mapped_column(String(40))
    body_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(Moment)
    copies: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(12), default=NEW)
    reason: Mapped[str] = mapped_column(String(40), default="")
    order_id: Mapped[str] = mapped_column(String(40), default="")
    opened_at: Mapped[datetime | None] = mapped_column(Moment)

    @classmethod
    def keep(cls, store_id: int, event: str, body_hash: str, body: bytes) -> None:
        """Nothing; one durable statement, committed: a new row, or one more copy of a known one."""
        insert = insert_into(cls).values(
            store_id=store_id, event=event, body_hash=body_hash, body=body, received_at=moment(), copies=1, state=NEW,
            reason="", order_id="",
        )  # fmt: skip
        again = insert.on_conflict_do_update(
            index_elements=["store_id", "event", "body_hash"],
            set_={"copies": cls.copies + 1, "state": NEW, "body": insert.excluded.body},
        )
        with db.engine.begin() as connection:
            connection.execute(again)

    @classmethod
    def take_new(cls) -> Hook | None:
        """The oldest unopened hook, locked until the caller commits (PostgreSQL) or alone (SQLite)."""
        return db.session.scalar(
            select(cls).where(cls.state == NEW).order_by(cls.id).limit(1).with_for_update(skip_locked=True)
        )

    @classmethod
    def any_new(cls) -> bool:
        """True when some hook waits to be opened."""
        return bool(db.session.scalar(select(cls.id).where(cls.state == NEW).limit(1)))

    @classmethod
    def wipe_old_bodies(cls, days: int = 30) -> int:
        """How many bodies older than `days` were removed; the caller commits."""
        gone = db.session.execute(
            update(cls)
            .where(cls.received_at < moment(-days * 86400.0), cls.body.is_not(None), cls.state != NEW)
            .values(body=None)
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]
