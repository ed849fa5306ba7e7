"""The main job's acts: orders of every kind, placed and paid by two merchants, and each brought to its end.

Played by the command; `phcgo` beside it plays them with another program. Nothing here looks into the app's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from dev.house import House
from dev.merchant import Merchant, until

Order = dict[str, Any]
MUG: Order = {"sku": "TACA-01", "qty": 1, "price": "12.30", "tax": "IVA 23%"}
BOOK: Order = {"sku": "LIV-01", "name": "Livro de receitas", "qty": 1, "price": "15.90", "tax": "IVA 6%"}
WINE: Order = {"sku": "VIN-01", "name": "Vinho tinto", "qty": 1, "price": "8.49", "tax": "IVA 13%"}
COURSE: Order = {"sku": "FOR-01", "name": "Oficina de roda", "qty": 1, "price": "45.00", "tax": []}


@dataclass
class Part:
    """One order of the demo: what is odd about it, and how it ended."""

    title: str
    merchant: Merchant
    number: int
    kinds: tuple[str, ...] = ("FR",)
    """The documents that must exist for it, in their order."""
    back: Decimal = Decimal(0)
    """What was credited of it for good."""

    @property
    def shown(self) -> list[str]:
        """The kinds of the documents that the shop's order shows: a guide goes with the goods, not to the order."""
        return [kind for kind in self.kinds if kind != "GT"]


