"""Which article of the invoicing program a SKU is: found once and remembered, account by account.

Written by `matching`. A row says `absent` only where the program was asked and said so; a look-up that failed leaves it
as it was. What a look-up told is kept only where nobody wrote the row since it was read. Never talks to anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, insert_into

FOUND, MADE, BOUND, ABSENT, MAKING, REFUSED = "found", "made", "bound", "absent", "making", "refused"
USABLE = (FOUND, MADE, BOUND)
MAX_CODE_LENGTH = 80
MAX_SKU_LENGTH = MAX_NAME_LENGTH = 200


class Article(db.Model):  # type: ignore[name-defined,misc]
    """One SKU at one account; `state` is found, made (by us), bound (by hand), absent, making or refused."""

    __tablename__ = "article"
    __table_args__ = (UniqueConstraint("account_id", "sku"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    sku: Mapped[str] = mapped_column(String(MAX_SKU_LENGTH))
    state: Mapped[str] = mapped_column(String(8))
    article_id: Mapped[str] = mapped_column(String(80), default="")
    """The program's own id, which stays when the article is renamed."""
    code: Mapped[str] = mapped_column(String(MAX_CODE_LENGTH), default="")
    """Its reference over there: what a document's line names."""
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH), default="")
    goods: Mapped[bool] = mapped_column(default=True)
    """Whether it keeps stock."""
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the program last told of it; empty: to be looked up before it is used again."""
    making_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """While it is being made: until when whoever makes it has it alone; then his call was over at the latest."""
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was last sent to be made."""
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The facts of a refusal, or of why none was made; of one that is absent or being made also `sent`: how often it
    was sent without an answer."""

    @classmethod
    def find_by_sku(cls, account_id: int, skus: Iterable[str]) -> dict[str, Article]:
        """The rows of these SKUs, by SKU, as they are now."""
        mine = select(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        rows = db.session.scalars(mine.execution_options(populate_existing=True))
        return {row.sku: row for row in rows}

    @classmethod
    def record(cls, account_id: int, sku: str, state: str, **known: Any) -> None:
        """Nothing; the SKU is known to be so from now on, looked at this moment. Not committed."""
        values = _values(state, known)
        new = insert_into(cls).values(account_id=account_id, sku=sku, **values)
        db.session.execute(new.on_conflict_do_update(index_elements=["account_id", "sku"], set_=values))

    @classmethod
    def record_if_unchanged(
        cls, account_id: int, sku: str, former: Article | None, state: str, **known: Any
    ) -> bool:
        """True when the row, still as `former` was read, now says what the program told since. Not committed.

        False where somebody wrote it meanwhile: the answer may be older than an article that he just made.
        """
        values = _values(state, known)
        if former is None:
            new = insert_into(cls).values(account_id=account_id, sku=sku, **values)
            return db.session.scalar(new.on_conflict_do_nothing().returning(cls.id)) is not None
        unchanged = update(cls).where(
            cls.id == former.id,
            cls.state == former.state,
            cls.looked_at.is_not_distinct_from(former.looked_at),
            cls.made_at.is_not_distinct_from(former.made_at),
        )
        return execute_update(unchanged.values(**values)) > 0

    @classmethod
    def claim_creation(
        cls, account_id: int, sku: str, seconds: float, sent: int, from_states: tuple[str, ...] = (ABSENT,)
    ) -> datetime | None:
        """The claim's moment when this caller alone may make the SKU's article for these seconds, else None; commits.

        `sent` is how often it was sent by now, this time with it.
        """
        claimed: datetime | None = db.session.scalar(
            update(cls)
            .where(cls.account_id == account_id, cls.sku == sku, cls.state.in_(from_states))
            .values(
                state=MAKING, making_until=db_now(seconds), made_at=db_now(), reason="", detail={"sent": sent}
            )
            .returning(cls.made_at)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
        return claimed

    @classmethod
    def end_creation(cls, account_id: int, sku: str, claimed: datetime, state: str, **values: Any) -> bool:
        """True when that claim was still the last and came to this; `making` where nobody knows to what. Commits."""
        mine = update(cls).where(
            cls.account_id == account_id, cls.sku == sku, cls.state == MAKING, cls.made_at == claimed
        )
        making_until = db_now() if state == MAKING else None
        ended = execute_update(mine.values(**{"state": state, "making_until": making_until, **values}))
        db.session.commit()
        return ended > 0

    @classmethod
    def record_not_created(cls, account_id: int, sku: str, reason: str, detail: dict[str, Any]) -> None:
        """Nothing; of a SKU that has no article it is known why none was made. Not committed."""
        mine = select(cls).where(cls.account_id == account_id, cls.sku == sku, cls.state == ABSENT)
        row = db.session.scalar(mine.with_for_update().execution_options(populate_existing=True))
        if row is not None:
            row.reason, row.detail = reason, {**row.detail, **detail}

    @classmethod
    def invalidate(cls, account_id: int, skus: Iterable[str]) -> None:
        """Nothing; these are looked up again before they are used. Not committed."""
        mine = update(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        execute_update(mine.values(looked_at=None))

    @classmethod
    def unlink(cls, account_id: int, sku: str) -> None:
        """Nothing; what the merchant chose for the SKU is forgotten. Not committed."""
        chosen = delete(cls).where(cls.account_id == account_id, cls.sku == sku, cls.state == BOUND)
        execute_update(chosen)


def _values(state: str, known: dict[str, Any]) -> dict[str, Any]:
    """Every column that says what is known of a SKU, those not given blank."""
    blank: dict[str, Any] = {
        "article_id": "", "code": "", "name": "", "goods": True, "reason": "", "detail": {},
    }  # fmt: skip
    return {**blank, **known, "state": state, "looked_at": db_now(), "making_until": None}
