"""The lawful tax of each line: where it is taxed, its VAT category, then its rate or its exemption.

The law decides the rate; what the shop charged only indicates the category (VAT3 to VAT7, EU2, VOU1 and "exemptions" in
docs/fiscal.md). `charged_tax.py` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shopapp.errors import OrderError, SettingsError

from . import tax_tables
from .decisions import ALL, asking, product_of
from .money import ZERO, vat_inside
from .order import ANCILLARY_KINDS, Order, OrderLine
from .place_of_supply import PlaceOfSupply
from .tax_context import TaxContext, is_tax_unstated, own_exemption
from .tax_tables import Tax, VatCategory


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """A line of the order with its lawful tax and the rate with which the shop calculated."""

    line: OrderLine
    tax: Tax | None
    """None for shipping, fees and untaxed gifts: they follow the goods (VAT4). None for a negative line."""
    charged_rate: Decimal
    own_tax: Tax | None = None
    """Of shipping and fees: the tax of a service at the rate that the shop charged; None where it charged none."""
    position: int = 0
    """The line's place in the order."""

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """A key that sorts the lines of an order by what they are, so that no cent depends on their order."""
        line, tax = self.line, self.tax
        taxed = (tax.rate, tax.region, tax.exemption) if tax else (ZERO, "", "")
        price = (-line.value, line.quantity, line.unit_price)
        return (-self.charged_rate, line.kind, taxed, price, line.sku, line.description)


def tax_lines(order: Order, context: TaxContext) -> list[TaxedLine]:
    """Find the lawful tax of every line, and the rate with which the shop calculated it."""
    taxes = [None if _follows_goods(line) else lawful_tax(line, context) for line in order.lines]
    return [
        TaxedLine(line, tax, _charged_rate(line, tax, context), _own_tax(line, context), position)
        for position, (line, tax) in enumerate(zip(order.lines, taxes, strict=True))
    ]


def _follows_goods(line: OrderLine) -> bool:
    is_untaxed_gift = is_tax_unstated(line) and line.kind != "giftcard" and not line.value
    return line.kind in ANCILLARY_KINDS or is_untaxed_gift or line.is_negative


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
    chosen = context.settings.decisions.find("product-tax", product_of(line))
    own = own_exemption(line, context.settings)
    if own in tax_tables.MARGIN_EXEMPTIONS and place.exemption not in ("M05", "M10"):
        context.trace.add_rule("VAT8")
        return _exempt_tax(own, line, context) if chosen else _default_exemption_tax(line, context)
    if place.exemption == tax_tables.CONSUMER_ABROAD_EXEMPTION and chosen == "M99":
        return _exempt_tax(chosen, line, context)
    if place.exemption:
        return _exempt_tax(place.exemption, line, context)
    if chosen in tax_tables.REVERSE_CHARGE_EXEMPTIONS and not (
        context.buyer.is_portuguese_business or is_tax_unstated(line)
    ):
        chosen = ""
    if chosen.startswith("M"):
        return _chosen_exemption_tax(chosen, line, context)
    if not chosen and is_tax_unstated(line):
        return _default_exemption_tax(line, context)
    category = _vat_category(line, chosen, place, context)
    return _tax_at_rate(category, place, line, context)


def _vat_category(line: OrderLine, chosen: str, place: PlaceOfSupply, context: TaxContext) -> VatCategory:
    """Return the merchant's own category for the product, else the stated one, else that of the charged rate."""
    if chosen:
        category = tax_tables.category_named(chosen)
        if category is None:
            raise SettingsError("exception-unknown", sku=line.sku, value=chosen)
        return category
    if line.parts:
        context.trace.add_rule("VAT7")
        return min(line.parts, key=tax_tables.VAT_CATEGORIES.index)
    if line.category is not None:
        return line.category
    destination = place.region if place.is_oss else _foreign_buyer_country(context)
    category = tax_tables.category_of_rate(line.charged or ZERO, context.tax_point, destination)
    if category is None and line.charged in _reduced_rates(place, context):
        return "reduced"
    if category is None:
        raise OrderError("rate-unknown", line=line.description, rate=str(line.charged))
    return category


def _foreign_buyer_country(context: TaxContext) -> str:
    """Return the country whose standard rate the shop may have charged although the domestic rate applies (EU1)."""
    return context.buyer.country if context.buyer.country != "PT" else ""


def _tax_at_rate(category: VatCategory, place: PlaceOfSupply, line: OrderLine, context: TaxContext) -> Tax:
    if place.is_oss:
        return _destination_tax(category, place, line, context)
    tax = tax_tables.domestic_tax(place.region, category, context.tax_point)
    if tax is None:
        raise OrderError("rate-not-in-table", region=place.region, day=context.tax_point.isoformat())
    return tax


def _reduced_rates(place: PlaceOfSupply, context: TaxContext) -> tuple[Decimal, ...]:
    return tax_tables.reduced_oss_rates(place.region, context.tax_point) if place.is_oss else ()


