"""The main scenarios: orders of every kind, placed and paid by two merchants, each brought to its end.

Nothing here reads the app's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from dev.local_stack import LocalStack
from dev.merchant import Merchant, wait_until

from .odd_orders import ASKED, ISSUED

Order = dict[str, Any]
MUG: Order = {"sku": "TACA-01", "qty": 1, "price": "12.30", "tax": "IVA 23%"}
BOOK: Order = {"sku": "LIV-01", "name": "Livro de receitas", "qty": 1, "price": "15.90", "tax": "IVA 6%"}
WINE: Order = {"sku": "VIN-01", "name": "Vinho tinto", "qty": 1, "price": "8.49", "tax": "IVA 13%"}
COURSE: Order = {"sku": "FOR-01", "name": "Oficina de roda", "qty": 1, "price": "45.00", "tax": []}


@dataclass
class DemoOrder:
    """One order of the demo: its special feature, and how it ended."""

    title: str
    merchant: Merchant
    number: int
    kinds: tuple[str, ...] = ("FR",)
    """Return the documents that must exist for it, in their order."""
    given: Decimal = Decimal(0)
    """Return the part of it that was paid with a gift card for which nobody paid: a discount."""
    credited: Decimal = Decimal(0)
    """Return the amount of it that was credited in the end."""
    exchange_rate: Decimal = Decimal(1)
    """How much of its currency a euro is."""
    taxes: frozenset[str] = frozenset()
    """The rates and exemptions of its document, `23` or `0 M05`, where they are what is odd about it."""

    @property
    def visible_kinds(self) -> list[str]:
        """Return the kinds that the shop's order shows: a transport guide is not shown on the order."""
        return [kind for kind in self.kinds if kind != "GT"]


