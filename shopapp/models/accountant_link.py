"""Links by which an accountant reads one store's reports and documents, until the merchant revokes them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, stored_hash
from .browser_session import BrowserSession
from .sealed_columns import SealedString
from .store import UNINSTALLED, Store

MAX_OPEN_LINKS = 10


class AccountantLink(db.Model):  # type: ignore[name-defined,misc]
    """One link to one installation of a store; its secret is shown once, and only a hash of it is stored."""

    __tablename__ = "accountant_link"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"), index=True)
    installation: Mapped[int]
    name: Mapped[str] = mapped_column(SealedString("accountant_link.name"))
    """Who it is for, in the merchant's words."""
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def create(cls, store: Store, name: str) -> str:
        """Create a link for that person; return the secret that its address ends with. Commits."""
        secret = secrets.token_urlsafe(32)
        db.session.add(
            cls(store_id=store.id, installation=store.installation, name=name, secret_hash=stored_hash(secret),
                created_at=db_now())
        )  # fmt: skip
        db.session.commit()
        return secret

    @classmethod
    def find(cls, secret: str) -> tuple[AccountantLink, Store] | None:
        """Return the link in force that the secret names, and its store."""
        asked = (
            select(cls, Store)
            .join(Store, (Store.id == cls.store_id) & (Store.installation == cls.installation))
            .where(
                cls.secret_hash == stored_hash(secret), cls.revoked_at.is_(None), Store.state != UNINSTALLED
            )
        )
        found = db.session.execute(asked).first()
        return (found[0], found[1]) if found else None

    @classmethod
    def list_of_store(cls, store: Store) -> Sequence[AccountantLink]:
        """Return the links of the store's installation that are in force, newest first."""
        mine = (cls.store_id == store.id, cls.installation == store.installation, cls.revoked_at.is_(None))
        return db.session.scalars(select(cls).where(*mine).order_by(cls.id.desc())).all()

    @classmethod
    def revoke(cls, store: Store, number: int) -> bool:
        """Revoke the link and end its sessions; False when it is not the store's, or no longer in force. Commits."""
        mine = update(cls).where(cls.id == number, cls.store_id == store.id, cls.revoked_at.is_(None))
        revoked = execute_update(mine.values(revoked_at=db_now())) > 0
        if revoked:
            execute_update(delete(BrowserSession).where(BrowserSession.accountant_link_id == number))
        db.session.commit()
        return revoked

    def record_use(self) -> None:
        """Record that the link was opened now. Not committed."""
        execute_update(update(AccountantLink).where(AccountantLink.id == self.id).values(used_at=db_now()))
