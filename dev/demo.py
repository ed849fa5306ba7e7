"""`make demo`: the main job without hands, held against the invoicing program's own ledger.

Starts everything on free ports with fresh data (DATABASE_URL and REDIS_URL, when given, are used instead), lets two
merchants install through the real pages, pays orders of every kind, answers what waits for a merchant, and ends with
the ledger's verdict: one document per paid order and what corrects it, totals to the cent.
Exits 0 only when the ledger matches.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dev.child import Failed
from dev.house import House
from dev.merchant import Merchant, until
from dev.servers import Missing

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


class Demo:
    """The two merchants, their orders, and the acts."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.olaria = Merchant(house)
        self.quinta = Merchant(house, "quintadaserra", "40377")
        self.parts: list[Part] = []

    def play(self) -> None:
        """Every act, in order; each waits until its order ended as it should."""
        self.olaria.set_up(exemption="M07", alert_email="loja@olariadosado.example")
        self.quinta.set_up()
        say("Two merchants installed the app, connected iGEST and made their choices.")
        for act in (
            self._plain, self._odd_prices, self._buyers, self._without_vat_inside, self._many_hooks, self._no_hook,
            self._refused, self._lost_after, self._lost_before, self._wrong_nif, self._cancelled, self._credited,
            self._corrected,
        ):  # fmt: skip
            act()

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
            for merchant in (self.olaria, self.quinta)
            for order in merchant.orders()
        }
        return all(shown[part.merchant.shop, part.number] >= len(part.kinds) for part in self.parts)

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


class Judge:
    """Holds the ledger against the shops' orders; our own tables have no say."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.wrong: list[str] = []

    def verdict(self) -> list[str]:
        """One line per order; `wrong` then holds whatever does not match."""
        rows = []
        for merchant in (self.demo.olaria, self.demo.quinta):
            orders = {int(order["id"]): order for order in merchant.orders()}
            sold: dict[int, list[dict[str, Any]]] = {}
            for document in merchant.sold():
                number = int(document["reference"].split("-")[2])
                sold.setdefault(number, []).append(document)
            for part in (part for part in self.demo.parts if part.merchant is merchant):
                rows.append(self._row(part, orders.pop(part.number), sold.pop(part.number, [])))
            self.wrong += [f"{merchant.shop}: order {number} is not of the demo" for number in orders]
            self.wrong += [f"{merchant.shop}: document for unknown order {number}" for number in sold]
        return rows

    def _row(self, part: Part, order: Order, documents: list[dict[str, Any]]) -> str:
        where = f"{part.merchant.shop} #{part.number}"
        paid = Decimal(str(order["total"])) + Decimal(str(order.get("gift_cards_discount") or 0))
        numbers = ", ".join(document["number"] for document in documents) or "-"
        if tuple(document["type"] for document in documents) != part.kinds:
            self.wrong.append(f"{where}: {numbers} instead of {part.kinds}")
        net = sum((_signed(document) for document in documents), Decimal(0))
        if part.kinds and net != paid - part.back:
            self.wrong.append(
                f"{where}: {numbers} come to {net}, the buyer paid {paid} and had {part.back} back"
            )
        first = Decimal(documents[0]["totals"]["gross"]) if documents else paid
        if first != paid:
            self.wrong.append(f"{where}: {documents[0]['number']} is {first}, the buyer paid {paid}")
        shown = [str(one["public_id"]) for one in order["documents"]]
        if shown != [document["number"].replace(" ", "-").replace("/", "-") for document in documents]:
            self.wrong.append(f"{where}: the order shows {shown}")
        state = part.merchant.state(part.number) or "-"
        return f"{where:<24} {numbers:<44} {paid:>9.2f} {state:<12} {part.title}"


def _signed(document: dict[str, Any]) -> Decimal:
    """What the document adds to the sale: a credit note takes away."""
    gross = Decimal(document["totals"]["gross"])
    return -gross if document["type"] == "NC" else gross


def say(text: str) -> None:
    """Nothing; printed at once."""
    print(text, flush=True)


def run(act: Callable[[Demo], None] = Demo.play) -> int:
    """0 when the ledger matches, 1 when it does not or something did not come up."""
    settings = {"CLOCK_SECONDS": "1", "RECONCILE_SECONDS": "3", "WEB_PROCESSES": "1", "RETRY_SECONDS": "1"}
    began = time.monotonic()
    house = House(
        database_url=os.environ.get("DATABASE_URL"), redis_url=os.environ.get("REDIS_URL"), settings=settings
    )
    with house:
        say(f"Everything runs: shop {house.admin_url}, app {house.app_url}, iGEST {house.igest_url}")
        demo = Demo(house)
        act(demo)
        # the last follow-ups: each order shows its documents
        until(demo.all_shown, "documents on orders")
        judge = Judge(demo)
        rows = judge.verdict()
    say(f"\n{'order':<24} {'document':<44} {'total':>9} {'state':<12} what is odd about it")
    for row in rows:
        say(row)
    say(f"\n{len(rows)} orders in {time.monotonic() - began:.0f} s.")
    for line in judge.wrong:
        say(f"WRONG: {line}")
    say(
        "The ledger does not match."
        if judge.wrong
        else "The ledger matches: every order has its documents, each once, to the cent."
    )
    return 1 if judge.wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(run())
    except (Failed, Missing, AssertionError) as problem:
        print(problem, file=sys.stderr, flush=True)
        sys.exit(1)
