"""Answer the question that stopped a document, and take an answer back.

An answer counts for this document and later ones. Taking it back changes no document that was issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from shopapp.documents.merchant_actions import StateConflictError
from shopapp.errors import Question
from shopapp.fiscal.decisions import DECISION_KINDS
from shopapp.models import Account, Decision, Document, db
from shopapp.models.decision import MERCHANT
from shopapp.models.document import BLOCKED, PENDING


def question_of(document: Document) -> Question | None:
    """Return the question that a blocked document waits for; None when it waits for something else."""
    detail: Mapping[str, Any] = document.detail or {}
    asked = detail.get("question")
    if document.state != BLOCKED:
        return None
    if asked is None and document.reason == "tax-differs" and detail.get("cause"):
        # blocked by a version that stored no question
        return Question("tax-difference", (str(detail["cause"]),), {"follow-law": str(detail.get("vat", ""))})
    if not isinstance(asked, Mapping) or asked.get("kind") not in DECISION_KINDS:
        return None
    return Question(asked["kind"], tuple(asked["subjects"]), dict(asked["answers"]))


def answer_question(document: Document, account: Account, subject: str, answer: str) -> None:
    """Store the answer, and have the documents that asked the same drafted again. Commits.

    Raises StateConflictError when the document does not ask that now.
    """
    question = question_of(document)
    if question is None or subject not in question.subjects or not answer:
        raise StateConflictError
    if question.answers and answer not in question.answers:
        raise StateConflictError
    facts = {name: value for name, value in document.detail.items() if name != "question"}
    Decision.record(account.id, question.kind, subject, answer, MERCHANT, document.id, facts)  # type: ignore[arg-type]
    db.session.commit()
    _retry_documents_that_asked(document, subject)


def _retry_documents_that_asked(document: Document, subject: str) -> None:
    """Retry the store's documents that are blocked by a question about this subject. Commits."""
    blocked = select(Document).where(
        Document.store_id == document.store_id, Document.state == BLOCKED, Document.reason == document.reason
    )
    for other in db.session.scalars(blocked).all():
        question = question_of(other)
        if question is not None and subject in question.subjects:
            other.transition(PENDING, by="merchant", tries=0)
    db.session.commit()
