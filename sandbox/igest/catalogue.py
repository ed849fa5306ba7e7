"""The wire's methods about articles and their stock: looked up, made, listed, moved. All of them are ours.

Found by `methods.find` where their switches let them exist.
"""

from __future__ import annotations

import re
from decimal import Decimal

from . import keeping
from .asked import Refusal
from .entities import Entity
from .ledger import Entry
from .office import Office
from .stocks import Level
from .sums import text
from .wire import Call, Fields

MOST_REFERENCES, PAGE = 50, 500
_SIGNED = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)


def find_articles(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """The articles with exactly these references, or the one of that id, withdrawn ones included."""
    stocks = office.books.stocks
    if identity := call.argument("id_artigo"):
        article = stocks.numbered(entity.number, identity)
        found = [article] if article else []
    else:
        named = (stocks.named(entity.number, reference) for reference in _references(call))
        found = [article for article in named if article]
    return [("artigos", [("artigo", _told(article)) for article in found])]


def _told(article: Entry) -> Fields:
    return [
        ("id_artigo", str(article["id"])),
        ("referencia", article["ref"]),
        ("descricao", article["description"]),
        ("unidade", article["unit"]),
        ("tipo", article["type"]),
        ("taxa", article["rate"]),
        ("ativo", "sim" if article["active"] else "nao"),
    ]


def _references(call: Call) -> list[str]:
    found = [(row.text or "").strip() for row in call.root.findall("referencias/referencia")]
    if not found or not all(found):
        raise Refusal("Campo obrigatório em falta: referencia")
    if len(found) > MOST_REFERENCES:
        raise Refusal(f"Mais de {MOST_REFERENCES} referências.")
    return list(dict.fromkeys(found))


def new_article(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """The article just made."""
    asked = {
        "ref": call.argument("artigo/referencia"),
        "description": call.argument("artigo/descricao"),
        "unit": call.argument("artigo/unidade") or "UN",
        "type": call.argument("artigo/tipo"),
        "rate": call.argument("artigo/taxa"),
        "exemption": call.argument("artigo/codigo_isencao"),
    }
    entry = keeping.create(office, entity, asked, who="wire", request=request)
    return [("id_artigo", str(entry["id"])), ("referencia", entry["ref"])]


def list_stock(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """The levels of these references, or of all articles page by page; with `desde`, only what changed since."""
    with office.lock:
        return _listed(office, entity, call)


def _listed(office: Office, entity: Entity, call: Call) -> Fields:
    stocks = office.books.stocks
    # what is posted after this answer has a higher number
    mark = len(office.ledger.entries)
    if call.root.find("referencias") is not None:
        named = (stocks.named(entity.number, reference) for reference in _references(call))
        levels, following = list(stocks.levels(entity.number, [one for one in named if one])), 0
    else:
        since = _since(office, call, mark)
        after = _whole(call.argument("apos") or "0", "apos")
        levels, following = stocks.changed(entity.number, since, after, PAGE)
    rows = [("stock", _level(level)) for level in levels]
    marks = [("marca", str(mark))] if office.switches["stock-changes"] == "on" else []
    return [("stocks", rows), ("seguinte", str(following or "")), *marks]


def _since(office: Office, call: Call, mark: int) -> int | None:
    if call.root.find("desde") is None:
        return None
    if office.switches["stock-changes"] == "off":
        if office.switches["unknown-elements"] == "refused":
            raise Refusal("Elemento desconhecido: desde")
        return None
    since = _whole(call.argument("desde"), "desde")
    if since > mark:
        raise Refusal(f"Marca desconhecida: {since}")
    return since


def _whole(written: str, name: str) -> int:
    if not written.isascii() or not written.isdecimal():
        raise Refusal(f"Valor inválido em {name}: {written}")
    return int(written)


def _level(level: Level) -> Fields:
    return [
        ("id_artigo", str(level.article["id"])),
        ("referencia", level.article["ref"]),
        ("armazem", level.warehouse),
        ("quantidade", text(level.quantity)),
    ]


def move_stock(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """The movement just written; asked twice, it is made twice."""
    written = call.argument("movimento/quantidade")
    if not _SIGNED.fullmatch(written):
        raise Refusal(f"Valor inválido em quantidade: {written}")
    entry = keeping.move(
        office, entity, call.argument("movimento/referencia"), call.argument("movimento/armazem"),
        Decimal(written), who="wire", observacoes=call.argument("movimento/observacoes"), request=request,
    )  # fmt: skip
    return [("id_movimento", str(entry["seq"]))]


def list_movements(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """Every movement whose `observacoes` contain the words: a reference may be the beginning of another."""
    words = call.argument("referencia")
    if not words:
        raise Refusal("Campo obrigatório em falta: referencia")
    found = [
        entry
        for entry in office.books.stocks.movements
        if entry["entity"] == entity.number and words in entry.get("observacoes", "")
    ]
    return [("movimentos", [("movimento", _movement(entry)) for entry in found])]


def _movement(entry: Entry) -> Fields:
    return [
        ("id_movimento", str(entry["seq"])),
        ("referencia", entry["ref"]),
        ("armazem", entry["warehouse"]),
        ("quantidade", entry["qty"]),
        ("data", entry["time"]),
        ("observacoes", entry["observacoes"]),
    ]
