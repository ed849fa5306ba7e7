"""Articles: which record of the provider stands for a SKU, per account.

A row is `absent` only when the provider was asked and said so; a lookup that failed leaves the row as it was. The
answer of a lookup is stored only when nobody wrote the row since it was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from .base import BigId, UtcDateTime, db, db_now, execute_update, insert_into
from .sealed_columns import SealedDict

FOUND, MADE, BOUND, ABSENT, MAKING, REFUSED = "found", "made", "bound", "absent", "making", "refused"
USABLE = (FOUND, MADE, BOUND)
MAX_CODE_LENGTH = 80
MAX_SKU_LENGTH = MAX_NAME_LENGTH = 200


class Article(db.Model):  # type: ignore[name-defined,misc]
    """One SKU at one account; `state` is found, made (by us), bound (by the merchant), absent, making or refused."""

    __tablename__ = "article"
    __table_args__ = (UniqueConstraint("account_id", "sku"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"))
    sku: Mapped[str] = mapped_column(String(MAX_SKU_LENGTH))
    state: Mapped[str] = mapped_column(String(8))
    article_id: Mapped[str] = mapped_column(String(80), default="")
    """The provider's own id, which stays when the article is renamed."""
    code: Mapped[str] = mapped_column(String(MAX_CODE_LENGTH), default="")
    """Its reference at the provider, which a document's line names."""
    name: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH), default="")
    goods: Mapped[bool] = mapped_column(default=True)
    """Whether it keeps stock."""
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the provider last answered for it; empty means that it is looked up before it is used again."""
    making_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """While it is being created: the end of the creator's lease, by which the call is over."""
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its creation was last sent."""
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("article.detail"), default=dict)
    """The facts of `reason`; of one that is absent or being created also `sent`: how often its creation was sent
    without an answer."""

    @classmethod
    def find_by_sku(cls, account_id: int, skus: Iterable[str]) -> dict[str, Article]:
        """Return the rows of these SKUs as they are now, by SKU."""
        mine = select(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        rows = db.session.scalars(mine.execution_options(populate_existing=True))
        return {row.sku: row for row in rows}

    @classmethod
    def record(cls, account_id: int, sku: str, state: str, **known: Any) -> None:
        """Store what is known of the SKU, as of now. Not committed."""
        values = _values(state, known)
        new = insert_into(cls).values(account_id=account_id, sku=sku, **values)
        db.session.execute(new.on_conflict_do_update(index_elements=["account_id", "sku"], set_=values))

    @classmethod
    def record_if_unchanged(
        cls, account_id: int, sku: str, former: Article | None, state: str, **known: Any
    ) -> bool:
        """Store what a lookup found, if the row is still as `former` was read. Not committed.

        Return False when it was written since: the answer may be older than an article that was just created.
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
        """Let this caller alone create the SKU's article for these seconds. Commits.

        `sent` counts how often the creation was sent, this time included. Return the moment of the claim, or None when
        somebody else has it.
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
        """End that claim with a state, `making` when the outcome is unknown. Commits.

        Return False when it is not the last claim.
        """
        mine = update(cls).where(
            cls.account_id == account_id, cls.sku == sku, cls.state == MAKING, cls.made_at == claimed
        )
        making_until = db_now() if state == MAKING else None
        ended = execute_update(mine.values(**{"state": state, "making_until": making_until, **values}))
        db.session.commit()
        return ended > 0

    @classmethod
    def record_not_created(cls, account_id: int, sku: str, reason: str, detail: dict[str, Any]) -> None:
        """Store why the SKU's article was not created, if the SKU has none. Not committed."""
        mine = select(cls).where(cls.account_id == account_id, cls.sku == sku, cls.state == ABSENT)
        row = db.session.scalar(mine.with_for_update().execution_options(populate_existing=True))
        if row is not None:
            row.reason, row.detail = reason, {**row.detail, **detail}

    @classmethod
    def invalidate(cls, account_id: int, skus: Iterable[str]) -> None:
        """Have these SKUs looked up again before they are used. Not committed."""
        mine = update(cls).where(cls.account_id == account_id, cls.sku.in_(list(skus)))
        execute_update(mine.values(looked_at=None))

    @classmethod
    def unlink(cls, account_id: int, sku: str) -> None:
        """Forget the article that the merchant chose for the SKU. Not committed."""
        chosen = delete(cls).where(cls.account_id == account_id, cls.sku == sku, cls.state == BOUND)
        execute_update(chosen)


def _values(state: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return the values of all columns about a SKU's article, blank where nothing is given."""
    blank: dict[str, Any] = {
        "article_id": "", "code": "", "name": "", "goods": True, "reason": "", "detail": {},
    }  # fmt: skip
    return {**blank, **known, "state": state, "looked_at": db_now(), "making_until": None}
