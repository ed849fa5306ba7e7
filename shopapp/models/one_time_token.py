"""One-time tokens: short-lived secrets of install and session, of which only a hash is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import SealedJson, UidModel, UtcDateTime, db, db_now, execute_update, now, stored_hash


class OneTimeToken(UidModel):
    """A secret that may be used once, until `expires_at`, and only together with `bound` when that is set."""

    __tablename__ = "ticket"

    kind: Mapped[str] = mapped_column(String(10))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    bound_hash: Mapped[str] = mapped_column(String(64), default="")
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    content = SealedJson()

    @classmethod
    def create(cls, kind: str, secret: str, seconds: float, content: Any, bound: str = "") -> OneTimeToken:
        """Create the token of a secret that the caller made. Commits."""
        ticket = cls(
            kind=kind, secret_hash=stored_hash(secret), bound_hash=stored_hash(bound) if bound else ""
        )
        ticket.content = content
        ticket.expires_at = datetime.fromtimestamp(now().timestamp() + seconds, now().tzinfo)
        db.session.add(ticket)
        db.session.commit()
        return ticket

    @classmethod
    def redeem(cls, kind: str, secret: str, bound: str = "") -> Any:
        """Use the token; return its content, or None when it is unknown, used, expired or bound to another. Commits."""
        used = execute_update(
            update(cls)
            .where(
                cls.kind == kind,
                cls.secret_hash == stored_hash(secret),
                cls.bound_hash == (stored_hash(bound) if bound else ""),
                cls.used_at.is_(None),
                cls.expires_at > db_now(),
            )
            .values(used_at=db_now())
        )
        db.session.commit()
        if not used:
            return None
        ticket = db.session.scalars(select(cls).where(cls.secret_hash == stored_hash(secret))).one()
        return ticket.content

    @classmethod
    def delete_expired(cls) -> None:
        """Delete tokens that expired more than a day ago. Not committed."""
        execute_update(delete(cls).where(cls.expires_at < db_now(-86400)))
