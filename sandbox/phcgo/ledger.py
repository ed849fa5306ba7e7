"""An append-only ledger: one JSON object a line for each thing that became fact, never changed afterwards.

One holds the documents, written at the moment of signing (drafts and dossiers never stand in it), another the goods:
each article that was made or renamed, each alteration of a level. Read by tests and by the demo's judge.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """The file of one stand-in; `append` writes a line, `entries` are all lines in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        self.entries: list[Entry] = read(self.path) if self.path.exists() else []
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, entry: Entry) -> None:
        """Nothing; the entry stands in the file before this returns."""
        os.write(self._file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
        self.entries.append(entry)

    def archive(self) -> None:
        """Nothing; the file so far is kept under the next free name and an empty one begins."""
        self.close()
        taken = len(list(self.path.parent.glob(f"{self.path.stem}.*.jsonl")))
        self.path.rename(self.path.with_name(f"{self.path.stem}.{taken + 1}.jsonl"))
        self._open()

    def close(self) -> None:
        os.close(self._file)


def read(path: Path | str) -> list[Entry]:
    """Every whole line of a ledger, oldest first (a last line still being written is left out)."""
    text = Path(path).read_text(encoding="utf-8")
    whole, _, _torn = text.rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]
