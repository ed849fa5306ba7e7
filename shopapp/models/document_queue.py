"""The queue of documents: which are due, who has one, and what the worker that has it may record.

Each function that changes a row is one compare-and-set: its WHERE names what it expects of the row. False or None
means that someone else was first.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, update

from shopapp.fiscal.document import Draft

from . import first_document
from .account import Account
from .attempt import Attempt
from .base import cached_statement, db, db_now, execute_update
from .document import IN_DOUBT, ISSUING, PENDING, VOID, WAITING, Document
from .heartbeat import Heartbeat
from .lease import is_free, take_first
from .store import INSTALLED, Store

TAKE_SECONDS = 60
CLAIM_SECONDS = 120


@cached_statement
def due_ids() -> Select[int]:
    """Select the ids of rows that a worker may take now: due, of a store and an account that can be served."""
    pinned = Account.id == Document.account_id
    current = (
        Document.account_id.is_(None)
        & (Account.store_id == Document.store_id)
        & Account.active_until.is_(None)
    )
    return (
        select(Document.id)
        .join(Store, Store.id == Document.store_id)
        .join(Account, pinned | current)
        .where(
            Document.state == PENDING,
            is_free(Document.not_before),
            is_free(Document.lease_until),
            Store.state == INSTALLED,
            Account.is_available(),
            (Account.pauses == 0) | is_free(Account.probe_until),
            first_document.may_be_taken(),
            ~Heartbeat.issuing_on_hold(),
        )
    )


@cached_statement
def uncertain_due() -> Select[Document]:
    """Select rows in doubt that are due, the longest due first, except those whose provider is known not to answer."""
    silent = select(Account.id).where(Account.id == Document.account_id, ~Account.is_available()).exists()
    return (
        select(Document)
        .where(
            Document.state == IN_DOUBT, Document.not_before <= db_now(), ~silent, ~Heartbeat.issuing_on_hold()
        )
        .order_by(Document.not_before)
    )


def any_due() -> bool:
    """Return whether some pending row could be taken now, or one in doubt looked up."""
    return any(db.session.scalar(rows.limit(1)) is not None for rows in (due_ids(), uncertain_due()))


@cached_statement
def _longest_waiting() -> Select[Any]:
    """Select and lock the document to take, with its account and that account's pauses."""
    first = due_ids().order_by(Store.taken_at.asc().nulls_first(), Document.id).limit(1)
    return first.add_columns(Account.id, Account.pauses).with_for_update(of=Document, skip_locked=True)


def take(seconds: float = TAKE_SECONDS) -> Document | None:
    """Lease a due row of the store that waited longest; None when nothing is due. Commits."""
    found, account, pauses = db.session.execute(_longest_waiting()).one_or_none() or (None, 0, 0)
    if found is None or (pauses and not Account.claim_probe(account, seconds)):
        db.session.rollback()
        return None
    mine = update(Document).where(Document.id == found)
    execute_update(mine.values(lease_until=db_now(seconds), takes=Document.takes + 1))
    row = db.session.get_one(Document, found, populate_existing=True)
    row.held_attempt = row.attempt
    execute_update(update(Store).where(Store.id == row.store_id).values(taken_at=db_now()))
    db.session.commit()
    return row


def take_uncertain(seconds: float = TAKE_SECONDS) -> Document | None:
    """Lease a row in doubt that must be looked up; None when nothing is due. Commits."""
    return take_first(uncertain_due(), "not_before", seconds, "takes")


def postpone(document: Document, seconds: float) -> None:
    """Have a row in doubt looked up again after these seconds. Commits."""
    mine = update(Document).where(Document.id == document.id, Document.state == IN_DOUBT)
    execute_update(mine.values(not_before=db_now(seconds), takes=0))
    db.session.commit()


def is_distance_sale(draft: Draft) -> bool:
    """Return whether the draft's rules decided a sale to a consumer of another member state."""
    return not {"EU1", "EU2"}.isdisjoint(draft.rules)


def claim(
    document: Document, draft: Draft, account: Account, guarantee: str = "", seconds: float = CLAIM_SECONDS
) -> int | None:
    """Freeze the draft and begin an attempt: after this the document may be sent. Commits.

    Seals the draft with its hash, pins the account and inserts the Attempt row. Return the attempt's number, or None
    when the row changed since we took it, or must wait for the figures of another document.
    """
    if reason := first_document.reason_to_wait(document, draft, account):
        db.session.rollback()
        _put_back(document, reason)
        return None
    text, number = draft.to_bytes().decode(), document.attempt + 1
    draft_id = document.draft_id if provider_draft_matches(document, draft, account) else None
    changed = execute_update(
        update(Document)
        .where(
            Document.id == document.id,
            Document.state == PENDING,
            Document.attempt == document.attempt,
            Document.lease_until == document.lease_until,
        )
        .values(
            state=ISSUING, promise=guarantee, doubted_at=None, attempt=number, account_id=account.id,
            lease_until=db_now(seconds), reason="", detail={}, draft_id=draft_id, draft_hash=draft.digest(),
            draft_text_sealed=Document.draft_text.sealed(document, text), kind=draft.kind, series=draft.series,
            net=draft.net, vat=draft.vat, total=draft.gross, not_before=None, takes=0, changed_at=db_now(),
            is_distance_sale=is_distance_sale(draft),
        )
    )  # fmt: skip
    if not changed:
        db.session.rollback()
        return None
    _begin_attempt(document, number, draft, text)
    return number


