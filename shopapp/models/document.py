"""A document: the duty to issue, what came of it, and every move on the way.

Moved by `issuing`, `sweeping` and the merchant's clicks, always by one conditional UPDATE that names the old state
(and the attempt, once one began): nothing changed means that someone else was first. The unique key (store, order,
cause) is the promise of one document. Never talks to anyone.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    String,
    UniqueConstraint,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shopapp.fiscal.document import Draft

from .account import Account
from .attempt import Attempt, DocumentLine, Transition
from .base import BigId, SealedJson, UidModel, UtcDateTime, db, db_now, execute_update, insert_into, new_uid
from .buyer import BuyerColumns
from .frozen import DraftColumns
from .heartbeat import Heartbeat
from .outcome import OutcomeColumns
from .states import BLOCKED, IN_DOUBT, ISSUING, PENDING, TRANSITIONS, VOID
from .store import INSTALLED, Store

TAKE_SECONDS = 60
CLAIM_SECONDS = 120


class Document(DraftColumns, BuyerColumns, OutcomeColumns, UidModel):
    """One duty; `cause` is sale, dossier, transport, credit:<n> or reissue:<n>."""

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("store_id", "order_id", "cause"),
        UniqueConstraint("account_id", "number"),
        Index("ix_document_due", "state", "not_before"),
        Index("ix_document_listed", "store_id", "id"),
        Index("ix_document_state", "store_id", "state", "id"),
        Index("ix_document_number", "store_id", "number"),
        Index("ix_document_buyer", "store_id", "tax_id_mark"),
        Index("ix_document_changed", "store_id", "changed_at"),
        Index("ix_document_issued", "store_id", "issued_at"),
    )

    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    account_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("account.id"))
    """The account that it began with; empty until the first claim."""
    order_id: Mapped[str] = mapped_column(String(40))
    cause: Mapped[str] = mapped_column(String(20), default="sale")
    reference: Mapped[str] = mapped_column(String(60), unique=True)
    """Our key, written into the document so that it can be asked for again."""
    original_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("document.id"))
    kind: Mapped[str] = mapped_column(String(2), default="")

    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The facts that the reason's sentence needs."""
    alarm: Mapped[str] = mapped_column(String(30), default="")
    """What is wrong with an issued document: total-differs, duplicate, cancelled-after, changed-after, annulled, gone.
    """
    alarm_detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    attempt: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    """Failures in a row that are no one's fault; they set the next delay."""
    takes: Mapped[int] = mapped_column(default=0)
    """Leases in a row that brought no move: five mean that this row kills its worker."""
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the merchant asked for it himself: then its age and the manual mode do not hold it."""
    corrections_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_for_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    corrections = SealedJson()
    asked_for = SealedJson()
    """Of a credit note: `{"lines", "amount", "reason", "again"}` as the merchant chose them."""

    held_attempt = 0
    """Not a column: the attempt that this worker knows as its own, whatever the row went on to."""

    store: Mapped[Store] = relationship()
    account: Mapped[Account | None] = relationship(foreign_keys=account_id)
    lines: Mapped[list[DocumentLine]] = relationship(order_by="DocumentLine.position")
    attempts: Mapped[list[Attempt]] = relationship(order_by="Attempt.number")
    transitions: Mapped[list[Transition]] = relationship(order_by="Transition.id")

    @classmethod
    def create_if_absent(cls, store: Store, order_id: str, cause: str = "sale", **values: Any) -> bool:
        """True when this call made the row; False when the duty was there already. Not committed."""
        reference = f"QI-{store.id}-{order_id}" + ("" if cause == "sale" else "-" + cause.replace(":", ""))
        made = db.session.scalar(
            insert_into(cls)
            .values(
                uid=new_uid(), store_id=store.id, order_id=order_id, cause=cause, reference=reference,
                link_token=secrets.token_hex(16), created_at=db_now(), changed_at=db_now(),
                **{"state": PENDING, **values},
            )
            .on_conflict_do_nothing()
            .returning(cls.id)
        )  # fmt: skip
        if made is None:
            return False
        row = db.session.get_one(cls, made)
        row.log_transition("", row.state, row.reason)
        return True

    @classmethod
    def find(cls, store_id: int, order_id: str, cause: str = "sale") -> Document | None:
        """The row of that duty."""
        return db.session.scalar(
            select(cls).where(cls.store_id == store_id, cls.order_id == order_id, cls.cause == cause)
        )

    @classmethod
    def sale_and_reissues(cls, store_id: int, order_id: str) -> list[Document]:
        """The documents that answer the sale itself: the first, and those issued again."""
        wanted = (cls.cause == "sale") | cls.cause.startswith("reissue:")
        return list(
            db.session.scalars(
                select(cls).where(cls.store_id == store_id, cls.order_id == order_id, wanted).order_by(cls.id)
            )
        )

    @classmethod
    def due_ids(cls) -> Select[int]:
        """The ids of rows that a worker may take now: due, of a store and an account that are well."""
        pinned = Account.id == cls.account_id
        present = (
            cls.account_id.is_(None) & (Account.store_id == cls.store_id) & Account.active_until.is_(None)
        )
        return (
            select(cls.id)
            .join(Store, Store.id == cls.store_id)
            .join(Account, pinned | present)
            .where(
                cls.state == PENDING,
                (cls.not_before.is_(None)) | (cls.not_before <= db_now()),
                (cls.lease_until.is_(None)) | (cls.lease_until < db_now()),
                Store.state == INSTALLED,
                Account.is_available(),
                (Account.pauses == 0) | Account.probe_until.is_(None) | (Account.probe_until <= db_now()),
                ~Heartbeat.issuing_on_hold(),
            )
        )

    @classmethod
    def take(cls, seconds: float = TAKE_SECONDS) -> Document | None:
        """A due row under a short lease, of the store that waited longest; commits. None when nothing is due."""
        first = cls.due_ids().order_by(Store.taken_at.asc().nulls_first(), cls.id).limit(1)
        due = first.add_columns(Account.id, Account.pauses).with_for_update(of=cls, skip_locked=True)
        found, account, pauses = db.session.execute(due).one_or_none() or (None, 0, 0)
        if found is None or (pauses and not Account.claim_probe(account, seconds)):
            db.session.rollback()
            return None
        db.session.execute(
            update(cls).where(cls.id == found).values(lease_until=db_now(seconds), takes=cls.takes + 1)
        )
        row = db.session.get_one(cls, found, populate_existing=True)
        row.held_attempt = row.attempt
        db.session.execute(update(Store).where(Store.id == row.store_id).values(taken_at=db_now()))
        db.session.commit()
        return row

    def transition(
        self,
        state: str,
        reason: str = "",
        detail: dict[str, Any] | None = None,
        by: str = "app",
        after: float | None = None,
        **values: Any,
    ) -> bool:
        """True when the row, still in the state and attempt that we read, moved; not committed.

        `after` sets not_before, in seconds from now; other values are columns to set with the move.
        """
        old, attempt = self.state, self.attempt
        if (old, state) not in TRANSITIONS:
            raise ValueError(f"no move from {old} to {state}")
        if (old, state) == (BLOCKED, PENDING):
            # no document of it exists over there: it is drafted afresh, and the present account takes it
            fresh = {"account_id": None} if self.cause == "sale" else {}
            values = {"frozen": False, "draft_hash": "", **fresh, **values}
        changed = execute_update(
            update(Document)
            .where(Document.id == self.id, Document.state == old, Document.attempt == attempt)
            .values(
                state=state, reason=reason, detail=detail or {}, lease_until=None, takes=0, changed_at=db_now(),
                not_before=None if after is None else db_now(after), **values,
            )
        )  # fmt: skip
        if not changed:
            return False
        self.log_transition(old, state, reason, detail, by)
        db.session.refresh(self)
        return True

    def claim(
        self, draft: Draft, account: Account, promise: str = "", seconds: float = CLAIM_SECONDS
    ) -> int | None:
        """The new attempt's number, or None when the row moved since we took it; commits.

        Seals the draft with its hash, pins the account, inserts the Attempt row: after this the document may be sent.
        """
        text, number = draft.to_bytes().decode(), self.attempt + 1
        kept = self.draft_id if self.provider_draft_matches(draft, account) else None
        changed = execute_update(
            update(Document)
            .where(
                Document.id == self.id,
                Document.state == PENDING,
                Document.attempt == self.attempt,
                Document.lease_until == self.lease_until,
            )
            .values(
                state=ISSUING, promise=promise, doubted_at=None, attempt=number, account_id=account.id,
                lease_until=db_now(seconds), reason="", detail={}, draft_id=kept, draft_hash=draft.digest(),
                draft_text_sealed=Document.draft_text.sealed(self, text), kind=draft.kind, series=draft.series,
                net=draft.net, vat=draft.vat, total=draft.gross, not_before=None, takes=0, changed_at=db_now(),
            )
        )  # fmt: skip
        if not changed:
            db.session.rollback()
            return None
        db.session.add(
            Attempt(
                document_id=self.id, number=number, draft_hash=draft.digest(), text=text, started_at=db_now()
            )
        )
        self.log_transition(PENDING, ISSUING, "", {"attempt": number})
        db.session.flush()
        db.session.refresh(self)
        self.held_attempt = number
        db.session.commit()
        return number

    def provider_draft_matches(self, draft: Draft, account: Account) -> bool:
        """True when the provider's draft of this row, if it has one, is of this very content and at this account."""
        here = self.draft_account_id in (None, account.id)
        return self.frozen or (here and draft.digest() == self.draft_hash)

    def renew_lease(self, seconds: float = CLAIM_SECONDS) -> bool:
        """True when this attempt still owns the row, its lease now renewed; commits. Before each further call."""
        mine = update(Document).where(
            Document.id == self.id, Document.state == ISSUING, Document.attempt == self.attempt
        )
        changed = execute_update(mine.values(lease_until=db_now(seconds)))
        db.session.commit()
        return changed > 0

    def record_draft(self, draft_id: str) -> bool:
        """True when this attempt's provider draft is now the one to finalise; False when it is not ours. Commits."""
        changed = execute_update(
            update(Document)
            .where(
                Document.id == self.id,
                Document.attempt == self.attempt,
                Document.state != VOID,
                Document.draft_id.is_(None),
            )
            .values(draft_id=draft_id, draft_account_id=Document.account_id)
        )
        if changed:  # else whoever comes late would take the next attempt for his own
            db.session.refresh(self)
        db.session.commit()
        return changed > 0

    def log_transition(
        self, old: str, new: str, reason: str = "", detail: dict[str, Any] | None = None, by: str = "app"
    ) -> None:
        """Nothing; adds a line to the document's story. Not committed."""
        db.session.execute(
            insert(Transition).values(
                document_id=self.id, at=db_now(), old=old, new=new, reason=reason, detail=detail or {}, by=by
            )
        )

    @classmethod
    def expired_leases(cls, limit: int = 50) -> list[Document]:
        """Rows in `issuing` whose lease ran out: their worker is gone."""
        return list(
            db.session.scalars(
                select(cls)
                .where(cls.state == ISSUING, cls.lease_until < db_now())
                .order_by(cls.id)
                .limit(limit)
            )
        )

    @classmethod
    def uncertain_due(cls) -> Select[Document]:
        """Rows in doubt whose time has come, and whose provider can be asked as far as is known."""
        silent = select(Account.id).where(Account.id == cls.account_id, ~Account.is_available()).exists()
        return select(cls).where(
            cls.state == IN_DOUBT, cls.not_before <= db_now(), ~silent, ~Heartbeat.issuing_on_hold()
        )

    @classmethod
    def take_uncertain(cls, seconds: float = TAKE_SECONDS) -> Document | None:
        """A row in doubt whose time to be looked up has come, put off so that one worker looks; commits."""
        due = cls.uncertain_due().order_by(cls.not_before).limit(1)
        found: Document | None = db.session.scalar(due.with_for_update(skip_locked=True))
        if found is not None:
            found.not_before = db_now(seconds)
            found.takes += 1
            db.session.flush()
            db.session.refresh(found)
        db.session.commit()
        return found

    def postpone(self, seconds: float) -> None:
        """Nothing; a row in doubt is looked up again after these seconds. Commits."""
        later = update(Document).where(Document.id == self.id, Document.state == IN_DOUBT)
        db.session.execute(later.values(not_before=db_now(seconds), takes=0))
        db.session.commit()

    @classmethod
    def any_due(cls) -> bool:
        """True when some pending row could be taken now, or a doubt looked up."""
        return any(
            db.session.scalar(rows.limit(1)) is not None for rows in (cls.due_ids(), cls.uncertain_due())
        )
