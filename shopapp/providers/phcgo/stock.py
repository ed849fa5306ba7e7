"""PHC GO's stock levels, which are read and never changed.

No public client names a field that says when a level changed, so changes cannot be asked for: the whole list is read,
page by page.

Source: public clients, read 2026-11-20 (docs/phcgo.md, "Articles and stock"). Unconfirmed: how many rows one answer
holds, `offset`, and that rows come in the requested order.
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
    """Ask for the levels of these articles in every warehouse. Raises Refusal when some of them stay unknown."""
    rows = _rows_of_refs(session, refs)
    found = {ref_of(row) for row in rows}
    missing = [ref for ref in refs if ref not in found]
    if missing and len(refs) > 1 and not has_several_refs(found) and not supports_multi_ref_query(session):
        rows += [row for ref in missing for row in _rows_of_refs(session, [ref])]
    return tuple(_stock_level_from(row) for row in rows if ref_of(row) in refs)


def _rows_of_refs(session: PhcGoSession, refs: Sequence[str]) -> list[Row]:
    """Return the rows of these references: further pages until one is certainly complete, or empty."""
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
    """Ask for the next page of the whole list; `after` is `offset:hash of the previous page's first row`."""
    start, _, previous_first = after.partition(":")
    offset = int(start or 0)
    rows = session.query("Sa", limit=MAX_ROWS, offset=offset, by=_ORDER_BY)
    first = _row_hash(rows[0]) if rows else ""
    if rows and first == previous_first:
        # `offset` was ignored: the same page would come forever
        raise Refusal("offset")
    is_last = not rows or session.is_complete(rows)
    return StockLevelPage(
        tuple(map(_stock_level_from, rows)), "" if is_last else f"{offset + len(rows)}:{first}"
    )


def _row_hash(row: Row) -> str:
    return hashlib.sha256(f"{ref_of(row)}\0{text_field(row, 'armazem')}".encode()).hexdigest()[:12]


def _stock_level_from(row: Row) -> StockLevel:
    quantity = decimal_field(row, "stock")
    if quantity is None:
        raise Refusal("stock")
    # rounded, to remove floating-point noise
    return StockLevel(
        ref_of(row), text_field(row, "armazem"), strip_trailing_zeros(round_to_six_decimals(quantity))
    )
