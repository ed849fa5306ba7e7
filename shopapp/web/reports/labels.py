"""The words of a report's rows, and their amounts as the pages and the exports show them."""

from __future__ import annotations

from dataclasses import dataclass

from shopapp.fiscal.tax_tables import exemption_mention
from shopapp.messages.formats import country_name, percent, today
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import kind_plural, region_name
from shopapp.models.queries.reports import Sums, TaxKey


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of sums; `url` leads to the documents behind it."""

    label: str
    note: str
    sums: Sums
    url: str


def region_label(code: str) -> str:
    """Return the name of a Portuguese region or of a country."""
    return region_name(code) if code.startswith("PT") else country_name(code)


def tax_label(key: TaxKey) -> str:
    """Return the rate or the reason of a row, such as `23%` or `Isento (M07)`."""
    if key.exemption:
        return gettext("Isento (%(code)s)", code=key.exemption)
    return percent(key.rate)


def tax_note(key: TaxKey) -> str:
    """Return the legal text of an exemption; empty for a rate."""
    return exemption_mention(key.exemption, today()) or "" if key.exemption else ""


def kind_label(kind: str) -> str:
    """Return the name of many documents of a kind, with a capital."""
    return kind_plural(kind).capitalize()
