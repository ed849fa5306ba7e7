"""Our own tables read from outside: the progress of the work, and the rows that the judge compares.

Reads plain SQL, so that no code of the app is between the tables and the verdict. When the database is down
because of our own strike, it is asked again.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy.exc import OperationalError

Json = dict[str, Any]
FINAL = ("issued", "void", "waiting", "blocked", "review")
_COUNT = "SELECT state, COUNT(*) AS times FROM document WHERE cause = 'sale' GROUP BY state"
_TRANSITIONS = "SELECT document_id, at, new, reason FROM move ORDER BY id"
_WEBHOOKS = "SELECT event, order_id, SUM(copies) AS copies FROM hook GROUP BY event, order_id"
_NOTICES = "SELECT owed_at, ended_at, state FROM follow_up WHERE kind = 'notice'"
_DOCUMENTS = (
    "SELECT id, order_id, state, reason, number, total, alarm, issued_at, doubted_at FROM document"
    " WHERE cause = 'sale'"
)


class RunDatabase:
    """The tables of one stack."""

    def __init__(self, url: str) -> None:
        # The database is asked often, so the connection is kept; it is renewed when the server was killed.
        self._engine = sqlalchemy.create_engine(url, pool_pre_ping=True)
        self._last_count = 0

    def documents(self) -> list[Json]:
        """Return every document's order, state, number, total (in cents) and times (in seconds)."""
        rows = self._read(_DOCUMENTS)
        return [row | {name: seconds(row[name]) for name in ("issued_at", "doubted_at")} for row in rows]

    def states(self) -> dict[str, int]:
        """Return the number of documents in each state, with the reason of those that wait."""
        found: dict[str, int] = {}
        for row in self.documents():
            word = row["state"] + (f" ({row['reason']})" if row["state"] not in ("issued", "review") else "")
            found[word] = found.get(word, 0) + 1
        return found

    def final_count(self, review: bool = True, patience: float = 30) -> int:
        """Return the number of documents in a final state; with `review` also those that wait for a person."""
        final = [word for word in FINAL if review or word != "review"]
        counted = {row["state"]: int(row["times"]) for row in self._read(_COUNT, patience)}
        return sum(counted.get(word, 0) for word in final)

    def last_final_count(self) -> int:
        """Return the same number as of the last time when the database answered."""
        with contextlib.suppress(OperationalError):
            self._last_count = self.final_count(patience=0)
        return self._last_count

    def transitions(self) -> dict[int, list[tuple[float, str, str]]]:
        """Return time, new state and reason of every transition, by document."""
        found: dict[int, list[tuple[float, str, str]]] = {}
        for row in self._read(_TRANSITIONS):
            at = seconds(row["at"])
            found.setdefault(row["document_id"], []).append((at or 0.0, row["new"], row["reason"]))
        return found

    def kept_webhooks(self) -> dict[tuple[str, str], int]:
        """Return the number of stored deliveries of each event and order, once they are processed."""
        return {(row["event"], row["order_id"]): int(row["copies"]) for row in self._read(_WEBHOOKS)}

    def unprocessed_webhooks(self) -> int:
        """Return the number of webhooks that wait to be processed."""
        return int(self._read("SELECT COUNT(*) AS times FROM hook WHERE state = 'new'")[0]["times"])

    def notices(self) -> list[float]:
        """Return how long each e-mail to the merchant took from the transition that caused it."""
        rows = self._read(_NOTICES)
        pairs = [(seconds(row["owed_at"]), seconds(row["ended_at"])) for row in rows]
        return [ended - owed for owed, ended in pairs if owed is not None and ended is not None]

    def _read(self, statement: str, patience: float = 30) -> list[Json]:
        end = time.monotonic() + patience
        while True:
            try:
                with self._engine.connect() as connection:
                    return [dict(row) for row in connection.execute(sqlalchemy.text(statement)).mappings()]
            except OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


def seconds(instant: datetime | str | None) -> float | None:
    """Convert the time as SQL gives it (SQLite: text in UTC) to seconds since 1970."""
    if instant is None:
        return None
    read = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
