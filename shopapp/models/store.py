"""One merchant's shop on a platform: who it is, its tokens, and the time in which it authorises us.

Written by install, by the token refresh and by the clock; a second install refreshes the row, never adds one.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import Moment, Row, Sealed, db, moment, now

SEVERAL = 3
INSTALLED, REAUTHORISE, UNINSTALLED = "installed", "reauthorise", "uninstalled"


class Store(Row):
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
    email: Mapped[str] = mapped_column(String(200), default="")
    url: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(12), default=INSTALLED)
    installation: Mapped[int] = mapped_column(default=1)
    """Counts the installs; a session names it, so that sessions end with the installation."""
    installed_at: Mapped[datetime] = mapped_column(Moment)
    uninstalled_at: Mapped[datetime | None] = mapped_column(Moment)
    lost_at: Mapped[datetime | None] = mapped_column(Moment)
    """Since when its tokens are refused, while `reauthorise`."""
    ready_at: Mapped[datetime | None] = mapped_column(Moment)
    """Nothing paid before this instant is ever issued by itself."""

    hook_key: Mapped[str] = mapped_column(String(43), unique=True)
    """The unguessable end of this store's hook address."""
    hooks_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    hooks_token_read_at: Mapped[datetime | None] = mapped_column(Moment)
    access_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_expires_at: Mapped[datetime | None] = mapped_column(Moment)
    token_lease_until: Mapped[datetime | None] = mapped_column(Moment)

    hooks_checked_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    hooks_lease_until: Mapped[datetime | None] = mapped_column(Moment)
    hooks_problem: Mapped[str] = mapped_column(String(40), default="")
    """What was last found wrong with its hooks and mended: missing, paused, doubled, foreign, silent."""
    hooks_problem_at: Mapped[datetime | None] = mapped_column(Moment)
    unheard: Mapped[int] = mapped_column(default=0, server_default="0")
    """Paid orders that no hook announced, found since the last hook came."""
    unheard_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    refused_hooks: Mapped[int] = mapped_column(default=0)
    reconciled_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    combed_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the last thirty days were last compared, and not just the newest orders."""
    reconcile_lease_until: Mapped[datetime | None] = mapped_column(Moment)
    stock_lease_until: Mapped[datetime | None] = mapped_column(Moment)
    """Until when one worker alone is at its products and stock: then its pace holds."""
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a document of this store was last taken: the one that waited longest goes next."""

    hooks_token = Sealed()
    access_token = Sealed()
    refresh_token = Sealed()

    @classmethod
    def find(cls, platform: str, code: str) -> Store | None:
        """The store of that platform and code, if we ever met it."""
        return db.session.scalar(select(cls).where(cls.platform == platform, cls.code == code))

    @classmethod
    def by_hook_key(cls, key: str) -> Store | None:
        """The store whose hook address ends in `key`."""
        return db.session.scalar(select(cls).where(cls.hook_key == key))

    @classmethod
    def installed(cls, platform: str, code: str, **known: Any) -> Store:
        """The one row of this shop, new or refreshed, marked installed; the caller sets tokens and commits."""
        store = cls.find(platform, code)
        if store is None:
            store = cls(platform=platform, code=code, hook_key=secrets.token_urlsafe(32), installed_at=now())
            db.session.add(store)
        else:
            # this browser's session may have read the row before a worker moved it
            db.session.refresh(store, with_for_update=True)
            if store.state != INSTALLED:
                if store.state == UNINSTALLED:
                    # its keys are gone: set-up begins again, and nothing is issued by itself before it ends
                    store.ready_at = None
                store.installation += 1
                store.installed_at = now()
                store.uninstalled_at = store.lost_at = None
        for name, value in known.items():
            setattr(store, name, value)
        store.state = INSTALLED
        # at once, whoever was at it with the grant of before
        store.hooks_checked_at = store.hooks_lease_until = None
        return store

    def keep_tokens(self, access: str, refresh: str | None, expires_in: float) -> None:
        """Nothing; seals a new pair of tokens. A missing refresh token keeps the old one."""
        self.access_token = access
        if refresh:
            self.refresh_token = refresh
        self.token_expires_at = now() + timedelta(seconds=expires_in)
        self.token_lease_until = None

    def must_authorise(self, refused: bytes | None) -> None:
        """Nothing; the grant of that (sealed) token is gone, unless the store has another one by now. Commits."""
        db.session.execute(
            update(Store)
            .where(Store.id == self.id, Store.access_token_sealed == refused)
            .values(state=REAUTHORISE, lost_at=func.coalesce(Store.lost_at, moment()))
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
        db.session.refresh(self)
        db.session.commit()

    @classmethod
    def refuse_hook(cls, store_id: int) -> None:
        """Nothing; one more hook of this store had a wrong signature: the clock reads its token again. Commits."""
        db.session.execute(update(cls).where(cls.id == store_id).values(refused_hooks=cls.refused_hooks + 1))
        db.session.commit()

    def lease(self, column: str, seconds: float) -> bool:
        """True when this caller alone may do the named thing (token, hooks, reconcile) for these seconds; commits."""
        field = getattr(Store, column + "_lease_until")
        taken = db.session.execute(
            update(Store)
            .where(Store.id == self.id, or_(field.is_(None), field < moment()))
            .values({column + "_lease_until": moment(seconds)})
        )
        db.session.commit()
        return bool(taken.rowcount)  # type: ignore[attr-defined]

    def release(self, column: str, until: datetime | None) -> None:
        """Nothing; the lease that lasts until then is given back, unless it lapsed and is another's. Commits."""
        field = getattr(Store, column + "_lease_until")
        mine = (
            update(Store).where(Store.id == self.id, field == until).values({column + "_lease_until": None})
        )
        db.session.execute(mine)
        db.session.commit()

    @classmethod
    def due_for_hooks(cls, every: float, limit: int = 20) -> list[Store]:
        """Installed stores whose hooks were never checked, or not for `every` seconds."""
        return list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.state == INSTALLED,
                    or_(cls.hooks_checked_at.is_(None), cls.hooks_checked_at < moment(-every)),
                    or_(cls.hooks_lease_until.is_(None), cls.hooks_lease_until < moment()),
                )
                .order_by(cls.hooks_checked_at)
                .limit(limit)
            )
        )

    @classmethod
    def unheard_for(cls, seconds: float, limit: int = 20) -> list[Store]:
        """Installed stores of which paid orders were found that no hook announced: one so long ago, or several."""
        several = (cls.unheard >= SEVERAL) & (cls.unheard_at < moment(-seconds / 12))
        return list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.state == INSTALLED,
                    or_(cls.unheard_at < moment(-seconds), several),
                    or_(cls.hooks_lease_until.is_(None), cls.hooks_lease_until < moment()),
                )
                .order_by(cls.unheard_at)
                .limit(limit)
            )
        )

    @classmethod
    def due_for_reconciling(cls, every: float, limit: int = 20) -> list[Store]:
        """Installed, ready stores not compared with the platform for `every` seconds."""
        return list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.state == INSTALLED,
                    cls.ready_at.is_not(None),
                    or_(cls.reconciled_at.is_(None), cls.reconciled_at < moment(-every)),
                    or_(cls.reconcile_lease_until.is_(None), cls.reconcile_lease_until < moment()),
                )
                .order_by(func.coalesce(cls.reconciled_at, cls.installed_at))
                .limit(limit)
            )
        )
