"""PHC GO's wire format: requests are forms whose objects are JSON, answers are `{"result": [...], "messages": [...]}`.

Pure; sends nothing. It knows no entity and matches no text: only the type of a message makes it an error.

Source: public clients of the Full API, read 2026-11-20 (docs/phcgo.md, "Answers"). Unconfirmed: that type 1 is the only
one that means an error; what a message without a type means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shopapp.http_client import HttpResponse
from shopapp.json_text import parse_json
from shopapp.providers.answers import UnreadableAnswer
from shopapp.providers.text import one_line

Row = dict[str, Any]
EMPTY_ANSWER = "empty"
_ANY_OF_GROUP = 9
_MAX_MESSAGE_LENGTH = 500


class Refusal(Exception):
    """A complete answer that refuses: one of its messages is an error. Its text is PHC GO's own, on one line."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One complete answer: its rows, and the text of the first error among its messages, if any."""

    rows: tuple[Row, ...]
    error: str | None = None

    @property
    def first(self) -> Row:
        """Return the first row; an empty one when there is none."""
        return self.rows[0] if self.rows else {}


def to_json(value: Any) -> str:
    """Return the value as JSON; a Decimal keeps exactly its digits."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json_string(str(key))}:{to_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(to_json(one) for one in value) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        return _json_string(value)
    return json.dumps(value)


def _json_string(text: str) -> str:
    # UTF-8 cannot hold a lone surrogate
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)


def parse_envelope(answer: HttpResponse) -> Envelope:
    """Parse the envelope in this answer. Raises UnreadableAnswer when it is truncated, a web page, or anything else."""
    if answer.status != 200:
        raise UnreadableAnswer(f"status-{answer.status}")
    if not answer.body.strip():
        raise UnreadableAnswer(EMPTY_ANSWER)
    try:
        found = parse_json(answer.body.decode("utf-8-sig"), parse_constant=_reject_constant)
    except ValueError as error:
        raise UnreadableAnswer("html" if b"<html" in answer.body[:2000].lower() else "not-json") from error
    if not isinstance(found, dict) or not isinstance(found.get("result"), list):
        raise UnreadableAnswer("not-envelope")
    rows, messages = found["result"], found.get("messages") or []
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in (*rows, *messages)):
        raise UnreadableAnswer("not-envelope")
    return Envelope(tuple(rows), _first_error(messages, bool(rows)))


def _reject_constant(word: str) -> None:
    raise ValueError(word)


def _first_error(messages: list[Row], has_rows: bool) -> str | None:
    """Return the text of the first message that is an error; None when there is none."""
    for message in messages:
        kind = message.get("messageType")
        if kind in (1, "1") or str(kind).lower() == "error":
            return _message_text(message)
        if kind is None and not has_rows:
            return _message_text(message)
    return None


def _message_text(message: Row) -> str:
    for name in ("messageCodeLocale", "messageCode"):
        if isinstance(text := message.get(name), str) and text.strip():
            return one_line(text)[:_MAX_MESSAGE_LENGTH]
    return ""


def build_query(
    entity: str,
    *conditions: tuple[str, Any],
    any_of: bool = False,
    limit: int = 50,
    newest: str = "",
    by: Sequence[str] = (),
    offset: int = 0,
) -> Row:
    """Return the query for rows of that entity whose fields equal all (or, with `any_of`, any) of these values.

    Orders descending by the field `newest`, or else ascending by the fields `by`.
    """
    last = len(conditions) - 1
    items = [
        {
            "filterItem": name,
            "valueItem": value,
            "comparison": 0,
            "groupItem": _ANY_OF_GROUP if any_of else int(at < last),
            "checkNull": False,
            "skipCheckType": False,
            "type": "Number",
        }
        for at, (name, value) in enumerate(conditions)
    ]
    order = [
        {"AggregateType": 0, "fieldStruc": [], "OrderItem": name, "OrderType": int(name == newest)}
        for name in ((newest,) if newest else by)
    ]
    return {"entityName": entity, "distinct": False, "lazyLoaded": False, "SelectItems": [],
            "filterItems": items, "groupByItems": [], "orderByItems": order, "joinEntities": [],
            "limit": limit, "offset": offset}  # fmt: skip


def text_field(row: Row, *names: str) -> str:
    """Return the first of these fields that is not empty, on one line; empty when all are."""
    for name in names:
        value = row.get(name)
        if (
            isinstance(value, str | int | Decimal)
            and not isinstance(value, bool)
            and (one := one_line(str(value)))
        ):
            return one
    return ""


def decimal_field(row: Row, name: str) -> Decimal | None:
    """Return the field as a number; None when it is not one."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def flag_field(row: Row, name: str) -> bool:
    """Return whether the field is true: `true` or 1, as text or as JSON."""
    return str(row.get(name, "")).lower() in ("1", "true")
