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

from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.stock import StockLevel, StockLevelPage, StockMovement
from shopapp.providers.text import one_line

from .documents import decimal_from, format_decimal
from .wire_format import Output, XmlElements, printable, text_of

MAX_NAME_LENGTH = 200
"""SAF-T (PT) holds no longer description of a product."""


def reference_elements(codes: Sequence[str]) -> XmlElements:
    """The element that asks for these references."""
    return (("referencias", tuple(("referencia", code) for code in codes)),)


def articles_from(output: Output) -> list[ProviderArticle]:
    """The articles in use that the answer lists."""
    return [
        ProviderArticle(
            article_id=_required_text(row, "id_artigo")[:80],
            code=_required_text(row, "referencia"),
            name=one_line(text_of(row, "descricao"))[:MAX_NAME_LENGTH],
            goods=text_of(row, "tipo") != "S",
        )
        for row in _list_rows(output, "artigos", "artigo")
        if text_of(row, "ativo") != "nao"
    ]


def is_encodable(code: str) -> bool:
    """Whether the wire carries this reference unchanged: it has no place for control characters or outer blanks."""
    return bool(code) and printable(code).strip() == code and not {"\t", "\n"} & set(code)


def new_article_elements(new: NewArticle) -> XmlElements:
    """The element `artigo` of one to be made. RefusedError `article-refused` when it can't be written."""
    if not is_encodable(new.code):
        raise RefusedError("article-refused", answer="")
    fields = [
        ("referencia", new.code),
        ("descricao", one_line(new.name)[:MAX_NAME_LENGTH].strip() or new.code),
        ("unidade", new.unit),
        ("tipo", "P" if new.goods else "S"),
        ("taxa", format_decimal(new.vat_rate)),
    ]
    if new.vat_rate == 0:
        fields.append(("codigo_isencao", new.exemption_code))
    return (("artigo", tuple(fields)),)


def created_article_from(output: Output, new: NewArticle) -> ProviderArticle:
    """The article that a `sucesso` tells of. UncertainError when it names none, or another than was asked for."""
    identity, code = output.text("id_artigo"), output.text("referencia")
    if not identity or code != new.code:
        raise UncertainError("outcome-unknown", how="no-article", id=identity[:80])
    return ProviderArticle(identity[:80], code, one_line(new.name)[:MAX_NAME_LENGTH], new.goods)


def stock_levels_from(output: Output) -> tuple[StockLevel, ...]:
    """The levels that the answer lists."""
    return tuple(
        StockLevel(_required_text(row, "referencia"), text_of(row, "armazem"), _quantity(row))
        for row in _list_rows(output, "stocks", "stock")
    )


def stock_page_elements(since: str, cursor: str) -> XmlElements:
    """What asks for a page of the levels that changed since a mark ('' for all), beyond the cursor."""
    return tuple((name, value) for name, value in (("desde", since), ("apos", cursor)) if value)


def stock_page_from(output: Output, since: str, first: str) -> StockLevelPage:
    """The page of a reading whose first page gave the mark `first` ('' when this is it).

    The mark of the first page is that of the whole reading: what changes while it is read is read again.
    """
    mark = first or output.text("marca")
    cursor = output.text("seguinte")
    return StockLevelPage(
        stock_levels_from(output), json.dumps([since, mark, cursor]) if cursor else "", mark
    )


def parse_stock_cursor(after: str) -> tuple[str, str, str]:
    """Since which mark is read, the mark of the first page, and the cursor, out of a page's `after`."""
    since, first, cursor = json.loads(after)
    return since, first, cursor


def movement_elements(movement: StockMovement) -> XmlElements:
    """The element `movimento`, our reference in its notes. RefusedError `stock-refused` when it can't be written."""
    if not is_encodable(movement.code):
        raise RefusedError("stock-refused", answer="")
    notes = "\n".join(filter(None, [f"Ref. {movement.reference}", one_line(movement.reason)]))
    fields = [
        ("referencia", movement.code),
        ("quantidade", format_decimal(movement.quantity)),
        ("observacoes", notes),
    ]
    if movement.warehouse:
        fields.insert(1, ("armazem", movement.warehouse))
    return (("movimento", tuple(fields)),)


def check_movement_created(output: Output) -> None:
    """Nothing; the `sucesso` tells of a movement. UncertainError when it does not."""
    if not output.text("id_movimento"):
        raise UncertainError("outcome-unknown", how="no-movement")


def has_movement_with_reference(output: Output, reference: str) -> bool:
    """Whether one of the movements bears exactly this reference."""
    notes = (text_of(row, "observacoes") for row in _list_rows(output, "movimentos", "movimento"))
    return any(text.splitlines()[:1] == [f"Ref. {reference}"] for text in notes)


def _list_rows(output: Output, whole: str, one: str) -> list[Element]:
    """The rows of a list that may be empty, but must be there."""
    found = output.rows(whole)
    if len(found) != 1:
        raise UnreachableError("not-igest", how="no-list")
    return found[0].findall(one)


def _required_text(row: Element, name: str) -> str:
    text = text_of(row, name)
    if not text:
        raise UnreachableError("not-igest", how=f"no-{name}")
    return text


def _quantity(row: Element) -> Decimal:
    amount = decimal_from(text_of(row, "quantidade"))
    if amount is None:
        raise UnreachableError("not-igest", how="no-quantidade")
    return amount
