"""Count the calls to providers, by account and by document: some plans allow only so many a month.

Calls are counted in memory, as no transaction may be open during one, and written afterwards. Nothing is decided by
the counts, so those that a dead process had not written are lost.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from shopapp.models import ApiUsage, db, now

log = logging.getLogger(__name__)

MONTH_ZONE = ZoneInfo("Europe/Lisbon")
"""The time zone of the months that a plan counts: the provider's."""

_unsaved_calls: Counter[tuple[int, int | None]] = Counter()
_lock = threading.Lock()


def call_counter(account_id: int, document_id: int | None) -> Callable[[], None]:
    """Return a function that counts one call of the account, for the document, each time it is called."""

    def count() -> None:
        with _lock:
            _unsaved_calls[account_id, document_id] += 1

    return count


def current_month() -> str:
    """Return this month as `2026-11`."""
    return f"{now().astimezone(MONTH_ZONE):%Y-%m}"


def flush_usage() -> None:
    """Write what was counted since the last flush. Commits. While the database is busy, keep it for the next flush."""
    with _lock:
        counts = dict(_unsaved_calls)
        _unsaved_calls.clear()
    if not counts:
        return
    # what a request left uncommitted when it failed must not be committed with the counts
    db.session.rollback()
    try:
        this_month = current_month()
        for (account_id, document_id), calls in counts.items():
            ApiUsage.add(account_id, this_month, calls, document_id)
        db.session.commit()
    except IntegrityError:
        # an account or document is gone: kept, these counts would make every later flush fail
        db.session.rollback()
        log.warning("calls not written: %s", counts)
    except SQLAlchemyError as error:
        db.session.rollback()
        with _lock:
            _unsaved_calls.update(counts)
        log.warning("calls not written yet: %s", type(error).__name__)
