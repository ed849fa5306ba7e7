"""One company's records: rows by entity and stamp, kept on the shelf, with what a lagging query still shows.

Opened by the office. It decides nothing and is used under the office's lock.
"""

from __future__ import annotations

import copy
import hashlib
import time
from decimal import Decimal
from typing import Any

from sandbox.web import Shelf

from . import seed
from .shapes import STAMPS
from .sums import amount, wire
from .wire import Row

LONGEST_LAG = 6.0


class Base:
    """The database of one company (`empresa`) of an installation."""

    def __init__(self, shelf: Shelf, installation: str, code: str, facts: dict[str, Any]) -> None:
        self.installation, self.code, self.facts = installation, code, facts
        self._shelf = shelf
        self._place = f"{installation}/{code}"
        self._counts: dict[str, int] = {
            key.removeprefix(f"{self._place}/"): number
            for key, number in shelf.all("count").items()
            if key.startswith(f"{self._place}/")
        }
        self._history: dict[tuple[str, str], list[tuple[float, Row | None]]] = {}
        self.tables: dict[str, dict[str, Row]] = {}
        for entity, rows in seed.tables(facts).items():
            self.tables[entity] = shelf.all(self._kind(entity))
            if not self._counts.get(f"seeded/{entity}"):
                for row in rows:
                    self.keep(entity, row)
                self.count(f"seeded/{entity}")

    def _kind(self, entity: str) -> str:
        return f"{self._place}/{entity}"

    def count(self, name: str) -> int:
        """The next number of that name, from 1."""
        self._counts[name] = self._counts.get(name, 0) + 1
        self._shelf.put("count", f"{self._place}/{name}", self._counts[name])
        return self._counts[name]

    def stamp(self) -> str:
        """A new key of 25 characters, in one of the two styles that are seen."""
        number = self.count("stamp")
        digest = hashlib.sha1(f"{self._place}/{number}".encode()).hexdigest()
        if number % 2:
            return f"{digest[:3]}-{digest[3:7]}-{digest[7:11]}-{digest[11:22]}"
        return f"z{digest[:8]}{number:016d}"

    def keep(self, entity: str, row: Row) -> Row:
        """The row as it now stands in the table; a row without stamp got one."""
        name = STAMPS[entity]
        row[name] = row.get(name) or self.stamp()
        kept = copy.deepcopy(row)
        self.tables[entity][row[name]] = kept
        self._shelf.put(self._kind(entity), row[name], kept)
        self._remember(entity, row[name], kept)
        return kept

    def drop(self, entity: str, stamp: str) -> None:
        """Nothing; the row is gone."""
        del self.tables[entity][stamp]
        self._shelf.drop(self._kind(entity), stamp)
        self._remember(entity, stamp, None)

    def _remember(self, entity: str, stamp: str, row: Row | None) -> None:
        now = time.monotonic()
        past = self._history.setdefault((entity, stamp), [])
        while len(past) > 1 and past[1][0] < now - LONGEST_LAG:
            past.pop(0)
        past.append((now, row))

    def get(self, entity: str, stamp: str) -> Row | None:
        """A copy of the row with that stamp."""
        found = self.tables[entity].get(stamp)
        return copy.deepcopy(found) if found else None

    def rows(self, entity: str) -> list[Row]:
        """The rows as they are, oldest first; not to be changed."""
        return list(self.tables[entity].values())

    def find(self, entity: str, **equal: object) -> Row | None:
        """A copy of the first row with these values."""
        for row in self.tables[entity].values():
            if all(row.get(name) == value for name, value in equal.items()):
                return copy.deepcopy(row)
        return None

    def seen(self, entity: str, lag: float) -> list[Row]:
        """The rows as a query shows them that is so many seconds behind."""
        if not lag:
            return self.rows(entity)
        latest = time.monotonic() - lag
        # a row without history was there before this run began
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
        return amount(found["stock"]) if found else Decimal(0)

    def move(self, ref: str, place: int, quantity: Decimal) -> None:
        """Nothing; the article's stock in that warehouse changed by the quantity."""
        row = self.find("Sa", ref=ref, armazem=place) or {"ref": ref, "armazem": place, "stock": 0}
        row["stock"] = wire(amount(row["stock"]) + quantity)
        self.keep("Sa", row)
        article = self.find("St", ref=ref)
        if article:
            article["stock"] = wire(amount(article["stock"]) + quantity)
            self.keep("St", article)

    def rate_of(self, index: object) -> Decimal | None:
        """The VAT rate of a table index."""
        found = next((row for row in self.rows("Taxasiva") if row["codigo"] == index), None)
        return amount(found["taxa"]) if found else None

    def index_of(self, rate: Decimal) -> int | None:
        """The table index of a VAT rate."""
        found = next((row for row in self.rows("Taxasiva") if amount(row["taxa"]) == rate), None)
        return int(found["codigo"]) if found else None
