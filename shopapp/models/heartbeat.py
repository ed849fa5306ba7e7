"""Heartbeats: when a regular task last ran, and whether issuing is on hold."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, select
from sqlalchemy.orm import Mapped, mapped_column

from .base import UtcDateTime, db, db_now, insert_into, now

ISSUING_HOLD = "hold"


class Heartbeat(db.Model):  # type: ignore[name-defined,misc]
    """When something that must run regularly last ran, such as `clock`.

    While there is a row named `hold`, nothing is issued.
    """

    __tablename__ = "pulse"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(String(400), default="")

    @classmethod
    def issuing_on_hold(cls) -> ColumnElement[bool]:
        """Return the condition that an operator has put all issuing on hold."""
        return select(cls.name).where(cls.name == ISSUING_HOLD).exists()

    @classmethod
    def beat_if_due(cls, name: str, every: float) -> bool:
        """Record a beat and return True, when the last one is at least that many seconds old. Commits."""
        row = db.session.get(cls, name, populate_existing=True)
        late = row is None or (now() - row.beat_at).total_seconds() >= every
        if late:
            cls.beat(name)
        db.session.commit()
        return late

    def read_note(self) -> dict[str, Any]:
        """Return what was noted at the last beat."""
        found: dict[str, Any] = json.loads(self.note or "{}")
        return found

    @classmethod
    def beat(cls, name: str, **note: Any) -> None:
        """Record that the task of that name runs now. Commits."""
        values = {"beat_at": db_now(), "note": json.dumps(note)}
        row = insert_into(cls).values(name=name, **values)
        db.session.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
        db.session.commit()
