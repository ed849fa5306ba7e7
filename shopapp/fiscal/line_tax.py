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

from shopapp.errors import OrderError, SettingsError

from . import place_of_supply, tax_tables
from .document import FiscalSettings
from .money import ZERO, round_to_cents, strip_trailing_zeros
from .order import Order, OrderLine
from .party import Address, Buyer
from .place_of_supply import PlaceOfSupply
from .tax_tables import Tax, VatCategory
from .trace import DecisionTrace

ANCILLARY_KINDS = ("shipping", "fee")
"""Kinds of line that have no rate of their own: they follow the goods (rule VAT4, CIVA art. 16 n.º 5 b))."""


@dataclass(frozen=True, slots=True)
class TaxContext:
    """What decides the tax of an order's lines."""

    settings: FiscalSettings
    tax_point: date
    """The day on which the tax becomes chargeable (VAT5)."""
    buyer: Buyer
    goods: PlaceOfSupply | None
    services: PlaceOfSupply | None
    trace: DecisionTrace

    def place_of(self, line: OrderLine) -> PlaceOfSupply:
        """The place of supply that holds for the line."""
        found = self.services if line.kind == "service" else self.goods
        found = found or self.goods or self.services
        assert found is not None
        return found


def build_tax_context(
    order: Order, settings: FiscalSettings, tax_point: date, buyer: Buyer, trace: DecisionTrace
) -> TaxContext:
    """The places of supply of the order's goods and services."""
    kinds = {line.kind for line in order.lines}
    home = Address(country="PT")
    billing = order.buyer.address if order.buyer.address and order.buyer.address.country else None
    services = goods = None
    if "service" in kinds:
        services = place_of_supply.place_of_services(billing or order.ship_to or home, buyer, settings, trace)
    if "goods" in kinds or services is None:
        if (
            order.ship_to is None
            and billing is not None
            and billing.country not in ("", "PT")
            and "goods" in kinds
        ):
            raise OrderError("destination-missing", country=billing.country)
        goods = place_of_supply.place_of_goods(order.ship_to or billing or home, buyer, settings, trace)
    return TaxContext(settings, tax_point, buyer, goods, services, trace)


def lawful_tax(line: OrderLine, context: TaxContext) -> Tax:
    """The tax that the law puts on a line of goods, services or gift cards."""
    if line.kind == "giftcard":
        return _gift_card_tax(line, context)
    where = context.place_of(line)
    if where.exemption:
        return _exempt_tax(where.exemption, line, context)
    exception = context.settings.exceptions.get(line.sku, "") if line.sku else ""
    if exception.startswith("M"):
        return _chosen_exemption_tax(exception, line, context)
    if not exception and is_tax_unstated(line):
        return _default_exemption_tax(line, context)
    category = _vat_category(line, exception, where, context)
    return _tax_at_rate(category, where, line, context)


def is_tax_unstated(line: OrderLine) -> bool:
    """A line of which the shop says neither a category nor a rate: exempt, or never set up."""
    return line.category is None and not line.parts and not line.charged


def is_untaxed_gift(line: OrderLine) -> bool:
    """A line that came to nothing and that the shop taxed at nothing: it has the tax of what it came with."""
    return (
        is_tax_unstated(line) and line.kind != "giftcard" and line.quantity * line.unit_price == line.discount
    )


def _vat_category(line: OrderLine, exception: str, where: PlaceOfSupply, context: TaxContext) -> VatCategory:
    if exception:
        for category in tax_tables.VAT_CATEGORIES:
            if category == exception:
                return category
        raise SettingsError("exception-unknown", sku=line.sku, value=exception)
    if line.parts:
        context.trace.add_rule("VAT7")
        return min(line.parts, key=tax_tables.VAT_CATEGORIES.index)
    if line.category is not None:
        return line.category
    found = tax_tables.category_of_rate(
        line.charged or ZERO,
        context.tax_point,
        where.region if where.is_oss else _foreign_buyer_country(context),
    )
    if found is None:
        raise OrderError("rate-unknown", line=line.description, rate=str(line.charged))
    return found


def _foreign_buyer_country(context: TaxContext) -> str:
    """The buyer's country, whose standard rate a shop may have charged though the law says the rate at home (EU1)."""
    return context.buyer.country if context.buyer.country != "PT" else ""


