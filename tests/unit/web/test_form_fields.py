"""Values that people type into forms are parsed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shopapp.web.form_fields import clean_text, parse_email, parse_euros, parse_row_id


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("89,35", "89.35"), ("89.35", "89.35"), ("1.234,50 €", "1234.50"), ("1 234,50", "1234.50"), ("12", "12.00"),
        ("-5,00", "-5.00"), ("abc", None), ("", None), ("1,234", None), ("NaN", None), ("1e999", None),
        ("9" * 30, None),
    ],
)  # fmt: skip
def test_an_amount_is_parsed_as_people_write_it(typed: str, expected: str | None) -> None:
    assert parse_euros(typed) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("typed", "good"),
    [
        ("a@b.pt", True), (" a@b.pt ", True), ("a@b", False), ("a b@c.pt", False), ("@b.pt", False),
        ("a@b.pt@c.pt", False), ("a" * 300 + "@b.pt", False),
    ],
)  # fmt: skip
def test_a_valid_email_address_is_recognised(typed: str, good: bool) -> None:
    assert bool(parse_email(typed)) is good


@pytest.mark.parametrize(
    "typed", ["Ana\x00", "\x1bAna", "A\u202ena", "An\u200ba", "Ana\x85", " Ana\r\n", "A\x7fna"]
)
def test_a_typed_text_loses_what_cannot_be_seen(typed: str) -> None:
    assert clean_text(typed) == "Ana"
    assert clean_text("x" * 1000, 10) == "x" * 10


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1.0", "1e3", "0x1", "²", "١٢", "１", "9" * 19, "9" * 5000, "a"]
)
def test_only_the_id_of_a_row_is_one(text: str) -> None:
    assert parse_row_id(text) == 0
    assert parse_row_id("9" * 18) == int("9" * 18)
