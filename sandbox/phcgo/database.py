"""The records of one company: rows by entity and stamp, kept in storage.

It can also return the rows as a query that lags behind sees them. Used only while the state's lock is held.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sandbox.core.storage import JsonStorage

from . import seed
from .blank_records import STAMP_FIELDS
from .sums import parse_amount
from .wire import Row

MAX_LAG_SECONDS = 6.0
INDEXED_FIELDS = {"St": "ref", "Sa": "ref", "Sl": "ref"}
"""The field by which an entity's rows are indexed."""


def fold_text(value: object) -> str:
    """Return the text as the database compares it: without case and without trailing blanks."""
    return str(value or "").casefold().rstrip()


class Database:
    """The database of one company (`empresa`) of an installation."""

    def __init__(self, storage: JsonStorage, installation: str, code: str, facts: dict[str, Any]) -> None:
        self.installation, self.code, self.facts = installation, code, facts
        self._storage = storage
        self._prefix = f"{installation}/{code}"
        self._counts: dict[str, int] = {
            key.removeprefix(f"{self._prefix}/"): number
            for key, number in storage.all("count").items()
            if key.startswith(f"{self._prefix}/")
        }
        self._history: dict[tuple[str, str], list[tuple[float, Row | None]]] = {}
        self.tables: dict[str, dict[str, Row]] = {}
        self._rows_by_key: dict[str, dict[str, dict[str, Row]]] = {entity: {} for entity in INDEXED_FIELDS}
        self._keys: dict[tuple[str, str], str] = {}
        for entity, rows in seed.initial_tables(facts).items():
            self.tables[entity] = storage.all(self._storage_kind(entity))
            for stamp, row in self.tables[entity].items():
                self._index(entity, stamp, row)
            if not self._counts.get(f"seeded/{entity}"):
                for row in rows:
                    self.save(entity, row)
                self.next_number(f"seeded/{entity}")

    def _storage_kind(self, entity: str) -> str:
        return f"{self._prefix}/{entity}"

    def next_number(self, name: str) -> int:
        """Return the next number of that name, beginning with 1."""
        self._counts[name] = self._counts.get(name, 0) + 1
        self._storage.put("count", f"{self._prefix}/{name}", self._counts[name])
        return self._counts[name]

    def new_stamp(self, is_kept: bool = True) -> str:
        """Return a new key of 25 characters, in one of the two styles that occur.

        A key that is never stored may be returned again after a restart.
        """
        if is_kept:
            number = self.next_number("stamp")
        else:
            number = self._counts["stamp"] = self._counts.get("stamp", 0) + 1
        digest = hashlib.sha1(f"{self._prefix}/{number}".encode()).hexdigest()
        if number % 2:
            return f"{digest[:3]}-{digest[3:7]}-{digest[7:11]}-{digest[11:22]}"
        return f"z{digest[:8]}{number:016d}"

    def save(self, entity: str, row: Row) -> Row:
        """Store the row, with a stamp if it has none, and return it as stored."""
        name = STAMP_FIELDS[entity]
        row[name] = row.get(name) or self.new_stamp()
        kept = copy.deepcopy(row)
        self.tables[entity][row[name]] = kept
        self._index(entity, row[name], kept)
        self._storage.put(self._storage_kind(entity), row[name], kept)
        self._record_history(entity, row[name], kept)
        return kept

    def save_all(self, entity: str, rows: Iterable[Row]) -> None:
        """Store new rows in one transaction, without the history that a lagging query needs."""
        name, table = STAMP_FIELDS[entity], self.tables[entity]
        for row in rows:
            row[name] = self.new_stamp(is_kept=False)
            table[row[name]] = row
            self._index(entity, row[name], row)
        self._storage.put("count", f"{self._prefix}/stamp", self._counts["stamp"])
        self._storage.put_all(self._storage_kind(entity), ((row[name], row) for row in rows))

    def _index(self, entity: str, stamp: str, row: Row | None) -> None:
        """Index the row by its field and drop its former index key."""
        if entity not in INDEXED_FIELDS:
            return
        found, former = self._rows_by_key[entity], self._keys.pop((entity, stamp), None)
        if former is not None:
            found[former].pop(stamp, None)
        if row is not None:
            key = self._keys[entity, stamp] = fold_text(row[INDEXED_FIELDS[entity]])
            found.setdefault(key, {})[stamp] = row

    def drop(self, entity: str, stamp: str) -> None:
        """Remove the row."""
        del self.tables[entity][stamp]
        self._index(entity, stamp, None)
        self._storage.drop(self._storage_kind(entity), stamp)
        self._record_history(entity, stamp, None)

    def _record_history(self, entity: str, stamp: str, row: Row | None) -> None:
        now = time.monotonic()
        past = self._history.setdefault((entity, stamp), [])
        while len(past) > 1 and past[1][0] < now - MAX_LAG_SECONDS:
            past.pop(0)
        past.append((now, row))

    def get(self, entity: str, stamp: str) -> Row | None:
        """Return a copy of the row with that stamp, or None."""
        found = self.tables[entity].get(stamp)
        return copy.deepcopy(found) if found else None

    def rows(self, entity: str) -> list[Row]:
        """Return the rows themselves, oldest first; do not change them."""
        return list(self.tables[entity].values())

    def find(self, entity: str, **equal: object) -> Row | None:
        """Return a copy of the first row with these values, or None."""
        field = INDEXED_FIELDS.get(entity, "")
        among = self.find_indexed(entity, equal[field]) if field in equal else self.tables[entity].values()
        for row in among:
            if all(row.get(name) == value for name, value in equal.items()):
                return copy.deepcopy(row)
        return None

    def find_indexed(self, entity: str, value: object) -> list[Row]:
        """Return the rows whose indexed field equals the value for the database; do not change them."""
        return list(self._rows_by_key[entity].get(fold_text(value), {}).values())

    def rows_with_lag(self, entity: str, lag: float) -> list[Row]:
        """Return the rows as they were this number of seconds ago."""
        if not lag:
            return self.rows(entity)
        latest = time.monotonic() - lag
        # A row without history was stored by an earlier run.
        known = {
            stamp: row for stamp, row in self.tables[entity].items() if (entity, stamp) not in self._history
        }
        for (kind, stamp), past in self._history.items():
            before = [row for when, row in past if when <= latest]
            if kind == entity and before and before[-1]:
                known[stamp] = before[-1]
        return list(known.values())

    def stock(self, ref: str, place: int) -> Decimal:
        found = self.find("Sa", ref=ref, armazem=place)
        return parse_amount(found["stock"]) if found else Decimal(0)

    def rate_of(self, index: object) -> Decimal | None:
        """Return the VAT rate of a table index."""
        found = next((row for row in self.rows("Taxasiva") if row["codigo"] == index), None)
        return parse_amount(found["taxa"]) if found else None

    def index_of(self, rate: Decimal) -> int | None:
        """Return the table index of a VAT rate."""
        found = next((row for row in self.rows("Taxasiva") if parse_amount(row["taxa"]) == rate), None)
        return int(found["codigo"]) if found else None
