"""The two sides whose stock is held together, as their owner sees and alters them: what both have, and the shop.

Used by the catalogue demo and its tests; the invoicing programs are in `programs`. Each side tells its levels, its
articles and what its own ledger says since `begin`; what a person does there (`put`, `rename`) is done through the
stand-in's control calls, never through the app.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from dev.house import House
from dev.levels import HAND, OURS, Book, Card, Change, Key

Json = dict[str, Any]


def asked(url: str, sent: Any = None) -> Any:
    """What a control call answers; posted when something is sent."""
    answer = requests.get(url, timeout=60) if sent is None else requests.post(url, json=sent, timeout=120)
    if answer.status_code >= 400:
        raise AssertionError(f"{url}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


class Side(ABC):
    """One side: its levels now, and the book of what altered them since `begin`."""

    name: str

    def begin(self) -> None:
        """Nothing; what is altered from now on stands in the book."""
        self._start, self._from = self.levels(), len(self._lines())

    def book(self, changes: bool = True) -> Book:
        """The levels at the beginning and now and, where they are wanted, the changes between, by the ledger."""
        return Book(self.name, self._start, self.levels(), self.told() if changes else [])

    def told(self) -> list[Change]:
        """Every alteration since the beginning, by the ledger."""
        return self._changes(self._lines()[self._from :])

    @abstractmethod
    def levels(self) -> dict[Key, Decimal]:
        """Every level as the side shows it."""

    @abstractmethod
    def put(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        """The level that a person just wrote there."""

    @abstractmethod
    def _changes(self, lines: Iterable[Json]) -> list[Change]:
        """What these lines of the ledger say of levels."""

    @abstractmethod
    def _lines(self) -> list[Json]:
        """The ledger so far."""


class Program(Side):
    """An invoicing program: a thing is an article's id, which stays when it is renamed."""

    def begin(self) -> None:
        super().begin()
        self.before = self.cards()

    @abstractmethod
    def cards(self) -> dict[str, Card]:
        """The articles in use, by id."""

    @abstractmethod
    def put_many(self, levels: dict[str, int]) -> None:
        """Nothing; a person wrote these levels, by code, in the first warehouse."""

    @abstractmethod
    def made(self) -> list[str]:
        """The codes of the articles made since the beginning, as the ledger has them."""

    @abstractmethod
    def load(self, articles: list[Json]) -> None:
        """Nothing; these articles are there, each with `ref`, `name`, `price` and pieces by warehouse in `stock`."""

    @abstractmethod
    def rename(self, article_id: str, name: str = "", code: str = "") -> Card:
        """The article as a person called it anew."""

    def id_of(self, code: str) -> str:
        """The id of the one article called so; empty when there is none."""
        found = [card.article_id for card in self.cards().values() if card.code == code]
        assert len(found) < 2, f"{self.name}: {len(found)} articles are called {code}"
        return found[0] if found else ""


def lines_of(path: Path) -> list[Json]:
    """Every whole line of a ledger's file."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]


_BY = {"api": OURS, "admin": HAND}


class ShopSide(Side):
    """One Jumpseller shop: a thing is `product` or `product/variant`, a place a location's number."""

    def __init__(self, house: House, shop: str) -> None:
        self.name, self.shop = shop, shop
        self._url = f"{house.admin_url}/sandbox"
        self._file = house.folder / "sandbox" / "jumpseller" / "stock.jsonl"

    def rows(self) -> list[Json]:
        """Everything that the shop sells."""
        found: list[Json] = asked(f"{self._url}/shops/{self.shop}/goods")
        return found

    @property
    def locations(self) -> list[str]:
        """The shop's places, the main one first."""
        return sorted(self.rows()[0]["locations"])

    @property
    def main(self) -> str:
        """The place that orders take from."""
        return self.locations[0]

    def load(self, products: list[Json]) -> None:
        """Nothing; the shop sells these products too."""
        asked(f"{self._url}/catalogue", {"shop": self.shop, "products": products})

    def thing(self, line: Json) -> str:
        """What an order's line names: by product where it says so, else the first with that SKU."""
        number, sku = line.get("product_id"), str(line.get("sku", "")).strip()
        for row in self.rows():
            if row["product"] == number or (number is None and (row["sku"] or "").strip() == sku):
                return thing_of(row)
        raise AssertionError(f"{self.shop} sells nothing like {line}")

    def product(self, name: str) -> int:
        """The number of the product of that name."""
        return next(int(row["product"]) for row in self.rows() if row["name"] == name)

    def counts(self, thing: str) -> bool:
        """Whether the shop counts the pieces of the thing."""
        return any(thing_of(row) == thing and row["stock"] is not None for row in self.rows())

    def levels(self) -> dict[Key, Decimal]:
        return {
            (thing_of(row), place): Decimal(pieces)
            for row in self.rows()
            if row["stock"] is not None
            for place, pieces in row["locations"].items()
        }

    def put(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        self._edit(thing, stock={place: pieces})
        return (thing, place), Decimal(pieces)

    def put_many(self, levels: dict[str, int]) -> None:
        """Nothing; a person wrote these levels, one after another, in the main place."""
        main = self.locations[0]
        for thing, pieces in levels.items():
            self._edit(thing, stock={main: pieces})

    def name_anew(self, thing: str, sku: str) -> None:
        """Nothing; a person gave the thing another SKU."""
        self._edit(thing, sku=sku)

    def _edit(self, thing: str, **values: Any) -> None:
        product, _, variant = thing.partition("/")
        more = {"variant": int(variant)} if variant else {}
        asked(f"{self._url}/shops/{self.shop}/goods/{product}", {**values, **more})

    def _lines(self) -> list[Json]:
        return [line for line in lines_of(self._file) if line["shop"] == self.shop]

    def _changes(self, lines: Iterable[Json]) -> list[Change]:
        return [
            Change(
                thing_of(line), str(line["location"]), Decimal(line["before"]), Decimal(line["after"]),
                _BY.get(str(line["by"]), str(line["by"])), str(line["order"] or ""),
            )
            for line in lines
        ]  # fmt: skip


def thing_of(row: Json) -> str:
    """What the thing of a row is called."""
    return f"{row['product']}/{row['variant']}" if row["variant"] else str(row["product"])
