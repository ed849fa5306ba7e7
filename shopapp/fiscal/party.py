"""Who buys: name, address and tax id, and the rules that say which of them go on the document.

Called by drafting and by the platform adapters; never asks anyone (a VIES answer comes in as a value).
Sources: fiscal-pt sections 3.1 and 4 (CIVA art. 36 and 40; ranges of the NIF), python-stdnum for check digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stdnum.eu import vat as eu_vat
from stdnum.pt import nif

from shopapp.errors import OrderError

from . import tax_tables
from .trace import DecisionTrace

FINAL_CONSUMER = "999999990"
"""The SAF-T value that stands for a buyer who gave no number; never printed (rule ID1)."""

ViesResult = Literal["valid", "invalid", "unavailable"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where someone is; `country` is ISO 3166 alpha-2 in capitals, the rest as the shop has it."""

    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""

    @property
    def is_complete(self) -> bool:
        """Enough to be found by post."""
        return bool(self.street.strip() and self.city.strip())


@dataclass(frozen=True, slots=True)
class Party:
    """A buyer as the shop knows him: nothing checked, nothing normalised yet."""

    name: str = ""
    tax_id: str = ""
    company: str = ""
    email: str = ""
    address: Address | None = None
    vies: ViesResult | None = None
    phone: str = ""
    """Only to see a telephone number that was typed where the tax id belongs."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer as the law sees him."""

    tax_id: str
    print_tax_id: bool
    name: str
    country: str
    is_business: bool
    """Named and addressed like a business, also when his foreign number turned out not to be valid."""
    vat_country: str = ""
    """The member state of a foreign VAT number that may count; empty for Portuguese and for rejected numbers."""
    vies: ViesResult | None = None
    is_foreign: bool = False
    """A taxable person of another country by the number that they gave."""

    @property
    def is_portuguese_business(self) -> bool:
        """A business whose Portuguese number is on the document: no consumer, no number of another country."""
        return self.is_business and self.print_tax_id and not self.is_foreign


def country_code(written: str) -> str:
    """The ISO code in capitals, also where the VAT prefix or a common other code was written (EL, UK)."""
    code = written.strip().upper()
    return {"EL": "GR", "UK": "GB"}.get(code, code)


def normalise_tax_id(written: str) -> str:
    """The number in capitals without blanks, dots, hyphens and slashes; empty when nothing is left to judge."""
    return re.sub(r"[^0-9A-Z]", "", written.upper())


def is_nif(number: str) -> bool:
    """Nine digits with the right check digit and a prefix that exists; not the final consumer's value (ID5)."""
    if not re.fullmatch(r"[0-9]{9}", number) or number == FINAL_CONSUMER or not nif.is_valid(number):
        return False
    return any(number.startswith(row["prefix"]) for row in tax_tables.table_rows("nif-prefixes"))


def foreign_vat_number(party: Party) -> str:
    """The foreign EU VAT number with its prefix, as VIES wants it; empty when the buyer gave none.

    A number without prefix takes the one of the buyer's country when its form fits there.
    """
    number = normalise_tax_id(party.tax_id)
    country = country_code(party.address.country) if party.address else ""
    prefixes = tax_tables.member_states()
    if (
        not number
        or number == FINAL_CONSUMER
        or re.fullmatch(r"(PT)?[0-9]{9}", number)
        and country in ("", "PT")
    ):
        return ""
    known = {*prefixes.values(), *prefixes}
    if number[:2] in known and re.search(r"[0-9]", number[2:]):
        return "EL" + number[2:] if number[:2] == "GR" else number
    if country in prefixes and eu_vat.is_valid(prefixes[country] + number):
        return prefixes[country] + number
    return ""


def vies_query_number(party: Party) -> str:
    """The number that VIES should be asked about before drafting, else empty (no question, or its form is wrong)."""
    number = foreign_vat_number(party)
    return number if number and eu_vat.is_valid(number) else ""


def parse_tax_id(written: str) -> str:
    """The number that somebody typed, cleaned: a NIF, or a VAT number that VIES can be asked about; else empty."""
    number = normalise_tax_id(written)
    local = number.removeprefix("PT")
    if is_nif(local):
        return local
    return number if vies_query_number(Party(tax_id=number)) else ""


def identify_buyer(party: Party, country: str, trace: DecisionTrace) -> Buyer:
    """The buyer with the number that goes on the document; `country` is where he lives.

    Raises OrderError `nif-invalid` for a Portuguese number that fails its check: it is neither printed nor dropped.
    """
    number = normalise_tax_id(party.tax_id)
    name = (party.company or party.name).strip()
    foreign = foreign_vat_number(party)
    if number in ("", FINAL_CONSUMER):
        trace.add_rule("ID1")
        return Buyer(FINAL_CONSUMER, False, name, country, False)
    if foreign:
        return _eu_buyer(party, foreign, name, country, trace)
    local = number.removeprefix("PT")
    if is_nif(local) or country == "PT" or number.startswith("PT"):
        return _portuguese_buyer(party, local, name, country, trace)
    if country in tax_tables.member_states():
        return _buyer_with_rejected_number(name, country, trace)
    trace.add_rule("ID2")
    return Buyer(number, True, name, country, True, is_foreign=True)


def _portuguese_buyer(party: Party, number: str, name: str, country: str, trace: DecisionTrace) -> Buyer:
    if not is_nif(number):
        trace.add_rule("ID5")
        raise OrderError("nif-invalid", nif=party.tax_id.strip())
    if number == re.sub(r"[^0-9]", "", party.phone)[-9:]:
        trace.add_rule("ID5")
        raise OrderError("nif-is-telephone", nif=number)
    trace.add_rule("ID2")
    if number.startswith("8"):
        trace.add_warning("nif-obsolete-range")
    business = number[0] in "5679" or bool(party.company.strip())
    return Buyer(number, True, name, country, business)


def _eu_buyer(party: Party, number: str, name: str, country: str, trace: DecisionTrace) -> Buyer:
    """A number of another member state: VIES decides; without an answer, its form (EU3 to EU5 follow from this)."""
    if party.vies == "invalid" or (party.vies is None and not eu_vat.is_valid(number)):
        return _buyer_with_rejected_number(name, country, trace)
    prefix = number[:2]
    states = {prefix_: state for state, prefix_ in tax_tables.member_states().items()}
    trace.add_rule("ID2")
    return Buyer(number, True, name, country, True, states.get(prefix, prefix), party.vies, True)


def _buyer_with_rejected_number(name: str, country: str, trace: DecisionTrace) -> Buyer:
    """Kept off the document and taxed like a consumer, the merchant told (EU4; rulings section 8)."""
    trace.add_rule("EU4", "ID1")
    trace.add_warning("vat-number-rejected")
    return Buyer(FINAL_CONSUMER, False, name, country, True, vies="invalid")
