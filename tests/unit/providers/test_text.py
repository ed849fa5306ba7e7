"""Text is brought into the form that an invoicing system accepts."""

from __future__ import annotations

import pytest

from shopapp.providers.text import iso_country, one_line


def test_a_text_is_put_on_one_line_without_control_characters() -> None:
    assert one_line("a\x00b\x1bc \t\r\n d\ud800e 👍🏽 €") == "abc de 👍🏽 €"


@pytest.mark.parametrize(
    ("territory", "code"), [("PT", "PT"), ("EL", "GR"), ("XI", "GB"), ("UK", "GB"), (" es", "ES"), ("", "")]
)
def test_a_vat_territory_becomes_an_iso_country(territory: str, code: str) -> None:
    assert iso_country(territory) == code
