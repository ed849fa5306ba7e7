"""PHC GO's stock: what each warehouse holds of an article, read and never moved.

Called by the adapter beside it. No field of a level or of a movement that tells when it changed is public, so the
account can't be asked for changes: the whole list is read, page by page.

Source: phcgo.md sections 3 (Sa, Sl), 4.3. Unconfirmed: how many rows one answer holds, `offset`, and that rows come in
the order that is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from shopapp.fiscal.money import plain, six
from shopapp.providers.base import LevelsPage, StockLevel

from .articles import MOST_ROWS, asked, ref_of, several, several_at_once
from .session import Session
from .wire import Refusal, Row, number, query, text

_SEARCH = "SearchWS/QueryAsEntities"
_BY = ("ref", "armazem")


def levels_of(session: Session, refs: Sequence[str]) -> tuple[StockLevel, ...]:
    """The levels of these articles in every warehouse. Refusal when that can't be said of all of them."""
    rows = _all(session, refs)
    known = {ref_of(row) for row in rows}
    left = [ref for ref in refs if ref not in known]
    if left and len(refs) > 1 and not several(known) and not several_at_once(session):
        rows += [row for ref in left for row in _all(session, [ref])]
    return tuple(_level(row) for row in rows if ref_of(row) in refs)


def _all(session: Session, refs: Sequence[str]) -> list[Row]:
    """The rows of these references, read on until an answer is whole or brings nothing more."""
    found: list[Row] = []
    while refs:
        page = asked(session, "Sa", refs, by=_BY, offset=len(found))
        if page and _mark(page[0]) in map(_mark, found):
            raise Refusal("offset")
        found += page
        if not page or session.whole(page):
            break
    return found


def levels_after(session: Session, after: str) -> LevelsPage:
    """The next rows of the whole list; `after` is where the former page ended, and what it began with."""
    start, _, begun = after.partition(":")
    offset = int(start or 0)
    rows = session.read(_SEARCH, itemQuery=query("Sa", limit=MOST_ROWS, offset=offset, by=_BY)).rows
    first = _mark(rows[0]) if rows else ""
    if rows and first == begun:
        # the list was not read on: the same page would come for ever
        raise Refusal("offset")
    last = not rows or session.whole(rows)
    return LevelsPage(tuple(map(_level, rows)), "" if last else f"{offset + len(rows)}:{first}")


def _mark(row: Row) -> str:
    return hashlib.sha256(f"{ref_of(row)}\0{text(row, 'armazem')}".encode()).hexdigest()[:12]


def _level(row: Row) -> StockLevel:
    quantity = number(row, "stock")
    if quantity is None:
        raise Refusal("stock")
    # without the noise of binary numbers
    return StockLevel(ref_of(row), text(row, "armazem"), plain(six(quantity)))
