"""Count the calls to providers, by account and by document: some plans allow only so many a month.

Calls are counted in memory, as no transaction may be open during one, and written afterwards: a process that dies loses
the last few. The last tenth of a plan is for issuing alone, and this is the one place that decides it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from shopapp.errors import ThrottledError
from shopapp.models import Account, ApiUsage, db, now

log = logging.getLogger(__name__)

MONTH_ZONE = ZoneInfo("Europe/Lisbon")
"""The time zone of the months that a plan counts: the provider's."""

Purpose = Literal["issuing", "comfort"]
"""Why the provider is called: to issue and to find out whether something was issued, or for anything else."""
RESERVED_PERCENT = 10
"""The last part of a month's plan that is left for issuing."""
_RETRY_SECONDS = 3600.0
"""When to ask again: the merchant may have raised the plan by then."""

_unsaved_calls: Counter[tuple[int, int | None]] = Counter()
_calls_made: Counter[int] = Counter()
"""The calls of this process by account, never reset."""
_lock = threading.Lock()


def call_counter(account: Account, purpose: Purpose, document_id: int | None = None) -> Callable[[], None]:
    """Return a function that counts one call of the account, for the document, each time it is called.

    It raises ThrottledError `plan-reserved`, and nothing is called, when the call is not for issuing and the plan's
    last tenth has begun. Calls that other processes make meanwhile are not counted until the account is opened again.
    """
    account_id, left = account.id, None
    if purpose != "issuing":
        left = _comfort_calls_left(account)
    already_made = _calls_made[account_id]

    def count() -> None:
        with _lock:
            if left is not None and _calls_made[account_id] - already_made >= left:
                raise ThrottledError("plan-reserved", retry_after=_RETRY_SECONDS)
            _calls_made[account_id] += 1
            _unsaved_calls[account_id, document_id] += 1

    return count


def _comfort_calls_left(account: Account) -> int | None:
    """Return how many calls other than for issuing the month's plan still allows; None where no plan is stated."""
    allowance = int(account.chosen.allowance or 0)
    if not allowance:
        return None
    with _lock:
        unsaved = sum(calls for (number, _), calls in _unsaved_calls.items() if number == account.id)
    used = ApiUsage.calls_in_month(account.id, current_month()) + unsaved
    return allowance * (100 - RESERVED_PERCENT) // 100 - used


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