class Demo:
    """The two merchants, their orders, and the acts."""

    program = "iGEST"
    good = "The ledger matches: every order has its documents, each once, to the cent."
    settings: ClassVar[dict[str, str]] = {}
    """Of the app, beside those of every demo."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.olaria, self.quinta = self._merchants()
        self.parts: list[Part] = []

    def _merchants(self) -> tuple[Merchant, Merchant]:
        return Merchant(self.house), Merchant(self.house, "quintadaserra", "40377")

    @property
    def acts(self) -> tuple[Callable[[], None], ...]:
        """Every act, in order; each waits until its orders ended as they should."""
        return (
            self._plain, self._odd_prices, self._buyers, self._without_vat_inside, self._many_hooks, self._no_hook,
            self._refused, self._lost_after, self._lost_before, self._wrong_nif, self._cancelled, self._credited,
            self._corrected,
        )  # fmt: skip

    @property
    def merchants(self) -> tuple[Merchant, ...]:
        """Everyone whose orders are judged."""
        return self.olaria, self.quinta

    def play(self) -> None:
        """Nothing, once every order ended and is shown to have its documents."""
        self.olaria.set_up(exemption="M07", alert_email="loja@olariadosado.example")
        self.quinta.set_up()
        print(
            f"Two merchants installed the app, connected {self.program} and made their choices.", flush=True
        )
        for act in self.acts:
            act()
        # the last follow-ups: each order shows its documents
        until(self.all_shown, "documents on orders")

    def check(self) -> list[str]:
        """What else is wrong at the end, beside the ledger."""
        return []

    def table(self) -> list[str]:
        """What is shown beneath the orders."""
        return []

    def pay(self, title: str, *lines: Order, merchant: Merchant | None = None, **spec: Any) -> Part:
        """An order of these lines, placed and paid."""
        merchant = merchant or self.olaria
        order = merchant.order(lines=list(lines), **{"pay": True, **spec})
        part = Part(title, merchant, int(order["id"]))
        self.parts.append(part)
        return part

    def issued(self, *parts: Part) -> None:
        for part in parts:
            part.merchant.wait(part.number, "Emitido")

    def all_shown(self) -> bool:
        """True once every order shows as many documents as it has."""
        shown = {
            (merchant.shop, int(order["id"])): len(order["documents"])
            for merchant in self.merchants
            for order in merchant.orders()
        }
        return all(shown[part.merchant.shop, part.number] >= len(part.shown) for part in self.parts)

    # the acts

    def _plain(self) -> None:
        self.issued(
            self.pay("no NIF", MUG),
            self.pay("with NIF", MUG, nif="123456789"),
            self.pay("one exempt line", MUG, COURSE, nif="123456789"),
            self.pay("coupon, two rates", {**MUG, "qty": 2}, BOOK, coupon="3.00", shipping="4.92"),
        )

    def _odd_prices(self) -> None:
        self.issued(
            self.pay("3 x 9.99", {**MUG, "qty": 3, "price": "9.99"}),
            self.pay("line discount, qty 2", {**MUG, "qty": 2, "discount": "1.50"}, WINE),
            self.pay("three rates, shipping", MUG, BOOK, WINE, shipping="3.99", coupon="1.01"),
            self.pay("free shipping", MUG, BOOK, shipping={"price": "4.92", "discount": "4.92"}),
        )

    def _buyers(self) -> None:
        self.issued(
            self.pay("a company", MUG, nif="503504564", company="Taberna do Sado, Lda."),
            self.pay("buyer in Madeira", MUG, address="madeira"),
            self.pay(
                "emoji and <&> in the names",
                {**MUG, "name": "Caneca <&> 🏺 žluť"},
                buyer={"name": "Łukasz 🏺"},
            ),
        )

    def _without_vat_inside(self) -> None:
        self.issued(
            self.pay("prices without VAT", {**MUG, "qty": 3, "price": "0.10"}, merchant=self.quinta),
            self.pay("the same, coupon", MUG, BOOK, merchant=self.quinta, coupon="2.00", shipping="4.00"),
        )

    def _many_hooks(self) -> None:
        part = self.pay("its hook five times", MUG)
        part.merchant.act(part.number, "hook", copies=4)
        self.issued(part)

    def _no_hook(self) -> None:
        self.olaria.switch("hook-losses", "all")
        part = self.pay("no hook at all", MUG)
        self.olaria.switch("hook-losses", "none")
        self.issued(part)

    def _refused(self) -> None:
        self.olaria.fault(kind="refused")
        part = self.pay("refused, then resent", MUG)
        part.merchant.wait(part.number, "Bloqueado")
        part.merchant.resend(part.number)
        self.issued(part)

    def _lost_after(self) -> None:
        self.olaria.fault(kind="drop-after")
        part = self.pay("answer lost, it exists", MUG, nif="123456789")
        part.merchant.wait(part.number, "Por decidir")
        part.merchant.settle(part.number)
        self.issued(part)

    def _lost_before(self) -> None:
        self.olaria.fault(kind="drop-before")
        part = self.pay("answer lost, it does not", BOOK)
        part.merchant.wait(part.number, "Por decidir")
        part.merchant.settle(part.number)
        self.issued(part)

    def _wrong_nif(self) -> None:
        part = self.pay("wrong NIF, corrected", MUG, nif="123456780")
        part.merchant.wait(part.number, "Bloqueado")
        part.merchant.correct_nif(part.number, "123456789")
        self.issued(part)

    def _cancelled(self) -> None:
        never = self.pay("never paid, cancelled", MUG, pay=False)
        never.kinds = ()
        never.merchant.act(never.number, "cancel")
        after = self.pay("cancelled afterwards", MUG)
        self.issued(after)
        after.merchant.act(after.number, "cancel")
        until(
            lambda: "nota de crédito" in after.merchant.listed(after.number), "the credit note is asked for"
        )

    def _credited(self) -> None:
        part = self.pay("two of three credited", {**MUG, "qty": 3}, BOOK, shipping="4.92")
        self.issued(part)
        part.merchant.credit(part.number, {"Taça de barro vidrado": "2"}, reason="Duas taças partidas")
        part.kinds, part.back = ("FR", "NC"), Decimal("24.60")
        part.merchant.wait_for_kinds(part.number, *part.kinds)

    def _corrected(self) -> None:
        part = self.pay("credited, issued with NIF", MUG, BOOK)
        self.issued(part)
        part.merchant.credit_and_reissue(part.number, tax_id="123456789")
        part.kinds = ("FR", "NC", "FR")
        part.merchant.wait_for_kinds(part.number, *part.kinds)
