"""JSON of external systems becomes values that every database can store."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.json_text import parse_json

_TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from("\0\ud800\udc00😀"))


@given(st.recursive(_TEXTS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_every_text_can_be_stored_and_only_unstorable_characters_change(content: Any) -> None:
    def check(parsed: Any, sent: Any) -> None:
        if isinstance(sent, str):
            assert "\0" not in parsed and parsed == parsed.encode().decode()
            assert parsed == sent or {"\0", *map(chr, range(0xD800, 0xE000))} & set(sent)
        else:
            pairs = (parsed.values(), sent.values()) if isinstance(sent, dict) else (parsed, sent)
            for one, other in zip(*pairs, strict=True):
                check(one, other)

    check(parse_json(json.dumps(content).encode()), content)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"[" * 100_000, b"[" * 900 + b"]" * 900, b'{"id": ', b"\xff\xfe"]
)
def test_text_that_is_no_json_or_nested_too_deep_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(raw)


@pytest.mark.parametrize("number", ["1E-999999999", "1E+99999999", "1.5E400", "9" * 5000, "NaN", "-Infinity"])
def test_a_number_that_cannot_be_written_out_stays_text(number: str) -> None:
    assert parse_json(f'{{"rate": {number}, "total": 12.30}}') == {"rate": number, "total": Decimal("12.30")}