def _destination_tax(
    category: VatCategory, place: PlaceOfSupply, line: OrderLine, context: TaxContext
) -> Tax:
    """Return the destination's standard rate, or the reduced one that the merchant confirmed (EU2).

    A free line owes nothing at any rate. Raises OrderError `oss-reduced-rate`.
    """
    standard = tax_tables.oss_rate(place.region, context.tax_point)
    error = OrderError("oss-reduced-rate", line=line.description, country=place.region)
    if standard is None:
        raise error
    if category == "normal" or not line.value:
        return Tax(place.region, standard, "OUT")
    rates = {str(rate): rate for rate in (*_reduced_rates(place, context), standard)}
    subjects = _abroad_subjects(line, category, place.region)
    confirmed = context.settings.decisions.find("oss-rate", *subjects)
    if confirmed in rates:
        return Tax(place.region, rates[confirmed], "OUT")
    gross = line.value
    if not context.prices_include_tax:
        gross *= 1 + (line.charged or ZERO) / 100
    answers = {written: str(vat_inside(gross, rate)) for written, rate in rates.items()}
    raise asking(error, "oss-rate", subjects, answers)


def _abroad_subjects(line: OrderLine, category: str, country: str) -> tuple[str, str]:
    """Return what a reduced rate abroad is decided for: the product, or all with that charged rate or category."""
    stated = f"{country} {line.charged if line.charged is not None else category}"
    return (f"{stated} {product_of(line)}", stated)


def is_rate_decided(line: OrderLine, tax: Tax, context: TaxContext) -> bool:
    """Return whether the merchant chose the rate of this line itself, so that its difference needs no second answer."""
    decisions = context.settings.decisions
    if is_tax_unstated(line):
        return bool(decisions.find("product-tax", product_of(line)))
    return tax.code == "OUT" and bool(decisions.find("oss-rate", *_abroad_subjects(line, "", tax.region)))


# no tax, and why


def _gift_card_tax(line: OrderLine, context: TaxContext) -> Tax:
    """Return the tax of a gift card as the merchant declared it: that of its goods now, or none until it is used.

    VOU3 for a single-purpose card, VOU1 for a multi-purpose one. Raises SettingsError `gift-card-undecided`.
    """
    subjects = (product_of(line), ALL)
    treatment = context.settings.decisions.find("gift-card", *subjects)
    taxed = _single_purpose_tax(line, context)
    if treatment == "single-purpose":
        context.trace.add_rule("VOU3")
        return taxed
    context.trace.add_rule("VOU1")
    if treatment == "multi-purpose":
        return _exempt_tax("M99", line, context)
    error = SettingsError("gift-card-undecided", line=line.description)
    answers = {"multi-purpose": "0.00", "single-purpose": str(vat_inside(line.value, taxed.rate))}
    raise asking(error, "gift-card", subjects, answers)


def _single_purpose_tax(line: OrderLine, context: TaxContext) -> Tax:
    """Return the tax of the goods that a single-purpose card buys here: of its category, normal where none is known."""
    if context.settings.regime == "art53_exempt":
        return _exempt_tax(tax_tables.SMALL_BUSINESS_EXEMPTION, line, context)
    chosen = context.settings.decisions.find("product-tax", product_of(line))
    category = (
        tax_tables.category_named(chosen)
        or line.category
        or tax_tables.category_of_rate(line.charged or ZERO, context.tax_point)
        or "normal"
    )
    return _tax_at_rate(category, PlaceOfSupply(context.settings.ship_from), line, context)


def _default_exemption_tax(line: OrderLine, context: TaxContext) -> Tax:
    """Return the merchant's default exemption, where the product itself is untaxed and not only this buyer.

    Raises SettingsError `exemption-missing` without a default, `exemption-unconfirmed` where nothing shows that the
    shop taxes this buyer's other products.
    """
    default = context.settings.exemption
    tax = _chosen_exemption_tax(default, line, context) if default else None
    if tax is not None and context.shop_taxes_buyer:
        return tax
    if tax is not None:
        error = SettingsError("exemption-unconfirmed", line=line.description, exemption=default)
    else:
        error = SettingsError("exemption-missing", line=line.description)
    raise asking(error, "product-tax", (product_of(line),), _untaxed_answers(line, default, context))


def _untaxed_answers(line: OrderLine, default: str, context: TaxContext) -> dict[str, str]:
    """Return what an untaxed product can be, each with the VAT inside its price: exempt, or taxed here."""
    region, value = context.settings.ship_from, line.value
    codes = [default] if default else tax_tables.selectable_exemptions(context.tax_point)
    taxes = {
        category: tax_tables.domestic_tax(region, category, context.tax_point)
        for category in tax_tables.VAT_CATEGORIES
    }
    return dict.fromkeys(codes, "0.00") | {
        category: str(vat_inside(value, tax.rate)) for category, tax in taxes.items() if tax
    }


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
