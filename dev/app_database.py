"""Access to the app's own tables from outside: count the pending work, and let time pass.

The tables are never used to find out what happened: the stand-ins' ledgers say that.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy.pool import NullPool

LONG_AGO = "'2020-01-01 00:00:00.000000'"
"""In the form in which SQLite stores an instant, because SQLite compares instants as text."""
PENDING_WORK = (
    ("hook", "state = 'new'"), ("ordered", "state = 'unread'"), ("product", "stale_at IS NOT NULL"),
    ("run", "state = 'open'"), ("stocked", "due_at IS NOT NULL"), ("stock_change", "state = 'planned'"),
)  # fmt: skip
"""Unfinished work on products and stock, in the order in which one kind leads to the next, so that none is missed."""


class AppDatabase:
    """Read and change the tables of one local stack."""

    def __init__(self, url: str) -> None:
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    def query_value(self, question: str) -> Any:
        """Return the one value of a SELECT."""
        with self._engine.connect() as connection:
            return connection.execute(sqlalchemy.text(question)).scalar_one()

    def pending_count(self) -> int:
        """Return the amount of unfinished work on products and stock."""
        return sum(
            int(self.query_value(f"SELECT count(*) FROM {table} WHERE {what}"))
            for table, what in PENDING_WORK
        )

    def make_stock_run_due(self) -> None:
        """Make the next reading of stock due, as if minutes had passed."""
        self._execute(f"UPDATE run SET begun_at = {LONG_AGO} WHERE kind = 'stock' AND state <> 'open'")

    def expire_article_lookups(self) -> None:
        """Make every article look-up stale, as if hours had passed."""
        self._execute(f"UPDATE article SET looked_at = {LONG_AGO} WHERE looked_at IS NOT NULL")

    def _execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(sqlalchemy.text(statement))
