"""Where a sale is taxed: in a Portuguese region, in another member state (OSS), or nowhere (intra-EU, export, art. 53).

Decided once for the goods and once for the services of an order: VAT1, VAT3, EU1 to EU6, EX1, EX2 and EXM1 in
docs/fiscal.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from shopapp.errors import OrderError, UnreachableError

from . import tax_tables
from .countries import country_code, normalise_postal_code
from .decisions import ALL, asking
from .document import FiscalSettings
from .order import Order
from .party import Address, Buyer
from .trace import DecisionTrace

_TIME_ZONES = {"PT": "Europe/Lisbon", "PT-MA": "Atlantic/Madeira", "PT-AC": "Atlantic/Azores"}


@dataclass(frozen=True, slots=True)
class Territory:
    """The VAT territory of an address."""

    kind: Literal["domestic", "eu", "export"]
    region: str
    """PT, PT-MA, PT-AC, the member state (Monaco: FR), XI, or the country outside."""
    is_special: bool = False
    """Whether it is treated differently from the rest of its country (EX2)."""


@dataclass(frozen=True, slots=True)
class PlaceOfSupply:
    """The place of supply of goods or of services."""

    region: str
    """The region or member state whose rate applies; the ship-from region where nothing is taxed."""
    is_oss: bool = False
    exemption: str = ""
    """M05, M16, M40, M44 or M10 when the place alone exempts every line."""


def time_zone_of(region: str) -> str:
    """Return the name of the time zone in which a merchant of that region dates their documents (DATE3)."""
    return _TIME_ZONES.get(region, _TIME_ZONES["PT"])


def resolve_countries(order: Order, settings: FiscalSettings) -> Order:
    """Return the order with the ISO code of each address's country; an empty one stays empty.

    Services without an address have the country that the merchant stated for all such orders. Raises OrderError
    `country-unreadable` for a text that means no country, and `country-missing` where that is not stated yet.
    """
    billing = order.buyer.address
    order = replace(
        order,
        buyer=replace(order.buyer, address=billing and _with_iso_country(billing)),
        ship_to=order.ship_to and _with_iso_country(order.ship_to),
    )
    kinds = {line.kind for line in order.lines}
    if "service" not in kinds or "goods" in kinds or _names_country(order):
        return order
    stated = settings.decisions.find("buyer-country", ALL)
    if not stated:
        raise asking(OrderError("country-missing"), "buyer-country", (ALL,), {})
    return choose_country(order, stated)


def _names_country(order: Order) -> bool:
    return any(address and address.country for address in (order.buyer.address, order.ship_to))


def _with_iso_country(address: Address) -> Address:
    country = country_code(address.country)
    if address.country.strip() and not country:
        raise OrderError("country-unreadable", country=address.country.strip())
    return replace(address, country=country)


def choose_country(order: Order, country: str) -> Order:
    """Return the order with the country that the merchant chose where the shop's address means none."""
    billing, goods_to = order.buyer.address, order.ship_to or order.buyer.address or Address()
    chosen = [
        replace(each, country=country) if each and not country_code(each.country) else each
        for each in (billing, goods_to)
    ]
    return replace(order, buyer=replace(order.buyer, address=chosen[0]), ship_to=chosen[1])


def territory_of(address: Address, *, for_goods: bool = True) -> Territory:
    """Find the VAT territory of an address (EX2).

    Raises OrderError `country-missing`, and `postal-code-missing` or `postal-code-unreadable` for a country whose
    postal codes decide it.
    """
    country = country_code(address.country)
    if not country:
        raise OrderError("country-missing")
    postal = normalise_postal_code(country, address.postal_code)
    if country == "XI":
        return Territory("eu", "XI") if for_goods else Territory("export", "GB", is_special=True)
    if postal is None:
        raise OrderError("postal-code-unreadable", country=country, postal_code=address.postal_code.strip())
    special = [row for row in tax_tables.table_rows("territories") if row["country"] == country]
    if any(row["postal_code"] for row in special) and not postal and country != "PT":
        raise OrderError("postal-code-missing", country=country)
    for row in special:
        if re.match(row["postal_code"], postal):
            return _special_territory(row, country, for_goods)
    if country == "PT":
        return Territory("domestic", "PT")
    if country in tax_tables.member_states():
        return Territory("eu", country)
    has_own_code = any(
        country in row["also_written"].split("|") for row in tax_tables.table_rows("territories")
    )
    return Territory("export", country, is_special=has_own_code)


def _special_territory(row: dict[str, str], country: str, for_goods: bool) -> Territory:
    match row["treatment"]:
        case "domestic":
            return Territory("domestic", row["region"])
        case "eu":
            return Territory("eu", row["region"], is_special=True)
        case "eu-goods" if for_goods:
            return Territory("eu", row["region"], is_special=True)
        case _:
            return Territory("export", country, is_special=True)


