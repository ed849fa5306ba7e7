"""iGEST's XML for articles and their stock: requests built from our values, and answers read into them.

Pure. An answer that lacks its list or a required element is unreadable: it never means that nothing exists.

Unconfirmed: that such methods exist at all, and every element (docs/igest-wire.md, "Articles and stock").
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element

from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.texts import shorten
from shopapp.providers.articles import NewArticle, ProviderArticle
from shopapp.providers.stock import StockLevel, StockLevelPage, StockMovement
from shopapp.providers.text import one_line

from .documents import decimal_from, format_decimal
from .wire_format import Output, XmlElements, printable, text_of

MAX_NAME_LENGTH = 200
"""The longest description of a product in SAF-T (PT)."""


def reference_elements(codes: Sequence[str]) -> XmlElements:
    """Return the element that queries these references."""
    return (("referencias", tuple(("referencia", code) for code in codes)),)


def articles_from(output: Output) -> list[ProviderArticle]:
    """Return the articles in use that the answer lists."""
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
    """Return whether the XML carries this reference unchanged: no control characters and no surrounding spaces."""
    return bool(code) and printable(code).strip() == code and not {"\t", "\n"} & set(code)


def new_article_elements(new: NewArticle) -> XmlElements:
    """Return the element `artigo` of a new article. Raises RefusedError `article-refused` when XML cannot carry it."""
    if not is_encodable(new.code):
        raise RefusedError("article-refused", answer="")
    fields = [
        ("referencia", new.code),
        ("descricao", shorten(one_line(new.name), MAX_NAME_LENGTH) or new.code),
        ("unidade", new.unit),
        ("tipo", "P" if new.goods else "S"),
        ("taxa", format_decimal(new.vat_rate)),
    ]
    if new.vat_rate == 0:
        fields.append(("codigo_isencao", new.exemption_code))
    return (("artigo", tuple(fields)),)


def created_article_from(output: Output, new: NewArticle) -> ProviderArticle:
    """Return the created article. Raises UncertainError when the `sucesso` names none, or another."""
    article_id, code = output.text("id_artigo"), output.text("referencia")
    if not article_id or code != new.code:
        raise UncertainError("outcome-unknown", how="no-article", id=article_id[:80])
    return ProviderArticle(article_id[:80], code, shorten(one_line(new.name), MAX_NAME_LENGTH), new.goods)


def stock_levels_from(output: Output) -> tuple[StockLevel, ...]:
    """Return the stock levels that the answer lists."""
    return tuple(
        StockLevel(_required_text(row, "referencia"), text_of(row, "armazem"), _quantity(row))
        for row in _list_rows(output, "stocks", "stock")
    )


def stock_page_elements(since: str, cursor: str) -> XmlElements:
    """Return the elements that ask for the page after the cursor, of what changed since a token ('' for all)."""
    return tuple((name, value) for name, value in (("desde", since), ("apos", cursor)) if value)


def stock_page_from(output: Output, since: str, next_token: str) -> StockLevelPage:
    """Return a page of the sync whose first page gave `next_token` ('' when this is the first page).

    The token of the first page is that of the whole sync: what changes during it is read again by the next one.
    """
    next_token = next_token or output.text("marca")
    cursor = output.text("seguinte")
    return StockLevelPage(
        stock_levels_from(output), json.dumps([since, next_token, cursor]) if cursor else "", next_token
    )


def parse_stock_cursor(after: str) -> tuple[str, str, str]:
    """Return (token to read from, token of the first page, cursor) from a page's `after`."""
    since, next_token, cursor = json.loads(after)
    return since, next_token, cursor


def movement_elements(movement: StockMovement) -> XmlElements:
    """Return the element `movimento` with our reference first in its notes.

    Raises RefusedError `stock-refused` when XML cannot carry the article's reference.
    """
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
    """Raise UncertainError when the `sucesso` names no movement."""
    if not output.text("id_movimento"):
        raise UncertainError("outcome-unknown", how="no-movement")


def has_movement_with_reference(output: Output, reference: str) -> bool:
    """Return whether one of the movements has exactly this reference."""
    notes = (text_of(row, "observacoes") for row in _list_rows(output, "movimentos", "movimento"))
    return any(text.splitlines()[:1] == [f"Ref. {reference}"] for text in notes)


def _list_rows(output: Output, list_name: str, row_name: str) -> list[Element]:
    """Return the rows of a list that may be empty but must exist. Raises UnreachableError when it does not."""
    lists = output.rows(list_name)
    if len(lists) != 1:
        raise UnreachableError("not-igest", how="no-list")
    return lists[0].findall(row_name)


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
