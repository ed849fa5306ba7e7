"""JSON values kept in one SQLite file, so that a restarted stand-in finds its state again."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = Any


class JsonStorage:
    """JSON values by kind and key in one SQLite file, or (folder None) in memory."""

    def __init__(self, folder: Path | None, name: str = "shelf.sqlite") -> None:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._is_open = True
        self._db = sqlite3.connect(
            folder / name if folder else ":memory:", check_same_thread=False, isolation_level=None
        )
        # No test crashes the machine, and writes must take microseconds.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS thing "
            "(kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def put(self, kind: str, key: object, value: Json) -> None:
        """Keep the value; does nothing once the storage is closed."""
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        with self._lock:
            if self._is_open:
                self._db.execute("INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", (kind, str(key), body))

    def put_all(self, kind: str, values: Iterable[tuple[object, Json]]) -> None:
        """Keep every value in one transaction: a whole catalogue takes about a second."""
        rows = [(kind, str(key), json.dumps(value, ensure_ascii=False)) for key, value in values]
        with self._lock:
            if self._is_open:
                self._db.execute("BEGIN")
                self._db.executemany("INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", rows)
                self._db.execute("COMMIT")

    def drop(self, kind: str, key: object | None = None) -> None:
        with self._lock:
            if key is None:
                self._db.execute("DELETE FROM thing WHERE kind = ?", (kind,))
            else:
                self._db.execute("DELETE FROM thing WHERE kind = ? AND key = ?", (kind, str(key)))

    def all(self, kind: str) -> dict[str, Json]:
        """Return every value of the kind by its key (always text)."""
        with self._lock:
            rows = self._db.execute("SELECT key, body FROM thing WHERE kind = ?", (kind,)).fetchall()
        return {key: json.loads(body) for key, body in rows}

    def clear(self) -> None:
        with self._lock:
            self._db.execute("DELETE FROM thing")

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            self._db.close()
