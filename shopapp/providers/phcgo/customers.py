"""The customer that a document names: the generic one, the one with this tax id, or a new one.

An existing customer is never changed, and none is matched by e-mail address: the document has its own name and address.

Source: public clients, read 2026-11-20 (docs/phcgo.md, "One document"). Unconfirmed: that a customer may be saved
without actEntity.
"""

from __future__ import annotations

from collections.abc import Mapping

from shopapp.errors import SettingsError, TransientError, UncertainError
from shopapp.fiscal.countries import country_code
from shopapp.fiscal.document import Draft
from shopapp.fiscal.party import Address
from shopapp.fiscal.tax_ids import FINAL_CONSUMER
from shopapp.providers.text import iso_country, one_line

from .session import PhcGoSession
from .wire_format import Refusal, Row, flag_field, text_field


def customer_for(session: PhcGoSession, draft: Draft, countries: Mapping[str, Row]) -> Row:
    """Return the customer's record, created where there is none with this tax id.

    Raises SettingsError `consumer-missing`, Refusal or TransientError; no document exists then.
    """
    if draft.customer.tax_id == FINAL_CONSUMER:
        return session.cached_list("consumer", lambda: _final_consumer(session))
    return _customer_by_tax_id(session, draft.customer.tax_id) or _create_customer(session, draft, countries)


def _final_consumer(session: PhcGoSession) -> Row:
    """Ask for PHC GO's generic customer, kept for consumers without a tax id."""
    rows = session.query("Cl", ("clivd", True))
    for row in rows:
        if flag_field(row, "clivd") and not flag_field(row, "inactivo"):
            return row
    raise SettingsError("consumer-missing")


def _customer_by_tax_id(session: PhcGoSession, tax_id: str) -> Row | None:
    """Ask for the customer in use with exactly this tax id, the head office before its branches."""
    rows = session.query("Cl", ("ncont", tax_id))
    same = [row for row in rows if text_field(row, "ncont") == tax_id and not flag_field(row, "inactivo")]
    return min(same, key=lambda row: text_field(row, "estab") not in ("", "0"), default=None)


def _create_customer(session: PhcGoSession, draft: Draft, countries: Mapping[str, Row]) -> Row:
    """Save a new customer with the buyer's name, tax id and address."""
    blank = session.read("ClWS/getNewInstance", ndos="0").first
    if not blank:
        raise Refusal("")
    buyer, address = draft.customer, draft.customer.address
    wanted: Row = {"nome": one_line(buyer.name) or buyer.tax_id, "ncont": buyer.tax_id, "Operation": 1}
    if buyer.email:
        wanted["email"] = one_line(buyer.email)
    if address is not None:
        wanted |= {
            "morada": one_line(address.street),
            "codpost": one_line(address.postal_code),
            "local": one_line(address.city),
        }
    if country := countries.get(country_code(buyer.country)):
        wanted |= {"pais": text_field(country, "nome"), "paisesstamp": text_field(country, "paisesstamp")}
    try:
        found = session.write("ClWS/Save", itemVO=blank | wanted, runWarningRules="false").first
    except UncertainError as error:
        # no document was touched: next time the customer is found by tax id, or created
        raise TransientError("unreachable", how="customer-unsure") from error
    if not text_field(found, "no"):
        raise TransientError("unreachable", how="customer-unsure")
    return found


def countries_for(session: PhcGoSession, draft: Draft) -> Mapping[str, Row]:
    """Return PHC GO's countries that this draft needs, by ISO code.

    Raises SettingsError `country-unknown` when PHC GO lacks one of them (Portugal excepted).
    """
    needed = {country_code(address.country) for address in _addresses(draft) if address}
    needed |= {country_code(draft.customer.country)} - {""}
    if needed <= {"PT"} and draft.customer.tax_id == FINAL_CONSUMER:
        return {}
    known = session.cached_list("countries", lambda: _read_countries(session))
    found = {code: known[iso_country(code)] for code in needed if iso_country(code) in known}
    for code in needed - {"PT"} - found.keys():
        raise SettingsError("country-unknown", country=code)
    return found


def _addresses(draft: Draft) -> list[Address | None]:
    transport = draft.transport
    return [draft.customer.address, *((transport.loading, transport.unloading) if transport else ())]


def _read_countries(session: PhcGoSession) -> Mapping[str, Row]:
    try:
        rows = session.query("Country", limit=500)
    except Refusal:
        return {}
    return {code: row for row in rows if (code := text_field(row, "nomeabrv").upper())}
