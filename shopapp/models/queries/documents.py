"""Queries on documents for the pages: lists, search, and what belongs to one document.

Every query begins with the store; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, String, and_, func, or_, select, type_coerce

from shopapp import encryption
from shopapp.models.base import db, stored_hash
from shopapp.models.buyer_marks import plain_tax_id, word_marks
from shopapp.models.document import (
    BLOCKED,
    IN_DOUBT,
    ISSUED,
    ISSUING,
    PENDING,
    REVIEW,
    VOID,
    WAITING,
    Document,
)
from shopapp.models.followup import FAILED, FollowUp
from shopapp.models.sale import Sale
from shopapp.models.store import Store
from shopapp.models.webhook import QUARANTINED, Webhook

from .paging import PAGE_SIZE, Page, read_page, search_words

TABS: dict[str, tuple[str, ...]] = {
    "espera": (BLOCKED, REVIEW),
    "por-emitir": (WAITING, PENDING, ISSUING, IN_DOUBT),
    "emitido": (ISSUED,),
    "sem-efeito": (VOID,),
}

LATE_STATES = (PENDING, ISSUING, BLOCKED, IN_DOUBT, REVIEW)
"""States in which a paid order has no document yet, and will get one."""


@dataclass(frozen=True, slots=True)
class DocumentFilters:
    """The documents that the merchant asked to see; empty means all."""

    tab: str = ""
    text: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    older_than: int = 0
    newer_than: int = 0

    @property
    def narrowed(self) -> bool:
        """Whether a filter other than the tab is set."""
        return bool(self.text or self.kind or self.since or self.until)


def find_document(store: Store, number: int) -> Document | None:
    """Return the store's own document of that id; None for another store's."""
    return db.session.scalar(select(Document).where(Document.store_id == store.id, Document.id == number))


def find_documents(store: Store, numbers: Sequence[int]) -> list[Document]:
    """Return the store's own documents of those ids, oldest first."""
    mine = (
        select(Document).where(Document.store_id == store.id, Document.id.in_(numbers)).order_by(Document.id)
    )
    return list(db.session.scalars(mine))


def list_documents(store: Store, filters: DocumentFilters, most: int = PAGE_SIZE) -> Page[Document]:
    """Return a page of the documents that match, newest first."""
    return read_page(
        select(Document).where(*_conditions(store, filters)),
        [Document.id],
        after=[filters.older_than] if filters.older_than else None,
        before=[filters.newer_than] if filters.newer_than else None,
        most=most,
        descending=True,
    )


def has_documents(store: Store) -> bool:
    """Return whether the store has a document in any state."""
    return db.session.scalar(select(Document.id).where(Document.store_id == store.id).limit(1)) is not None


def _conditions(store: Store, filters: DocumentFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Document.store_id == store.id]
    if filters.tab == "espera":
        found.append(needs_merchant())
    elif filters.tab in TABS:
        found.append(Document.state.in_(TABS[filters.tab]))
    if filters.kind:
        found.append(Document.kind == filters.kind)
    day = func.coalesce(Document.paid_at, Document.created_at)
    if filters.since:
        found.append(day >= filters.since)
    if filters.until:
        found.append(day < filters.until)
    if filters.text.strip():
        found.append(_matches_text(store, filters.text.strip()))
    return found


def needs_merchant() -> ColumnElement[bool]:
    """Return the condition that a document is blocked, in review, or issued with an alarm."""
    return or_(Document.state.in_(TABS["espera"]), Document.alarm != "")


def _matches_text(store: Store, text: str) -> ColumnElement[bool]:
    """Return the condition that the text finds a document.

    The order and the tax id must be given whole; the number and each word of the buyer's name by their beginning.
    """
    plain = plain_tax_id(text)
    number = text.lower()
    ways = [Document.order_id == text.lstrip("#").strip()]
    if any(c.isdigit() for c in text):
        ways.append(func.lower(Document.number).startswith(number, autoescape=True))
        ways.append(func.lower(Document.number).contains(f" {number}", autoescape=True))
    if len(plain) >= 8:
        ways.append(Document.tax_id_mark.in_(encryption.marks_of(plain)))
    if words := search_words(text):
        ways.append(and_(*(_buyer_word_starts(store, word) for word in words)))
    return or_(*ways)


def _buyer_word_starts(store: Store, word: str) -> ColumnElement[bool]:
    return or_(
        *(Document.buyer_marks.contains(mark) for mark in word_marks(store.id, word)),
        # documents of earlier releases
        Document.buyer_folded.startswith(word, autoescape=True),
        Document.buyer_folded.contains(f" {word}", autoescape=True),
    )


def list_needing_merchant(store: Store, most: int) -> list[Document]:
    """Return the documents that need the merchant, oldest first."""
    mine = select(Document).where(Document.store_id == store.id, needs_merchant())
    return list(db.session.scalars(mine.order_by(Document.id).limit(most)))


def count_needing_merchant(store: Store) -> int:
    """Return how many documents need the merchant."""
    mine = select(func.count()).select_from(Document).where(Document.store_id == store.id, needs_merchant())
    return db.session.scalar(mine) or 0


def waiting_for_merchant(store: Store) -> tuple[int, Decimal]:
    """Return how many paid orders wait for the merchant's click, and their sum."""
    mine = select(func.count(), func.sum(Document.total)).where(
        Document.store_id == store.id, Document.state == WAITING, Document.reason == "automatic-off"
    )
    count, total = db.session.execute(mine).one()
    return count, total or Decimal(0)


