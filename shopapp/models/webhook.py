"""Webhooks: what a platform posted to us, one row for each body whose signature was good.

The body is deleted after 30 days; its hash stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql import ColumnElement

from .base import (
    BigId,
    UtcDateTime,
    app_now_or_none,
    cached_statement,
    db,
    db_now,
    execute_update,
    insert_into,
)
from .sealed_columns import SealedBinary

NEW, OPENED, QUARANTINED = "new", "opened", "quarantined"
UNCOUNTED_SECONDS = 60.0
"""How long a webhook counts as young: its attempts are not counted, as most are processed within a second."""


class Webhook(db.Model):  # type: ignore[name-defined,misc]
    """One verified delivery; an identical one is counted in `copies` and has it processed again."""

    __tablename__ = "hook"
    __table_args__ = (
        UniqueConstraint("store_id", "event", "body_hash"),
        Index("ix_hook_turn", "state", "store_id", "id"),
        Index("ix_hook_order", "store_id", "order_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    event: Mapped[str] = mapped_column(String(40))
    body_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes | None] = mapped_column(SealedBinary("hook.body"))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    copies: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(12), default=NEW)
    reason: Mapped[str] = mapped_column(String(40), default="")
    """Why it could not be read."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often in a row a worker began to process it and did not end, once it was no longer young."""
    order_id: Mapped[str] = mapped_column(String(40), default="")
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def record(cls, store_id: int, event: str, body_hash: str, body: bytes) -> None:
        """Store the delivery, or count one more copy, in one durable statement. Commits."""
        row = {
            "store_id": store_id,
            "event": event,
            "body_hash": body_hash,
            "body": body,
            "received_at": app_now_or_none(),
        }
        engine = db.engine
        with engine.connect() as connection:
            if engine.name == "postgresql":
                # PostgreSQL commits the statement by itself: one round trip instead of three
                connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(_upsert_statement(engine.name), row)
            connection.commit()

    @classmethod
    def take_new(cls, after_store_id: int = 0) -> Webhook | None:
        """Return the oldest new webhook of the next store after that one, so that the stores take turns.

        It is locked until the caller commits (PostgreSQL), or the caller is alone (SQLite).
        """
        found: Webhook | None = db.session.scalar(_oldest_new(), {"after": after_store_id})
        return found if found is not None or not after_store_id else cls.take_new()

    def count_attempt(self, at: datetime) -> int:
        """Count this attempt and return how many there were in a row; 0 while the webhook is young. Commits.

        An old webhook may have killed the worker that processed it; it is reserved for this worker for a minute. A
        young one needs no commit here.
        """
        if self.received_at > at - timedelta(seconds=UNCOUNTED_SECONDS):
            return 0
        self.attempts += 1
        self.opened_at = at
        db.session.commit()
        return self.attempts

    @classmethod
    def exists_for_order(cls, store_id: int, order_id: str) -> bool:
        """Return whether a processed webhook was about that order."""
        mine = select(cls.id).where(cls.store_id == store_id, cls.order_id == order_id)
        return db.session.scalar(mine.limit(1)) is not None

    @classmethod
    def exists_since(cls, store_id: int, instant: datetime, except_events: Sequence[str] = ()) -> bool:
        """Return whether a webhook of the store came after that instant, not counting these events."""
        mine = select(cls.id).where(
            cls.store_id == store_id, cls.received_at > instant, cls.event.not_in(except_events)
        )
        return db.session.scalar(mine.limit(1)) is not None

    @classmethod
    def any_new(cls) -> bool:
        """Return whether a webhook is due."""
        return bool(db.session.scalar(select(cls.id).where(cls._due()).limit(1)))

    @classmethod
    def _due(cls) -> ColumnElement[bool]:
        free = or_(cls.attempts == 0, cls.opened_at <= db_now(-UNCOUNTED_SECONDS))
        return and_(cls.state == NEW, free)

    @classmethod
    def wipe_old_bodies(cls, days: int = 30) -> int:
        """Delete bodies older than `days`; return how many. Not committed."""
        old = update(cls).where(
            cls.received_at < db_now(-days * 86400.0), cls.body.is_not(None), cls.state != NEW
        )
        return execute_update(old.values(body=None))


@cached_statement
def _oldest_new() -> Select[Webhook]:
    """Select and lock the oldest new webhook of the next store after the one bound to "after"."""
    new = select(Webhook).where(Webhook._due(), Webhook.store_id > bindparam("after", type_=BigId))
    return new.order_by(Webhook.store_id, Webhook.id).limit(1).with_for_update(skip_locked=True)


@cache
def _upsert_statement(dialect: str) -> Any:
    """Return the statement that stores a webhook; it is built once, as building costs more than executing it."""
    received_at = bindparam("received_at", type_=UtcDateTime())
    insert = insert_into(Webhook).values(
        store_id=bindparam("store_id"), event=bindparam("event"), body_hash=bindparam("body_hash"),
        body=bindparam("body"), copies=1, state=NEW, reason="", order_id="",
        received_at=func.coalesce(received_at, func.clock_timestamp()) if dialect == "postgresql" else received_at,
    )  # fmt: skip
    return insert.on_conflict_do_update(
        index_elements=["store_id", "event", "body_hash"],
        set_={"copies": Webhook.copies + 1, "state": NEW, "body": insert.excluded.body},
    )
