"""Requests to sign in by a link: what was asked for in which browser, and the link that went to the shop's address.

A page only records what was typed, whether such a shop exists or not; a worker looks for the shop and sends the mail.
So nobody learns from the answer, or from its time, which shops there are.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, delete, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from . import lease
from .base import BigId, UtcDateTime, db, db_now, execute_update, now, stored_hash
from .store import UNINSTALLED, Store

LINK_SECONDS = 15 * 60
"""How long a request waits for its mail, and then how long its link may be used."""
_LEASE_SECONDS = 60.0
_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE_CHARS = 24


class SignInRequest(db.Model):  # type: ignore[name-defined,misc]
    """One request; it is due until `done_at`, and has `store_id` and `secret_hash` once a link was made for it."""

    __tablename__ = "sign_in_request"
    __table_args__ = (
        Index(
            "ix_sign_in_request_due",
            "id",
            postgresql_where=text("done_at IS NULL"),
            sqlite_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    platform: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(253))
    """The shop's address as typed, without what does not identify it."""
    browser: Mapped[str] = mapped_column(String(40), default="")
    browser_hash: Mapped[str] = mapped_column(String(64))
    """Of the secret in the cookie of the browser that asked: no other one can use the link."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    store_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("store.id"), index=True)
    installation: Mapped[int | None]
    secret_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def record(cls, platform: str, address: str, browser_secret: str, browser: str) -> None:
        """Record that this browser asks for a link to that shop. Commits."""
        db.session.add(
            cls(platform=platform, address=address[:253], browser=browser[:40], asked_at=now(),
                browser_hash=stored_hash(browser_secret), expires_at=db_now(LINK_SECONDS))
        )  # fmt: skip
        db.session.commit()

    @classmethod
    def any_due(cls) -> bool:
        """Return whether a request waits for its mail."""
        return db.session.scalar(select(cls.id).where(*cls._is_due()).limit(1)) is not None

    @classmethod
    def take_next(cls) -> SignInRequest | None:
        """Lease the next request that waits for its mail; None when there is none. Commits."""
        return lease.take_first(
            select(cls).where(*cls._is_due()).order_by(cls.id), "lease_until", _LEASE_SECONDS
        )

    @classmethod
    def _is_due(cls) -> tuple[ColumnElement[bool], ...]:
        return cls.done_at.is_(None), cls.expires_at > db_now(), lease.is_free(cls.lease_until)

    @classmethod
    def count_links(cls, store_id: int, seconds: float) -> int:
        """Return how many links were made for the store in these last seconds."""
        mine = (cls.store_id == store_id, cls.asked_at > db_now(-seconds))
        return db.session.scalar(select(func.count()).where(*mine)) or 0

    def make_link(self, store: Store) -> str:
        """Return the code, of 120 bits, that signs in to the store once, for LINK_SECONDS. Commits."""
        plain = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_CHARS))
        self.store_id, self.installation, self.secret_hash = store.id, store.installation, stored_hash(plain)
        self.expires_at = db_now(LINK_SECONDS)
        db.session.commit()
        return "-".join(plain[at : at + 4] for at in range(0, _CODE_CHARS, 4))

    def end(self) -> None:
        """Record that its mail was sent, or that it gets none. Commits."""
        self.done_at = now()
        db.session.commit()

    @classmethod
    def redeem(cls, code: str, browser_secret: str) -> Store | None:
        """Use the code, or the whole link that ends with it; return the store. Commits.

        None when it is unknown, used, expired, of another browser, or of an installation that ended.
        """
        plain = "".join(c for c in code.rpartition("#")[2].upper() if c.isalnum())[:40]
        mine = (
            cls.secret_hash == stored_hash(plain),
            cls.browser_hash == stored_hash(browser_secret),
            cls.used_at.is_(None),
            cls.expires_at > db_now(),
        )
        used = execute_update(update(cls).where(*mine).values(used_at=db_now()))
        db.session.commit()
        if not used:
            return None
        return db.session.scalar(
            select(Store)
            .join(cls, (cls.store_id == Store.id) & (cls.installation == Store.installation))
            .where(cls.secret_hash == stored_hash(plain), Store.state != UNINSTALLED)
        )

    @classmethod
    def delete_old(cls) -> None:
        """Delete requests older than a day. Not committed."""
        execute_update(delete(cls).where(cls.asked_at < db_now(-86400)))
