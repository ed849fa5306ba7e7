"""One page of a long list, found by the key of the row at its edge (keyset paging), never by an offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_

from shopapp.models.base import db, fold_for_search

PAGE_SIZE = 50
_MAX_SEARCH_WORDS = 6

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in the order of the list, and whether there are rows before and after them."""

    rows: Sequence[Row]
    before: bool
    after: bool


def read_page(
    query: Select[Any],
    key: Sequence[Any],
    *,
    after: Sequence[Any] | None,
    before: Sequence[Any] | None,
    most: int,
    descending: bool = False,
    build: Callable[..., Row] = lambda entity: entity,
) -> Page[Row]:
    """Return the first rows after the key `after`, the last ones before `before`, or the first of all.

    `key` is the columns that order the list and tell its rows apart. `before` wins where both are given.
    """
    backwards = before is not None
    edge = before if backwards else after
    ascending = descending == backwards
    if edge is not None:
        position, bound = (tuple_(*key), tuple(edge)) if len(key) > 1 else (key[0], edge[0])
        query = query.where(position > bound if ascending else position < bound)
    query = query.order_by(*(column if ascending else column.desc() for column in key)).limit(most + 1)
    found = [build(*row) for row in db.session.execute(query)]
    more, rows = len(found) > most, found[:most]
    if backwards:
        return Page(rows[::-1], before=more, after=True)
    return Page(rows, before=edge is not None, after=more)


def search_words(text: str) -> list[str]:
    """Return the first words of what was typed into a search box, folded as the searched columns are."""
    return fold_for_search(text).split()[:_MAX_SEARCH_WORDS]
