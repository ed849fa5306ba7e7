"""Protections that can be removed, each with a case that must then fail.

Otherwise the kill points would prove nothing. Applied in a child, after the fork, so that no other case is
affected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from shopapp.connections import send_window
from shopapp.documents import issue, outcome, recover
from shopapp.errors import UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import maintenance
from shopapp.models import Document, document_queue
from shopapp.models.document import IN_DOUBT
from shopapp.providers.base import IssueGuarantee, Provider


def _no_settle(app: Flask) -> None:
    """Send a document again at once when it is not found."""
    app.config.update(SETTLE_SECONDS=-1.0, LOOKUP_SECONDS=0.0)


def _late_send(app: Flask) -> None:
    """Send although the worker was stopped before the call."""
    send_window.SEND_WITHIN_SECONDS = 1e9


def _retry_post(app: Flask) -> None:
    """Treat an unknown outcome as "not issued"."""

    def again(provider: Provider, document: Document, draft: Draft) -> Issued:
        try:
            return provider.issue(draft, document.reference)
        except UncertainError:
            return provider.issue(draft, document.reference)

    vars(issue)["_send_directly"] = again


def _redraft(app: Flask) -> None:
    """Forget a recorded draft and finalise another one."""

    def redraft(provider: Provider, document: Document, draft: Draft) -> None:
        outcome.commit_transition(document, "pending", "redraft", draft_id=None)

    recover._RECOVERIES[IssueGuarantee.DRAFT_FIRST] = redraft


def _lease_ignored(app: Flask) -> None:
    """Make a dead worker's document due again without looking it up."""

    def expired() -> int:
        for document in document_queue.expired_leases():
            document.transition("pending")
        return 0

    def doubt(document: Document, code: str, detail: dict[str, Any]) -> None:
        document.transition(IN_DOUBT, code, detail)
        outcome.commit_transition(document, "pending")

    vars(outcome)["mark_uncertain"] = doubt
    vars(maintenance)["expire_leases"] = expired


SABOTAGES: dict[str, tuple[Callable[[Flask], None], str]] = {
    "no-settle": (_no_settle, "after_settle raise late by_search"),
    "late-send": (_late_send, "before_send stop ok by_person"),
    "retry-post": (_retry_post, "after_settle raise 500-after by_search"),
    "redraft": (_redraft, "after_settle raise drop-after by_draft"),
    "lease-ignored": (_lease_ignored, "after_send kill ok by_person"),
}
"""By name: the function that removes the protection, and the words of a case that must then fail."""
