"""Which key each stored value needs: the list of encrypted columns, the count of their rows, and the check at start.

The list is derived from the models, so that no column can be forgotten.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, func, inspect, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute

from shopapp import encryption

from .base import Base, SealedText, db, read_only
from .heartbeat import Heartbeat
from .sealed_columns import CLEAR, Mark, Sealed, SealedBinary

_KNOWN_KEYS = "keys"
"""The heartbeat whose note names the keys with which every value could be read at the last full check."""

Usage = dict[str, Counter[str]]
"""By column, such as `document.buyer_sealed`, how many rows need each key; CLEAR for those that are not encrypted."""


@dataclass(frozen=True)
class KeyedColumn:
    """A column whose values need a key: encrypted in it, or marked by it."""

    model: type[Any]
    attribute: InstrumentedAttribute[Any]
    needed: tuple[InstrumentedAttribute[Any], ...]
    """What must be read to encrypt it again."""
    descriptor: str = ""
    """The attribute that encrypts and decrypts it, where its type does not."""

    @property
    def name(self) -> str:
        """Table and column."""
        return f"{self.model.__tablename__}.{self.attribute.expression.name}"

    @property
    def is_mark(self) -> bool:
        """Whether it holds a mark, which is made again from what it marks."""
        return isinstance(self.attribute.expression.type, Mark)

    @property
    def key_id(self) -> ColumnElement[Any]:
        """SQL for the id of the key that a row needs: hex, bytes, CLEAR, or empty where nothing is stored."""
        column = self.attribute.expression
        if self.descriptor:
            return func.substr(type_coerce(column, LargeBinary), 1, encryption.KEY_ID_BYTES)
        kind: Any = column.type
        found: ColumnElement[Any] = kind.key_id(column)
        return found

    @property
    def is_outdated(self) -> ColumnElement[bool]:
        """SQL for the condition that a row needs another key than the newest."""
        newest = encryption.key_ids()[0]
        if self.descriptor or isinstance(self.attribute.expression.type, SealedBinary):
            return self.key_id != bytes.fromhex(newest)
        return self.key_id.not_in((newest, ""))


def keyed_columns() -> list[KeyedColumn]:
    """Return every column that is encrypted or marked, of every table."""
    found = []
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.class_.__tablename__):
        model = mapper.class_
        for one in mapper.column_attrs:
            attribute = getattr(model, one.key)
            kind = attribute.expression.type
            if isinstance(kind, Mark):
                needed = tuple(getattr(model, name) for name in model.marked_from)
                found.append(KeyedColumn(model, attribute, needed))
            elif isinstance(kind, Sealed):
                found.append(KeyedColumn(model, attribute, (attribute,)))
        inherited = {name: one for base in reversed(model.__mro__) for name, one in vars(base).items()}
        for name, sealed in sorted(inherited.items()):
            if isinstance(sealed, SealedText):
                attribute = getattr(model, sealed.column)
                found.append(KeyedColumn(model, attribute, (model.uid, attribute), name))
    return found


def count_by_key() -> Usage:
    """Count the rows of each column by the key that they need: one pass over each table. Changes nothing."""
    usage: Usage = {}
    with read_only():
        for columns in _existing_columns():
            usage |= {column.name: Counter() for column in columns}
            ids = [column.key_id.label(f"key_{at}") for at, column in enumerate(columns)]
            for *found, rows in db.session.execute(select(*ids, func.count()).group_by(*ids)):
                for column, key_id in zip(columns, found, strict=True):
                    if key_id:
                        usage[column.name][_as_text(key_id)] += rows
        db.session.rollback()
    return usage


def _existing_columns() -> list[list[KeyedColumn]]:
    """Return the columns by table, without those that a release adds only after it was started."""
    known = inspect(db.session.connection())
    tables, by_table = set(known.get_table_names()), defaultdict(list)
    for column in keyed_columns():
        by_table[column.model.__tablename__].append(column)
    found = []
    for table in sorted(tables & by_table.keys()):
        names = {one["name"] for one in known.get_columns(table)}
        found.append([one for one in by_table[table] if one.attribute.expression.name in names])
    return found


def _as_text(key_id: Any) -> str:
    if isinstance(key_id, str):
        return key_id
    return CLEAR if bytes(key_id) == CLEAR.encode() else bytes(key_id).hex()


def missing_keys() -> dict[str, list[str]]:
    """Return by id each key that SEAL_KEYS lacks though values need it, with `column (rows)` for each column.

    Every row is looked at once after each change of SEAL_KEYS, and not at every start. Commits.
    """
    ours = encryption.key_ids()
    try:
        former = _known_keys()
        if former == set(ours):
            return {}
        missing = _find_missing(count_by_key(), ours, bool(former - set(ours)))
        if not missing:
            Heartbeat.beat(_KNOWN_KEYS, ids=ours)
        return missing
    except SQLAlchemyError:
        # no tables yet, or the database is away: nothing can be read, or damaged
        return {}
    finally:
        db.session.rollback()


def _known_keys() -> set[str]:
    with read_only():
        row = db.session.get(Heartbeat, _KNOWN_KEYS, populate_existing=True)
        db.session.rollback()
    return set(row.read_note()["ids"]) if row is not None else set()


def _find_missing(usage: Usage, ours: Iterable[str], is_removed: bool) -> dict[str, list[str]]:
    missing: dict[str, list[str]] = defaultdict(list)
    marks = {column.name for column in keyed_columns() if column.is_mark}
    for name, rows in usage.items():
        for key_id, count in rows.items():
            # a mark of an earlier release does not say its key: it may be the one that was removed
            if key_id not in ours and (key_id != CLEAR or (is_removed and name in marks)):
                missing[key_id].append(f"{name} ({count})")
    return dict(missing)
