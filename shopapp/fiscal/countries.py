"""The country that an address means, and its postal code in the form in which territories are looked up."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from . import tax_tables

_OTHER_CODES = {"EL": "GR", "UK": "GB"}
_POSTAL_DIGITS = {"DE": 5, "DK": 4, "ES": 5, "FI": 5, "FR": 5, "GR": 5, "IT": 5}
"""The digits of a postal code in countries where it decides the VAT territory."""


@cache
def country_code(written: str) -> str:
    """Return the ISO code of a country given by its code of two or three letters or by its name; else empty.

    Names are those of `tables/countries.csv`: Portuguese, Spanish and English. Northern Ireland is XI.
    """
    return _codes_by_text().get(_letters(written), "")


@cache
def _codes_by_text() -> dict[str, str]:
    rows = tax_tables.table_rows("countries")
    found = {_letters(name): row["country"] for row in rows for name in row["names"].split("|") if name}
    for row in rows:
        found[_letters(row["country"])] = row["country"]
        if row["three_letters"]:
            found[_letters(row["three_letters"])] = row["country"]
    return found | {_letters(code): country for code, country in _OTHER_CODES.items()}


def _letters(text: str) -> str:
    """Return the text's letters alone, without case and accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text).casefold() if letter.isalpha())


def normalise_postal_code(country: str, written: str) -> str | None:
    """Return the postal code without prefix, separators and blanks; empty when there is none.

    `ES-35.003`, `E 35003` and `35003` are the same. None for a text that is no postal code of the country, where the
    code decides the VAT territory: a digit that is missing is not guessed.
    """
    text = unicodedata.normalize("NFKC", written).strip().upper()
    digits = re.sub(r"[^0-9]", "", text)
    if country == "GB":
        code = re.sub(r"[^0-9A-Z]", "", re.sub(r"^(GB|UK)\W+", "", text))
        return code if not code or re.match(r"[A-Z]{1,2}[0-9]", code) else None
    if country == "PT":
        return digits
    if country not in _POSTAL_DIGITS or not text:
        return text
    if country == "DK" and text.startswith("FO"):
        return f"FO{digits}"
    return digits if len(digits) == _POSTAL_DIGITS[country] else None
