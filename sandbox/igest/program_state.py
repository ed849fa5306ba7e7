"""The state of the iGEST stand-in: its entities, their ledger with its index, and the rate limit."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.core.ledger import Entry
from sandbox.core.program_state import InvoicingProgram
from sandbox.core.storage import Json

from . import entities
from .entities import Entity
from .faults import Faults
from .ledger_index import LedgerIndex
from .limits import RateLimits
from .switches import SWITCHES

SERIES_TYPES = ("FT", "FR", "FS", "NC")
LOGGED_BYTES = 20_000
_SECRET_PARTS = re.compile(r"(<(?:\w+:)?(codigo|chave)\b[^>]*>).*?(</(?:\w+:)?\2\s*>)", re.S)


class ProgramState(InvoicingProgram):
    """All persistent state; `seed` determines the keys of the entities."""

    def __init__(self, folder: Path, public: str, today: date | None = None, seed: str = "1480") -> None:
        super().__init__(folder, public, SWITCHES, today)
        self.seed = seed
        self.faults: Faults = Faults(self.storage)
        self.limits = RateLimits()
        self._load()

    def _load(self) -> None:
        kept = self.storage.all("entity")
        self.entities: dict[str, Entity] = {
            number: entities.from_json(body) for number, body in sorted(kept.items())
        } or {entity.number: entity for entity in entities.initial_entities()}
        if not kept:
            self.save_entities(*self.entities.values())
            self.storage.put("year", "first", self.clock.today().year)
        self.index = LedgerIndex(self.entities.values(), self.ledger.entries)
        self._request = int(self.storage.all("count").get("request", 0))

    def reset(self) -> None:
        """Begin again with the initial entities; the ledger so far is archived."""
        with self.lock:
            self.limits.reset()
            super().reset()

    def accounts(self) -> list[Json]:
        """Return every entity with its keys and series."""
        return [self.entity_json(entity) for entity in self.entities.values()]

    def entity_json(self, entity: Entity) -> Json:
        """Return the entity as the control routes show it."""
        key, code = entity.keys(self.seed)
        return entities.to_json(entity) | {
            "active": bool(entity.active_since),
            "integration_key": key,
            "security_code": code,
            "series": [list(row) for row in self.series(entity)],
        }

    def outbox(self) -> list[Json]:
        """Return the e-mails sent, oldest first."""
        return self.index.mails

    def save_entities(self, *changed: Entity) -> None:
        """Store the entities as they are now."""
        for entity in changed:
            self.entities[entity.number] = entity
            self.storage.put("entity", entity.number, entities.to_json(entity))

    def write_entry(self, kind: str, **facts: Any) -> Entry:
        """Write the facts to the ledger, add the entry to the index and return it."""
        with self.lock:
            time = self.clock.now().isoformat(timespec="seconds")
            entry = self.ledger.append({"kind": kind, "time": time, **facts})
            self.index.add_entry(entry)
            return entry

    def series(self, entity: Entity) -> list[tuple[str, str, bool]]:
        """Return (code, document type, is open) of each series; those before the first year are closed."""
        this_year = self.clock.today().year
        first = min(int(self.storage.all("year").get("first", this_year)), this_year)
        return [
            (f"{year}{kind}", kind, year >= first and f"{year}{kind}" not in entity.closed)
            for year in range(first - 1, this_year + 1)
            for kind in SERIES_TYPES
        ]

    def next_request_number(self) -> int:
        """Return a number for the request that just arrived."""
        with self.lock:
            self._request += 1
            self.storage.put("count", "request", self._request)
            return self._request

    def allow_call(self) -> bool:
        """Count the call and return whether the rate limit, if it is in force, allows it."""
        with self.lock:
            return self.limits.allow(self.clock.now().timestamp(), self.switches["rate-limit"] != "off")

    def log_request(self, request: int, body: bytes, **facts: Any) -> None:
        """Log the request without its secrets."""
        text = _SECRET_PARTS.sub(r"\1***\3", body[:LOGGED_BYTES].decode("iso-8859-1"))
        for entity in self.entities.values():
            for secret in entity.keys(self.seed):
                text = text.replace(secret, "***")
        time = self.clock.now().isoformat(timespec="milliseconds")
        self._append_request({"request": request, "time": time, **facts, "body": text})
