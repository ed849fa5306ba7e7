"""The people and places of a Shopkit order. Pure.

*Unconfirmed*: how Madeira and the Azores are written. Shopkit splits Portugal by a text ("Portugal - Continental" is
documented), so a text that names an island is read as such, and any code or text that begins with Portugal as Portugal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from shopapp.errors import OrderError
from shopapp.fiscal.countries import country_code
from shopapp.fiscal.order import OrderLine
from shopapp.fiscal.party import Address, Party

from ..fields import Json, object_field, text_field
from .terms import is_picked_up

_REGION_WORDS = (("madeira", "PT-MA"), ("porto santo", "PT-MA"), ("acores", "PT-AC"), ("azores", "PT-AC"))
_REGION_DIGITS = (("PT-MA", "9[0-4]"), ("PT-AC", "9[5-9]"), ("PT", "[1-8]"))


def address_of(block: Json) -> Address | None:
    """Return the address in this block; None where there is none."""
    if not text_field(
        block, "address", "zip_code", "city", "country", "country_code", "country_code_alpha_2"
    ):
        return None
    return Address(
        street=text_field(block, "address", "address_extra"),
        postal_code=text_field(block, "zip_code"),
        city=text_field(block, "city"),
        country=country_of(block),
    )


def country_of(block: Json) -> str:
    """Return the ISO code of the block's country, or its text where that means no country that we know."""
    text = text_field(block, "country")
    begin = re.split(r"\s[-–(]", text, maxsplit=1)[0]
    written = (text_field(block, "country_code_alpha_2"), text_field(block, "country_code"), text, begin)
    return next((code for each in written if (code := country_code(each))), text)


def delivery_of(order: Json) -> Address | None:
    """Return where the goods go; the shop's address, in Portugal, when the buyer takes them there."""
    if is_picked_up(order):
        shop = object_field(object_field(order, "payment"), "data")
        found = address_of(shop) or Address()
        return Address(found.street, found.postal_code, found.city, found.country or "PT")
    return _delivery(order)


def _delivery(order: Json) -> Address | None:
    client = object_field(order, "client")
    return _fullest(address_of(object_field(client, "delivery")), address_of(_flat(client)))


def _fullest(*addresses: Address | None) -> Address | None:
    """Return the first address that says more than a country, else the first one that says that."""
    known = [each for each in addresses if each is not None]
    full = (each for each in known if each.street or each.postal_code or each.city)
    return next(full, known[0] if known else None)


def _flat(client: Json) -> Json:
    """Return the client's own address, which repeats that of the delivery under other names."""
    return {**client, "zip_code": client.get("postcode"), "city": client.get("town")}


def buyer_of(order: Json) -> Party:
    """Return the buyer; the tax id as it was typed, with or without PT."""
    client = object_field(order, "client")
    billing, delivery = object_field(client, "billing"), object_field(client, "delivery")
    people = (client, billing, delivery)
    known = any(text_field(each, "name", "email", "phone", "address", "fiscal_id") for each in people)
    return Party(
        name=text_field(billing, "name") or text_field(client, "name") or text_field(delivery, "name"),
        tax_id=text_field(client, "fiscal_id") or text_field(billing, "fiscal_id"),
        company=text_field(client, "company") or text_field(billing, "company"),
        email=text_field(client, "email"),
        phone=text_field(billing, "phone") or text_field(client, "phone"),
        address=_fullest(address_of(billing), _delivery(order)),
        is_erased=not known,
    )


def check_regions(order: Json, lines: Sequence[OrderLine]) -> None:
    """Check that text and postal code name the same part of Portugal where the tax depends on it (VAT3).

    It does for what is not sent. Raises OrderError `postal-code-missing` or `postal-code-unreadable`.
    """
    client = object_field(order, "client")
    blocks = [object_field(client, name) for name in ("billing", "delivery")]
    block = next((each for each in blocks if text_field(each, "address", "zip_code", "city")), blocks[0])
    if country_of(block) != "PT" or not any(line.kind == "service" for line in lines):
        return
    region, postal_code = _region_of(text_field(block, "country")), text_field(block, "zip_code")
    if not postal_code and region in ("PT-MA", "PT-AC"):
        raise OrderError("postal-code-missing", country="PT")
    by_code = next((name for name, start in _REGION_DIGITS if re.match(start, postal_code)), "")
    if region and by_code and region != by_code:
        raise OrderError("postal-code-unreadable", country="PT", postal_code=postal_code)


def _region_of(text: str) -> str:
    """Return the part of Portugal that the text names; empty where it names none."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    found = next((region for word, region in _REGION_WORDS if word in plain), "")
    return found or ("PT" if "continental" in plain else "")
