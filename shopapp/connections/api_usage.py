"""How many calls each account, and each document, cost its provider: some plans allow only so many in a month.

`connect` counts each call as it is made, in memory, as no transaction may be open then; `jobs` and `web` have the
counts written afterwards. Nothing is decided by them: what a dead process had not told yet is lost.
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
"""Whose months an allowance counts: the provider's."""

_unsaved_calls: Counter[tuple[int, int | None]] = Counter()
_lock = threading.Lock()


def call_counter(account_id: int, document_id: int | None) -> Callable[[], None]:
    """What counts one call of that account, for that document, each time it is called."""

    def count() -> None:
        with _lock:
            _unsaved_calls[account_id, document_id] += 1

    return count


def current_month() -> str:
    """This month as `2026-11`."""
    return f"{now().astimezone(MONTH_ZONE):%Y-%m}"


def flush_usage() -> None:
    """Nothing; what was counted since the last time is written. Commits; a database that is busy is told later."""
    with _lock:
        counts = dict(_unsaved_calls)
        _unsaved_calls.clear()
    if not counts:
        return
    # what a page left undone when it broke is not committed along with them
    db.session.rollback()
    try:
        this_month = current_month()
        for (account_id, document_id), calls in counts.items():
            ApiUsage.add(account_id, this_month, calls, document_id)
        db.session.commit()
    except IntegrityError:
        # an account or document that is gone: kept, they would be in the way of all that is counted from now on
        db.session.rollback()
        log.warning("calls not told: %s", counts)
    except SQLAlchemyError as error:
        db.session.rollback()
        with _lock:
            _unsaved_calls.update(counts)
        log.warning("calls not told yet: %s", type(error).__name__)
