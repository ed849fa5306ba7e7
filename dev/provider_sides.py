"""The invoicing systems as one side of a synced stock, as their owner sees and changes it.

Each side reads its stand-in's own ledger independently, so that the levels shown can be compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dev.local_stack import LocalStack
from dev.stock_judge import BY_APP, BY_HAND, ArticleCard, Key, LevelChange
from dev.stock_sides import Json, ProviderSide, call_control, read_ledger


class IgestSide(ProviderSide):
    """One entity of iGEST."""

    def __init__(self, stack: LocalStack, entity: str) -> None:
        self.name, self.entity = f"iGEST {entity}", entity
        self._url = f"{stack.igest_url}/sandbox"
        self._file = stack.folder / "sandbox" / "igest" / "ledger.jsonl"

    def levels(self) -> dict[Key, Decimal]:
        return {
            (str(row["id"]), place): Decimal(level)
            for row in self._rows()
            if row["type"] == "P"
            for place, level in row["stock"].items()
        }

    def articles(self) -> dict[str, ArticleCard]:
        return {
            str(row["id"]): ArticleCard(
                str(row["id"]), row["ref"], row["description"], row["unit"], rate=row["rate"]
            )
            for row in self._rows()
        }

    def _rows(self) -> list[Json]:
        found: list[Json] = call_control(f"{self._url}/entities/{self.entity}/stock")
        return found

    def load_articles(self, articles: list[Json]) -> None:
        rows = [
            {"ref": one["ref"], "description": one["name"], "stock": one.get("stock", 0)} for one in articles
        ]
        call_control(f"{self._url}/catalogue", {"entity": self.entity, "articles": rows})

    def set_level(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        wanted = {"ref": self.articles()[thing].code, "warehouse": place, "to": str(pieces)}
        call_control(f"{self._url}/entities/{self.entity}/stock", wanted)
        return (thing, place), Decimal(pieces)

    def set_levels(self, levels: dict[str, int]) -> None:
        wanted = [{"ref": code, "to": str(pieces)} for code, pieces in levels.items()]
        call_control(f"{self._url}/entities/{self.entity}/stock", wanted)

    def rename_article(self, article_id: str, name: str = "", code: str = "") -> ArticleCard:
        wanted = {"ref": self.articles()[article_id].code, "to": code, "description": name}
        call_control(f"{self._url}/entities/{self.entity}/articles", wanted)
        return self.articles()[article_id]

    def created_codes(self) -> list[str]:
        return [line["ref"] for line in self._ledger_lines()[self._start_line :] if line["kind"] == "article"]

    def _ledger_lines(self) -> list[Json]:
        return [line for line in read_ledger(self._file) if line.get("entity") == self.entity]

    def _parse_changes(self, lines: Iterable[Json]) -> list[LevelChange]:
        """Parse the changes from the ledger alone; a movement names an article by the reference that it then had."""
        levels, found = dict(self._start_levels), []
        ids = {card.code: article_id for article_id, card in self.articles_before.items()}
        for line in lines:
            if line["kind"] == "article":
                ids[line["ref"]] = str(line["id"])
            elif line["kind"] == "article-renamed":
                ids = {code: one for code, one in ids.items() if one != str(line["article"])}
                ids[line["ref"]] = str(line["article"])
            for move, by, cause in _igest_movements(line):
                key = (ids[move["ref"]], move["warehouse"])
                before = levels.get(key, Decimal(0))
                levels[key] = before + Decimal(move["qty"])
                found.append(LevelChange(*key, before, levels[key], by, cause))
        return found


def _igest_movements(line: Json) -> list[tuple[Json, str, str]]:
    """Return each movement of a ledger line, with its author and its reason."""
    if line["kind"] == "stock":
        who = BY_APP if line.get("who") == "wire" else BY_HAND
        return [(line, who, line.get("observacoes", ""))]
    if line["kind"] in ("document", "annulment"):
        return [(move, line["kind"], line["number"]) for move in line["stock"]]
    return []


class PhcGoSide(ProviderSide):
    """One company of PHC GO (`installation/company`)."""

    def __init__(self, stack: LocalStack, company: str) -> None:
        self.name, self.company = f"PHC GO {company}", company
        self._url = f"{stack.phcgo_url}/sandbox/companies/{company}"
        self._file = stack.folder / "sandbox" / "phcgo" / "goods.jsonl"

    def levels(self) -> dict[Key, Decimal]:
        ids = {card.code: article_id for article_id, card in self.articles().items()}
        return {
            (ids[row["ref"]], str(row["armazem"])): Decimal(str(row["stock"]))
            for row in call_control(f"{self._url}/stock")
            if row["ref"] in ids
        }

    def articles(self) -> dict[str, ArticleCard]:
        return {
            row["ststamp"]: ArticleCard(
                row["ststamp"],
                row["ref"],
                row["design"],
                row["unidade"],
                str(row["epv1"]),
                str(row["tabiva"]),
            )
            for row in call_control(f"{self._url}/articles")
            if not row["inactivo"]
        }

    def load_articles(self, articles: list[Json]) -> None:
        rows = [
            {"ref": one["ref"], "design": one["name"], "epv1": 1, "stock": one.get("stock", 0)}
            for one in articles
        ]
        call_control(f"{self._url}/catalogue", {"articles": rows})

    def set_level(self, thing: str, pieces: int, place: str = "") -> tuple[Key, Decimal]:
        call_control(
            f"{self._url}/stock", {"ref": self.articles()[thing].code, "warehouse": place, "to": pieces}
        )
        return (thing, place), Decimal(pieces)

    def set_levels(self, levels: dict[str, int]) -> None:
        call_control(f"{self._url}/stock", [{"ref": code, "to": pieces} for code, pieces in levels.items()])

    def rename_article(self, article_id: str, name: str = "", code: str = "") -> ArticleCard:
        wanted = {"design": name} if name else {}
        call_control(f"{self._url}/articles", {"ststamp": article_id, "to": code, **wanted})
        return self.articles()[article_id]

    def created_codes(self) -> list[str]:
        return [line["ref"] for line in self._ledger_lines()[self._start_line :] if line["kind"] == "article"]

    def _ledger_lines(self) -> list[Json]:
        return [
            line
            for line in read_ledger(self._file)
            if f"{line['installation']}/{line['entity']}" == self.company
        ]

    def _parse_changes(self, lines: Iterable[Json]) -> list[LevelChange]:
        return [
            LevelChange(line["article"], line["warehouse"], Decimal(line["before"]), Decimal(line["after"]),
                   BY_APP if line["who"] == "wire" else str(line["who"]), str(line["cause"]))
            for line in lines
            if line["kind"] == "stock"
        ]  # fmt: skip
