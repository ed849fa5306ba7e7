"""The ledger of stock: one JSON object a line for each alteration, whoever made it, never changed afterwards.

Written by the stock room at the moment of the alteration; read by tests and by the demos' judges. A reset lays the file
aside and begins another.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from sandbox.core import Json

FILE_NAME = "stock.jsonl"


class Ledger:
    """The file of one stand-in, or a list where it keeps no files."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE_NAME if folder else None
        self._lock = threading.Lock()
        self._lines: list[Json] = []
        self._count = len(self.entries())

    def append(self, entry: Json) -> None:
        """Nothing; the entry stands in the file, numbered, before this returns."""
        with self._lock:
            self._count += 1
            entry = {"seq": self._count, **entry}
            if self._path is None:
                self._lines.append(entry)
                return
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def entries(self) -> list[Json]:
        """Every line, oldest first."""
        return read(self._path) if self._path else list(self._lines)

    def archive(self) -> None:
        """Nothing; the file so far is kept under the next free name and an empty one begins."""
        with self._lock:
            self._lines, self._count = [], 0
            if self._path and self._path.exists():
                taken = len(list(self._path.parent.glob(f"{self._path.stem}.*.jsonl")))
                self._path.rename(self._path.with_name(f"{self._path.stem}.{taken + 1}.jsonl"))


def read(path: Path) -> list[Json]:
    """Every whole line of a ledger, oldest first; none where there is no file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole, _, _torn = text.rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]
