"""Column types whose values are stored encrypted, and marks by which encrypted values are found.

Unlike `base.SealedText`, which binds a value to its row, these bind it to its column alone: statements that know no
row write them too. What an earlier release wrote in clear is read as it is, until `flask reseal` encrypts it.
Every type says in SQL which key a stored value needs (`key_id`): its id, CLEAR, or '' where nothing is stored.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    LargeBinary,
    String,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator

from shopapp import encryption

CLEAR = "clear"
"""Stands for the key's id where a value is not encrypted, or a mark does not say by which key it was made."""
_MARKER = "sealed:"
_HEX = 2 * encryption.KEY_ID_BYTES


def _encrypt_text(plain: str, place: str) -> str:
    sealed = encryption.encrypt(plain.encode(), place)
    key_id, rest = sealed[: encryption.KEY_ID_BYTES], sealed[encryption.KEY_ID_BYTES :]
    return f"{_MARKER}{key_id.hex()}:{base64.b64encode(rest).decode()}"


def _decrypt_text(stored: str, place: str) -> str:
    key_id, _, rest = stored.removeprefix(_MARKER).partition(":")
    return encryption.decrypt(bytes.fromhex(key_id) + base64.b64decode(rest), place).decode()


def _text_key_id(stored: ColumnElement[Any], before: str, empty: tuple[str, ...]) -> ColumnElement[str]:
    """Return the key's id of a text that begins with `before` and the marker when it is encrypted."""
    begin = before + _MARKER
    return case(
        (or_(stored.is_(None), stored.in_(empty)), ""),
        (func.substr(stored, 1, len(begin)) == begin, func.substr(stored, len(begin) + 1, _HEX)),
        else_=CLEAR,
    )


class Sealed:
    """What the types have in common: `place` is `table.column`, to which values are bound."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class SealedString(Sealed, TypeDecorator[str]):
    """A text; it can't be compared or sorted in SQL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return _encrypt_text(value, self.place) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return _decrypt_text(value, self.place) if value and value.startswith(_MARKER) else value

    @staticmethod
    def key_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return SQL for the id of the key that the value needs."""
        return _text_key_id(type_coerce(column, Text), "", ("",))


class SealedDict(Sealed, TypeDecorator[dict[str, Any]]):
    """A JSON object, stored as a JSON string; an empty one says nothing and is stored as it is."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return _encrypt_text(json.dumps(value, ensure_ascii=False), self.place) if value else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(_decrypt_text(value, self.place)) if isinstance(value, str) else value

    @staticmethod
    def key_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return SQL for the id of the key that the value needs."""
        return _text_key_id(cast(column, Text), '"', ("{}", "null"))


class SealedBinary(Sealed, TypeDecorator[bytes]):
    """Bytes as they came, such as a webhook's body."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _MARKER.encode() + encryption.encrypt(value, self.place)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        marker = _MARKER.encode()
        if value is None or not bytes(value).startswith(marker):
            return value
        return encryption.decrypt(bytes(value)[len(marker) :], self.place)

    @staticmethod
    def key_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return SQL for the id of the key that the value needs, in bytes."""
        stored, marker = type_coerce(column, LargeBinary), _MARKER.encode()
        return case(
            (stored.is_(None), None),
            (
                func.substr(stored, 1, len(marker)) == marker,
                func.substr(stored, len(marker) + 1, encryption.KEY_ID_BYTES),
            ),
            else_=literal(CLEAR.encode(), LargeBinary),
        )


class Mark(TypeDecorator[str]):
    """A keyed mark (`encryption.marks_of`) or several, separated by spaces, which begin with their key's id."""

    impl = String
    cache_ok = True

    @staticmethod
    def key_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return SQL for the id of the key by which the mark was made."""
        stored = type_coerce(column, String)
        return case(
            (or_(stored.is_(None), stored == ""), ""),
            (and_(func.substr(stored, _HEX + 1, 1).in_((":", " "))), func.substr(stored, 1, _HEX)),
            else_=CLEAR,
        )
