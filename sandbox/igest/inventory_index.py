"""The articles, stock levels and movements that follow from the ledger's entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.core.ledger import Entry

from .entities import Entity
from .sums import decimal_text

FIRST_ARTICLE_ID = 7001


@dataclass(frozen=True)
class StockLevel:
    """The quantity of an article in a warehouse; `since` numbers the ledger entry that last changed it."""

    article: Entry
    warehouse: str
    quantity: Decimal
    since: int


@dataclass(frozen=True)
class StockMovement:
    """One movement of an article; `cause` is shown to people, `reference` is the caller's own."""

    time: str
    entity: str
    article: Entry
    warehouse: str
    quantity: Decimal
    cause: str
    reference: str = ""


class InventoryIndex:
    """The articles of every entity by id and by reference, and their levels.

    An article keeps its id; its reference may change.
    """

    def __init__(self) -> None:
        self._articles: dict[str, dict[int, Entry]] = defaultdict(dict)
        self._by_reference: dict[tuple[str, str], int] = {}
        self._levels: dict[tuple[str, int, str], Decimal] = defaultdict(Decimal)
        self._since: dict[tuple[str, int, str], int] = {}
        self._documents: dict[int, list[StockMovement]] = {}
        self._warehouses: dict[str, list[str]] = {}
        self.stock_movements: list[StockMovement] = []
        self.movement_entries: list[Entry] = []

    def add_entity(self, entity: Entity) -> None:
        """Add the entity's first articles, with their stock in its main warehouse."""
        self._warehouses[entity.number] = [place.code for place in entity.warehouses] or [""]
        for article in entity.articles:
            identity = self._add_article(entity.number, article)
            if article["type"] == "P":
                self._add_quantity(
                    (entity.number, identity, entity.main_warehouse), Decimal(article["stock"]), 0
                )

    def next_article_id(self, entity: str) -> int:
        return FIRST_ARTICLE_ID + len(self._articles[entity])

    def add_entry(self, entry: Entry) -> None:
        """Apply a ledger entry to articles and stock."""
        entity = entry["entity"]
        if entry["kind"] == "article":
            self._add_article(entity, entry)
        elif entry["kind"] == "catalogue":
            self._add_catalogue(entry)
        elif entry["kind"] in ("article-renamed", "article-withdrawn"):
            self._change_article(entry)
        elif entry["kind"] == "stock":
            self._add_movements(entry, [entry], "À mão" if entry.get("who") == "hand" else "Movimento")
            self.movement_entries.append(entry)
        elif entry["kind"] == "document":
            self._documents[entry["id"]] = self._add_movements(entry, entry["stock"], entry["number"])
        elif entry["kind"] == "annulment":
            self._add_movements(entry, entry["stock"], f"Anulação de {entry['number']}")

    def _add_article(self, entity: str, article: Entry) -> int:
        identity = int(article.get("id") or self.next_article_id(entity))
        names = ("ref", "description", "unit", "type", "rate", "exemption")
        self._articles[entity][identity] = {"rate": "", "exemption": ""} | {
            name: article[name] for name in names if name in article
        }
        self._articles[entity][identity] |= {"id": identity, "active": True}
        self._by_reference[entity, article["ref"]] = identity
        return identity

    def _add_catalogue(self, entry: Entry) -> None:
        for article in entry["articles"]:
            identity = self._add_article(entry["entity"], article)
            for place, quantity in article["stock"].items():
                self._add_quantity((entry["entity"], identity, place), Decimal(quantity), entry["seq"])

    def _change_article(self, entry: Entry) -> None:
        article = self._articles[entry["entity"]][entry["article"]]
        if entry["kind"] == "article-withdrawn":
            article["active"] = False
            return
        del self._by_reference[entry["entity"], article["ref"]]
        article |= {"ref": entry["ref"], "description": entry["description"]}
        self._by_reference[entry["entity"], article["ref"]] = article["id"]

    def _add_movements(self, entry: Entry, rows: Sequence[Entry], cause: str) -> list[StockMovement]:
        found = []
        for row in rows:
            article = self.article_by_reference(entry["entity"], row["ref"])
            assert article is not None
            move = StockMovement(
                entry["time"], entry["entity"], article, row["warehouse"], Decimal(row["qty"]), cause,
                entry.get("observacoes", ""),
            )  # fmt: skip
            self._add_quantity((move.entity, article["id"], move.warehouse), move.quantity, entry["seq"])
            found.append(move)
        self.stock_movements += found
        return found

    def _add_quantity(self, at: tuple[str, int, str], quantity: Decimal, since: int) -> None:
        self._levels[at] += quantity
        self._since[at] = since

    def reversal_of(self, document: int) -> list[Entry]:
        """Return the movements that undo those of a document, by the articles' present references."""
        return [
            {"ref": move.article["ref"], "warehouse": move.warehouse, "qty": decimal_text(-move.quantity)}
            for move in self._documents.get(document, [])
        ]

    def article_by_id(self, entity: str, identity: str) -> Entry | None:
        """Return the entity's article with that id, in use or not."""
        return self._articles[entity].get(int(identity)) if identity.isdecimal() else None

    def article_by_reference(self, entity: str, reference: str) -> Entry | None:
        """Return the entity's article with exactly that reference, in use or not."""
        identity = self._by_reference.get((entity, reference))
        return self._articles[entity][identity] if identity else None

    def active_articles(self, entity: str) -> list[Entry]:
        """Return the entity's articles in use, ordered by reference."""
        found = (article for article in self._articles[entity].values() if article["active"])
        return sorted(found, key=lambda article: str(article["ref"]))

    def level_of(self, entity: str, article: Entry, warehouse: str) -> Decimal:
        return self._levels.get((entity, article["id"], warehouse), Decimal(0))

    def levels_of(self, entity: str, articles: Sequence[Entry]) -> Iterator[StockLevel]:
        """Yield the level of each product in use in each warehouse of the entity, zero included."""
        for article in articles:
            if article["type"] != "P" or not article["active"]:
                continue
            for place in self._warehouses[entity]:
                at = (entity, article["id"], place)
                yield StockLevel(article, place, self._levels.get(at, Decimal(0)), self._since.get(at, 0))

    def changed_levels(
        self, entity: str, mark: int | None, after: int, max_articles: int
    ) -> tuple[list[StockLevel], int]:
        """Return the levels that changed since the mark, and the id to continue after.

        Without a mark, return all levels. The id is 0 when no levels follow. Covers at most `max_articles`
        articles, those with an id greater than `after`.
        """
        later = sorted(identity for identity in self._articles[entity] if identity > after)
        found: list[StockLevel] = []
        article_count = 0
        for identity in later:
            levels = list(self.levels_of(entity, [self._articles[entity][identity]]))
            fresh = [level for level in levels if mark is None or level.since > mark]
            if not fresh:
                continue
            if article_count == max_articles:
                return found, found[-1].article["id"]
            found += fresh
            article_count += 1
        return found, 0
