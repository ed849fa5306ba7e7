"""PHC GO's stock: what each warehouse holds of an article, read and never moved.

Called by the adapter beside it. No field of a level or of a movement that tells when it changed is public, so the
account can't be asked for changes: the whole list is read, page by page.

Source: phcgo.md sections 3 (Sa, Sl), 4.3. Unconfirmed: how many rows one answer holds, `offset`, and that rows come in
the order that is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from shopapp.fiscal.money import round_to_six_decimals, strip_trailing_zeros
from shopapp.providers.stock import StockLevel, StockLevelPage

from .articles import MAX_ROWS, has_several_refs, query_by_refs, ref_of, supports_multi_ref_query
from .session import PhcGoSession
from .wire_format import Refusal, Row, decimal_field, text_field

_ORDER_BY = ("ref", "armazem")


def levels_by_ref(session: PhcGoSession, refs: Sequence[str]) -> tuple[StockLevel, ...]:
    """The levels of these articles in every warehouse. Refusal when that can't be said of all of them."""
    rows = _rows_of_refs(session, refs)
    known = {ref_of(row) for row in rows}
    left = [ref for ref in refs if ref not in known]
    if left and len(refs) > 1 and not has_several_refs(known) and not supports_multi_ref_query(session):
        rows += [row for ref in left for row in _rows_of_refs(session, [ref])]
    return tuple(_stock_level_from(row) for row in rows if ref_of(row) in refs)


def _rows_of_refs(session: PhcGoSession, refs: Sequence[str]) -> list[Row]:
    """The rows of these references, read on until an answer is whole or brings nothing more."""
    found: list[Row] = []
    while refs:
        page = query_by_refs(session, "Sa", refs, by=_ORDER_BY, offset=len(found))
        if page and _row_hash(page[0]) in map(_row_hash, found):
            raise Refusal("offset")
        found += page
        if not page or session.is_complete(page):
            break
    return found


def levels_page(session: PhcGoSession, after: str) -> StockLevelPage:
    """The next rows of the whole list; `after` is where the former page ended, and what it began with."""
    start, _, begun = after.partition(":")
    offset = int(start or 0)
    rows = session.query("Sa", limit=MAX_ROWS, offset=offset, by=_ORDER_BY)
    first = _row_hash(rows[0]) if rows else ""
    if rows and first == begun:
        # the list was not read on: the same page would come for ever
        raise Refusal("offset")
    last = not rows or session.is_complete(rows)
    return StockLevelPage(
        tuple(map(_stock_level_from, rows)), "" if last else f"{offset + len(rows)}:{first}"
    )


def _row_hash(row: Row) -> str:
    return hashlib.sha256(f"{ref_of(row)}\0{text_field(row, 'armazem')}".encode()).hexdigest()[:12]


def _stock_level_from(row: Row) -> StockLevel:
    quantity = decimal_field(row, "stock")
    if quantity is None:
        raise Refusal("stock")
    # without the noise of binary numbers
    return StockLevel(
        ref_of(row), text_field(row, "armazem"), strip_trailing_zeros(round_to_six_decimals(quantity))
    )
