"""The lawful tax of each line: where it is taxed, its VAT category, then its rate or its exemption.

The law decides the rate; what the shop charged only indicates the category (VAT3 to VAT7, EU2, VOU1 and "exemptions" in
docs/fiscal.md). `charged_tax.py` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shopapp.errors import OrderError, SettingsError

from . import place_of_supply, tax_tables
from .document import FiscalSettings
from .money import ZERO
from .order import ANCILLARY_KINDS, Order, OrderLine
from .party import Address, Buyer
from .place_of_supply import PlaceOfSupply
from .tax_tables import Tax, VatCategory
from .trace import DecisionTrace


@dataclass(frozen=True, slots=True)
class TaxContext:
    """The facts that decide the tax of an order's lines."""

    settings: FiscalSettings
    tax_point: date
    """The day on which the tax becomes chargeable (VAT5)."""
    buyer: Buyer
    goods_place: PlaceOfSupply | None
    service_place: PlaceOfSupply | None
    trace: DecisionTrace

    @property
    def main_place(self) -> PlaceOfSupply:
        """The place of supply of the goods, or of the services when no goods are sold."""
        place = self.goods_place or self.service_place
        assert place is not None
        return place

    def place_of(self, line: OrderLine) -> PlaceOfSupply:
        """Return the place of supply of the line."""
        place = self.service_place if line.kind == "service" else self.goods_place
        return place or self.main_place


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """A line of the order with its lawful tax and the rate with which the shop calculated."""

    line: OrderLine
    tax: Tax | None
    """None for shipping, fees and untaxed gifts: they follow the goods (VAT4). None for a negative line."""
    charged_rate: Decimal
    own_tax: Tax | None = None
    """Of shipping and fees: the tax of a service at the rate that the shop charged; None where it charged none."""


def build_tax_context(
    order: Order, settings: FiscalSettings, tax_point: date, buyer: Buyer, trace: DecisionTrace
) -> TaxContext:
    """Decide where the order's goods and services are taxed.

    Raises OrderError `destination-missing` for goods without a destination whose buyer lives abroad, and whatever
    `place_of_goods` and `place_of_services` raise.
    """
    kinds = {line.kind for line in order.lines}
    home = Address(country="PT")
    billing = order.buyer.address if order.buyer.address and order.buyer.address.country else None
    goods = services = None
    is_only_shipped = "goods" not in kinds and not kinds.isdisjoint(ANCILLARY_KINDS)
    if "service" in kinds or is_only_shipped:
        services = place_of_supply.place_of_services(billing or order.ship_to or home, buyer, settings, trace)
    if "goods" in kinds and order.ship_to is None and billing is not None and billing.country != "PT":
        raise OrderError("destination-missing", country=billing.country)
    if "goods" in kinds or services is None:
        goods = place_of_supply.place_of_goods(order.ship_to or billing or home, buyer, settings, trace)
    return TaxContext(settings, tax_point, buyer, goods, services, trace)


def tax_lines(order: Order, context: TaxContext) -> list[TaxedLine]:
    """Find the lawful tax of every line, and the rate with which the shop calculated it."""
    taxes = [None if _follows_goods(line) else lawful_tax(line, context) for line in order.lines]
    return [
        TaxedLine(line, tax, _charged_rate(line, tax, context), _own_tax(line, context))
        for line, tax in zip(order.lines, taxes, strict=True)
    ]


def _follows_goods(line: OrderLine) -> bool:
    is_untaxed_gift = is_tax_unstated(line) and line.kind != "giftcard" and not line.value
    return line.kind in ANCILLARY_KINDS or is_untaxed_gift or line.is_negative


def is_tax_unstated(line: OrderLine) -> bool:
    """Return whether the shop states neither category nor rate: the line is exempt, or taxes were never set up."""
    return line.category is None and not line.parts and not line.charged


def is_carried(line: OrderLine, tax: Tax) -> bool:
    """Return whether the line is goods that are carried to the buyer, whose tax shipping follows (VAT4)."""
    is_not_carried = tax.exemption in tax_tables.OUTSIDE_TAXABLE_AMOUNT | tax_tables.SERVICE_EXEMPTIONS
    return line.kind == "goods" and not is_not_carried


# the rate that the shop charged


def _charged_rate(line: OrderLine, tax: Tax | None, context: TaxContext) -> Decimal:
    """Return the stated rate; where only a category is stated, the lawful rate of that category."""
    if line.charged is not None:
        return line.charged
    if line.category is None and not line.parts:
        return ZERO
    return tax.rate if tax is not None else _rate_for_category(line.category, context)


def _rate_for_category(category: VatCategory | None, context: TaxContext) -> Decimal:
    """Return the rate that a shop charges on shipping of this category where its goods are taxed."""
    place = context.main_place
    if category is None or place.exemption:
        return ZERO
    if place.is_oss:
        rate = tax_tables.oss_rate(place.region, context.tax_point)
    else:
        rate = tax_tables.portuguese_rate(place.region, category, context.tax_point)
    return rate or ZERO


