"""The buyer: name, address and tax id, and the rules that say which of them go on the document.

ID1, ID2, ID5 and EU4 in docs/fiscal.md; python-stdnum checks the digits. VIES is not asked here: the buyer comes with
its answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stdnum.eu import vat as eu_vat

from shopapp.errors import OrderError, UnreachableError

from . import tax_tables
from .countries import country_code
from .tax_ids import FINAL_CONSUMER, is_nif, normalise_tax_id
from .trace import DecisionTrace

ViesResult = Literal["valid", "invalid", "unavailable"]


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the shop has it; in a draft `country` is ISO 3166 alpha-2 in capitals, or XI."""

    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether street and city are known."""
        return bool(self.street.strip() and self.city.strip())


@dataclass(frozen=True, slots=True)
class Party:
    """A buyer as the shop knows them: nothing checked, nothing normalised."""

    name: str = ""
    tax_id: str = ""
    company: str = ""
    email: str = ""
    address: Address | None = None
    vies: ViesResult | None = None
    phone: str = ""
    """Only to detect a telephone number that was typed as the tax id."""
    is_erased: bool = False
    """Whether the shop no longer has the data of this buyer, who must have given them."""
    is_confirmed_business: bool = False
    """Whether the merchant has proof that this buyer outside the Union is a business."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer as the law sees them."""

    tax_id: str
    print_tax_id: bool
    name: str
    country: str
    is_business: bool
    """Named and addressed like a business, also when their foreign number turned out not to be valid."""
    vat_country: str = ""
    """The member state of a foreign VAT number that may count; empty for Portuguese and for rejected numbers."""
    vies: ViesResult | None = None
    is_foreign: bool = False
    """Whether the buyer gave a number of another country that was not rejected."""
    is_confirmed: bool = False
    """Whether the merchant has proof that a buyer outside the Union is a business."""

    @property
    def is_portuguese_business(self) -> bool:
        """Whether the buyer is a business with a Portuguese number that is on the document."""
        return self.is_business and self.print_tax_id and not self.is_foreign


def foreign_vat_number(party: Party) -> str:
    """Return the buyer's VAT number of another member state with its prefix, as VIES expects it; else empty.

    A number without a prefix gets that of the buyer's country when it has the form of that country's numbers. It may be
    a NIF all the same: VIES decides (`identify_buyer`).
    """
    number = normalise_tax_id(party.tax_id)
    country = country_code(party.address.country) if party.address else ""
    prefixes = tax_tables.member_states()
    if not number or re.fullmatch(r"(PT)?[0-9]{9}", number) and country in ("", "PT"):
        return ""
    if number[:2] in {*prefixes.values(), *prefixes} and re.search(r"[0-9]", number[2:]):
        found = "EL" + number[2:] if number[:2] == "GR" else number
        if eu_vat.is_valid(found) or prefixes.get(country) == found[:2]:
            return found
    if country in prefixes and eu_vat.is_valid(prefixes[country] + number):
        return prefixes[country] + number
    return ""


def vies_query_number(party: Party) -> str:
    """Return the number to ask VIES about before building the invoice; empty when there is none of the right form."""
    number = foreign_vat_number(party)
    return number if number and eu_vat.is_valid(number) else ""


def parse_tax_id(written: str) -> str:
    """Return a typed number as a NIF, or as a VAT number that VIES can be asked about; empty when it is neither.

    A NIF keeps a typed PT, which says that it is no foreign number that happens to have the same form.
    """
    number = normalise_tax_id(written)
    if is_nif(number.removeprefix("PT")):
        return number
    return number if vies_query_number(Party(tax_id=number)) else ""


def identify_buyer(party: Party, country: str, trace: DecisionTrace) -> Buyer:
    """Decide which number goes on the document and whether the buyer is a business; `country` is where they live.

    A NIF is Portuguese wherever the buyer lives, unless it has a foreign prefix or VIES knows it as a foreign number.
    Raises OrderError `customer-erased`, `nif-invalid`, `nif-unreadable` (other scripts) or `nif-is-telephone`, and
    UnreachableError while only VIES can tell whose number it is: a number is never printed as somebody else's, and
    never silently dropped (ID5).
    """
    if party.is_erased:
        raise OrderError("customer-erased")
    number = normalise_tax_id(party.tax_id)
    name = (party.company or party.name).strip()
    if not number:
        trace.add_rule("ID1")
        return Buyer(FINAL_CONSUMER, False, name, country, is_business=False)
    if not number.isascii():
        trace.add_rule("ID5")
        raise OrderError("nif-unreadable", nif=party.tax_id.strip())
    foreign = foreign_vat_number(party)
    if is_nif(number) and party.vies != "valid":
        if foreign and party.vies == "unavailable":
            trace.add_rule("EU5")
            raise UnreachableError("vies-unavailable", tax_id=foreign)
        foreign = ""
    if foreign:
        return _eu_buyer(party, foreign, name, country, trace)
    return _buyer_without_foreign_prefix(party, number, name, country, trace)


def _buyer_without_foreign_prefix(
    party: Party, number: str, name: str, country: str, trace: DecisionTrace
) -> Buyer:
    local = number.removeprefix("PT")
    if is_nif(local) or country == "PT" or number.startswith("PT"):
        return _portuguese_buyer(party, local, name, country, trace)
    is_outside_union = country not in tax_tables.member_states()
    if is_outside_union and party.company.strip():
        trace.add_rule("ID2")
        return Buyer(
            number, True, name, country, is_business=True, is_foreign=True, is_confirmed=party.is_confirmed_business
        )  # fmt: skip
    if re.search(r"(?<![0-9])[0-9]{9}(?![0-9])", number):
        return _portuguese_buyer(party, local, name, country, trace)
    if is_outside_union:
        trace.add_rule("ID1")
        trace.add_warning("foreign-number-left-out")
        return Buyer(FINAL_CONSUMER, False, name, country, is_business=False)
    return _buyer_with_rejected_number(name, country, trace)


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
    """Accept a number of another member state unless VIES or, without an answer, its form rejects it (EU4)."""
    if party.vies == "invalid" or (party.vies is None and not eu_vat.is_valid(number)):
        return _buyer_with_rejected_number(name, country, trace)
    prefix = number[:2]
    state_by_prefix = {vat_prefix: state for state, vat_prefix in tax_tables.member_states().items()}
    trace.add_rule("ID2")
    return Buyer(
        number, True, name, country, is_business=True, vat_country=state_by_prefix.get(prefix, prefix),
        vies=party.vies, is_foreign=True,
    )  # fmt: skip


def _buyer_with_rejected_number(name: str, country: str, trace: DecisionTrace) -> Buyer:
    """Keep the number off the document, tax the buyer like a consumer and warn the merchant (EU4)."""
    trace.add_rule("EU4", "ID1")
    trace.add_warning("vat-number-rejected")
    return Buyer(FINAL_CONSUMER, False, name, country, is_business=True, vies="invalid")