def place_of_goods(
    ship_to: Address,
    buyer: Buyer,
    settings: FiscalSettings,
    trace: DecisionTrace,
    *,
    only_margin: bool = False,
) -> PlaceOfSupply:
    """Decide where goods sent from the merchant's region to that address are taxed (VAT1, EU1 to EU5, EX1, EXM1).

    `only_margin` says that all of them are sold under the margin scheme (VAT8). Raises UnreachableError while VIES does
    not answer, OrderError `exempt-merchant-exports`, `exempt-merchant-abroad` or what `territory_of` raises.
    """
    home = settings.ship_from
    destination = territory_of(ship_to)
    if destination.is_special:
        trace.add_rule("EX2")
    if destination.kind == "export":
        if settings.regime == "art53_exempt":
            trace.add_rule("EXM1")
            raise OrderError("exempt-merchant-exports", country=destination.region)
        trace.add_rule("EX1", "DOC4")
        return PlaceOfSupply(home, exemption="M05")
    if only_margin:
        return _taxed_in_portugal(home, settings, trace, "VAT8")
    if destination.kind == "eu" and _is_intra_eu(buyer, trace) and settings.regime == "normal":
        trace.add_rule("EU3", "DOC4")
        return PlaceOfSupply(home, exemption="M16")
    if destination.kind == "eu" and not buyer.is_portuguese_business:
        return _taxed_for_eu_consumer(destination.region, settings, trace)
    return _taxed_in_portugal(home, settings, trace)


def place_of_services(
    customer_address: Address, buyer: Buyer, settings: FiscalSettings, trace: DecisionTrace
) -> PlaceOfSupply:
    """Decide where a service or a digital product is taxed (VAT3, EU1, EU2, EU5, EU6, EX3, EXM1).

    Raises UnreachableError while VIES does not answer, OrderError `business-unproven` for a buyer outside the Union who
    says to be a business, `exempt-merchant-abroad` or what `territory_of` raises.
    """
    location = territory_of(customer_address, for_goods=False)
    if location.kind == "domestic":
        trace.add_rule("VAT3")
        region = location.region if buyer.is_business else settings.ship_from
        return _taxed_in_portugal(region, settings, trace, "VAT3")
    is_outside_union = location.kind == "export"
    claims_business = is_outside_union and buyer.is_foreign and not buyer.vat_country
    if claims_business and not buyer.is_confirmed:
        raise OrderError("business-unproven", country=location.region, name=buyer.name, nif=buyer.tax_id)
    if claims_business or _is_intra_eu(buyer, trace):
        trace.add_rule("EU6", "DOC4")
        return PlaceOfSupply(settings.ship_from, exemption="M40")
    if buyer.is_portuguese_business:
        return _taxed_in_portugal(settings.ship_from, settings, trace, "VAT3")
    if is_outside_union:
        trace.add_rule("EX3", "DOC4")
        return PlaceOfSupply(settings.ship_from, exemption=tax_tables.CONSUMER_ABROAD_EXEMPTION)
    return _taxed_for_eu_consumer(location.region, settings, trace)


def _taxed_in_portugal(
    region: str, settings: FiscalSettings, trace: DecisionTrace, rule: str = "VAT1"
) -> PlaceOfSupply:
    if settings.regime == "art53_exempt":
        trace.add_rule("EXM1")
        return PlaceOfSupply(settings.ship_from, exemption=tax_tables.SMALL_BUSINESS_EXEMPTION)
    trace.add_rule(rule)
    return PlaceOfSupply(region)


def _is_intra_eu(buyer: Buyer, trace: DecisionTrace) -> bool:
    """Return whether the buyer has a valid number of another member state.

    Raises UnreachableError while VIES does not answer (EU5).
    """
    if not buyer.vat_country:
        return False
    if buyer.vies in (None, "unavailable"):
        trace.add_rule("EU5")
        raise UnreachableError("vies-unavailable", tax_id=buyer.tax_id)
    return buyer.vies == "valid"


def _taxed_for_eu_consumer(country: str, settings: FiscalSettings, trace: DecisionTrace) -> PlaceOfSupply:
    if not (settings.oss_registered or settings.threshold_exceeded):
        trace.add_rule("EU1")
        return _taxed_in_portugal(settings.ship_from, settings, trace, "EU1")
    if settings.regime == "art53_exempt":
        raise OrderError("exempt-merchant-abroad", country=country)
    trace.add_rule("EU2", "DOC4")
    if not settings.oss_registered:
        trace.add_warning("oss-not-registered")
    return PlaceOfSupply(country, is_oss=True)
