"""Where a sale is taxed: a Portuguese region, another member state (OSS), nowhere (intra-EU, export, art. 53).

Called by `rating`, once for the goods and once for the services of an order. Sources: fiscal-pt sections 2.2 to
2.6 (DL 347/85 art. 1, CIVA art. 6 and 14, RITI art. 14, OSS, CIVA art. 53). Knows no rate of a line and asks nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from . import tax
from .document import Settings
from .errors import OrderError, UnreachableError
from .grounds import Grounds
from .party import Address, Buyer, country_code

_ZONES = {"PT": "Europe/Lisbon", "PT-MA": "Atlantic/Madeira", "PT-AC": "Atlantic/Azores"}


@dataclass(frozen=True, slots=True)
class Territory:
    """What a delivery address means for VAT."""

    kind: Literal["domestic", "eu", "export"]
    region: str
    """PT, PT-MA, PT-AC, the member state (Monaco: FR), XI, or the country outside."""
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The place of supply of goods or of services."""

    region: str
    """Whose rate holds; the ship-from region where nothing is taxed."""
    is_oss: bool = False
    exemption: str = ""
    """M05, M16, M40 or M10 when the place alone leaves every line without tax."""


def zone(region: str) -> str:
    """The name of the time zone in which a merchant of that region dates his documents (rule DATE3)."""
    return _ZONES.get(region, _ZONES["PT"])


def territory(address: Address, *, for_goods: bool = True) -> Territory:
    """What the address means for VAT (rule EX2). Raises OrderError where a postal code is missing that decides it."""
    country = country_code(address.country) or "PT"
    postal = re.sub(r"\s", "", address.postal_code.upper())
    if country == "XI":
        return Territory("eu", "XI") if for_goods else Territory("export", "GB", True)
    special = [row for row in tax.rows("territories") if row["country"] == country]
    if any(row["postal_code"] for row in special) and not postal and country != "PT":
        raise OrderError("postal-code-missing", country=country)
    for row in special:
        if re.match(row["postal_code"], postal):
            return _special(row, country, for_goods)
    if country == "PT":
        return Territory("domestic", "PT")
    written_apart = any(country in row["also_written"].split("|") for row in tax.rows("territories"))
    if country in tax.member_states():
        return Territory("eu", country)
    return Territory("export", country, written_apart)


def _special(row: dict[str, str], country: str, for_goods: bool) -> Territory:
    match row["treatment"]:
        case "domestic":
            return Territory("domestic", row["region"])
        case "eu":
            return Territory("eu", row["region"], True)
        case "eu-goods" if for_goods:
            return Territory("eu", row["region"], True)
        case _:
            return Territory("export", country, True)


def of_goods(ship_to: Address, buyer: Buyer, settings: Settings, grounds: Grounds) -> Place:
    """Where goods that leave the merchant's region for that address are taxed (VAT1, EU1 to EU5, EX1, EXM1)."""
    home = settings.ship_from
    there = territory(ship_to)
    if there.is_special:
        grounds.rule("EX2")
    if there.kind == "export":
        grounds.rule("EX1", "DOC4")
        return Place(home, exemption="M05")
    if there.kind == "eu" and _is_intra_eu(buyer, grounds) and settings.regime == "normal":
        grounds.rule("EU3", "DOC4")
        return Place(home, exemption="M16")
    if there.kind == "eu" and not _is_portuguese_business(buyer):
        return _to_consumer_abroad(there.region, settings, grounds)
    return _at_home(home, settings, grounds)


def of_services(customer_at: Address, buyer: Buyer, settings: Settings, grounds: Grounds) -> Place:
    """Where a service or a digital product is taxed (VAT3, EU6 and the consumer's rows of section 2.4)."""
    there = territory(customer_at, for_goods=False)
    if there.kind == "domestic":
        grounds.rule("VAT3")
        region = there.region if buyer.is_business else settings.ship_from
        return _at_home(region, settings, grounds, "VAT3")
    if there.kind == "eu" and _is_intra_eu(buyer, grounds) or there.kind == "export" and buyer.is_foreign:
        grounds.rule("EU6", "DOC4")
        return Place(settings.ship_from, exemption="M40")
    if there.kind == "export":
        raise OrderError("service-outside-eu", country=there.region)
    if _is_portuguese_business(buyer):
        return _at_home(settings.ship_from, settings, grounds, "VAT3")
    return _to_consumer_abroad(there.region, settings, grounds)


def _at_home(region: str, settings: Settings, grounds: Grounds, rule: str = "VAT1") -> Place:
    if settings.regime == "art53_exempt":
        grounds.rule("EXM1")
        return Place(settings.ship_from, exemption="M10")
    grounds.rule(rule)
    return Place(region)


def _is_portuguese_business(buyer: Buyer) -> bool:
    """Taxed where the goods leave: neither a consumer (OSS) nor holder of another state's number (M16)."""
    return buyer.is_business and buyer.printed and not buyer.is_foreign


def _is_intra_eu(buyer: Buyer, grounds: Grounds) -> bool:
    """A valid number of another member state. Raises UnreachableError while VIES is silent (EU5)."""
    if not buyer.vat_country:
        return False
    if buyer.vies in (None, "unavailable"):
        grounds.rule("EU5")
        raise UnreachableError("vies-unavailable", tax_id=buyer.tax_id)
    return buyer.vies == "valid"


def _to_consumer_abroad(country: str, settings: Settings, grounds: Grounds) -> Place:
    if not (settings.oss_registered or settings.threshold_exceeded):
        grounds.rule("EU1")
        return _at_home(settings.ship_from, settings, grounds, "EU1")
    if settings.regime == "art53_exempt":
        raise OrderError("exempt-merchant-abroad", country=country)
    grounds.rule("EU2", "DOC4")
    if not settings.oss_registered:
        grounds.warn("oss-not-registered")
    return Place(country, is_oss=True)
