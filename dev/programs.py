"""The invoicing programs as one side of the stock that is followed: what their owner sees and alters in them.

Used by the catalogue demo and its tests. Each reads its stand-in's own ledger anew: what the program says of its levels
is held against that.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dev.house import House
from dev.levels import HAND, OURS, Card, Change, Key
from dev.sides import Json, Program, asked, lines_of


class IgestSide(Program):
    """One entity of iGEST."""

    def __init__(self, house: House, entity: str) -> None:
        self.name, self.entity = f"iGEST {entity}", entity
        self._url = f"{house.igest_url}/sandbox"
        self._file = house.folder / "sandbox" / "igest" / "ledger.jsonl"

    def levels(self) -> dict[Key, Decimal]:
        return {
            (str(row["id"]), place): Decimal(level)
            for row in self._rows()
            if row["type"] == "P"
            for place, level in row["stock"].items()
        }

    def cards(self) -> dict[str, Card]:
        return {
            str(row["id"]): Card(
                str(row["id"]), row["ref"], row["description"], row["unit"], rate=row["rate"]
            )
            for row in self._rows()
        }

    def _rows(self) -> list[Json]:
        found: list[Json] = asked(f"{self._url}/entities/{self.entity}/stock")
        return found

    def load(self, articles: list[Json]) -> None:
        rows = [
            {"ref": one["ref"], "description": one["name"], "stock": one.get("stock", 0)} for one in articles
        ]
        asked(f"{self._url}/catalogue", {"entity": self.entity, "articles": rows})

    def put(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        wanted = {"ref": self.cards()[thing].code, "warehouse": place, "to": str(pieces)}
        asked(f"{self._url}/entities/{self.entity}/stock", wanted)
        return (thing, place), Decimal(pieces)

    def put_many(self, levels: dict[str, int]) -> None:
        wanted = [{"ref": code, "to": str(pieces)} for code, pieces in levels.items()]
        asked(f"{self._url}/entities/{self.entity}/stock", wanted)

    def rename(self, article_id: str, name: str = "", code: str = "") -> Card:
        wanted = {"ref": self.cards()[article_id].code, "to": code, "description": name}
        asked(f"{self._url}/entities/{self.entity}/articles", wanted)
        return self.cards()[article_id]

    def made(self) -> list[str]:
        return [line["ref"] for line in self._lines()[self._from :] if line["kind"] == "article"]

    def _lines(self) -> list[Json]:
        return [line for line in lines_of(self._file) if line.get("entity") == self.entity]

    def _changes(self, lines: Iterable[Json]) -> list[Change]:
        """Read anew from the ledger alone: a movement names an article by what it was called at that moment."""
        levels, found = dict(self._start), []
        ids = {card.code: article_id for article_id, card in self.before.items()}
        for line in lines:
            if line["kind"] == "article":
                ids[line["ref"]] = str(line["id"])
            elif line["kind"] == "article-renamed":
                ids = {code: one for code, one in ids.items() if one != str(line["article"])}
                ids[line["ref"]] = str(line["article"])
            for move, by, cause in _igest_moves(line):
                key = (ids[move["ref"]], move["warehouse"])
                before = levels.get(key, Decimal(0))
                levels[key] = before + Decimal(move["qty"])
                found.append(Change(*key, before, levels[key], by, cause))
        return found


def _igest_moves(line: Json) -> list[tuple[Json, str, str]]:
    """Each movement of a line, who made it and why."""
    if line["kind"] == "stock":
        who = OURS if line.get("who") == "wire" else HAND
        return [(line, who, line.get("observacoes", ""))]
    if line["kind"] in ("document", "annulment"):
        return [(move, line["kind"], line["number"]) for move in line["stock"]]
    return []


class PhcGoSide(Program):
    """One company of PHC GO (`installation/company`)."""

    def __init__(self, house: House, company: str) -> None:
        self.name, self.company = f"PHC GO {company}", company
        self._url = f"{house.phcgo_url}/sandbox/companies/{company}"
        self._file = house.folder / "sandbox" / "phcgo" / "goods.jsonl"

    def levels(self) -> dict[Key, Decimal]:
        ids = {card.code: article_id for article_id, card in self.cards().items()}
        return {
            (ids[row["ref"]], str(row["armazem"])): Decimal(str(row["stock"]))
            for row in asked(f"{self._url}/stock")
            if row["ref"] in ids
        }

    def cards(self) -> dict[str, Card]:
        return {
            row["ststamp"]: Card(
                row["ststamp"],
                row["ref"],
                row["design"],
                row["unidade"],
                str(row["epv1"]),
                str(row["tabiva"]),
            )
            for row in asked(f"{self._url}/articles")
            if not row["inactivo"]
        }

    def load(self, articles: list[Json]) -> None:
        rows = [
            {"ref": one["ref"], "design": one["name"], "epv1": 1, "stock": one.get("stock", 0)}
            for one in articles
        ]
        asked(f"{self._url}/catalogue", {"articles": rows})

    def put(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        asked(f"{self._url}/stock", {"ref": self.cards()[thing].code, "warehouse": place, "to": pieces})
        return (thing, place), Decimal(pieces)

    def put_many(self, levels: dict[str, int]) -> None:
        asked(f"{self._url}/stock", [{"ref": code, "to": pieces} for code, pieces in levels.items()])

    def rename(self, article_id: str, name: str = "", code: str = "") -> Card:
        wanted = {"design": name} if name else {}
        asked(f"{self._url}/articles", {"ststamp": article_id, "to": code, **wanted})
        return self.cards()[article_id]

    def made(self) -> list[str]:
        return [line["ref"] for line in self._lines()[self._from :] if line["kind"] == "article"]

    def _lines(self) -> list[Json]:
        return [
            line
            for line in lines_of(self._file)
            if f"{line['installation']}/{line['entity']}" == self.company
        ]

    def _changes(self, lines: Iterable[Json]) -> list[Change]:
        return [
            Change(line["article"], line["warehouse"], Decimal(line["before"]), Decimal(line["after"]),
                   OURS if line["who"] == "wire" else str(line["who"]), str(line["cause"]))
            for line in lines
            if line["kind"] == "stock"
        ]  # fmt: skip
