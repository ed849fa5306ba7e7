"""Short-lived, one-use secrets of install and session: OAuth state, entry token, entry code.

Only the hash of a secret is kept. Used by `web/install` and `web/session`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import Moment, Row, SealedJson, db, insert_into, moment, now

HOLD = "hold"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Ticket(Row):
    """One secret that may be used once, until `expires_at`, by whoever also holds `bound` when that is set."""

    __tablename__ = "ticket"

    kind: Mapped[str] = mapped_column(String(10))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    bound_hash: Mapped[str] = mapped_column(String(64), default="")
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Moment)

    content = SealedJson()

    @classmethod
    def issue(cls, kind: str, secret: str, seconds: float, content: Any, bound: str = "") -> Ticket:
        """The new ticket for a secret that the caller made; committed."""
        ticket = cls(kind=kind, secret_hash=_hash(secret), bound_hash=_hash(bound) if bound else "")
        ticket.content = content
        ticket.expires_at = datetime.fromtimestamp(now().timestamp() + seconds, now().tzinfo)
        db.session.add(ticket)
        db.session.commit()
        return ticket

    @classmethod
    def use(cls, kind: str, secret: str, bound: str = "") -> Any:
        """What the ticket carries, or None when it is unknown, used, expired or bound to another; commits."""
        used = db.session.execute(
            update(cls)
            .where(
                cls.kind == kind,
                cls.secret_hash == _hash(secret),
                cls.bound_hash == (_hash(bound) if bound else ""),
                cls.used_at.is_(None),
                cls.expires_at > moment(),
            )
            .values(used_at=moment())
        )
        db.session.commit()
        if not used.rowcount:  # type: ignore[attr-defined]
            return None
        ticket = db.session.scalars(select(cls).where(cls.secret_hash == _hash(secret))).one()
        return ticket.content

    @classmethod
    def sweep(cls) -> None:
        """Nothing; removes tickets that expired a day ago. The caller commits."""
        db.session.execute(delete(cls).where(cls.expires_at < moment(-86400)))


class Pulse(db.Model):  # type: ignore[name-defined,misc]
    """When something that must go on beating last did: `clock`, `worker`; and the canary of the sealing keys.

    While there is one named `hold`, nothing is issued.
    """

    __tablename__ = "pulse"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    beat_at: Mapped[datetime] = mapped_column(Moment)
    note: Mapped[str] = mapped_column(String(400), default="")

    @classmethod
    def held(cls) -> ColumnElement[bool]:
        """True while an operator holds all issuing."""
        return select(cls.name).where(cls.name == HOLD).exists()

    @classmethod
    def due(cls, name: str, every: float) -> bool:
        """True when the thing did not beat for so many seconds; it does now. Commits."""
        row = db.session.get(cls, name, populate_existing=True)
        late = row is None or (now() - row.beat_at).total_seconds() >= every
        if late:
            cls.beat(name)
        db.session.commit()
        return late

    def told(self) -> dict[str, Any]:
        """What was noted at the last beat."""
        found: dict[str, Any] = json.loads(self.note or "{}")
        return found

    @classmethod
    def beat(cls, name: str, **note: Any) -> None:
        """Nothing; this thing is alive now. Committed."""
        values = {"beat_at": moment(), "note": json.dumps(note)}
        row = insert_into(cls).values(name=name, **values)
        db.session.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
        db.session.commit()
