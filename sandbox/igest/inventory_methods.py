"""The API methods for articles and stock. None is known to exist in the real iGEST: they are our assumption."""

from __future__ import annotations

import re
from decimal import Decimal

from sandbox.core.ledger import Entry

from . import inventory
from .document_request import Refusal
from .entities import Entity
from .inventory_index import StockLevel
from .program_state import ProgramState
from .sums import decimal_text
from .wire import Call, Fields

MAX_REFERENCES, PAGE_SIZE = 50, 500
_SIGNED = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)


def find_articles(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Return the articles with exactly these references, or the one with that id, withdrawn ones included."""
    stocks = program.index.inventory
    if identity := call.argument("id_artigo"):
        article = stocks.article_by_id(entity.number, identity)
        found = [article] if article else []
    else:
        named = (
            stocks.article_by_reference(entity.number, reference) for reference in _requested_references(call)
        )
        found = [article for article in named if article]
    return [("artigos", [("artigo", _article_fields(article)) for article in found])]


def _article_fields(article: Entry) -> Fields:
    return [
        ("id_artigo", str(article["id"])),
        ("referencia", article["ref"]),
        ("descricao", article["description"]),
        ("unidade", article["unit"]),
        ("tipo", article["type"]),
        ("taxa", article["rate"]),
        ("ativo", "sim" if article["active"] else "nao"),
    ]


def _requested_references(call: Call) -> list[str]:
    found = [(row.text or "").strip() for row in call.root.findall("referencias/referencia")]
    if not found or not all(found):
        raise Refusal("Campo obrigatório em falta: referencia")
    if len(found) > MAX_REFERENCES:
        raise Refusal(f"Mais de {MAX_REFERENCES} referências.")
    return list(dict.fromkeys(found))


def new_article(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Create the article."""
    requested = {
        "ref": call.argument("artigo/referencia"),
        "description": call.argument("artigo/descricao"),
        "unit": call.argument("artigo/unidade") or "UN",
        "type": call.argument("artigo/tipo"),
        "rate": call.argument("artigo/taxa"),
        "exemption": call.argument("artigo/codigo_isencao"),
    }
    entry = inventory.create_article(program, entity, requested, who="wire", request=request)
    return [("id_artigo", str(entry["id"])), ("referencia", entry["ref"])]


def list_stock(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Return the levels of these references, or of all articles page by page.

    With `desde`, only those that changed since.
    """
    with program.lock:
        return _stock_answer(program, entity, call)


def _stock_answer(program: ProgramState, entity: Entity, call: Call) -> Fields:
    stocks = program.index.inventory
    # Entries written after this answer have a higher number.
    mark = len(program.ledger.entries)
    if call.root.find("referencias") is not None:
        named = (
            stocks.article_by_reference(entity.number, reference) for reference in _requested_references(call)
        )
        levels, following = list(stocks.levels_of(entity.number, [one for one in named if one])), 0
    else:
        since = _since_mark(program, call, mark)
        after = _parse_whole(call.argument("apos") or "0", "apos")
        levels, following = stocks.changed_levels(entity.number, since, after, PAGE_SIZE)
    rows = [("stock", _level_fields(level)) for level in levels]
    marks = [("marca", str(mark))] if program.switches["stock-changes"] == "on" else []
    return [("stocks", rows), ("seguinte", str(following or "")), *marks]


def _since_mark(program: ProgramState, call: Call, mark: int) -> int | None:
    if call.root.find("desde") is None:
        return None
    if program.switches["stock-changes"] == "off":
        if program.switches["unknown-elements"] == "refused":
            raise Refusal("Elemento desconhecido: desde")
        return None
    since = _parse_whole(call.argument("desde"), "desde")
    if since > mark:
        raise Refusal(f"Marca desconhecida: {since}")
    return since


def _parse_whole(written: str, name: str) -> int:
    if not written.isascii() or not written.isdecimal():
        raise Refusal(f"Valor inválido em {name}: {written}")
    return int(written)


def _level_fields(level: StockLevel) -> Fields:
    return [
        ("id_artigo", str(level.article["id"])),
        ("referencia", level.article["ref"]),
        ("armazem", level.warehouse),
        ("quantidade", decimal_text(level.quantity)),
    ]


def move_stock(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Write the movement; a repeated call makes a second one."""
    written = call.argument("movimento/quantidade")
    if not _SIGNED.fullmatch(written):
        raise Refusal(f"Valor inválido em quantidade: {written}")
    entry = inventory.move_stock(
        program, entity, call.argument("movimento/referencia"), call.argument("movimento/armazem"),
        Decimal(written), who="wire", observacoes=call.argument("movimento/observacoes"), request=request,
    )  # fmt: skip
    return [("id_movimento", str(entry["seq"]))]


def list_movements(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Return every movement whose `observacoes` contain the text: one reference may begin another."""
    words = call.argument("referencia")
    if not words:
        raise Refusal("Campo obrigatório em falta: referencia")
    found = [
        entry
        for entry in program.index.inventory.movement_entries
        if entry["entity"] == entity.number and words in entry.get("observacoes", "")
    ]
    return [("movimentos", [("movimento", _movement_fields(entry)) for entry in found])]


def _movement_fields(entry: Entry) -> Fields:
    return [
        ("id_movimento", str(entry["seq"])),
        ("referencia", entry["ref"]),
        ("armazem", entry["warehouse"]),
        ("quantidade", entry["qty"]),
        ("data", entry["time"]),
        ("observacoes", entry["observacoes"]),
    ]
