"""The app's own tables from outside: how much is still to be done, and time that is made to pass.

Used by the catalogue demo and the run over many products. What happened is never asked here: the stand-ins say that.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy.pool import NullPool

LONG_AGO = "'2020-01-01 00:00:00.000000'"
"""As SQLite keeps an instant: it compares them as text."""
PENDING_WORK = (
    ("hook", "state = 'new'"), ("ordered", "state = 'unread'"), ("product", "stale_at IS NOT NULL"),
    ("run", "state = 'open'"), ("stocked", "due_at IS NOT NULL"), ("stock_change", "state = 'planned'"),
)  # fmt: skip
"""Whatever of goods and stock is still to be done, in the order in which one becomes the other: none slips through."""


class AppDatabase:
    """The tables of one house."""

    def __init__(self, url: str) -> None:
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    def query_value(self, question: str) -> Any:
        """The one value that a SELECT gives."""
        with self._engine.connect() as connection:
            return connection.execute(sqlalchemy.text(question)).scalar_one()

    def pending_count(self) -> int:
        """How much is still to be done about goods and stock."""
        return sum(
            int(self.query_value(f"SELECT count(*) FROM {table} WHERE {what}"))
            for table, what in PENDING_WORK
        )

    def make_stock_run_due(self) -> None:
        """Nothing; the next reading of stock is due, as some minutes later."""
        self._execute(f"UPDATE run SET begun_at = {LONG_AGO} WHERE kind = 'stock' AND state <> 'open'")

    def expire_article_lookups(self) -> None:
        """Nothing; what is known of articles is to be asked for anew, as it is some time later."""
        self._execute(f"UPDATE article SET looked_at = {LONG_AGO} WHERE looked_at IS NOT NULL")

    def _execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(sqlalchemy.text(statement))
