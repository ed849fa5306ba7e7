"""Texts as invoicing systems accept them: one line without control characters, countries by their ISO 3166 code."""

from __future__ import annotations

from unicodedata import category

from shopapp.fiscal.countries import country_code


def one_line(text: str) -> str:
    """Return the text on one line: single spaces between words, no control characters, no lone surrogates."""
    kept = (letter for letter in text if letter in "\t\r\n" or category(letter) not in ("Cc", "Cs"))
    return " ".join("".join(kept).split())


def iso_country(territory: str) -> str:
    """Return the ISO 3166 code of a country or VAT territory (EL is GR; Northern Ireland, XI, is GB)."""
    code = country_code(territory)
    return "GB" if code == "XI" else code
