"""The two sides of the stock sync as a person sees and changes them: their interface, and the shop's side.

The invoicing systems are in provider_sides.py. Each side shows its quantities, its articles and its own ledger
since `start_recording`; changes by hand go through the stand-in's control calls, never through the app.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from dev.local_stack import LocalStack
from dev.stock_judge import BY_APP, BY_HAND, ArticleCard, Key, LevelChange, SideHistory

Json = dict[str, Any]


def call_control(url: str, sent: Any = None) -> Any:
    """Return the answer of a control call; POST when something is sent, else GET."""
    answer = requests.get(url, timeout=60) if sent is None else requests.post(url, json=sent, timeout=120)
    if answer.status_code >= 400:
        raise AssertionError(f"{url}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


class StockSide(ABC):
    """One side: its present quantities, and the ledger of their changes since `start_recording`."""

    name: str

    def start_recording(self) -> None:
        """Record changes from now on."""
        self._start_levels, self._start_line = self.levels(), len(self._ledger_lines())

    def history(self, changes: bool = True) -> SideHistory:
        """Return the quantities at the start and now and, if wanted, the changes between them."""
        return SideHistory(
            self.name, self._start_levels, self.levels(), self.level_changes() if changes else []
        )

    def level_changes(self) -> list[LevelChange]:
        """Return every change since the start, by the ledger."""
        return self._parse_changes(self._ledger_lines()[self._start_line :])

    @abstractmethod
    def levels(self) -> dict[Key, Decimal]:
        """Return every quantity as the side shows it."""

    @abstractmethod
    def set_level(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        """Set the quantity by hand; return its key and the new quantity."""

    @abstractmethod
    def _parse_changes(self, lines: Iterable[Json]) -> list[LevelChange]:
        """Return the changes of quantities in these lines of the ledger."""

    @abstractmethod
    def _ledger_lines(self) -> list[Json]:
        """Return the ledger so far."""


class ProviderSide(StockSide):
    """An invoicing system; an item is an article's id, which stays when it is renamed."""

    def start_recording(self) -> None:
        super().start_recording()
        self.articles_before = self.articles()

    @abstractmethod
    def articles(self) -> dict[str, ArticleCard]:
        """Return the articles in use, by id."""

    @abstractmethod
    def set_levels(self, levels: dict[str, int]) -> None:
        """Set these quantities by hand, by code, in the first warehouse."""

    @abstractmethod
    def created_codes(self) -> list[str]:
        """Return the codes of the articles created since the start, by the ledger."""

    @abstractmethod
    def load_articles(self, articles: list[Json]) -> None:
        """Add these articles, each with `ref`, `name`, `price` and pieces by warehouse in `stock`."""

    @abstractmethod
    def rename_article(self, article_id: str, name: str = "", code: str = "") -> ArticleCard:
        """Rename the article by hand; return it as it is now."""

    def article_id_of(self, code: str) -> str:
        """Return the id of the one article with this code; "" when there is none."""
        found = [card.article_id for card in self.articles().values() if card.code == code]
        assert len(found) < 2, f"{self.name}: {len(found)} articles are called {code}"
        return found[0] if found else ""


def read_ledger(path: Path) -> list[Json]:
    """Return every complete line of a ledger's file."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]


_CHANGED_BY = {"api": BY_APP, "admin": BY_HAND}


class ShopSide(StockSide):
    """One Jumpseller shop; an item is `product` or `product/variant`, a place is a location's number."""

    def __init__(self, stack: LocalStack, shop: str) -> None:
        self.name, self.shop = shop, shop
        self._url = f"{stack.admin_url}/sandbox"
        self._file = stack.folder / "sandbox" / "jumpseller" / "stock.jsonl"

    def product_rows(self) -> list[Json]:
        """Return everything that the shop sells."""
        found: list[Json] = call_control(f"{self._url}/shops/{self.shop}/goods")
        return found

    @property
    def locations(self) -> list[str]:
        """Return the shop's locations, the main one first."""
        return sorted(self.product_rows()[0]["locations"])

    @property
    def main_location(self) -> str:
        """Return the location from which orders take their pieces."""
        return self.locations[0]

    def load_products(self, products: list[Json]) -> None:
        """Add these products to the shop."""
        call_control(f"{self._url}/catalogue", {"shop": self.shop, "products": products})

    def item_of_line(self, line: Json) -> str:
        """Return the item of an order's line: its product if named, else the first item with that SKU."""
        number, sku = line.get("product_id"), str(line.get("sku", "")).strip()
        for row in self.product_rows():
            if row["product"] == number or (number is None and (row["sku"] or "").strip() == sku):
                return item_id_of(row)
        raise AssertionError(f"{self.shop} sells nothing like {line}")

    def product_id(self, name: str) -> int:
        """Return the number of the product with that name."""
        return next(int(row["product"]) for row in self.product_rows() if row["name"] == name)

    def tracks_stock(self, thing: str) -> bool:
        """Return whether the shop counts the pieces of the item."""
        return any(item_id_of(row) == thing and row["stock"] is not None for row in self.product_rows())

    def levels(self) -> dict[Key, Decimal]:
        return {
            (item_id_of(row), place): Decimal(pieces)
            for row in self.product_rows()
            if row["stock"] is not None
            for place, pieces in row["locations"].items()
        }

    def set_level(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        self._edit(thing, stock={place: pieces})
        return (thing, place), Decimal(pieces)

    def set_levels(self, levels: dict[str, int]) -> None:
        """Set these quantities by hand, one after another, at the main location."""
        main = self.locations[0]
        for thing, pieces in levels.items():
            self._edit(thing, stock={main: pieces})

    def change_sku(self, thing: str, sku: str) -> None:
        """Give the item another SKU by hand."""
        self._edit(thing, sku=sku)

    def _edit(self, thing: str, **values: Any) -> None:
        product, _, variant = thing.partition("/")
        more = {"variant": int(variant)} if variant else {}
        call_control(f"{self._url}/shops/{self.shop}/goods/{product}", {**values, **more})

    def _ledger_lines(self) -> list[Json]:
        return [line for line in read_ledger(self._file) if line["shop"] == self.shop]

    def _parse_changes(self, lines: Iterable[Json]) -> list[LevelChange]:
        return [
            LevelChange(
                item_id_of(line), str(line["location"]), Decimal(line["before"]), Decimal(line["after"]),
                _CHANGED_BY.get(str(line["by"]), str(line["by"])), str(line["order"] or ""),
            )
            for line in lines
        ]  # fmt: skip


def item_id_of(row: Json) -> str:
    """Return the item's id of a product row."""
    return f"{row['product']}/{row['variant']}" if row["variant"] else str(row["product"])
