"""The customer whom a document names: the generic one, the one with this tax id, or a new one.

Called by the drafting room beside it. A customer who exists is never written: neither his tax id nor his e-mail
address makes him somebody else, and a document's own name and address stand on the document.

Source: phcgo.md sections 3 and 5.4 (why nobody is matched by e-mail). Unconfirmed: that a customer may be saved
without having been acted upon.
"""

from __future__ import annotations

from collections.abc import Mapping

from shopapp.errors import SettingsError, TransientError, UncertainError
from shopapp.fiscal.document import Draft
from shopapp.fiscal.party import FINAL_CONSUMER, Address, country_code
from shopapp.providers.text import iso_country, one_line

from .session import PhcGoSession
from .wire_format import Refusal, Row, flag_field, text_field


def customer_for(session: PhcGoSession, draft: Draft, countries: Mapping[str, Row]) -> Row:
    """The customer's record. SettingsError `consumer-missing`, Refusal, TransientError: no document exists."""
    if draft.customer.tax_id == FINAL_CONSUMER:
        return session.cached_list("consumer", lambda: _final_consumer(session))
    return _customer_by_tax_id(session, draft.customer.tax_id) or _create_customer(session, draft, countries)


def _final_consumer(session: PhcGoSession) -> Row:
    """The customer whom the program keeps for consumers without a number."""
    rows = session.query("Cl", ("clivd", True))
    for row in rows:
        if flag_field(row, "clivd") and not flag_field(row, "inactivo"):
            return row
    raise SettingsError("consumer-missing")


def _customer_by_tax_id(session: PhcGoSession, tax_id: str) -> Row | None:
    """The customer with exactly this number who is in use, the head office before its branches."""
    rows = session.query("Cl", ("ncont", tax_id))
    same = [row for row in rows if text_field(row, "ncont") == tax_id and not flag_field(row, "inactivo")]
    return min(same, key=lambda row: text_field(row, "estab") not in ("", "0"), default=None)


def _create_customer(session: PhcGoSession, draft: Draft, countries: Mapping[str, Row]) -> Row:
    """A new customer with the buyer's name, number and address."""
    blank = session.read("ClWS/getNewInstance", ndos="0").first
    if not blank:
        raise Refusal("")
    buyer, at = draft.customer, draft.customer.address
    wanted: Row = {"nome": one_line(buyer.name) or buyer.tax_id, "ncont": buyer.tax_id, "Operation": 1}
    if buyer.email:
        wanted["email"] = one_line(buyer.email)
    if at is not None:
        wanted |= {
            "morada": one_line(at.street),
            "codpost": one_line(at.postal_code),
            "local": one_line(at.city),
        }
    if country := countries.get(country_code(buyer.country)):
        wanted |= {"pais": text_field(country, "nome"), "paisesstamp": text_field(country, "paisesstamp")}
    try:
        found = session.write("ClWS/Save", itemVO=blank | wanted, runWarningRules="false").first
    except UncertainError as error:
        # no document was touched: next time he is found by his number, or made
        raise TransientError("unreachable", how="customer-unsure") from error
    if not text_field(found, "no"):
        raise TransientError("unreachable", how="customer-unsure")
    return found


def countries_for(session: PhcGoSession, draft: Draft) -> Mapping[str, Row]:
    """The program's countries by their ISO code, as far as this draft needs them.

    SettingsError `country-unknown` when the program has none that the draft names.
    """
    needed = {country_code(at.country) for at in _addresses(draft) if at}
    needed |= {country_code(draft.customer.country)} - {""}
    if needed <= {"PT"} and draft.customer.tax_id == FINAL_CONSUMER:
        return {}
    known = session.cached_list("countries", lambda: _read_countries(session))
    found = {code: known[iso_country(code)] for code in needed if iso_country(code) in known}
    for code in needed - {"PT"} - found.keys():
        raise SettingsError("country-unknown", country=code)
    return found


def _addresses(draft: Draft) -> list[Address | None]:
    moved = draft.transport
    return [draft.customer.address, *((moved.loading, moved.unloading) if moved else ())]


def _read_countries(session: PhcGoSession) -> Mapping[str, Row]:
    try:
        rows = session.query("Country", limit=500)
    except Refusal:
        return {}
    return {code: row for row in rows if (code := text_field(row, "nomeabrv").upper())}
