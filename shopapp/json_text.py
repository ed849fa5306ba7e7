"""Read the JSON of external systems into values that a database can store."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

_MAX_DIGITS = 40
"""The longest integer that is read as one, and the largest exponent of a fraction.

Python refuses very long integers, so one would spoil a whole list; a fraction like 1E-999999999 takes gigabytes as soon
as somebody writes it out.
"""


def parse_json(body: bytes | str, **options: Any) -> Any:
    """Return the parsed JSON, with fractions as Decimal. Raises ValueError when it is not JSON.

    U+0000 is removed and half a surrogate pair replaced in every text: JSON can spell both, no database stores
    them, and one of them in a name would keep its order from ever being recorded. A number that is none (NaN) or that
    Python does not read stays text, so that it spoils its own field only.
    """
    readers = {"parse_float": _read_fraction, "parse_int": _read_integer, "parse_constant": str}
    try:
        return _replace_unstorable(json.loads(body, **{**readers, **options}))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _read_fraction(text: str) -> Decimal | str:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return text
    is_small = abs(found.adjusted()) <= _MAX_DIGITS and abs(int(found.as_tuple().exponent)) <= _MAX_DIGITS
    return found if is_small else text


def _read_integer(text: str) -> int | str:
    return int(text) if len(text) <= _MAX_DIGITS else text


def _replace_unstorable(content: Any) -> Any:
    if isinstance(content, str):
        return content.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(content, dict):
        return {name: _replace_unstorable(one) for name, one in content.items()}
    return [_replace_unstorable(one) for one in content] if isinstance(content, list) else content