def is_late(document: Document, midnight: datetime) -> bool:
    """Return whether an order that was paid before today's midnight still has no document (CIVA art. 36 n.º 1)."""
    waits = document.state in LATE_STATES or document.reason == "automatic-off"
    is_sale = document.is_sale or document.is_reissue
    return waits and is_sale and document.paid_at is not None and document.paid_at < midnight


def count_late(store: Store, midnight: datetime) -> int:
    """Return how many documents are late as `is_late` says."""
    waits = or_(Document.state.in_(LATE_STATES), Document.reason == "automatic-off")
    mine = select(func.count()).where(
        Document.store_id == store.id,
        waits,
        Document.is_sale | Document.is_reissue,
        Document.paid_at < midnight,
    )
    return db.session.scalar(mine) or 0


def list_pending(store: Store, most: int) -> list[Document]:
    """Return the documents that will be issued without the merchant, oldest first."""
    mine = select(Document).where(Document.store_id == store.id, Document.state == PENDING)
    return list(db.session.scalars(mine.order_by(Document.id).limit(most)))


def count_pending(store: Store) -> int:
    """Return how many documents will be issued without the merchant."""
    mine = select(func.count()).where(Document.store_id == store.id, Document.state == PENDING)
    return db.session.scalar(mine) or 0


def list_blocked(store: Store, reasons: Sequence[str]) -> list[Document]:
    """Return the documents blocked for one of these reasons, oldest first."""
    mine = select(Document).where(
        Document.store_id == store.id, Document.state == BLOCKED, Document.reason.in_(reasons)
    )
    return list(db.session.scalars(mine.order_by(Document.id)))


def last_issued(store: Store) -> Document | None:
    """Return the document that was issued last."""
    mine = select(Document).where(Document.store_id == store.id, Document.state == ISSUED)
    return db.session.scalar(mine.order_by(Document.issued_at.desc()).limit(1))


def failed_follow_ups(documents: Sequence[Document]) -> dict[int, FollowUp]:
    """Return by document the follow-up that failed last."""
    rows = select(FollowUp).where(
        FollowUp.document_id.in_([d.id for d in documents]), FollowUp.state == FAILED
    )
    return {one.document_id: one for one in db.session.scalars(rows.order_by(FollowUp.id))}


def webhooks_of(document: Document) -> list[Webhook]:
    """Return what the platform posted about the document's order, oldest first."""
    mine = select(Webhook).where(Webhook.store_id == document.store_id, Webhook.order_id == document.order_id)
    return list(db.session.scalars(mine.order_by(Webhook.id)))


def follow_ups_of(document: Document) -> list[FollowUp]:
    """Return all follow-ups of the document, oldest first."""
    return list(
        db.session.scalars(select(FollowUp).where(FollowUp.document_id == document.id).order_by(FollowUp.id))
    )


def is_order_cancelled(document: Document) -> bool:
    """Return whether the order was last read as cancelled."""
    mine = select(Sale.id).where(
        Sale.store_id == document.store_id, Sale.order_id == document.order_id,
        Sale.cancelled_at.is_not(None), Sale.status == "cancelled",
    )  # fmt: skip
    return db.session.scalar(mine) is not None


def other_documents_of_order(document: Document) -> list[Document]:
    """Return the other documents of the same order, oldest first."""
    mine = select(Document).where(
        Document.store_id == document.store_id,
        Document.order_id == document.order_id,
        Document.id != document.id,
    )
    return list(db.session.scalars(mine.order_by(Document.id)))


def credit_notes_of(document: Document) -> list[Document]:
    """Return the credit notes of a document in any state, oldest first."""
    mine = select(Document).where(
        Document.store_id == document.store_id,
        Document.original_id == document.id,
        Document.is_credit_note,
    )
    return list(db.session.scalars(mine.order_by(Document.id)))


def document_numbers(store: Store, ids: Sequence[int]) -> dict[int, str]:
    """Return the number of each of the store's own documents among these."""
    mine = select(Document.id, Document.number).where(Document.store_id == store.id, Document.id.in_(ids))
    return {found: number or "" for found, number in db.session.execute(mine)} if ids else {}


def foreign_totals(documents: Sequence[Document]) -> dict[str, tuple[Decimal, str]]:
    """Return total and currency, by order, of those whose document has no total in euros yet."""
    orders = [one.order_id for one in documents if one.total is None]
    mine = select(Sale).where(Sale.order_id.in_(orders), Sale.currency.not_in(("", "EUR")))
    found = db.session.scalars(mine.where(Sale.store_id == documents[0].store_id)) if orders else ()
    return {one.order_id: (one.total, one.currency) for one in found if one.total is not None}


def last_webhook(store: Store) -> Webhook | None:
    """Return the webhook that came last."""
    return db.session.scalar(
        select(Webhook).where(Webhook.store_id == store.id).order_by(Webhook.id.desc()).limit(1)
    )


def quarantined_webhooks(store: Store, since: datetime) -> list[Webhook]:
    """Return the webhooks with a good signature that could not be read, newest first."""
    mine = select(Webhook).where(
        Webhook.store_id == store.id, Webhook.state == QUARANTINED, Webhook.received_at >= since
    )
    return list(db.session.scalars(mine.order_by(Webhook.id.desc()).limit(20)))


def find_by_link_token(token: str) -> Document | None:
    """Return the issued document that the buyer's link names, unless the link was revoked."""
    # an earlier release kept the token itself, until `flask reseal`
    is_named = or_(
        Document.link_hash == stored_hash(token), type_coerce(Document.link_token, String) == token
    )
    return db.session.scalar(
        select(Document).where(is_named, Document.link_revoked_at.is_(None), Document.state == ISSUED)
    )
