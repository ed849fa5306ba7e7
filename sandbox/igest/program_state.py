"""The state of one stand-in: entities, switches, faults, clock, ledger, books, log of requests.

Made by the app; used by every other part under its one lock. It decides nothing: rules and methods do.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.core import JsonStorage, Switches

from . import entities as register
from .clock import Clock
from .entities import Entity
from .faults import Faults
from .ledger import Entry, Ledger
from .ledger_index import LedgerIndex
from .limits import RateLimits
from .switches import SWITCHES

SERIES_TYPES = ("FT", "FR", "FS", "NC")
_SECRET_PARTS = re.compile(r"(<(?:\w+:)?(codigo|chave)\b[^>]*>).*?(</(?:\w+:)?\2\s*>)", re.S)


class ProgramState:
    """Everything that lasts; one lock, held while a document is judged and issued."""

    def __init__(self, folder: Path, public: str, today: date | None = None, seed: str = "1480") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.public, self.seed = folder, public.rstrip("/"), seed
        self.lock = threading.RLock()
        self.storage = JsonStorage(folder)
        self.switches = Switches(SWITCHES, self.storage)
        self.clock = Clock(self.storage)
        if today:
            self.clock.set_day(today)
        self.faults = Faults(self.storage)
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.limits = RateLimits()
        self._load()

    def _load(self) -> None:
        kept = self.storage.all("entity")
        self.entities: dict[str, Entity] = {
            number: register.from_json(body) for number, body in sorted(kept.items())
        } or {entity.number: entity for entity in register.initial_entities()}
        if not kept:
            self.save_entities(*self.entities.values())
            self.storage.put("year", "first", self.clock.today().year)
        self.index = LedgerIndex(self.entities.values(), self.ledger.entries)
        self._request = int(self.storage.all("count").get("request", 0))

    def reset(self) -> None:
        """Nothing; all is as at the very start, and the ledger so far is laid aside."""
        with self.lock:
            self.ledger.archive()
            self.storage.clear()
            self.switches.reset()
            self.clock.reset()
            self.faults.clear()
            self.requests.clear()
            self.limits.reset()
            self._load()

    def close(self) -> None:
        """Nothing; whoever sleeps in a slow answer wakes and the shelf is closed."""
        self.faults.release()
        self.storage.close()

    def save_entities(self, *entities: Entity) -> None:
        """Nothing; the entities stand on the shelf as they are now."""
        for entity in entities:
            self.entities[entity.number] = entity
            self.storage.put("entity", entity.number, register.to_json(entity))

    def write_entry(self, kind: str, **facts: Any) -> Entry:
        """The entry that was written into the ledger and posted to the books."""
        with self.lock:
            now = self.clock.now()
            entry = {
                "kind": kind,
                "seq": len(self.ledger.entries) + 1,
                "time": now.isoformat(timespec="seconds"),
            }
            entry |= facts
            self.ledger.append(entry)
            self.index.add_entry(entry)
            return entry

    def series(self, entity: Entity) -> list[tuple[str, str, bool]]:
        """(code, document type, open) of each series of the entity, the years before its first one closed."""
        this_year = self.clock.today().year
        first = min(int(self.storage.all("year").get("first", this_year)), this_year)
        return [
            (f"{year}{kind}", kind, year >= first and f"{year}{kind}" not in entity.closed)
            for year in range(first - 1, this_year + 1)
            for kind in SERIES_TYPES
        ]

    def next_request_number(self) -> int:
        """A number for the request that just came in."""
        with self.lock:
            self._request += 1
            self.storage.put("count", "request", self._request)
            return self._request

    def allow_call(self) -> bool:
        """Whether one more call may come now; it is counted, the limit being in force or not."""
        with self.lock:
            return self.limits.allow(self.clock.now().timestamp(), self.switches["rate-limit"] != "off")

    def log_request(self, request: int, body: bytes, **facts: Any) -> None:
        """Nothing; the request stands in the log with its secret parts struck out."""
        text = _SECRET_PARTS.sub(r"\1***\3", body[:20_000].decode("iso-8859-1"))
        for entity in self.entities.values():
            for secret in entity.keys(self.seed):
                text = text.replace(secret, "***")
        line = {"request": request, "time": self.clock.now().isoformat(timespec="milliseconds")} | facts
        line["body"] = text
        with self.lock:
            self.requests.append(line)
            with (self.folder / "requests.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
