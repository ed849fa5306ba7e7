"""Sync runs: one pass over all products, its progress, and where it continues after a crash.

Each page of a run is one commit with its cursor. At most one run of a kind is open for an account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, insert_into
from .lease import take_first
from .sealed_columns import SealedDict

OPEN, DONE, FAILED = "open", "done", "failed"
READING, MATCHING = "reading", "matching"
"""The phases of a catalogue run: the shop's products, then their SKUs at the provider."""
CATALOGUE_RUN, STOCK_RUN, UNDO_RUN, CREATE_RUN = "catalogue", "stock", "undo", "create"


class SyncRun(db.Model):  # type: ignore[name-defined,misc]
    """One run of an account; its `kind` decides which phases it has, `cursor` says where the phase continues."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_due", "store_id", "state", "not_before"),
        Index("ix_run_listed", "account_id", "kind", "id"),
        Index(
            "ix_run_open", "account_id", "kind", unique=True,
            postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(String(10))
    cause: Mapped[str] = mapped_column(String(10), default="clock")
    """clock, hand or setup."""
    state: Mapped[str] = mapped_column(String(6), default=OPEN)
    phase: Mapped[str] = mapped_column(String(10), default="")
    cursor: Mapped[str] = mapped_column(String(800), default="")
    mark: Mapped[str] = mapped_column(String(200), default="")
    """Of a stock run: where the next one continues to ask for changes. Of a creation: the tax that was chosen.

    Of a catalogue run: the stock settings' digest when it began.
    """
    of_run_id: Mapped[int | None] = mapped_column(BigId)
    """Of an undo run: the run that is undone."""
    total: Mapped[int | None] = mapped_column()
    """The number of rows to read, where it is known."""
    seen: Mapped[int] = mapped_column(default=0)
    differing: Mapped[int] = mapped_column(default=0)
    """The number of rows that must be checked one by one."""
    calls: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    """How often in a row the next page was begun and not ended, because it failed or its worker died."""
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("run.detail"), default=dict)

    @classmethod
    def start(cls, store_id: int, account_id: int, kind: str, cause: str, **values: Any) -> bool:
        """Start a run; return False when one of the kind is open already. Not committed."""
        made = db.session.scalar(
            insert_into(cls)
            .values(
                store_id=store_id, account_id=account_id, kind=kind, cause=cause, state=OPEN, phase="", cursor="",
                seen=0, differing=0, calls=0, tries=0, reason="", detail={}, begun_at=db_now(),
                not_before=db_now(), **{"mark": "", **values},
            )
            .on_conflict_do_nothing()
            .returning(cls.id)
        )  # fmt: skip
        return made is not None

    @classmethod
    def take(cls, store_id: int, seconds: float = 60) -> SyncRun | None:
        """Lease an open run of the store that is due. Commits."""
        due = select(cls).where(cls.store_id == store_id, cls.state == OPEN, cls.not_before <= db_now())
        return take_first(due.order_by(cls.not_before, cls.id), "not_before", seconds, "tries")

    def save_progress(self, delay: float = 0.0, **values: Any) -> bool:
        """Store the progress of an open run, due again after some seconds; False when it ended. Not committed."""
        mine = update(SyncRun).where(SyncRun.id == self.id, SyncRun.state == OPEN)
        return execute_update(mine.values(not_before=db_now(delay), **values)) > 0

    def record_page_done(self, calls: int) -> None:
        """Record that a page is done, and the number of its calls. Not committed.

        The page itself has set when the run is due again: a run that waits for others is not due at once.
        """
        mine = update(SyncRun).where(SyncRun.id == self.id, SyncRun.state == OPEN)
        execute_update(mine.values(tries=0, calls=SyncRun.calls + calls))

    def end(self, state: str, reason: str = "", **detail: Any) -> None:
        """End the run. Commits."""
        self.save_progress(state=state, ended_at=db_now(), reason=reason, detail=detail)
        db.session.commit()

    @classmethod
    def has_read_catalogue(cls, account_id: int) -> bool:
        """Return whether the shop's whole list of products was read for this account at least once."""
        read = select(cls.id).where(
            cls.account_id == account_id,
            cls.kind == CATALOGUE_RUN,
            or_(cls.state == DONE, cls.phase == MATCHING),
        )
        return db.session.scalar(read.limit(1)) is not None

    @classmethod
    def last(cls, account_id: int, kind: str, state: str | None = None) -> SyncRun | None:
        """Return the account's latest run of the kind, if given in that state."""
        mine = select(cls).where(cls.account_id == account_id, cls.kind == kind)
        if state is not None:
            mine = mine.where(cls.state == state)
        found: SyncRun | None = db.session.scalar(mine.order_by(cls.id.desc()).limit(1))
        return found