def _begin_attempt(document: Document, number: int, draft: Draft, text: str) -> None:
    attempt = Attempt(
        document_id=document.id, number=number, draft_hash=draft.digest(), text=text, started_at=db_now()
    )
    db.session.add(attempt)
    document.log_transition(PENDING, ISSUING, "", {"attempt": number})
    db.session.flush()
    db.session.refresh(document)
    document.held_attempt = number
    db.session.commit()


def _put_back(document: Document, reason: str) -> None:
    """End the lease of a row that has to wait, with the reason. Commits."""
    mine = update(Document).where(
        Document.id == document.id,
        Document.state == PENDING,
        Document.attempt == document.attempt,
        Document.lease_until == document.lease_until,
    )
    known = document.reason
    if execute_update(mine.values(lease_until=None, takes=0, reason=reason, detail={}, changed_at=db_now())):
        if reason != known:
            document.log_transition(PENDING, PENDING, reason)
        db.session.refresh(document)
    db.session.commit()


def provider_draft_matches(document: Document, draft: Draft, account: Account) -> bool:
    """Return whether the provider's draft of this row, if any, has exactly this content and is at this account."""
    at_account = document.draft_account_id in (None, account.id)
    return document.frozen or (at_account and draft.digest() == document.draft_hash)


def renew_lease(document: Document, seconds: float = CLAIM_SECONDS) -> bool:
    """Renew the lease before a further call; return False when this attempt no longer owns the row. Commits."""
    mine = update(Document).where(
        Document.id == document.id, Document.state == ISSUING, Document.attempt == document.attempt
    )
    changed = execute_update(mine.values(lease_until=db_now(seconds)))
    db.session.commit()
    return changed > 0


def expired_leases(limit: int = 50) -> list[Document]:
    """Return rows in `issuing` whose lease expired: their worker is gone."""
    expired = select(Document).where(Document.state == ISSUING, Document.lease_until < db_now())
    return list(db.session.scalars(expired.order_by(Document.id).limit(limit)))


def record_draft(document: Document, draft_id: str) -> bool:
    """Make this provider draft the one that the attempt finalises; return False when it has another. Commits."""
    changed = execute_update(
        update(Document)
        .where(
            Document.id == document.id,
            Document.attempt == document.attempt,
            Document.state != VOID,
            Document.draft_id.is_(None),
        )
        .values(draft_id=draft_id, draft_account_id=Document.account_id)
    )
    # read again only after a success: a late worker would take the next attempt for its own
    return _commit_and_refresh(document, changed > 0)


def record_waiting_draft(
    document: Document, draft: Draft, draft_id: str, account: Account, guarantee: str
) -> bool:
    """Make this the only provider draft of a waiting row. Commits.

    Return False when the row changed or another worker recorded a draft: then this one is an orphan.
    """
    changed = execute_update(
        update(Document)
        .where(
            Document.id == document.id,
            Document.state == WAITING,
            Document.attempt == document.attempt,
            Document.frozen.is_(False),
            Document.draft_id.is_(None),
            Document.draft_hash == document.draft_hash,
        )
        .values(
            draft_id=draft_id, draft_account_id=account.id, promise=guarantee, draft_hash=draft.digest(),
            draft_text_sealed=Document.draft_text.sealed(document, draft.to_bytes().decode()), kind=draft.kind,
            series=draft.series, net=draft.net, vat=draft.vat, total=draft.gross, changed_at=db_now(),
        )
    )  # fmt: skip
    return _commit_and_refresh(document, changed > 0)


def clear_provider_draft(document: Document, draft_id: str) -> bool:
    """Forget a provider draft that is gone; return False while it is being sent. Commits."""
    changed = execute_update(
        update(Document)
        .where(
            Document.id == document.id,
            Document.draft_id == draft_id,
            Document.state != ISSUING,
            Document.attempt == document.attempt,
            Document.frozen.is_(False),
        )
        .values(draft_id=None, draft_account_id=None, draft_hash="", changed_at=db_now())
    )
    return _commit_and_refresh(document, changed > 0)


def _commit_and_refresh(document: Document, changed: bool) -> bool:
    if changed:
        db.session.refresh(document)
    db.session.commit()
    return changed