def _tax_at_rate(category: VatCategory, where: PlaceOfSupply, line: OrderLine, context: TaxContext) -> Tax:
    if where.is_oss:
        found = tax_tables.oss_rate(where.region, context.tax_point)
        if category != "normal" or found is None:
            raise OrderError("oss-reduced-rate", line=line.description, country=where.region)
        return Tax(where.region, found, "OUT")
    at_home = tax_tables.domestic_tax(where.region, category, context.tax_point)
    if at_home is None:
        raise OrderError("rate-not-in-table", region=where.region, day=context.tax_point.isoformat())
    return at_home


def _gift_card_tax(line: OrderLine, context: TaxContext) -> Tax:
    """A multi-purpose card sold: no VAT until it is used (VOU1); the document for it is the merchant's choice."""
    context.trace.add_rule("VOU1")
    if context.settings.gift_cards != "multi-purpose":
        raise SettingsError("gift-card-undecided", line=line.description)
    return _exempt_tax("M99", line, context)


def _chosen_exemption_tax(code: str, line: OrderLine, context: TaxContext) -> Tax:
    """The exemption that the merchant gave a product, or the shop's default, if the law lets it be chosen."""
    if code in tax_tables.PLACE_OF_SUPPLY_EXEMPTIONS | tax_tables.NON_ORDER_EXEMPTIONS:
        raise SettingsError("exemption-not-lawful", exemption=code, line=line.description)
    portuguese = context.buyer.is_business and context.buyer.print_tax_id and not context.buyer.is_foreign
    if code in tax_tables.REVERSE_CHARGE_EXEMPTIONS and not portuguese:
        raise OrderError("reverse-charge-needs-business", exemption=code, line=line.description)
    if context.place_of(line).is_oss:
        raise OrderError("untaxed-abroad", line=line.description, country=context.place_of(line).region)
    return _exempt_tax(code, line, context)


def _default_exemption_tax(line: OrderLine, context: TaxContext) -> Tax:
    """A line that the shop taxed at nothing: only the merchant can say why (no default for 0 %)."""
    if not context.settings.exemption:
        raise SettingsError("exemption-missing", line=line.description)
    return _chosen_exemption_tax(context.settings.exemption, line, context)


def _exempt_tax(code: str, line: OrderLine, context: TaxContext) -> Tax:
    found = tax_tables.exempt_tax(context.settings.ship_from, code, context.tax_point)
    if found is None:
        raise SettingsError("exemption-withdrawn", exemption=code, line=line.description)
    return found


def tax_difference(
    line: OrderLine, lawful: Tax, gross: Decimal, context: TaxContext
) -> dict[str, Any] | None:
    """The difference between what the shop charged and what the law says, in plain values; None when there is none.

    `cause` is the key of `Settings.on_tax_difference`; amounts are the VAT in the line's paid price either way.
    """
    charged = _comparable_rate(line, lawful, context)
    if charged is None or charged == lawful.rate:
        return None
    at_shop = gross - round_to_cents(gross / (1 + charged / 100))
    by_law = gross - round_to_cents(gross / lawful.factor)
    return {
        "line": line.description,
        "charged": str(strip_trailing_zeros(charged)),
        "lawful": str(lawful.rate),
        "exemption": lawful.exemption,
        "vat_charged": str(round_to_cents(at_shop)),
        "vat": str(round_to_cents(by_law)),
        "cause": f"{strip_trailing_zeros(charged)}>{lawful.rate}",
    }


def _comparable_rate(line: OrderLine, lawful: Tax, context: TaxContext) -> Decimal | None:
    """The rate to hold against the law; None where the shop said nothing about it or its word does not count."""
    if line.kind == "giftcard" or line.kind in ANCILLARY_KINDS:
        return None
    if line.charged is not None:
        return line.charged
    said_nothing = line.category is not None or bool(line.parts)
    return None if said_nothing or not lawful.rate else ZERO


def check_differences(found: Sequence[dict[str, Any]], context: TaxContext) -> None:
    """Nothing when the merchant chose the law for each cause; raises OrderError `tax-differs` for the first other."""
    for difference in found:
        if context.settings.on_tax_difference.get(str(difference["cause"])) != "follow-law":
            raise OrderError("tax-differs", **difference)
    if found:
        context.trace.add_warning("tax-follows-law")
