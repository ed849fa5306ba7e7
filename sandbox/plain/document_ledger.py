"""The plain provider's ledger on disk (JSON lines), with its drafts and keys in memory.

Two calls with the same content create two documents: only a key (by_key) or a draft's number (by_draft) is
recognised.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Draft:
    """A draft, with the document that was issued from it."""

    number: str
    entity: str
    content: Json
    document: Json | None = None


@dataclass
class DocumentLedger:
    """Every document and draft."""

    path: Path
    documents: list[Json] = field(default_factory=list)
    drafts: dict[str, Draft] = field(default_factory=dict)
    _by_reference: dict[tuple[str, str], list[Json]] = field(default_factory=lambda: defaultdict(list))
    _drafts_by_reference: dict[tuple[str, str], list[Draft]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _keys: dict[tuple[str, str], Json] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _draft_numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for line in self.path.read_text().splitlines():
            self._add(json.loads(line))

    def issue(self, entity: str, content: Json, key: str = "", draft: str = "") -> Json:
        """Issue a new document; a key that was used before returns its document again."""
        with self._lock:
            if key and (entity, key) in self._keys:
                return self._keys[entity, key]
            count = len(self.documents) + 1
            entry = {
                "kind": "document",
                "id": str(count),
                "number": f"{content['kind']} 2026P/{count}",
                "entity": entity,
                "reference": content["reference"],
                "total": content["total"],
                "draft": draft,
                "time": time.time(),
            }
            os.write(self._file, (json.dumps(entry) + "\n").encode())
            self._add(entry)
            if key:
                self._keys[entity, key] = entry
            return entry

    def _add(self, entry: Json) -> None:
        self.documents.append(entry)
        self._by_reference[entry["entity"], entry["reference"]].append(entry)

    def open_draft(self, entity: str, content: Json) -> Draft:
        """Open a new draft, even if an equal one exists."""
        with self._lock:
            draft = Draft(f"d{next(self._draft_numbers)}", entity, content)
            self.drafts[draft.number] = draft
            self._drafts_by_reference[entity, content["reference"]].append(draft)
            return draft

    def finalise_draft(self, draft: Draft) -> Json:
        """Issue the draft's document, or return the one issued before."""
        with self._lock:
            if draft.document is None:
                draft.document = self.issue(draft.entity, draft.content, draft=draft.number)
            return draft.document

    def delete_draft(self, number: str) -> bool:
        """Delete the draft and return whether it was there and not yet a document."""
        with self._lock:
            draft = self.drafts.get(number)
            if draft is None or draft.document is not None:
                return False
            del self.drafts[number]
            self._drafts_by_reference[draft.entity, draft.content["reference"]].remove(draft)
            return True

    def find_documents(self, entity: str, reference: str, lag: float) -> list[Json]:
        """Return the documents with exactly this reference that a search shows after its lag in seconds."""
        latest = time.time() - lag
        with self._lock:
            return [one for one in self._by_reference[entity, reference] if one["time"] <= latest]

    def documents_since(self, entity: str, since: float) -> list[Json]:
        """Return the entity's documents since that time (seconds since the epoch)."""
        with self._lock:
            return [one for one in self.documents if one["entity"] == entity and one["time"] >= since]

    def find_drafts(self, entity: str, reference: str) -> list[Draft]:
        """Return the drafts with exactly this reference that are not documents yet."""
        with self._lock:
            return [one for one in self._drafts_by_reference[entity, reference] if one.document is None]
