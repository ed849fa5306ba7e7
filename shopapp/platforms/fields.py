"""Single fields of a platform's JSON as typed values: amounts, texts, timestamps, ids, nested objects."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shopapp.errors import OrderError
from shopapp.fiscal.money import SIX_DECIMALS, parse_amount, round_to_cents

Json = Mapping[str, Any]

_AMOUNT_LIMIT = Decimal(10) ** 12
"""Larger than the amount of any order, and too large for a column."""
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
"""A date outside of these is none; at the ends of the calendar another time zone would overflow."""

_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|big|code|del|em|font|i|img|ins|mark|s|small|span|strike|strong|sub|sup|u)(?:\s[^<>]*)?/?>",
    re.I,
)
_OTHER_MARKUP = re.compile(
    r"<(script|style)\b.*?</\1\s*>|<!--.*?-->"
    r"|</?(?:blockquote|body|br|center|dd|div|dl|dt|h[1-6]|head|hr|html|li|meta|ol|p|pre|section|table|tbody|td|th|thead"
    r"|tr|ul)(?:\s[^<>]*)?/?>",
    re.I | re.S,
)


def plain_text(value: Any) -> str:
    """Return a text of the shop as a person reads it: on one line, without markup; empty for what is none.

    Shops keep names as HTML: `<b>Pires</b> &amp; Caneca`. What only looks like a tag (`<M>`, `<3`) stays.
    """
    is_text = isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
    text = str(value) if is_text else ""
    for _ in range(3):
        text = _INLINE_TAG.sub("", _OTHER_MARKUP.sub(" ", text))
        unescaped = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        if unescaped == text:
            break
        text = unescaped
    return " ".join(text.split())


def text_field(block: Json, *names: str) -> str:
    """Return the texts in those fields, joined by a space (`plain_text`); empty when there is none."""
    return " ".join(text for name in names if (text := plain_text(block.get(name))))


def required_field(block: Json, name: str) -> Any:
    """Return the field's value. Raises OrderError `order-unreadable` when it is absent, null or empty."""
    if block.get(name) in (None, ""):
        raise OrderError("order-unreadable", field=name)
    return block[name]


def amount_field(block: Json, name: str, missing: Decimal | None = None) -> Decimal:
    """Return the amount in that field, written as text, integer or decimal number (seen in code).

    Raises OrderError `order-unreadable` when it is not an amount, or absent without a default.
    """
    value = block.get(name)
    if value in (None, ""):
        if missing is None:
            raise OrderError("order-unreadable", field=name)
        return missing
    try:
        found = parse_amount(value)
    except ValueError as error:
        raise OrderError("order-unreadable", field=name) from error
    if abs(found) >= _AMOUNT_LIMIT:
        raise OrderError("order-unreadable", field=name)
    return found


def cents_field(block: Json, name: str, missing: Decimal | None = None) -> Decimal:
    """Return the amount in that field in whole cents, without the noise of binary floating point.

    Raises OrderError `order-unreadable` for parts of a cent, which nobody pays.
    """
    found = amount_field(block, name, missing)
    whole = round_to_cents(found)
    if abs(found - whole) > SIX_DECIMALS:
        raise OrderError("order-unreadable", field=name)
    return found if found == whole else whole


def parse_timestamp(written: Any) -> datetime:
    """Return the moment of `2026-10-03 19:02:44 UTC` or of ISO 8601, always with a zone (UTC where none is given).

    Raises OrderError `order-unreadable` for any other text, and for years in which no shop sold.
    """
    try:
        found = datetime.fromisoformat(str(written).strip().removesuffix(" UTC").replace("Z", "+00:00"))
    except ValueError as error:
        raise OrderError("order-unreadable", field="date") from error
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise OrderError("order-unreadable", field="date")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def timestamp_or_none(written: Any) -> datetime | None:
    """Return the moment, or None where it cannot be read."""
    try:
        return parse_timestamp(written)
    except OrderError:
        return None


def object_field(block: Json, name: str) -> Json:
    """Return the object in that field; an empty one when there is none."""
    found = block.get(name)
    return found if isinstance(found, Mapping) else {}


def objects_field(block: Json, name: str) -> list[Json]:
    """Return the objects of the list in that field; an empty list when there is none."""
    found = block.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def read_id(value: Any) -> str:
    """Return the id of an order or a product as text; empty when it is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and len(text) <= 18 else ""


def row_key(order_id: str, row: Any) -> str:
    """Return what tells a row of an order list from the others: its id, or a hash of its content."""
    return order_id or "row-" + hashlib.sha256(repr(row).encode("utf-8", "replace")).hexdigest()[:40]
