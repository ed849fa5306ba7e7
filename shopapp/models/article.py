"""Which article of the invoicing program a SKU is: found once and remembered, account by account.

Written by `matching`. A row says `absent` only where the program was asked and said so; a look-up that failed leaves it
as it was. Never talks to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, Moment, db, insert_into, moment

FOUND, MADE, BOUND, ABSENT, MAKING, REFUSED = "found", "made", "bound", "absent", "making", "refused"
USABLE = (FOUND, MADE, BOUND)


class Article(db.Model):  # type: ignore[name-defined,misc]
    """One SKU at one account; `state` is found, made (by us), bound (by hand), absent, making or refused."""

    __tablename__ = "article"
    __table_args__ = (UniqueConstraint("account_id", "sku"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    sku: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(8))
    article_id: Mapped[str] = mapped_column(String(80), default="")
    """The program's own id, which stays when the article is renamed."""
    code: Mapped[str] = mapped_column(String(80), default="")
    """Its reference over there: what a document's line names."""
    name: Mapped[str] = mapped_column(String(200), default="")
    goods: Mapped[bool] = mapped_column(default=True)
    """Whether it keeps stock."""
    looked_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the program last told of it; empty: to be looked up before it is used again."""
    making_until: Mapped[datetime | None] = mapped_column(Moment)
    """While it is being made: how long whoever makes it has it alone."""
    made_at: Mapped[datetime | None] = mapped_column(Moment)
    """When it was last sent to be made."""
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    @classmethod
    def of(cls, account_id: int, skus: Iterable[str]) -> dict[str, Article]:
        """The rows of these SKUs, by SKU."""
        mine = select(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        return {row.sku: row for row in db.session.scalars(mine)}

    @classmethod
    def remember(cls, account_id: int, sku: str, state: str, **known: Any) -> None:
        """Nothing; the SKU is known to be so from now on, looked at this moment. Not committed."""
        blank: dict[str, Any] = {
            "article_id": "",
            "code": "",
            "name": "",
            "goods": True,
            "reason": "",
            "detail": {},
        }
        values = {**blank, **known, "state": state, "looked_at": moment(), "making_until": None}
        new = insert_into(cls).values(account_id=account_id, sku=sku, **values)
        db.session.execute(new.on_conflict_do_update(index_elements=["account_id", "sku"], set_=values))

    @classmethod
    def claim_making(cls, account_id: int, sku: str, seconds: float) -> bool:
        """True when this caller alone may make the SKU's article for these seconds; commits."""
        taken = db.session.execute(
            update(cls)
            .where(cls.account_id == account_id, cls.sku == sku, cls.state.in_((ABSENT, MAKING)))
            .where(or_(cls.making_until.is_(None), cls.making_until < moment()))
            .values(state=MAKING, making_until=moment(seconds), made_at=moment())
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
        return bool(taken.rowcount)  # type: ignore[attr-defined]

    @classmethod
    def doubt(cls, account_id: int, skus: Iterable[str]) -> None:
        """Nothing; these are looked up again before they are used. Not committed."""
        mine = update(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        db.session.execute(mine.values(looked_at=None).execution_options(synchronize_session=False))
