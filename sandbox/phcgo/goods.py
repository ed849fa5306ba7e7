"""Articles and their stock: each deed by a call, a document or a hand, the movement it leaves, its line in the ledger.

Called by `records`, `signing` and `hands`; no article is made or renamed, and no stock altered, anywhere else. The
lines stand in a ledger of their own (`goods.jsonl`), beside that of the documents.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from . import shapes
from .base import Base
from .office import Office
from .sums import amount, wire
from .wire import Refusal, Row

CALL, LINE, DOCUMENT, ANNULMENT, HAND = "wire", "line", "document", "annulment", "hand"
"""Who did it: a call that saved an article, a line whose reference was none, a document, its annulment, a person."""
# not public: seen is that 5 is an article's initial stock, and that a code above 50 takes away
CODES = {DOCUMENT: (6, "Documento"), ANNULMENT: (7, "Anulação"), HAND: (9, "Acerto manual")}
TAKING = 50


def keep(office: Office, base: Base, row: Row, who: str) -> Row:
    """The article as it now stands, new or changed; its levels follow it under a new reference."""
    known = base.get("St", row["ststamp"]) if row["ststamp"] else None
    # a level is altered by movements alone
    kept = base.keep("St", row | {"stock": known["stock"] if known else 0})
    if known is None:
        _told(office, base, "article", id=kept["ststamp"], **_said(base, kept), who=who)
        if office.switches["level-rows"] == "zero" and not kept["stns"]:
            for place in base.rows("Sz"):
                base.keep("Sa", {"ref": kept["ref"], "armazem": place["no"], "stock": 0})
        return kept
    if kept["ref"] != known["ref"]:
        for entity in ("Sa", "Sl"):
            for one in base.alike(entity, known["ref"]):
                base.keep(entity, one | {"ref": kept["ref"]})
    if (kept["ref"], kept["design"]) != (known["ref"], known["design"]):
        _told(office, base, "article-renamed", article=kept["ststamp"], former=known["ref"],
              former_description=known["design"], **_said(base, kept), who=who)  # fmt: skip
    if kept["inactivo"] != known["inactivo"]:
        kind = "article-withdrawn" if kept["inactivo"] else "article-restored"
        _told(office, base, kind, article=kept["ststamp"], ref=kept["ref"], who=who)
    return kept


def remove(office: Office, base: Base, row: Row, who: str) -> None:
    """Nothing; the article and its levels are gone, its movements stay."""
    base.drop("St", row["ststamp"])
    for held in base.alike("Sa", row["ref"]):
        base.drop("Sa", held["sastamp"])
    _told(office, base, "article-removed", article=row["ststamp"], ref=row["ref"], who=who)


def move(
    office: Office, base: Base, ref: str, place: int, quantity: Decimal, who: str, cause: str = ""
) -> None:
    """Nothing; the article's level in that warehouse changed by the quantity, and a movement says why."""
    article = base.find("St", ref=ref)
    row = base.find("Sa", ref=ref, armazem=place) or {"ref": ref, "armazem": place, "stock": 0}
    before = amount(row["stock"])
    after = before + quantity
    base.keep("Sa", row | {"stock": wire(after)})
    if article:
        base.keep("St", article | {"stock": wire(amount(article["stock"]) + quantity)})
    code, words = CODES[who]
    design = article["design"] if article else ""
    code += TAKING if quantity < 0 else 0
    base.keep("Sl", {"slstamp": "", "ref": ref, "design": design, "qtt": wire(abs(quantity)), "cm": code,
                     "cmdesc": f"{words} {cause}".strip(), "armazem": place})  # fmt: skip
    _told(office, base, "stock", article=article["ststamp"] if article else "", ref=ref, warehouse=str(place),
          before=_text(before), after=_text(after), qty=_text(quantity), who=who, cause=cause)  # fmt: skip


def put(office: Office, base: Base, ref: str, place: int, level: Decimal) -> None:
    """Nothing; a person counted the article there, and this is how much there is."""
    article = base.find("St", ref=ref)
    if article is None or article["stns"]:
        raise Refusal("messages.Business.Stocks.RefNotFound", f"O artigo {ref} não existe ou não tem stock.")
    if base.find("Sz", no=place) is None:
        raise Refusal("messages.Business.Stocks.NoWarehouse", f"O armazém {place} não existe.")
    if more := level - base.stock(ref, place):
        move(office, base, ref, place, more, HAND)


def load(office: Office, base: Base, wanted: Iterable[Row]) -> int:
    """How many articles of a whole catalogue are there now; one line in the ledger tells of all of them.

    Each has `ref` and `design`, and further fields of an article; `stock` is of the first warehouse, or of each by its
    number.
    """
    blank, places = shapes.article(), [int(row["no"]) for row in base.rows("Sz")]
    taken: set[str] = set()
    articles, levels = [], []
    for one in wanted:
        row: Row = copy.deepcopy(blank) | {name: value for name, value in one.items() if name != "stock"}
        if not row["ref"] or row["ref"] in taken or base.find("St", ref=row["ref"]):
            raise Refusal("messages.Data.DuplicateKey", f"Já existe um artigo com a referência {row['ref']}.")
        if unknown := set(row) - set(blank):
            raise Refusal("messages.Rest.UnknownField", f"{', '.join(sorted(unknown))} cannot be set")
        taken.add(row["ref"])
        stock = one.get("stock", 0)
        told = (
            {int(place): held for place, held in stock.items()}
            if isinstance(stock, dict)
            else {places[0]: stock}
        )
        row["stock"] = wire(sum((amount(held) for held in told.values()), Decimal(0)))
        articles.append(row)
        if not row["stns"]:
            levels += [
                {"ref": row["ref"], "armazem": place, "stock": wire(amount(told.get(place, 0)))}
                for place in places
            ]
    base.keep_all("St", articles)
    base.keep_all("Sa", levels)
    _told(office, base, "catalogue", who=HAND,
          articles=[{"id": row["ststamp"], **_said(base, row)} for row in articles],
          stock=[[row["ref"], str(row["armazem"]), str(row["stock"])] for row in levels])  # fmt: skip
    return len(articles)


def _said(base: Base, row: Row) -> Row:
    """What the ledger says of an article."""
    rate = base.rate_of(row["tabiva"])
    return {"ref": row["ref"], "description": row["design"], "unit": row["unidade"], "service": bool(row["stns"]),
            "rate": f"{rate.normalize():f}" if rate is not None else "", "price": str(row["epv1"])}  # fmt: skip


def _text(quantity: Decimal) -> str:
    return str(wire(quantity))


def _told(office: Office, base: Base, kind: str, **said: Any) -> None:
    time = office.clock.now().isoformat(timespec="seconds")
    office.goods.append(
        {"kind": kind, "time": time, "installation": base.installation, "entity": base.code, **said}
    )
