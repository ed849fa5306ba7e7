"""Read the JSON of external systems into values that a database can store."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def parse_json(body: bytes | str, **options: Any) -> Any:
    """Return the parsed JSON, with fractions as Decimal. Raises ValueError when it is not JSON.

    U+0000 is removed and half a surrogate pair replaced in every text: JSON can spell both, no database stores
    them, and one of them in a name would keep its order from ever being recorded.
    """
    try:
        return _replace_unstorable(json.loads(body, **{"parse_float": Decimal, **options}))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _replace_unstorable(content: Any) -> Any:
    if isinstance(content, str):
        return content.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(content, dict):
        return {name: _replace_unstorable(one) for name, one in content.items()}
    return [_replace_unstorable(one) for one in content] if isinstance(content, list) else content
