"""The tax of each line: its category, the lawful rate or reason, and where the shop charged something else.

Called by drafting before any arithmetic. Sources: fiscal-pt sections 1 to 2.6; rulings section 8. The law decides
the rate; what the shop charged is evidence of the category, and a difference is the merchant's to settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from . import place, tax
from .document import Settings
from .errors import OrderError, SettingsError
from .grounds import Grounds
from .money import ZERO, cents, plain
from .order import Line, Order
from .party import Address, Buyer
from .place import Place
from .tax import Category, Tax

FOLLOWERS = ("shipping", "fee")
"""Kinds of line that have no rate of their own: they follow the goods (rule VAT4, CIVA art. 16 n.º 5 b))."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What decides the tax of an order's lines."""

    settings: Settings
    day: date
    """The day on which the tax becomes chargeable (VAT5)."""
    buyer: Buyer
    goods: Place | None
    services: Place | None
    grounds: Grounds

    def place_of(self, line: Line) -> Place:
        """The place of supply that holds for the line."""
        found = self.services if line.kind == "service" else self.goods
        found = found or self.goods or self.services
        assert found is not None
        return found


def rating(order: Order, settings: Settings, day: date, buyer: Buyer, grounds: Grounds) -> Rating:
    """The places of supply of the order's goods and services."""
    kinds = {line.kind for line in order.lines}
    home = Address(country="PT")
    billing = order.buyer.address if order.buyer.address and order.buyer.address.country else None
    services = goods = None
    if "service" in kinds:
        services = place.of_services(billing or order.ship_to or home, buyer, settings, grounds)
    if "goods" in kinds or services is None:
        if (
            order.ship_to is None
            and billing is not None
            and billing.country not in ("", "PT")
            and "goods" in kinds
        ):
            raise OrderError("destination-missing", country=billing.country)
        goods = place.of_goods(order.ship_to or billing or home, buyer, settings, grounds)
    return Rating(settings, day, buyer, goods, services, grounds)


def lawful(line: Line, r: Rating) -> Tax:
    """The tax that the law puts on a line of goods, services or gift cards."""
    if line.kind == "giftcard":
        return _gift_card(line, r)
    where = r.place_of(line)
    if where.exemption:
        return _zero(where.exemption, line, r)
    exception = r.settings.exceptions.get(line.sku, "") if line.sku else ""
    if exception.startswith("M"):
        return _chosen(exception, line, r)
    if not exception and is_silent(line):
        return _untaxed(line, r)
    category = _category(line, exception, where, r)
    return _rated(category, where, line, r)


def is_silent(line: Line) -> bool:
    """A line of which the shop says neither a category nor a rate: exempt, or never set up."""
    return line.category is None and not line.parts and not line.charged


def is_gift(line: Line) -> bool:
    """A line that came to nothing and that the shop taxed at nothing: it has the tax of what it came with."""
    return is_silent(line) and line.kind != "giftcard" and line.quantity * line.unit_price == line.discount


def _category(line: Line, exception: str, where: Place, r: Rating) -> Category:
    if exception:
        for category in tax.CATEGORIES:
            if category == exception:
                return category
        raise SettingsError("exception-unknown", sku=line.sku, value=exception)
    if line.parts:
        r.grounds.rule("VAT7")
        return min(line.parts, key=tax.CATEGORIES.index)
    if line.category is not None:
        return line.category
    found = tax.category_of(line.charged or ZERO, r.day, where.region if where.is_oss else _abroad(r))
    if found is None:
        raise OrderError("rate-unknown", line=line.description, rate=str(line.charged))
    return found


def _abroad(r: Rating) -> str:
    """The buyer's country, whose standard rate a shop may have charged though the law says the rate at home (EU1)."""
    return r.buyer.country if r.buyer.country != "PT" else ""


def _rated(category: Category, where: Place, line: Line, r: Rating) -> Tax:
    if where.is_oss:
        found = tax.oss_rate(where.region, r.day)
        if category != "normal" or found is None:
            raise OrderError("oss-reduced-rate", line=line.description, country=where.region)
        return Tax(where.region, found, "OUT")
    at_home = tax.domestic(where.region, category, r.day)
    if at_home is None:
        raise OrderError("rate-not-in-table", region=where.region, day=r.day.isoformat())
    return at_home


def _gift_card(line: Line, r: Rating) -> Tax:
    """A multi-purpose card sold: no VAT until it is used (VOU1); the document for it is the merchant's choice."""
    r.grounds.rule("VOU1")
    if r.settings.gift_cards != "multi-purpose":
        raise SettingsError("gift-card-undecided", line=line.description)
    return _zero("M99", line, r)


def _chosen(code: str, line: Line, r: Rating) -> Tax:
    """The exemption that the merchant gave a product, or the shop's default, if the law lets it be chosen."""
    if code in tax.BY_RULE | tax.NEVER_SHIPPED:
        raise SettingsError("exemption-not-lawful", exemption=code, line=line.description)
    portuguese = r.buyer.is_business and r.buyer.printed and not r.buyer.is_foreign
    if code in tax.REVERSE_CHARGE and not portuguese:
        raise OrderError("reverse-charge-needs-business", exemption=code, line=line.description)
    if r.place_of(line).is_oss:
        raise OrderError("untaxed-abroad", line=line.description, country=r.place_of(line).region)
    return _zero(code, line, r)


def _untaxed(line: Line, r: Rating) -> Tax:
    """A line that the shop taxed at nothing: only the merchant can say why (no default for 0 %)."""
    if not r.settings.exemption:
        raise SettingsError("exemption-missing", line=line.description)
    return _chosen(r.settings.exemption, line, r)


def _zero(code: str, line: Line, r: Rating) -> Tax:
    found = tax.exempt(r.settings.ship_from, code, r.day)
    if found is None:
        raise SettingsError("exemption-withdrawn", exemption=code, line=line.description)
    return found


def differing(line: Line, lawful_: Tax, gross: Decimal, r: Rating) -> dict[str, Any] | None:
    """The difference between what the shop charged and what the law says, in plain values; None when there is none.

    `cause` is the key of `Settings.on_tax_difference`; amounts are the VAT in the line's paid price either way.
    """
    charged = _charged(line, lawful_, r)
    if charged is None or charged == lawful_.rate:
        return None
    at_shop = gross - cents(gross / (1 + charged / 100))
    by_law = gross - cents(gross / lawful_.factor)
    return {
        "line": line.description,
        "charged": str(plain(charged)),
        "lawful": str(lawful_.rate),
        "exemption": lawful_.exemption,
        "vat_charged": str(cents(at_shop)),
        "vat": str(cents(by_law)),
        "cause": f"{plain(charged)}>{lawful_.rate}",
    }


def _charged(line: Line, lawful_: Tax, r: Rating) -> Decimal | None:
    """The rate to hold against the law; None where the shop said nothing about it or its word does not count."""
    if line.kind == "giftcard" or line.kind in FOLLOWERS:
        return None
    if line.charged is not None:
        return line.charged
    said_nothing = line.category is not None or bool(line.parts)
    return None if said_nothing or not lawful_.rate else ZERO


def settle_differences(found: Sequence[dict[str, Any]], r: Rating) -> None:
    """Nothing when the merchant chose the law for each cause; raises OrderError `tax-differs` for the first other."""
    for difference in found:
        if r.settings.on_tax_difference.get(str(difference["cause"])) != "follow-law":
            raise OrderError("tax-differs", **difference)
    if found:
        r.grounds.warn("tax-follows-law")
