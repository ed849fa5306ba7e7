"""What comes of a document's figures once the provider has stated them: an alarm, a stopped account, or a proof.

Sends nothing and commits nothing. `fiscal.comparison` finds the differences; `models.first_document` keeps what an
account has proved.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import select

from shopapp.fiscal.comparison import (
    DIFFERENCES,
    HARMLESS_READINGS,
    MONEY_DIFFERENCES,
    Comparison,
    compare,
)
from shopapp.fiscal.document import Draft, Issued
from shopapp.models import Account, Document, FollowUp, db, first_document, now
from shopapp.models.document import ISSUED

log = logging.getLogger(__name__)


def alarm_of(document: Document, comparison: Comparison) -> tuple[str, dict[str, Any]]:
    """Return the alarm for the gravest difference, with its detail; empty where none needs a look."""
    worst = comparison.gravest
    is_known = comparison.reading in HARMLESS_READINGS and _is_accepted(document, comparison)
    if worst is None or is_known:
        return "", {}
    names = ("ours", "theirs") if worst.code in MONEY_DIFFERENCES else ("sent", "printed")
    return worst.code, dict(zip(names, (worst.ours or "—", worst.theirs or "—"), strict=True))


def _is_accepted(document: Document, comparison: Comparison) -> bool:
    """Return whether the merchant has declared this reading of our figures right."""
    known = db.session.scalar(select(Account.accepted_readings).where(Account.id == document.account_id))
    return comparison.reading in (known or ())


def record(document: Document, draft: Draft) -> None:
    """Record what the figures of a document just issued prove; stop its account when they differ."""
    comparison = document.comparison
    if first_document.record_figures(document, draft, comparison, _is_accepted(document, comparison)):
        log.error("account %s stops: %s of document %s", document.account_id, document.alarm, document.id)
    if document.alarm in DIFFERENCES:
        FollowUp.notify_of_alarm(document)


def compare_again(document: Document, issued: Issued) -> None:
    """Compare figures that the provider states later than its answer; raise the alarm for a new difference, once."""
    draft = document.draft
    if draft is None or issued.total is None:
        return
    comparison = compare(draft, issued)
    alarm, detail = alarm_of(document, comparison)
    if not alarm or comparison.differences == document.comparison.differences:
        return
    document.compared, document.changed_at = comparison.to_json(), now()
    document.provider_total, document.provider_vat = issued.storable_total, issued.storable_vat
    document.alarm, document.alarm_detail = alarm, detail
    document.log_transition(ISSUED, ISSUED, alarm, detail)
    FollowUp.drop_delivery(document)
    db.session.flush()
    record(document, draft)
