"""Where the goods and the services of an order are taxed, and what else its lines' taxes depend on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shopapp.errors import OrderError

from . import place_of_supply, tax_tables
from .decisions import product_of
from .document import FiscalSettings
from .order import ANCILLARY_KINDS, Order, OrderLine
from .party import Address, Buyer
from .place_of_supply import PlaceOfSupply
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
    shop_taxes_buyer: bool = True
    """Whether the shop charged this buyer VAT on some product, so that it untaxed the others for themselves."""
    prices_include_tax: bool = True

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


def build_tax_context(
    order: Order, settings: FiscalSettings, tax_point: date, buyer: Buyer, trace: DecisionTrace
) -> TaxContext:
    """Decide where the order's goods and services are taxed.

    Raises OrderError `destination-missing` for goods without a destination whose buyer lives abroad, `country-missing`
    where nothing says in which country the buyer is, and whatever `place_of_goods` and `place_of_services` raise. Only
    gift cards have no place.
    """
    kinds = {line.kind for line in order.lines}
    home = Address(country="PT" if kinds == {"giftcard"} else "")
    billing = order.buyer.address if order.buyer.address and order.buyer.address.country else None
    goods = services = None
    is_only_shipped = "goods" not in kinds and not kinds.isdisjoint(ANCILLARY_KINDS)
    if "service" in kinds or is_only_shipped:
        services = place_of_supply.place_of_services(billing or order.ship_to or home, buyer, settings, trace)
    if "goods" in kinds and order.ship_to is None and billing is not None and billing.country != "PT":
        raise OrderError("destination-missing", country=billing.country)
    if "goods" in kinds or services is None:
        only_margin = "goods" in kinds and all(
            own_exemption(line, settings) in tax_tables.MARGIN_EXEMPTIONS
            for line in order.lines
            if line.kind == "goods"
        )
        goods = place_of_supply.place_of_goods(
            order.ship_to or billing or home, buyer, settings, trace, only_margin=only_margin
        )
    taxes_buyer = any(not is_tax_unstated(line) for line in order.lines if line.kind in ("goods", "service"))
    return TaxContext(
        settings, tax_point, buyer, goods, services, trace, taxes_buyer, order.prices_include_tax
    )


def is_tax_unstated(line: OrderLine) -> bool:
    """Return whether the shop states neither category nor rate: the line is exempt, or taxes were never set up."""
    return line.category is None and not line.parts and not line.charged


def own_exemption(line: OrderLine, settings: FiscalSettings) -> str:
    """Return the M code that the merchant chose for the product, or for whatever the shop does not tax."""
    chosen = settings.decisions.find("product-tax", product_of(line))
    return chosen or (settings.exemption if is_tax_unstated(line) else "")