class Demo:
    """The two merchants, their orders, and the scenarios."""

    provider_name = "iGEST"
    success_message = "The ledger matches: every order has its documents, each once, to the cent."
    settings: ClassVar[dict[str, str]] = {}
    """App settings in addition to those of every demo."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.olaria, self.quinta = self._merchants()
        self.orders: list[DemoOrder] = []

    def _merchants(self) -> tuple[Merchant, Merchant]:
        return Merchant(self.stack), Merchant(self.stack, "quintadaserra", "40377")

    @property
    def scenarios(self) -> tuple[Callable[[], None], ...]:
        """Return every scenario, in order; each waits until its orders ended as expected."""
        return (
            self._simple_orders,
            self._odd_prices,
            self._buyers,
            self._prices_without_vat,
            self._repeated_webhook,
            self._missing_webhook,
            self._refused,
            self._answer_lost_after_issuing,
            self._answer_lost_before_issuing,
            self._wrong_nif,
            self._cancelled,
            self._credited,
            self._money_before_pieces,
            self._corrected,
            self._examples,
            self._paid_again,
            self._edited,
        )

    @property
    def merchants(self) -> tuple[Merchant, ...]:
        """Return everyone whose orders are judged."""
        return self.olaria, self.quinta

    def run(self) -> None:
        """Play all scenarios until every order has ended and shows its documents."""
        self.olaria.set_up(exemption="M07", alert_email="loja@olariadosado.example")
        self.quinta.set_up()
        print(
            f"Two merchants installed the app, connected {self.provider_name} and made their choices.",
            flush=True,
        )
        for act in self.scenarios:
            act()
        # The last follow-ups: each order shows its documents.
        wait_until(self.all_documents_shown, "documents on orders")

    def check(self) -> list[str]:
        """Return all other errors at the end, in addition to the ledger's verdict."""
        return []

    def table(self) -> list[str]:
        """Return the text shown below the orders."""
        return []

    def place_paid_order(
        self, title: str, *lines: Order, merchant: Merchant | None = None, **spec: Any
    ) -> DemoOrder:
        """Place and pay an order of these lines, or of an `example`."""
        merchant = merchant or self.olaria
        sold = {"lines": list(lines)} if lines else {}
        order = merchant.place_order(**{"pay": True, **sold, **spec})
        demo_order = DemoOrder(title, merchant, int(order["id"]))
        self.orders.append(demo_order)
        return demo_order

    def wait_until_issued(self, *parts: DemoOrder) -> None:
        for demo_order in parts:
            demo_order.merchant.wait_for_state(demo_order.number, "Emitido")

    def all_documents_shown(self) -> bool:
        """Return whether every order shows as many documents as it has."""
        shown = {
            (merchant.shop, int(order["id"])): merchant.documents_shown(order)
            for merchant in self.merchants
            for order in merchant.shop_orders()
        }
        return all(
            shown[demo_order.merchant.shop, demo_order.number] >= len(demo_order.visible_kinds)
            for demo_order in self.orders
        )

    # The scenarios

    def _simple_orders(self) -> None:
        self.wait_until_issued(
            self.place_paid_order("no NIF", MUG),
            self.place_paid_order("with NIF", MUG, nif="123456789"),
            self.place_paid_order("one exempt line", MUG, COURSE, nif="123456789"),
            self.place_paid_order(
                "coupon, two rates", {**MUG, "qty": 2}, BOOK, coupon="3.00", shipping="4.92"
            ),
        )

    def _examples(self) -> None:
        """Sell every example of the shop's stand-in; the merchant answers what some of them ask."""
        # a Portuguese NIF whose digits fit a German number too
        self.olaria.set_vies_answer("DE212345699", "invalid")
        issued = [self.place_paid_order(name, example=name) for name in ISSUED]
        asked = {name: self.place_paid_order(name, example=name) for name in ASKED}
        held = [self.place_paid_order("unknown-country", example="unknown-country"), self._forgotten_buyer()]
        for demo_order in (*asked.values(), *held):
            demo_order.merchant.wait_for_state(demo_order.number, "Bloqueado")
        for demo_order in held:
            demo_order.kinds = ()
        for name, demo_order in asked.items():
            demo_order.merchant.answer(demo_order.number, ASKED[name])
        asked["gift-card-never-sold"].given = Decimal("10.00")
        self.wait_until_issued(*issued, *asked.values())

    def _forgotten_buyer(self) -> DemoOrder:
        """Pay an order whose customer's data the shop has deleted: it waits, as the buyer may have had a NIF."""
        demo_order = self.place_paid_order("its customer deleted", MUG, pay=False)
        for act in ("forget", "pay"):
            demo_order.merchant.change_order(demo_order.number, act)
        return demo_order

    def _odd_prices(self) -> None:
        self.wait_until_issued(
            self.place_paid_order("3 x 9.99", {**MUG, "qty": 3, "price": "9.99"}),
            self.place_paid_order("line discount, qty 2", {**MUG, "qty": 2, "discount": "1.50"}, WINE),
            self.place_paid_order("three rates, shipping", MUG, BOOK, WINE, shipping="3.99", coupon="1.01"),
            self.place_paid_order("free shipping", MUG, BOOK, shipping={"price": "4.92", "discount": "4.92"}),
        )

    def _buyers(self) -> None:
        self.wait_until_issued(
            self.place_paid_order("a company", MUG, nif="503504564", company="Taberna do Sado, Lda."),
            self.place_paid_order("buyer in Madeira", MUG, address="madeira"),
            self.place_paid_order(
                "emoji and <&> in the names",
                {**MUG, "name": "Caneca <&> 🏺 žluť"},
                buyer={"name": "Łukasz 🏺"},
            ),
        )

    def _prices_without_vat(self) -> None:
        self.wait_until_issued(
            self.place_paid_order(
                "prices without VAT", {**MUG, "qty": 3, "price": "0.10"}, merchant=self.quinta
            ),
            self.place_paid_order(
                "the same, coupon", MUG, BOOK, merchant=self.quinta, coupon="2.00", shipping="4.00"
            ),
        )

    def _repeated_webhook(self) -> None:
        demo_order = self.place_paid_order("its hook five times", MUG)
        demo_order.merchant.change_order(demo_order.number, "hook", copies=4)
        self.wait_until_issued(demo_order)

    def _missing_webhook(self) -> None:
        self.olaria.set_switch("hook-losses", "all")
        demo_order = self.place_paid_order("no hook at all", MUG)
        self.olaria.set_switch("hook-losses", "none")
        self.wait_until_issued(demo_order)

    def _refused(self) -> None:
        self.olaria.inject_fault(kind="refused")
        demo_order = self.place_paid_order("refused, then resent", MUG)
        demo_order.merchant.wait_for_state(demo_order.number, "Bloqueado")
        demo_order.merchant.resend(demo_order.number)
        self.wait_until_issued(demo_order)

    def _answer_lost_after_issuing(self) -> None:
        self.olaria.inject_fault(kind="drop-after")
        demo_order = self.place_paid_order("answer lost, it exists", MUG, nif="123456789")
        demo_order.merchant.wait_for_state(demo_order.number, "Por decidir")
        demo_order.merchant.resolve_uncertain(demo_order.number)
        self.wait_until_issued(demo_order)

    def _answer_lost_before_issuing(self) -> None:
        self.olaria.inject_fault(kind="drop-before")
        demo_order = self.place_paid_order("answer lost, it does not", BOOK)
        demo_order.merchant.wait_for_state(demo_order.number, "Por decidir")
        demo_order.merchant.resolve_uncertain(demo_order.number)
        self.wait_until_issued(demo_order)

    def _wrong_nif(self) -> None:
        demo_order = self.place_paid_order("wrong NIF, corrected", MUG, nif="123456780")
        demo_order.merchant.wait_for_state(demo_order.number, "Bloqueado")
        demo_order.merchant.correct_nif(demo_order.number, "123456789")
        self.wait_until_issued(demo_order)

    def _cancelled(self) -> None:
        never = self.place_paid_order("never paid, cancelled", MUG, pay=False)
        never.kinds = ()
        never.merchant.change_order(never.number, "cancel")
        after = self.place_paid_order("cancelled afterwards", MUG)
        self.wait_until_issued(after)
        after.merchant.change_order(after.number, "cancel")
        wait_until(
            lambda: "nota de crédito" in after.merchant.listing_text(after.number),
            "the credit note is asked for",
        )

    def _credited(self) -> None:
        demo_order = self.place_paid_order("two of three credited", {**MUG, "qty": 3}, BOOK, shipping="4.92")
        self.wait_until_issued(demo_order)
        demo_order.merchant.credit(
            demo_order.number, {"Taça de barro vidrado": "2"}, reason="Duas taças partidas"
        )
        demo_order.kinds, demo_order.credited = ("FR", "NC"), Decimal("24.60")
        demo_order.merchant.wait_for_kinds(demo_order.number, *demo_order.kinds)

    def _money_before_pieces(self) -> None:
        """Give money back, then take the pieces back one by one for what is left."""
        demo_order = self.place_paid_order("3.00 back, then both pieces", {**MUG, "qty": 2})
        self.wait_until_issued(demo_order)
        merchant, number = demo_order.merchant, demo_order.number
        merchant.credit(number, amount="3,00", reason="Risco no vidrado")
        for kinds in (("FR", "NC"), ("FR", "NC", "NC")):
            merchant.wait_for_kinds(number, *kinds)
            merchant.credit(number, {"Taça de barro vidrado": "1"})
        demo_order.kinds, demo_order.credited = ("FR", "NC", "NC", "NC"), Decimal("24.60")
        merchant.wait_for_kinds(number, *demo_order.kinds)

    def _paid_again(self) -> None:
        """Cancel orders and pay them again: each payment has its document, whether or not there was one before."""
        credited = self.place_paid_order("cancelled, credited, paid again", MUG)
        self.wait_until_issued(credited)
        blocked = self.place_paid_order("blocked, cancelled, paid again", MUG, nif="123456788")
        merchant = credited.merchant
        merchant.wait_for_state(blocked.number, "Bloqueado")
        for demo_order, state in ((credited, "Por decidir"), (blocked, "Sem efeito")):
            merchant.change_order(demo_order.number, "cancel")
            merchant.wait_for_state(demo_order.number, state)
        merchant.credit(credited.number)
        merchant.wait_for_kinds(credited.number, "FR", "NC")
        for demo_order in (credited, blocked):
            merchant.change_order(demo_order.number, "pay")
        merchant.wait_for_state(blocked.number, "Bloqueado")
        merchant.correct_nif(blocked.number, "123456789")
        self.wait_until_issued(blocked)
        credited.kinds = ("FR", "NC", "FR")
        merchant.wait_for_kinds(credited.number, *credited.kinds)

    def _edited(self) -> None:
        """Edit an invoiced order to another rate at the same total: the merchant is told."""
        demo_order = self.place_paid_order("edited to another rate, same total", MUG)
        self.wait_until_issued(demo_order)
        demo_order.merchant.edit_order(demo_order.number, {**MUG, "tax": "IVA 6%"})
        wait_until(
            lambda: "mud" in demo_order.merchant.listing_text(demo_order.number), "the merchant is told of it"
        )

    def _corrected(self) -> None:
        demo_order = self.place_paid_order("credited, issued with NIF", MUG, BOOK)
        self.wait_until_issued(demo_order)
        demo_order.merchant.credit_and_reissue(demo_order.number, tax_id="123456789")
        demo_order.kinds = ("FR", "NC", "FR")
        demo_order.merchant.wait_for_kinds(demo_order.number, *demo_order.kinds)
