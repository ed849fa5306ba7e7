"""Documents: what must be issued for an order, what came of it, and the transitions between its states.

Every change of state is one UPDATE that names the state and the attempt that were read: when it changes no row,
someone else was first. The unique key (store, order, cause) guarantees one document.
"""

from __future__ import annotations

import json
import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    false,
    insert,
    select,
    update,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shopapp import encryption
from shopapp.fiscal.comparison import DIFFERENCES, Comparison
from shopapp.fiscal.document import Draft

from . import buyer_marks
from . import cause as causes
from .account import Account
from .attempt import Attempt, DocumentLine, Transition
from .base import (
    BigId,
    Money,
    SealedJson,
    SealedText,
    UidModel,
    UtcDateTime,
    cached_statement,
    db,
    db_now,
    execute_update,
    insert_into,
    new_uid,
    stored_hash,
)
from .sealed_columns import Mark, SealedDict, SealedString
from .store import Store

WAITING, PENDING, ISSUING, ISSUED = "waiting", "pending", "issuing", "issued"
BLOCKED, IN_DOUBT, REVIEW, VOID = "blocked", "in_doubt", "review", "void"
STATES = (WAITING, PENDING, ISSUING, ISSUED, BLOCKED, IN_DOUBT, REVIEW, VOID)

ORDER_ALARMS = ("cancelled-after", "unpaid-after", "paid-again", "changed-after", "returned-after")
"""What can have happened to the order of an issued document (`documents.order_changes`); a full credit answers it."""
ALARMS = (*DIFFERENCES, "duplicate", "number-held", *ORDER_ALARMS, "annulled", "gone")
"""What can be wrong with an issued document."""

TRANSITIONS = {
    (WAITING, PENDING), (WAITING, VOID), (WAITING, WAITING),
    (PENDING, WAITING), (PENDING, ISSUING), (PENDING, BLOCKED), (PENDING, VOID), (PENDING, PENDING),
    (ISSUING, PENDING), (ISSUING, ISSUED), (ISSUING, BLOCKED), (ISSUING, IN_DOUBT),
    (IN_DOUBT, ISSUED), (IN_DOUBT, PENDING), (IN_DOUBT, REVIEW),
    (REVIEW, ISSUED), (REVIEW, PENDING),
    (BLOCKED, PENDING), (BLOCKED, VOID), (VOID, WAITING),
    (PENDING, REVIEW), (ISSUED, REVIEW),
}  # fmt: skip
"""Every transition that is allowed. The last two: after a restored backup the document may have been issued since; a
link to a number that the merchant wrote by mistake is taken back (`documents.hand_made_links`)."""


