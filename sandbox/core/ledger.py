"""An append-only ledger: one JSON object per line for each fact; it is the judge in tests and demos.

A reset does not delete it: the file is archived and a new one begins.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """The ledger of one stand-in, in a file or (path None) in memory."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        self.entries: list[Entry] = []
        if self.path:
            self.path.touch()
            self.entries = read(self.path)

    def append(self, facts: Entry) -> Entry:
        """Write the facts with their sequence number and return the entry; the file has it on return."""
        with self._lock:
            entry = {"seq": len(self.entries) + 1, **facts}
            if self.path:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self.entries.append(entry)
            return entry

    def archive(self) -> None:
        """Rename the file to the next free name (`ledger.1.jsonl`) and begin an empty one."""
        with self._lock:
            if self.path and self.entries:
                archived = len(list(self.path.parent.glob(f"{self.path.stem}.*.jsonl")))
                self.path.rename(self.path.with_name(f"{self.path.stem}.{archived + 1}.jsonl"))
            self._open()


def read(path: Path | str) -> list[Entry]:
    """Return every complete line of a ledger, oldest first, without a last line that is still being written."""
    text = Path(path).read_text(encoding="utf-8")
    whole, _, _torn = text.rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]
