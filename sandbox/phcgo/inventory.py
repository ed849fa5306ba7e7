"""Save articles and move stock; each act is one entry of the inventory ledger (`goods.jsonl`).

No other module creates or renames an article or changes stock.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from . import blank_records
from .database import Database
from .program_state import ProgramState
from .sums import json_number, parse_amount
from .wire import Refusal, Row

CALL, LINE, DOCUMENT, ANNULMENT, HAND = "wire", "line", "document", "annulment", "hand"
"""The author of an act: a call that saved an article, a line with an unknown reference, a document, its annulment,
a person.
"""
# Not public, only observed: 5 is an article's initial stock, and a code above 50 reduces the stock.
MOVEMENT_CODES = {DOCUMENT: (6, "Documento"), ANNULMENT: (7, "Anulação"), HAND: (9, "Acerto manual")}
OUTGOING_OFFSET = 50


def save_article(program: ProgramState, database: Database, row: Row, who: str) -> Row:
    """Store the article, new or changed, and return it; its stock follows a new reference."""
    known = database.get("St", row["ststamp"]) if row["ststamp"] else None
    # Only movements change the stock.
    kept = database.save("St", row | {"stock": known["stock"] if known else 0})
    if known is None:
        _append_entry(
            program, database, "article", id=kept["ststamp"], **_article_facts(database, kept), who=who
        )
        if program.switches["level-rows"] == "zero" and not kept["stns"]:
            for place in database.rows("Sz"):
                database.save("Sa", {"ref": kept["ref"], "armazem": place["no"], "stock": 0})
        return kept
    if kept["ref"] != known["ref"]:
        for entity in ("Sa", "Sl"):
            for one in database.find_indexed(entity, known["ref"]):
                database.save(entity, one | {"ref": kept["ref"]})
    if (kept["ref"], kept["design"]) != (known["ref"], known["design"]):
        _append_entry(program, database, "article-renamed", article=kept["ststamp"], former=known["ref"],
              former_description=known["design"], **_article_facts(database, kept), who=who)  # fmt: skip
    if kept["inactivo"] != known["inactivo"]:
        kind = "article-withdrawn" if kept["inactivo"] else "article-restored"
        _append_entry(program, database, kind, article=kept["ststamp"], ref=kept["ref"], who=who)
    return kept


def remove_article(program: ProgramState, database: Database, row: Row, who: str) -> None:
    """Remove the article with its stock; its movements stay."""
    database.drop("St", row["ststamp"])
    for held in database.find_indexed("Sa", row["ref"]):
        database.drop("Sa", held["sastamp"])
    _append_entry(program, database, "article-removed", article=row["ststamp"], ref=row["ref"], who=who)


def move_stock(
    program: ProgramState,
    database: Database,
    ref: str,
    place: int,
    quantity: Decimal,
    who: str,
    cause: str = "",
) -> None:
    """Change the article's stock in that warehouse and record the movement."""
    article = database.find("St", ref=ref)
    row = database.find("Sa", ref=ref, armazem=place) or {"ref": ref, "armazem": place, "stock": 0}
    before = parse_amount(row["stock"])
    after = before + quantity
    database.save("Sa", row | {"stock": json_number(after)})
    if article:
        database.save("St", article | {"stock": json_number(parse_amount(article["stock"]) + quantity)})
    code, words = MOVEMENT_CODES[who]
    design = article["design"] if article else ""
    code += OUTGOING_OFFSET if quantity < 0 else 0
    database.save("Sl", {"slstamp": "", "ref": ref, "design": design, "qtt": json_number(abs(quantity)), "cm": code,
                     "cmdesc": f"{words} {cause}".strip(), "armazem": place})  # fmt: skip
    _append_entry(
        program,
        database,
        "stock",
        article=article["ststamp"] if article else "",
        ref=ref,
        warehouse=str(place),
        before=_quantity_text(before),
        after=_quantity_text(after),
        qty=_quantity_text(quantity),
        who=who,
        cause=cause,
    )


def set_stock(program: ProgramState, database: Database, ref: str, place: int, level: Decimal) -> None:
    """Move the stock to the level that a person counted.

    Raises Refusal for an unknown article or warehouse and for a service.
    """
    article = database.find("St", ref=ref)
    if article is None or article["stns"]:
        raise Refusal("messages.Business.Stocks.RefNotFound", f"O artigo {ref} não existe ou não tem stock.")
    if database.find("Sz", no=place) is None:
        raise Refusal("messages.Business.Stocks.NoWarehouse", f"O armazém {place} não existe.")
    if difference := level - database.stock(ref, place):
        move_stock(program, database, ref, place, difference, HAND)


def load_catalogue(program: ProgramState, database: Database, wanted: Iterable[Row]) -> int:
    """Load a whole catalogue as one ledger entry and return the number of its articles.

    Each row has `ref`, `design` and further fields of an article; `stock` is that of the first warehouse, or
    a mapping by warehouse number.
    """
    blank, places = blank_records.blank_article(), [int(row["no"]) for row in database.rows("Sz")]
    taken: set[str] = set()
    articles, levels = [], []
    for one in wanted:
        row: Row = copy.deepcopy(blank) | {name: value for name, value in one.items() if name != "stock"}
        if not row["ref"] or row["ref"] in taken or database.find("St", ref=row["ref"]):
            raise Refusal("messages.Data.DuplicateKey", f"Já existe um artigo com a referência {row['ref']}.")
        if unknown := set(row) - set(blank):
            raise Refusal("messages.Rest.UnknownField", f"{', '.join(sorted(unknown))} cannot be set")
        taken.add(row["ref"])
        stock = one.get("stock", 0)
        quantities = (
            {int(place): held for place, held in stock.items()}
            if isinstance(stock, dict)
            else {places[0]: stock}
        )
        row["stock"] = json_number(sum((parse_amount(held) for held in quantities.values()), Decimal(0)))
        articles.append(row)
        if not row["stns"]:
            levels += [
                {
                    "ref": row["ref"],
                    "armazem": place,
                    "stock": json_number(parse_amount(quantities.get(place, 0))),
                }
                for place in places
            ]
    database.save_all("St", articles)
    database.save_all("Sa", levels)
    _append_entry(program, database, "catalogue", who=HAND,
          articles=[{"id": row["ststamp"], **_article_facts(database, row)} for row in articles],
          stock=[[row["ref"], str(row["armazem"]), str(row["stock"])] for row in levels])  # fmt: skip
    return len(articles)


def _article_facts(database: Database, row: Row) -> Row:
    rate = database.rate_of(row["tabiva"])
    return {"ref": row["ref"], "description": row["design"], "unit": row["unidade"], "service": bool(row["stns"]),
            "rate": f"{rate.normalize():f}" if rate is not None else "", "price": str(row["epv1"])}  # fmt: skip


def _quantity_text(quantity: Decimal) -> str:
    return str(json_number(quantity))


def _append_entry(program: ProgramState, database: Database, kind: str, **facts: Any) -> None:
    time = program.clock.now().isoformat(timespec="seconds")
    program.inventory_ledger.append(
        {"kind": kind, "time": time, "installation": database.installation, "entity": database.code, **facts}
    )