class Document(buyer_marks.MarkedByBuyer, UidModel):
    """One document of an order; its `cause` is one of `models.cause`."""

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
        Index("ix_document_dated", "store_id", "issued_on"),
        Index("ix_document_paid", "store_id", "paid_at"),
        Index("ix_document_link_hash", "link_hash", unique=True),
    )

    store_id: Mapped[int] = mapped_column(BigId, ForeignKey("store.id"))
    account_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("account.id"))
    """The account at which it is issued; empty until the first claim."""
    order_id: Mapped[str] = mapped_column(String(40))
    cause: Mapped[str] = mapped_column(String(20), default=causes.SALE)
    reference: Mapped[str] = mapped_column(String(60), unique=True)
    """Our reference, written into the document so that the provider can be asked for it."""
    original_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("document.id"))
    kind: Mapped[str] = mapped_column(String(2), default="")

    # the state, and when a worker may take it
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("document.detail"), default=dict)
    """The values that the message of `reason` needs."""
    alarm: Mapped[str] = mapped_column(String(30), default="")
    """One of ALARMS, only on an issued document; empty where nothing is wrong."""
    alarm_detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("document.alarm_detail"), default=dict)
    attempt: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    """Temporary failures in a row; they set the next delay."""
    takes: Mapped[int] = mapped_column(default=0)
    """Leases in a row without a transition: after MAX_TAKES the row is assumed to kill its worker."""
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the merchant asked for it: from then on neither its age nor the manual mode holds it back."""
    corrections_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_for_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    # what may have been sent
    draft_text_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    draft_hash: Mapped[str] = mapped_column(String(64), default="")
    order_digest: Mapped[str] = mapped_column(
        SealedString("document.order_digest"), default="", server_default=""
    )
    """The digest of the order that the draft was made of (`documents.order_changes`)."""
    frozen: Mapped[bool] = mapped_column(default=False)
    """An attempt with this draft may have arrived: exactly these bytes are sent again, or nothing."""
    draft_id: Mapped[str | None] = mapped_column(String(80))
    """The provider's own draft, where its guarantee is DRAFT_FIRST: the only one that is ever finalised."""
    draft_account_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("account.id", name="fk_document_draft_account")
    )
    """The account that holds `draft_id`; for a waiting order it may differ from the current one."""
    promise: Mapped[str] = mapped_column(String(10), default="")
    """The provider's guarantee of one document at the time of the claim (`providers.base.IssueGuarantee`)."""
    doubted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # what the provider made of it
    provider_id: Mapped[str] = mapped_column(String(80), default="")
    number: Mapped[str | None] = mapped_column(String(60))
    series: Mapped[str] = mapped_column(String(40), default="")
    atcud: Mapped[str] = mapped_column(String(60), default="")
    pdf_url: Mapped[str] = mapped_column(String(500), default="")
    issued_on: Mapped[date | None] = mapped_column(Date)
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[str] = mapped_column(String(10), default="")
    """Who said that the document exists: provider, search or merchant."""
    net: Mapped[Decimal | None] = mapped_column(Money)
    vat: Mapped[Decimal | None] = mapped_column(Money)
    total: Mapped[Decimal | None] = mapped_column(Money)
    """The draft's total, or the order's paid total while there is no draft."""
    provider_total: Mapped[Decimal | None] = mapped_column(Money)
    provider_vat: Mapped[Decimal | None] = mapped_column(Money)
    compared: Mapped[dict[str, Any] | None] = mapped_column(SealedDict("document.compared"))
    """What the provider stated and what differs (`comparison`)."""
    is_distance_sale: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it counts towards the yearly limit of sales to consumers of other member states."""
    calls: Mapped[int] = mapped_column(default=0, server_default="0")
    """Calls to the provider that this document has cost."""
    provider_state: Mapped[str] = mapped_column(String(40), default="")
    provider_state_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    buyer_folded: Mapped[str] = mapped_column(String(200), default="")
    """The buyer's name in lower case without accents, on documents of earlier releases until `flask reseal`."""
    buyer_marks: Mapped[str] = mapped_column(Mark(), default="", server_default="")
    """Keyed hashes of the beginnings of the buyer's name, for the search (`models.buyer_marks`)."""
    tax_id_mark: Mapped[str] = mapped_column(Mark(encryption.MARK_CHARS), default="")
    """The keyed hash of the buyer's tax id, for the search."""
    buyer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    vat_check_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    link_token: Mapped[str] = mapped_column(SealedString("document.link_token"), unique=True)
    """The end of the address at which the buyer opens the PDF."""
    link_hash: Mapped[str | None] = mapped_column(String(64))
    """The hash by which the token is found."""
    link_revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    corrections = SealedJson()
    asked_for = SealedJson()
    """Of a credit note: `{"lines", "amount", "reason", "again"}` as the merchant chose them."""
    draft_text = SealedText()
    buyer = SealedJson()
    """`{"name", "tax_id", "address", "email"}` as on the document."""
    vat_check = SealedJson()
    """`{"number", "answer", "asked_at", "consultation"}`: what VIES answered, on which the document relies."""

    held_attempt = 0
    """Not a column: the attempt that belongs to this worker, whatever happened to the row since."""

    store: Mapped[Store] = relationship()
    account: Mapped[Account | None] = relationship(foreign_keys=account_id)
    lines: Mapped[list[DocumentLine]] = relationship(order_by="DocumentLine.position")
    attempts: Mapped[list[Attempt]] = relationship(order_by="Attempt.number")
    transitions: Mapped[list[Transition]] = relationship(order_by="Transition.id")

    # each of these reads one row, and as `Document.is_sale` it is the condition in SQL

    @hybrid_property
    def is_sale(self) -> bool:
        """Whether it is the document of the sale itself."""
        return self.cause == causes.SALE

    @hybrid_property
    def is_order_note(self) -> bool:
        """Whether it is the order note that is made before payment."""
        return self.cause == causes.ORDER_NOTE

    @hybrid_property
    def is_transport_guide(self) -> bool:
        """Whether it is a transport guide."""
        return self.cause == causes.TRANSPORT_GUIDE

    @hybrid_property
    def is_credit_note(self) -> bool:
        """Whether it takes back what another document charged."""
        return self.cause.startswith(causes.CREDIT + ":")

    @hybrid_property
    def is_reissue(self) -> bool:
        """Whether it invoices the sale again, after a full credit."""
        return self.cause.startswith(causes.REISSUE + ":")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The codes of what the draft warns of; empty where there is no draft."""
        return tuple(json.loads(self.draft_text)["warnings"]) if self.draft_text else ()

    @property
    def draft(self) -> Draft | None:
        """The draft that was frozen, or None."""
        return Draft.from_bytes(self.draft_text.encode()) if self.draft_text else None

    @property
    def has_pdf(self) -> bool:
        """Whether we can fetch its PDF: not that of a document of which we only know what the merchant wrote."""
        return bool(self.provider_id or self.pdf_url)

    @property
    def comparison(self) -> Comparison:
        """What the provider stated about the document, compared with its draft."""
        return Comparison.from_json(self.compared)

    @classmethod
    def create_if_absent(cls, store: Store, order_id: str, cause: str = causes.SALE, **values: Any) -> bool:
        """Create the row; return False when the order has a document of that cause already. Not committed."""
        link_token = secrets.token_hex(16)
        made = db.session.scalar(
            insert_into(cls)
            .values(
                uid=new_uid(), store_id=store.id, order_id=order_id, cause=cause,
                reference=causes.reference_for(store.id, order_id, cause), link_token=link_token,
                link_hash=stored_hash(link_token),
                created_at=db_now(), changed_at=db_now(), **{"state": PENDING, **values},
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
    def find(cls, store_id: int, order_id: str, cause: str = causes.SALE) -> Document | None:
        """Return the order's document of that cause."""
        known = {"store_id": store_id, "order_id": order_id, "cause": cause}
        return db.session.scalar(_of_cause(), known)

    @classmethod
    def current_invoice(cls, store_id: int, order_id: str) -> Document | None:
        """Return the document that invoices the order now: the last reissue, or the sale's own."""
        mine = db.session.scalars(_invoices_of_order(), {"store_id": store_id, "order_id": order_id})
        # by their causes: after a restore the rows may have been created in another order
        return max(mine, key=lambda row: causes.number_of(row.cause), default=None)

    def transition(
        self,
        state: str,
        reason: str = "",
        detail: dict[str, Any] | None = None,
        by: str = "app",
        after: float | None = None,
        **values: Any,
    ) -> bool:
        """Move to that state; return False when the row is no longer in the state and attempt read. Not committed.

        `after` sets `not_before`, in seconds from now; other values are columns to set with it. Raises ValueError for
        a transition that is not in TRANSITIONS.
        """
        old, attempt = self.state, self.attempt
        if (old, state) not in TRANSITIONS:
            raise ValueError(f"no transition from {old} to {state}")
        if (old, state) == (BLOCKED, PENDING):
            # the provider has no document of it: it is drafted again, and a sale goes to the current account
            redrafted = {"account_id": None} if self.is_sale or self.is_reissue else {}
            values = {"frozen": False, "draft_hash": "", **redrafted, **values}
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

    def log_transition(
        self, old: str, new: str, reason: str = "", detail: dict[str, Any] | None = None, by: str = "app"
    ) -> None:
        """Add a line to the document's timeline. Not committed."""
        db.session.execute(
            insert(Transition).values(
                document_id=self.id, at=db_now(), old=old, new=new, reason=reason, detail=detail or {}, by=by
            )
        )


@cached_statement
def _of_order() -> Select[Document]:
    """Select the documents of the order bound to "order_id", of the store bound to "store_id"."""
    return select(Document).where(
        Document.store_id == bindparam("store_id"), Document.order_id == bindparam("order_id")
    )


@cached_statement
def _of_cause() -> Select[Document]:
    return _of_order().where(Document.cause == bindparam("cause"))


@cached_statement
def _invoices_of_order() -> Select[Document]:
    return _of_order().where(Document.is_sale | Document.is_reissue)
