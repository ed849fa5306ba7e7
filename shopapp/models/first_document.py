"""The first document of an account, series and kind goes alone; the rest wait until its figures were read back.

A provider that understands our figures otherwise than we think must make one wrong document at most, not one for each
order. What an account has proved is kept in `Account.proved` (`fiscal.comparison.facts_to_prove`). A document that
would prove anything new is claimed as the account's first document, and no other such document is claimed while its
outcome is not known. Once the figures of a document differ, nothing of the account is issued until the merchant has
decided (`Account.differs_document_id`).

Nobody has to end a first document: it holds the others back only as long as its own row is being sent, in doubt, or,
while the account has proved nothing at all, in review.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import aliased

from shopapp.fiscal.comparison import Comparison, facts_to_prove
from shopapp.fiscal.document import Draft

from .account import Account, closed_readings
from .base import db, db_now, execute_update, now
from .document import IN_DOUBT, ISSUING, REVIEW, Document

WAITS_FOR_FIRST, WAITS_FOR_DECISION = "first-alone", "figures-undecided"
"""The reasons of pending documents that wait for a first document, or for the merchant's decision about figures."""


def _holds_back(first: type[Document]) -> ColumnElement[bool]:
    """Return the condition that this first document of an account holds others back."""
    # without any proof, an unreadable answer may be what every document would get: a person answers first
    unanswered = and_(first.state == REVIEW, Account.proved_at.is_(None))
    return and_(first.id == Account.first_document_id, or_(first.state.in_((ISSUING, IN_DOUBT)), unanswered))


def may_be_taken() -> ColumnElement[bool]:
    """Return the condition that a due document of the joined account need not wait for another one's figures."""
    first = aliased(Document)
    other = select(first.id).where(_holds_back(first), first.id != Document.id).exists()
    waits = other & or_(Account.proved_at.is_(None), Document.reason == WAITS_FOR_FIRST)
    return Account.differs_document_id.is_(None) & ~waits


def reason_to_wait(document: Document, draft: Draft, account: Account) -> str:
    """Return why the document may not be claimed now; '' when it may, as the first one if it would prove something.

    Locks the account's row in that case. Not committed.
    """
    row = _figures_of(account)
    if row.differs_document_id is None and facts_to_prove(draft) <= set(row.proved or ()):
        return ""
    # the lock comes first: the next statement then sees what the worker before us has committed
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    first = aliased(Document)
    others = select(first.id).where(_holds_back(first), first.id != document.id).exists()
    free = update(Account).where(Account.id == account.id, Account.differs_document_id.is_(None), ~others)
    if execute_update(free.values(first_document_id=document.id)):
        return ""
    return WAITS_FOR_FIRST if _figures_of(account).differs_document_id is None else WAITS_FOR_DECISION


def _figures_of(account: Account) -> Any:
    """Return (proved, differs_document_id) of the account as they are now."""
    return db.session.execute(
        select(Account.proved, Account.differs_document_id).where(Account.id == account.id)
    ).one()


def record_figures(document: Document, draft: Draft, comparison: Comparison, is_accepted: bool) -> bool:
    """Record what the figures of an issued document prove; return whether they stop the account. Not committed.

    What the provider does not state can't differ: such a document proves its facts too, as waiting would not bring
    an answer.
    """
    if comparison.is_systematic and not is_accepted:
        undecided = update(Account).where(
            Account.id == document.account_id, Account.differs_document_id.is_(None)
        )
        return execute_update(undecided.values(differs_document_id=document.id, differs_at=db_now())) > 0
    first = select(Account.proved).where(
        Account.id == document.account_id, Account.first_document_id == document.id
    )
    row = db.session.execute(first.with_for_update()).one_or_none()
    if row is not None:
        _prove(document, set(row.proved or ()) | facts_to_prove(draft))
    return False


def _prove(document: Document, proved: set[str]) -> None:
    execute_update(
        update(Account)
        .where(Account.id == document.account_id)
        .values(proved=sorted(proved), proved_at=func.coalesce(Account.proved_at, db_now()))
    )


def accept_figures(document: Document, draft: Draft, comparison: Comparison) -> bool:
    """End the stop: the provider's figures are right, and this reading of them is known from now on. Not committed.

    Return False when this document does not stop its account.
    """
    row = db.session.execute(
        select(Account.proved, Account.accepted_readings, Account.reading_decisions)
        .where(Account.id == document.account_id, Account.differs_document_id == document.id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return False
    accepted = set(row.accepted_readings or ()) | ({comparison.reading} - {""})
    execute_update(
        update(Account)
        .where(Account.id == document.account_id)
        .values(differs_document_id=None, differs_at=None, accepted_readings=sorted(accepted),
                reading_decisions=_with_reading(row.reading_decisions, comparison.reading, document))
    )  # fmt: skip
    _prove(document, set(row.proved or ()) | facts_to_prove(draft))
    return True


def _with_reading(decisions: list[dict[str, Any]], reading: str, document: Document) -> list[dict[str, Any]]:
    if not reading:
        return decisions
    accepted = {"reading": reading, "document": document.id, "at": now().isoformat(), "until": None}
    return [*closed_readings(decisions, reading), accepted]


_UNPROVED: dict[str, Any] = {"proved": [], "proved_at": None, "first_document_id": None}
"""What lets the account's next document go alone, to be compared."""


def take_back_reading(account_id: int, reading: str) -> bool:
    """End the acceptance of a reading: the next document goes alone, and a difference stops the account. Not committed.

    Return False when the reading is not accepted.
    """
    mine = select(Account.accepted_readings, Account.reading_decisions).where(Account.id == account_id)
    row = db.session.execute(mine.with_for_update()).one()
    if reading not in (row.accepted_readings or ()):
        return False
    execute_update(
        update(Account)
        .where(Account.id == account_id)
        .values(
            accepted_readings=[one for one in row.accepted_readings if one != reading],
            reading_decisions=closed_readings(row.reading_decisions, reading),
            **_UNPROVED,
        )
    )
    return True


def prove_again(document: Document) -> bool:
    """End the stop: the merchant has changed the provider's settings, so the next document goes alone. Not committed.

    Return False when this document does not stop its account.
    """
    mine = (Account.id == document.account_id, Account.differs_document_id == document.id)
    row = db.session.execute(select(Account.reading_decisions).where(*mine).with_for_update()).one_or_none()
    if row is None:
        return False
    values: dict[str, Any] = {
        "differs_document_id": None, "differs_at": None, "accepted_readings": [],
        "reading_decisions": closed_readings(row.reading_decisions), **_UNPROVED,
    }  # fmt: skip
    return execute_update(update(Account).where(*mine).values(**values)) > 0


def holder(account: Account) -> Document | None:
    """Return the first document for which others of the account wait, if there is one."""
    if account.first_document_id is None:
        return None
    return db.session.scalar(
        select(Document)
        .join(Account, Account.first_document_id == Document.id)
        .where(Account.id == account.id, _holds_back(Document))
    )


def first_in_review(account: Account) -> Document | None:
    """Return the first document whose unknown outcome holds back all others of the account, if there is one."""
    return db.session.scalar(
        select(Document)
        .join(Account, Account.first_document_id == Document.id)
        .where(Account.id == account.id, Document.state == REVIEW, Account.proved_at.is_(None))
    )
