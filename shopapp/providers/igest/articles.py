"""iGEST's words for articles and their stock: what is asked for, and its answers as plain values.

Called by the adapter beside it; pure. An answer that leaves out what it was asked for is no answer: what is not read
is never "not there".

Unconfirmed, all of it: that such methods exist at all, and every element.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element

from shopapp.fiscal.errors import RefusedError, UncertainError, UnreachableError
from shopapp.providers.base import Article, LevelsPage, NewArticle, StockLevel, StockMove

from .documents import amount_of, plain
from .wire import Fields, Output, one_line, printable, text_of

LONGEST_NAME = 200
"""SAF-T (PT) holds no longer description of a product."""


def references(codes: Sequence[str]) -> Fields:
    """The element that asks for these references."""
    return (("referencias", tuple(("referencia", code) for code in codes)),)


def named(output: Output) -> list[Article]:
    """The articles in use that the answer lists."""
    return [
        Article(
            article_id=_told(row, "id_artigo")[:80],
            code=_told(row, "referencia"),
            name=one_line([text_of(row, "descricao")])[:LONGEST_NAME],
            goods=text_of(row, "tipo") != "S",
        )
        for row in _rows(output, "artigos", "artigo")
        if text_of(row, "ativo") != "nao"
    ]


def speakable(code: str) -> bool:
    """Whether the wire carries this reference unchanged: it has no place for control characters or outer blanks."""
    return bool(code) and printable(code).strip() == code and not {"\t", "\n"} & set(code)


def article_from(new: NewArticle) -> Fields:
    """The element `artigo` of one to be made. RefusedError `article-refused` when it can't be written."""
    if not speakable(new.code):
        raise RefusedError("article-refused", answer="")
    fields = [
        ("referencia", new.code),
        ("descricao", one_line([new.name])[:LONGEST_NAME].strip() or new.code),
        ("unidade", new.unit),
        ("tipo", "P" if new.goods else "S"),
        ("taxa", plain(new.vat_rate)),
    ]
    if new.vat_rate == 0:
        fields.append(("codigo_isencao", new.exemption_code))
    return (("artigo", tuple(fields)),)


def made_from(output: Output, new: NewArticle) -> Article:
    """The article that a `sucesso` tells of. UncertainError when it names none, or another than was asked for."""
    identity, code = output.text("id_artigo"), output.text("referencia")
    if not identity or code != new.code:
        raise UncertainError("outcome-unknown", how="no-article", id=identity[:80])
    return Article(identity[:80], code, one_line([new.name])[:LONGEST_NAME], new.goods)


def levels_from(output: Output) -> tuple[StockLevel, ...]:
    """The levels that the answer lists."""
    return tuple(
        StockLevel(_told(row, "referencia"), text_of(row, "armazem"), _quantity(row))
        for row in _rows(output, "stocks", "stock")
    )


def page_of(since: str, cursor: str) -> Fields:
    """What asks for a page of the levels that changed since a mark ('' for all), beyond the cursor."""
    return tuple((name, value) for name, value in (("desde", since), ("apos", cursor)) if value)


def page_from(output: Output, since: str, first: str) -> LevelsPage:
    """The page of a reading whose first page gave the mark `first` ('' when this is it).

    The mark of the first page is that of the whole reading: what changes while it is read is read again.
    """
    mark = first or output.text("marca")
    cursor = output.text("seguinte")
    return LevelsPage(levels_from(output), json.dumps([since, mark, cursor]) if cursor else "", mark)


def place_in(after: str) -> tuple[str, str, str]:
    """Since which mark is read, the mark of the first page, and the cursor, out of a page's `after`."""
    since, first, cursor = json.loads(after)
    return since, first, cursor


def move_from(move: StockMove) -> Fields:
    """The element `movimento`, our reference in its notes. RefusedError `stock-refused` when it can't be written."""
    if not speakable(move.code):
        raise RefusedError("stock-refused", answer="")
    notes = "\n".join(filter(None, [f"Ref. {move.reference}", one_line([move.why])]))
    fields = [("referencia", move.code), ("quantidade", plain(move.quantity)), ("observacoes", notes)]
    if move.warehouse:
        fields.insert(1, ("armazem", move.warehouse))
    return (("movimento", tuple(fields)),)


def moved_from(output: Output) -> None:
    """Nothing; the `sucesso` tells of a movement. UncertainError when it does not."""
    if not output.text("id_movimento"):
        raise UncertainError("outcome-unknown", how="no-movement")


def moved_under(output: Output, reference: str) -> bool:
    """Whether one of the movements bears exactly this reference."""
    notes = (text_of(row, "observacoes") for row in _rows(output, "movimentos", "movimento"))
    return any(text.splitlines()[:1] == [f"Ref. {reference}"] for text in notes)


def _rows(output: Output, whole: str, one: str) -> list[Element]:
    """The rows of a list that may be empty, but must be there."""
    found = output.rows(whole)
    if len(found) != 1:
        raise UnreachableError("not-igest", how="no-list")
    return found[0].findall(one)


def _told(row: Element, name: str) -> str:
    text = text_of(row, name)
    if not text:
        raise UnreachableError("not-igest", how=f"no-{name}")
    return text


def _quantity(row: Element) -> Decimal:
    amount = amount_of(text_of(row, "quantidade"))
    if amount is None:
        raise UnreachableError("not-igest", how="no-quantidade")
    return amount
