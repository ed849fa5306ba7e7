"""Where a sale is taxed: a Portuguese region, another member state (OSS), nowhere (intra-EU, export, art. 53).

Called by `rating`, once for the goods and once for the services of an order. Sources: fiscal-pt sections 2.2 to
2.6 (DL 347/85 art. 1, CIVA art. 6 and 14, RITI art. 14, OSS, CIVA art. 53). Knows no rate of a line and asks nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shopapp.errors import OrderError, UnreachableError

from . import tax_tables
from .document import FiscalSettings
from .party import Address, Buyer, country_code
from .trace import DecisionTrace

_TIME_ZONES = {"PT": "Europe/Lisbon", "PT-MA": "Atlantic/Madeira", "PT-AC": "Atlantic/Azores"}


@dataclass(frozen=True, slots=True)
class Territory:
    """What a delivery address means for VAT."""

    kind: Literal["domestic", "eu", "export"]
    region: str
    """PT, PT-MA, PT-AC, the member state (Monaco: FR), XI, or the country outside."""
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class PlaceOfSupply:
    """The place of supply of goods or of services."""

    region: str
    """Whose rate holds; the ship-from region where nothing is taxed."""
    is_oss: bool = False
    exemption: str = ""
    """M05, M16, M40 or M10 when the place alone leaves every line without tax."""


def time_zone_of(region: str) -> str:
    """The name of the time zone in which a merchant of that region dates his documents (rule DATE3)."""
    return _TIME_ZONES.get(region, _TIME_ZONES["PT"])


def territory_of(address: Address, *, for_goods: bool = True) -> Territory:
    """What the address means for VAT (rule EX2). Raises OrderError where a postal code is missing that decides it."""
    country = country_code(address.country) or "PT"
    postal = re.sub(r"\s", "", address.postal_code.upper())
    if country == "XI":
        return Territory("eu", "XI") if for_goods else Territory("export", "GB", True)
    special = [row for row in tax_tables.table_rows("territories") if row["country"] == country]
    if any(row["postal_code"] for row in special) and not postal and country != "PT":
        raise OrderError("postal-code-missing", country=country)
    for row in special:
        if re.match(row["postal_code"], postal):
            return _special_territory(row, country, for_goods)
    if country == "PT":
        return Territory("domestic", "PT")
    written_apart = any(
        country in row["also_written"].split("|") for row in tax_tables.table_rows("territories")
    )
    if country in tax_tables.member_states():
        return Territory("eu", country)
    return Territory("export", country, written_apart)


def _special_territory(row: dict[str, str], country: str, for_goods: bool) -> Territory:
    match row["treatment"]:
        case "domestic":
            return Territory("domestic", row["region"])
        case "eu":
            return Territory("eu", row["region"], True)
        case "eu-goods" if for_goods:
            return Territory("eu", row["region"], True)
        case _:
            return Territory("export", country, True)


def place_of_goods(
    ship_to: Address, buyer: Buyer, settings: FiscalSettings, trace: DecisionTrace
) -> PlaceOfSupply:
    """Where goods that leave the merchant's region for that address are taxed (VAT1, EU1 to EU5, EX1, EXM1)."""
    home = settings.ship_from
    there = territory_of(ship_to)
    if there.is_special:
        trace.add_rule("EX2")
    if there.kind == "export":
        trace.add_rule("EX1", "DOC4")
        return PlaceOfSupply(home, exemption="M05")
    if there.kind == "eu" and _is_intra_eu(buyer, trace) and settings.regime == "normal":
        trace.add_rule("EU3", "DOC4")
        return PlaceOfSupply(home, exemption="M16")
    if there.kind == "eu" and not buyer.is_portuguese_business:
        return _taxed_for_eu_consumer(there.region, settings, trace)
    return _taxed_in_portugal(home, settings, trace)


def place_of_services(
    customer_at: Address, buyer: Buyer, settings: FiscalSettings, trace: DecisionTrace
) -> PlaceOfSupply:
    """Where a service or a digital product is taxed (VAT3, EU6 and the consumer's rows of section 2.4)."""
    there = territory_of(customer_at, for_goods=False)
    if there.kind == "domestic":
        trace.add_rule("VAT3")
        region = there.region if buyer.is_business else settings.ship_from
        return _taxed_in_portugal(region, settings, trace, "VAT3")
    if there.kind == "eu" and _is_intra_eu(buyer, trace) or there.kind == "export" and buyer.is_foreign:
        trace.add_rule("EU6", "DOC4")
        return PlaceOfSupply(settings.ship_from, exemption="M40")
    if there.kind == "export":
        raise OrderError("service-outside-eu", country=there.region)
    if buyer.is_portuguese_business:
        return _taxed_in_portugal(settings.ship_from, settings, trace, "VAT3")
    return _taxed_for_eu_consumer(there.region, settings, trace)


def _taxed_in_portugal(
    region: str, settings: FiscalSettings, trace: DecisionTrace, rule: str = "VAT1"
) -> PlaceOfSupply:
    if settings.regime == "art53_exempt":
        trace.add_rule("EXM1")
        return PlaceOfSupply(settings.ship_from, exemption=tax_tables.SMALL_BUSINESS_EXEMPTION)
    trace.add_rule(rule)
    return PlaceOfSupply(region)


def _is_intra_eu(buyer: Buyer, trace: DecisionTrace) -> bool:
    """A valid number of another member state. Raises UnreachableError while VIES is silent (EU5)."""
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
