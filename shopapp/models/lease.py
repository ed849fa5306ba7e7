"""Leases: a due row belongs to one worker alone until an instant that is stored in the row.

That instant is a column (`lease_until`, `not_before`, `due_at`, `stale_at` ...). Whoever takes the row sets it to
the future and commits before the work begins; the end of the work sets it again. Nobody renews the lease of a
worker that died: when it has expired, the row is due again. The row also counts how often in a row it was taken
without an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, update
from sqlalchemy.orm import InstrumentedAttribute

from .base import UidModel, db, db_now, execute_update

MAX_TAKES = 5
"""Leases in a row without an end, after which a row is assumed to kill its worker, by a bug of ours."""

T = TypeVar("T")


def is_free(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Return the condition that no lease in that column is running."""
    return or_(column.is_(None), column <= db_now())


def take_first(
    due: Select[T],
    column: str,
    seconds: float,
    *counters: str,
    params: Mapping[str, Any] | None = None,
) -> T | None:
    """Lease the first of these rows for some seconds and add one to its counters. Commits.

    Rows that another worker is taking at this moment are skipped. `params` are bound to the statement. Return
    None when there is none.
    """
    found: T | None = db.session.scalar(_lock_first(due), params or {})
    if found is None:
        db.session.rollback()
        return None
    setattr(found, column, db_now(seconds))
    for counter in counters:
        setattr(found, counter, getattr(type(found), counter) + 1)
    db.session.flush()
    db.session.refresh(found)
    db.session.commit()
    return found


@lru_cache(maxsize=32)
def _lock_first(due: Select[T]) -> Select[T]:
    return due.limit(1).with_for_update(skip_locked=True)


def acquire(row: UidModel, column: str, seconds: float) -> bool:
    """Take the lease that is this column of the row; return False while somebody else has it. Commits."""
    model = type(row)
    free = update(model).where(model.id == row.id, is_free(getattr(model, column)))
    taken = execute_update(free.values({column: db_now(seconds)}))
    db.session.refresh(row, [column])
    db.session.commit()
    return taken > 0


def release(row: UidModel, column: str, until: Any) -> None:
    """Give back the lease that ends at `until`, unless it expired and somebody else has taken it. Commits."""
    model = type(row)
    mine = update(model).where(model.id == row.id, getattr(model, column) == until)
    execute_update(mine.values({column: None}))
    db.session.commit()
