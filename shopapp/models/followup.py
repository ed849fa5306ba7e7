"""Follow-ups: what must happen after a document was issued, each a row with its own retries.

They are inserted in the commit that records the document. One that fails never changes the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import BigId, UtcDateTime, cached_statement, db, db_now, execute_update, insert_into
from .document import Document
from .lease import take_first
from .sealed_columns import SealedDict

DUE, DONE, FAILED = "due", "done", "failed"
RETURN = "return"
"""The kind whose `detail["pieces"]` are the pieces of each line, by ref, that came back without money."""
ALARM_NOTICES = 1000
"""Where the numbers of the e-mails about alarms begin; those below are of the attempts."""
STOCK_KINDS = ("stock", RETURN)
"""Kinds that move stock at the provider."""


class FollowUp(db.Model):  # type: ignore[name-defined,misc]
    """One follow-up; `kind` is an open list (attach, email, notice, stock ...), `number` tells repeats apart."""

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("document_id", "kind", "number"),
        Index("ix_follow_up_turn", "state", "store_id", "not_before"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"), index=True)
    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("document.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    number: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(8), default=DUE)
    tries: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("follow_up.detail"), default=dict)
    """The values that the work needs."""
    takes: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often in a row a worker took it and did not end it: the work killed the worker."""
    owed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    document: Mapped[Document] = relationship()

    @classmethod
    def enqueue(cls, document: Document, kind: str, number: int = 1, **detail: Any) -> None:
        """Enqueue the follow-up now, unless it was enqueued before. Not committed."""
        db.session.execute(
            insert_into(cls)
            .values(
                store_id=document.store_id, document_id=document.id, kind=kind, number=number, state=DUE, tries=0,
                reason="", detail=detail, not_before=db_now(), owed_at=db_now(),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip

    @classmethod
    def enqueue_again(cls, document: Document, kind: str, first: int = 1, **detail: Any) -> None:
        """Enqueue one more follow-up of this kind, numbered from `first` on. Not committed."""
        last = select(func.max(cls.number)).where(cls.document_id == document.id, cls.kind == kind)
        cls.enqueue(document, kind, max((db.session.scalar(last) or 0) + 1, first), **detail)

    @classmethod
    def notify_of_alarm(cls, document: Document) -> None:
        """Enqueue the e-mail that tells the merchant of an alarm just raised. Not committed."""
        cls.enqueue_again(document, "notice", ALARM_NOTICES)

    @classmethod
    def drop_delivery(cls, document: Document) -> None:
        """Delete what would still show the document to the buyer. Not committed."""
        kinds = ("attach", "history", "email")
        due = delete(cls).where(cls.document_id == document.id, cls.state == DUE, cls.kind.in_(kinds))
        db.session.execute(due)

    @classmethod
    def enqueue_or_restart(cls, document: Document, kind: str) -> None:
        """Enqueue the follow-up now, also when it was done before or is being done. Not committed."""
        restarted: dict[str, Any] = {"state": DUE, "reason": "", "not_before": db_now(), "owed_at": db_now()}
        new = insert_into(cls).values(
            store_id=document.store_id,
            document_id=document.id,
            kind=kind,
            number=1,
            tries=0,
            detail={},
            **restarted,
        )
        # tries + 1: a worker that is doing it now can no longer end it
        doing = {**restarted, "tries": cls.tries + 1, "ended_at": None}
        db.session.execute(
            new.on_conflict_do_update(index_elements=["document_id", "kind", "number"], set_=doing)
        )

    @classmethod
    def restart(cls, document: Document, kind: str) -> None:
        """Enqueue the follow-up again if it ever was enqueued. Not committed."""
        mine = update(cls).where(cls.document_id == document.id, cls.kind == kind)
        execute_update(
            mine.values(state=DUE, tries=cls.tries + 1, not_before=db_now(), owed_at=db_now(), ended_at=None)
        )

    @classmethod
    def take(cls, seconds: float = 60, after_store_id: int = 0) -> FollowUp | None:
        """Lease a due follow-up of the next store after `after_store_id`; None when nothing is due. Commits."""
        found = take_first(_due(), "not_before", seconds, "tries", "takes", params={"after": after_store_id})
        return found if found is not None or not after_store_id else cls.take(seconds)

    def end(self, state: str, reason: str = "", delay: float = 0, **detail: Any) -> None:
        """Record that the follow-up is done, failed, or due again after some seconds. Commits."""
        # releases before migration 0006 counted the takes in here
        known = {name: value for name, value in self.detail.items() if name != "takes"}
        execute_update(
            update(FollowUp)
            .where(FollowUp.id == self.id, FollowUp.tries == self.tries)
            .values(
                state=state,
                takes=0,
                reason=reason,
                detail={**known, **detail},
                not_before=db_now(delay),
                ended_at=None if state == DUE else db_now(),
            )
        )
        db.session.commit()

    def is_after_another(self, kinds: Sequence[str]) -> bool:
        """Return whether a worker took another follow-up of these kinds, of the same order, before this one."""
        mine = select(Document.order_id).where(Document.id == self.document_id).scalar_subquery()
        other = (
            select(FollowUp.id)
            .join(Document, Document.id == FollowUp.document_id)
            .where(Document.store_id == self.store_id, Document.order_id == mine, FollowUp.kind.in_(kinds))
            .where(FollowUp.state == DUE, FollowUp.takes > 0, FollowUp.id != self.id)
            .where(FollowUp.not_before > db_now(), FollowUp.not_before <= self.not_before)
        )
        return db.session.scalar(other.limit(1)) is not None

    @classmethod
    def any_due(cls) -> bool:
        """Return whether a follow-up could be taken now."""
        return bool(
            db.session.scalar(select(cls.id).where(cls.state == DUE, cls.not_before <= db_now()).limit(1))
        )


@cached_statement
def _due() -> Select[FollowUp]:
    """Select the follow-ups that are due of the stores after the one bound to "after", by store."""
    after = FollowUp.store_id > bindparam("after", type_=BigId)
    due = select(FollowUp).where(FollowUp.state == DUE, FollowUp.not_before <= db_now(), after)
    return due.order_by(FollowUp.store_id, FollowUp.not_before, FollowUp.id)
