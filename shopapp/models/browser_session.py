"""Browser sessions: which browsers may use a store's pages, since when, and when each last did.

A cookie names its session by a secret of which only a hash is stored. A session that ended has no row, or a row that is
past its time until the clock process deletes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, and_, delete, false, not_, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, now, stored_hash
from .store import UNINSTALLED, Store

MAX_AGE_SECONDS, MAX_IDLE_SECONDS = 12 * 3600, 2 * 3600
LONG_AGE_SECONDS, LONG_IDLE_SECONDS = 30 * 86400, 14 * 86400
"""The limits of a long session, for shops from which the app cannot be opened: each log-in there takes an e-mail."""
TOUCH_SECONDS = 60
"""The last use is written at most once in this time, and known as precisely."""


class BrowserSession(db.Model):  # type: ignore[name-defined,misc]
    """One browser's session of a store and of one installation of it."""

    __tablename__ = "browser_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"), index=True)
    installation: Mapped[int]
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    accountant_link_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("accountant_link.id", name="fk_browser_session_link")
    )
    """The link that opened it: such a session reads reports and documents, and changes nothing."""
    browser: Mapped[str] = mapped_column(String(40), default="")
    """Its family and system, such as `Firefox, Windows`; empty when it names none that we know."""
    is_long: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it has the limits of a long session."""
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was last used; the last minute of use may be missing."""

    @classmethod
    def begin(
        cls, store: Store, browser: str = "", accountant_link_id: int | None = None, is_long: bool = False
    ) -> str:
        """Start a session of the store, of an accountant's link or the merchant's; return its secret. Commits."""
        secret, moment = secrets.token_urlsafe(32), now()
        db.session.add(
            cls(store_id=store.id, installation=store.installation, secret_hash=stored_hash(secret),
                browser=browser[:40], began_at=moment, used_at=moment, accountant_link_id=accountant_link_id,
                is_long=is_long)
        )  # fmt: skip
        db.session.commit()
        return secret

    @classmethod
    def find(cls, secret: str) -> tuple[int, Store, bool, bool] | None:
        """Return the session's id and store, whether its last use was recorded a minute ago or earlier, and whether it
        only reads, as an accountant's does; one query.

        None when it ended or the store left.
        """
        asked = (
            select(cls.id, Store, cls.used_at <= db_now(-TOUCH_SECONDS), cls.accountant_link_id.is_not(None))
            .join(Store, (Store.id == cls.store_id) & (Store.installation == cls.installation))
            .where(cls.secret_hash == stored_hash(secret), Store.state != UNINSTALLED, cls._is_live())
        )
        found = db.session.execute(asked).first()
        return (found[0], found[1], bool(found[2]), bool(found[3])) if found else None

    @classmethod
    def _is_live(cls) -> ColumnElement[bool]:
        return or_(
            and_(cls.began_at > db_now(-MAX_AGE_SECONDS), cls.used_at > db_now(-MAX_IDLE_SECONDS)),
            and_(
                cls.is_long,
                cls.began_at > db_now(-LONG_AGE_SECONDS),
                cls.used_at > db_now(-LONG_IDLE_SECONDS),
            ),
        )

    @classmethod
    def touch(cls, session_id: int) -> None:
        """Record that the session is used, unless that was recorded within the last minute. Commits."""
        late = update(cls).where(cls.id == session_id, cls.used_at <= db_now(-TOUCH_SECONDS))
        execute_update(late.values(used_at=db_now()))
        db.session.commit()

    @classmethod
    def list_of_store(cls, store: Store) -> Sequence[BrowserSession]:
        """Return the store's open sessions, most recently used first."""
        mine = (cls.store_id == store.id, cls.installation == store.installation, cls._is_live())
        return db.session.scalars(select(cls).where(*mine).order_by(cls.used_at.desc(), cls.id.desc())).all()

    @classmethod
    def end(cls, session_id: int) -> int:
        """End that session; return how many ended. Commits."""
        ended = execute_update(delete(cls).where(cls.id == session_id))
        db.session.commit()
        return ended

    @classmethod
    def end_of_store(cls, store_id: int, but: int = 0) -> int:
        """End the store's sessions, except the one with the id `but`; return how many. Commits."""
        ended = execute_update(delete(cls).where(cls.store_id == store_id, cls.id != but))
        db.session.commit()
        return ended

    @classmethod
    def delete_ended(cls) -> None:
        """Delete the rows of sessions that are past their time. Not committed."""
        execute_update(delete(cls).where(not_(cls._is_live())))
