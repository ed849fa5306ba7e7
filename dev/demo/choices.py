"""Orders whose document depends on what the merchant chose: their regime, the kind, OSS, shipping, products, a rate."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from .scenarios import Demo, DemoOrder

DOLLARS_FOR_A_EURO = "1.0834"
PRODUCTS = {"sku_1": "USADO-01", "treatment_1": "M13", "sku_2": "SUCATA-01", "treatment_2": "M33"}
"""Second-hand goods under the margin scheme, and scrap whose VAT a business declares itself."""


class DemoOfChoices(Demo):
    """The main scenarios, then these: each sells after its choice, and leaves the merchant's choices as before."""

    @property
    def scenarios(self) -> tuple[Callable[[], None], ...]:
        return (
            *super().scenarios,
            self._marked_products,
            self._sales_abroad,
            self._shipping_at_another_rate,
            self._simplified_invoices,
            self._dollars,
        )

    def _sell(self, example: str, taxes: str, title: str = "") -> DemoOrder:
        demo_order = self.place_paid_order(title or example, example=example)
        demo_order.taxes = frozenset(taxes.split(", "))
        return demo_order

    def _marked_products(self) -> None:
        """Sell goods under the margin scheme to a business abroad, and reverse-charge goods to a consumer."""
        self.olaria.set_vies_answer("ESB58378431", "valid")
        self.olaria.choose(**PRODUCTS)
        self.wait_until_issued(
            self._sell("second-hand-goods", "0 M13"), self._sell("reverse-charge-to-consumer", "23")
        )

    def _sales_abroad(self) -> None:
        """Export as a small business, which the law ends; and sell a book at the reduced rate of another country."""
        self.olaria.choose(regime="art53_exempt")
        exported = self._sell("export", "0 M05", "export under art. 53, then normal")
        self.olaria.wait_for_state(exported.number, "Bloqueado")
        self.olaria.choose(regime="normal", oss_registered="yes")
        book = self._sell("book-to-spain", "4")
        self.olaria.wait_for_state(book.number, "Bloqueado")
        self.olaria.answer(book.number, "4")
        self.wait_until_issued(exported, book)
        self.olaria.choose(oss_registered="")

    def _shipping_at_another_rate(self) -> None:
        """Sell shipping at a rate that its goods don't have: it follows the goods, or the shop where so chosen."""
        self.wait_until_issued(self._sell("shipping-at-another-rate", "6"))
        self.olaria.choose(shipping_tax="as-charged")
        self.wait_until_issued(
            self._sell("shipping-at-another-rate", "6, 23", "the same, as the shop charged")
        )
        self.olaria.choose(shipping_tax="follow-goods")

    def _simplified_invoices(self) -> None:
        """Sell with simplified invoices: a sale that is not taxed in Portugal has none."""
        self.olaria.choose(kind="FS")
        here = self._sell("no-number", "23", "simplified invoice")
        here.kinds = ("FS",)
        self.wait_until_issued(here, self._sell("download-abroad", "0 M44", "no simplified invoice abroad"))
        self.olaria.choose(kind="FR")

    def _dollars(self) -> None:
        """Sell in another currency: the merchant states the rate of the month once."""
        first = self._sell("dollars", "23")
        self.olaria.wait_for_state(first.number, "Bloqueado")
        self.olaria.state_exchange_rate(first.number, DOLLARS_FOR_A_EURO, "Banco de Portugal")
        second = self._sell("dollars", "23", "dollars, the rate is known")
        for demo_order in (first, second):
            demo_order.exchange_rate = Decimal(DOLLARS_FOR_A_EURO)
        self.wait_until_issued(first, second)
