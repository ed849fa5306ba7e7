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

from shopapp.models import Usage, db, now

log = logging.getLogger("quickinvoice.counting")

MONTHS = ZoneInfo("Europe/Lisbon")
"""Whose months an allowance counts: the provider's."""

_made: Counter[tuple[int, int | None]] = Counter()
_lock = threading.Lock()


def counter(account_id: int, document_id: int | None) -> Callable[[], None]:
    """What counts one call of that account, for that document, each time it is called."""

    def count() -> None:
        with _lock:
            _made[account_id, document_id] += 1

    return count


def month() -> str:
    """This month as `2026-11`."""
    return f"{now().astimezone(MONTHS):%Y-%m}"


def tell() -> None:
    """Nothing; what was counted since the last time is written. Commits; a database that is busy is told later."""
    with _lock:
        told = dict(_made)
        _made.clear()
    if not told:
        return
    # what a page left undone when it broke is not committed along with them
    db.session.rollback()
    try:
        this = month()
        for (account_id, document_id), calls in told.items():
            Usage.add(account_id, this, calls, document_id)
        db.session.commit()
    except IntegrityError:
        # an account or document that is gone: kept, they would be in the way of all that is counted from now on
        db.session.rollback()
        log.warning("calls not told: %s", told)
    except SQLAlchemyError as error:
        db.session.rollback()
        with _lock:
            _made.update(told)
        log.warning("calls not told yet: %s", type(error).__name__)
