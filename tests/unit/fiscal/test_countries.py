"""A country is a code or a name that means one; anything else means none."""

from __future__ import annotations

import pytest
from babel import Locale

from shopapp.fiscal.countries import country_code
from shopapp.fiscal.tax_tables import member_states, table_rows


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("PT", "PT"), (" pt ", "PT"), ("PRT", "PT"), ("Portugal", "PT"), ("EL", "GR"), ("UK", "GB"), ("ESP", "ES"),
        ("Espanha", "ES"), ("ESPAÑA", "ES"), ("Spain", "ES"), ("Côte d’Ivoire", "CI"), ("República Checa", "CZ"),
        ("U.S.A.", "US"), ("Canarias", "IC"), ("Reino Unido", "GB"), ("XI", "XI"), ("", ""), ("ZZ", ""), ("EU", ""),
        ("XX", ""), ("Portugal Continental", ""), ("E", ""), ("1", ""), ("620", ""),
    ],
)  # fmt: skip
def test_a_country_is_read_from_its_codes_and_names(written: str, code: str) -> None:
    assert country_code(written) == code


@pytest.mark.parametrize("language", ["pt", "pt_PT", "es", "en"])
def test_every_country_is_known_by_its_name_in_each_language(language: str) -> None:
    names = Locale.parse(language).territories
    codes = {row["country"] for row in table_rows("countries")} & names.keys()
    assert len(codes) > 250 and member_states().keys() - {"XI"} <= codes
    assert {code: country_code(names[code]) for code in codes} == {code: code for code in codes}


def test_no_text_means_two_countries() -> None:
    rows = table_rows("countries")
    for row in rows:
        texts = [row["country"], row["three_letters"], *row["names"].split("|")]
        assert {country_code(text) for text in texts if text} == {row["country"]}
