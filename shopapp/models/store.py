"""Stores: one merchant's shop on a platform, its tokens, and when it was last polled and checked.

A second install refreshes the row and never adds one.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from . import lease
from .base import SealedText, UidModel, UtcDateTime, db, db_now, execute_update, now
from .sealed_columns import SealedString

MANY_UNANNOUNCED = 3
INSTALLED, REAUTHORISE, UNINSTALLED = "installed", "reauthorise", "uninstalled"


class Store(UidModel):
    """A shop; `state` is installed, reauthorise (its tokens no longer work) or uninstalled."""

    __tablename__ = "store"
    __table_args__ = (UniqueConstraint("platform", "code"),)

    platform: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200), default="")
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    country: Mapped[str] = mapped_column(String(2), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="Europe/Lisbon")
    language: Mapped[str] = mapped_column(String(10), default="pt")
    email: Mapped[str] = mapped_column(SealedString("store.email"), default="")
    url: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(12), default=INSTALLED)
    installation: Mapped[int] = mapped_column(default=1)
    """Counts the installs; a session names it, so that sessions end with the installation."""
    installed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    uninstalled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lost_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when its tokens are refused, while `reauthorise`."""
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Nothing paid before this instant is ever issued automatically."""

    hook_key: Mapped[str] = mapped_column(String(43), unique=True)
    """The unguessable end of this store's webhook address."""
    hooks_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    hooks_token_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    access_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    hooks_checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    hooks_lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hooks_problem: Mapped[str] = mapped_column(String(40), default="")
    """What was last found wrong with its webhooks and fixed: missing, paused, doubled, foreign, silent, refused."""
    hooks_problem_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unheard: Mapped[int] = mapped_column(default=0, server_default="0")
    """Paid orders that no webhook announced, found since the last webhook came."""
    unheard_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    refused_hooks: Mapped[int] = mapped_column(default=0)
    reconciled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    combed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the orders of the last thirty days were last polled, and not only the newest."""
    reconcile_lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stock_lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when one worker alone handles its products and stock, so that the rate limit is kept."""
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a document of this store was last taken: the one that waited longest goes next."""

    hooks_token = SealedText()
    access_token = SealedText()
    refresh_token = SealedText()

    @classmethod
    def find(cls, platform: str, code: str) -> Store | None:
        """Return the store of that platform and code."""
        return db.session.scalar(select(cls).where(cls.platform == platform, cls.code == code))

    @classmethod
    def find_by_code(cls, code: str) -> list[Store]:
        """Return the stores with that code, one for each platform at most."""
        return list(db.session.scalars(select(cls).where(cls.code == code).order_by(cls.id)))

    @classmethod
    def find_by_address(cls, platform: str, address: str) -> Store | None:
        """Return the connected store with that code, or whose shop is at that host name; None for none or several."""
        hosts = (address, f"www.{address}")
        urls = [
            f"{scheme}://{host}{end}" for scheme in ("https", "http") for host in hosts for end in ("", "/")
        ]
        has_address = or_(func.lower(cls.code) == address, func.lower(cls.url).in_(urls))
        mine = (cls.platform == platform, cls.state != UNINSTALLED, has_address)
        found = db.session.scalars(select(cls).where(*mine).limit(3)).all()
        by_code = [store for store in found if store.code.lower() == address]
        chosen = by_code or found
        return chosen[0] if len(chosen) == 1 else None

    @classmethod
    def find_by_webhook_key(cls, key: str) -> Store | None:
        """Return the store whose webhook address ends in `key`."""
        return db.session.scalar(select(cls).where(cls.hook_key == key))

    @classmethod
    def install(cls, platform: str, code: str, **known: Any) -> Store:
        """Create or refresh the shop's row and mark it installed. The caller sets the tokens and commits."""
        store = cls.find(platform, code)
        if store is None:
            store = cls(platform=platform, code=code, hook_key=secrets.token_urlsafe(32), installed_at=now())
            db.session.add(store)
        else:
            # this session may have read the row before a worker changed it
            db.session.refresh(store, with_for_update=True)
            if store.state != INSTALLED:
                if store.state == UNINSTALLED:
                    # its keys are gone: set-up begins again, and until its end nothing is issued automatically
                    store.ready_at = None
                store.installation += 1
                store.installed_at = now()
                store.uninstalled_at = store.lost_at = None
        for name, value in known.items():
            setattr(store, name, value)
        store.state = INSTALLED
        # check the webhooks at once, even while a worker still does it with the former grant
        store.hooks_checked_at = store.hooks_lease_until = None
        return store

    def set_tokens(self, access: str, refresh: str | None, expires_in: float | None) -> None:
        """Store a new pair of tokens; a missing refresh token keeps the old one. Not committed.

        `expires_in` is in seconds; None is for a token that never expires, such as an API key.
        """
        self.access_token = access
        if refresh:
            self.refresh_token = refresh
        self.token_expires_at = None if expires_in is None else now() + timedelta(seconds=expires_in)
        self.token_lease_until = None

    def require_reauthorisation(self, refused: bytes | None) -> None:
        """Record that the platform refuses that (encrypted) token, unless the store got a new one. Commits."""
        mine = update(Store).where(Store.id == self.id, Store.access_token_sealed == refused)
        execute_update(mine.values(state=REAUTHORISE, lost_at=func.coalesce(Store.lost_at, db_now())))
        db.session.commit()
        db.session.refresh(self)
        db.session.commit()

    @classmethod
    def count_refused_webhook(cls, store_id: int) -> None:
        """Count a webhook with a wrong signature; the clock then reads the secret again. Commits."""
        execute_update(update(cls).where(cls.id == store_id).values(refused_hooks=cls.refused_hooks + 1))
        db.session.commit()

    def acquire_lease(self, column: str, seconds: float) -> bool:
        """Let this caller alone do the named task (token, hooks, reconcile, stock) for these seconds. Commits.

        Return False while somebody else does it.
        """
        return lease.acquire(self, column + "_lease_until", seconds)

    def release_lease(self, column: str, until: datetime | None) -> None:
        """Give back the task's lease, unless it expired and somebody else has taken it. Commits."""
        lease.release(self, column + "_lease_until", until)

    @classmethod
    def due_for_webhook_check(cls, every: float, limit: int = 20) -> list[Store]:
        """Return installed stores whose webhooks were not checked for `every` seconds."""
        return list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.state == INSTALLED,
                    or_(cls.hooks_checked_at.is_(None), cls.hooks_checked_at < db_now(-every)),
                    lease.is_free(cls.hooks_lease_until),
                )
                .order_by(cls.hooks_checked_at)
                .limit(limit)
            )
        )

    @classmethod
    def with_unannounced_orders(cls, seconds: float, limit: int = 20) -> list[Store]:
        """Return installed stores with paid orders that no webhook announced: one long ago, or several."""
        several = (cls.unheard >= MANY_UNANNOUNCED) & (cls.unheard_at < db_now(-seconds / 12))
        return list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.state == INSTALLED,
                    or_(cls.unheard_at < db_now(-seconds), several),
                    lease.is_free(cls.hooks_lease_until),
                )
                .order_by(cls.unheard_at)
                .limit(limit)
            )
        )

    @classmethod
    def due_for_polling(
        cls, every: float, sooner: float = 0, unheard: Collection[str] = (), limit: int = 20
    ) -> list[Store]:
        """Return installed, ready stores that were not polled for `every` seconds.

        Those of the platforms `unheard` that have no webhook token are due after `sooner` seconds.
        """
        has_none = cls.platform.in_(unheard) & cls.hooks_token_sealed.is_(None)
        return list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.state == INSTALLED,
                    cls.ready_at.is_not(None),
                    or_(
                        cls.reconciled_at.is_(None),
                        cls.reconciled_at < db_now(-every),
                        has_none & (cls.reconciled_at < db_now(-sooner)),
                    ),
                    lease.is_free(cls.reconcile_lease_until),
                )
                .order_by(func.coalesce(cls.reconciled_at, cls.installed_at))
                .limit(limit)
            )
        )