def _own_tax(line: OrderLine, context: TaxContext) -> Tax | None:
    """Return the tax of shipping or a fee as a service at the charged rate; None where no such rate was charged."""
    if line.kind not in ANCILLARY_KINDS or line.is_negative:
        return None
    place = context.main_place
    if place.exemption:
        return _exempt_tax(place.exemption, line, context)
    destination = place.region if place.is_oss else _foreign_buyer_country(context)
    category = line.category or tax_tables.category_of_rate(
        line.charged or ZERO, context.tax_point, destination
    )
    if category is None or place.is_oss and category != "normal":
        return None
    return _tax_at_rate(category, place, line, context)


# the lawful tax


def lawful_tax(line: OrderLine, context: TaxContext) -> Tax:
    """Return the lawful tax of a line of goods, services or gift cards.

    Raises OrderError where there is no lawful tax, SettingsError where the merchant has not made a choice that it
    needs.
    """
    if line.kind == "giftcard":
        return _gift_card_tax(line, context)
    place = context.place_of(line)
    if place.exemption:
        return _exempt_tax(place.exemption, line, context)
    exception = context.settings.exceptions.get(line.sku, "") if line.sku else ""
    if exception.startswith("M"):
        return _chosen_exemption_tax(exception, line, context)
    if not exception and is_tax_unstated(line):
        return _default_exemption_tax(line, context)
    category = _vat_category(line, exception, place, context)
    return _tax_at_rate(category, place, line, context)


def _vat_category(line: OrderLine, exception: str, place: PlaceOfSupply, context: TaxContext) -> VatCategory:
    """Return the merchant's own category for the product, else the stated one, else that of the charged rate."""
    if exception:
        chosen = tax_tables.category_named(exception)
        if chosen is None:
            raise SettingsError("exception-unknown", sku=line.sku, value=exception)
        return chosen
    if line.parts:
        context.trace.add_rule("VAT7")
        return min(line.parts, key=tax_tables.VAT_CATEGORIES.index)
    if line.category is not None:
        return line.category
    destination = place.region if place.is_oss else _foreign_buyer_country(context)
    category = tax_tables.category_of_rate(line.charged or ZERO, context.tax_point, destination)
    if category is None:
        raise OrderError("rate-unknown", line=line.description, rate=str(line.charged))
    return category


def _foreign_buyer_country(context: TaxContext) -> str:
    """Return the country whose standard rate the shop may have charged although the domestic rate applies (EU1)."""
    return context.buyer.country if context.buyer.country != "PT" else ""


def _tax_at_rate(category: VatCategory, place: PlaceOfSupply, line: OrderLine, context: TaxContext) -> Tax:
    if place.is_oss:
        rate = tax_tables.oss_rate(place.region, context.tax_point)
        if category != "normal" or rate is None:
            raise OrderError("oss-reduced-rate", line=line.description, country=place.region)
        return Tax(place.region, rate, "OUT")
    tax = tax_tables.domestic_tax(place.region, category, context.tax_point)
    if tax is None:
        raise OrderError("rate-not-in-table", region=place.region, day=context.tax_point.isoformat())
    return tax


# no tax, and why


def _gift_card_tax(line: OrderLine, context: TaxContext) -> Tax:
    """Return no tax for a card that the merchant declared multi-purpose: VAT is due when it is used (VOU1)."""
    context.trace.add_rule("VOU1")
    if context.settings.gift_cards != "multi-purpose":
        raise SettingsError("gift-card-undecided", line=line.description)
    return _exempt_tax("M99", line, context)


def _default_exemption_tax(line: OrderLine, context: TaxContext) -> Tax:
    """Return the merchant's default exemption: only they can say why the shop charged no tax on the line."""
    if not context.settings.exemption:
        raise SettingsError("exemption-missing", line=line.description)
    return _chosen_exemption_tax(context.settings.exemption, line, context)


def _chosen_exemption_tax(code: str, line: OrderLine, context: TaxContext) -> Tax:
    """Return the exemption that the merchant chose, if the law permits it for this buyer and place."""
    if code in tax_tables.PLACE_OF_SUPPLY_EXEMPTIONS | tax_tables.NON_ORDER_EXEMPTIONS:
        raise SettingsError("exemption-not-lawful", exemption=code, line=line.description)
    if code in tax_tables.REVERSE_CHARGE_EXEMPTIONS and not context.buyer.is_portuguese_business:
        raise OrderError("reverse-charge-needs-business", exemption=code, line=line.description)
    place = context.place_of(line)
    if place.is_oss:
        raise OrderError("untaxed-abroad", line=line.description, country=place.region)
    return _exempt_tax(code, line, context)


def _exempt_tax(code: str, line: OrderLine, context: TaxContext) -> Tax:
    tax = tax_tables.exempt_tax(context.settings.ship_from, code, context.tax_point)
    if tax is None:
        raise SettingsError("exemption-withdrawn", exemption=code, line=line.description)
    return tax
