"""The demo's judge: compare the invoicing system's own ledger with what the buyers paid, never with our tables."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .scenarios import Demo, DemoOrder, Order


class Judge:
    """Compare the ledger with the shops' orders."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.wrong: list[str] = []

    def verdict(self) -> list[str]:
        """Return one line per order; afterwards `wrong` has every difference."""
        rows = []
        for merchant in self.demo.merchants:
            orders = {int(order["id"]): order for order in merchant.shop_orders()}
            sold: dict[int, list[dict[str, Any]]] = {}
            for document in merchant.issued_documents():
                number = int(document["reference"].split("-")[2])
                sold.setdefault(number, []).append(document)
            for demo_order in (part for part in self.demo.orders if part.merchant is merchant):
                rows.append(
                    self._order_line(
                        demo_order, orders.pop(demo_order.number), sold.pop(demo_order.number, [])
                    )
                )
            self.wrong += [f"{merchant.shop}: order {number} is not of the demo" for number in orders]
            self.wrong += [f"{merchant.shop}: document for unknown order {number}" for number in sold]
        return rows

    def _order_line(self, demo_order: DemoOrder, order: Order, documents: list[dict[str, Any]]) -> str:
        where = f"{demo_order.merchant.shop} #{demo_order.number}"
        paid = demo_order.merchant.paid_amount(order) - demo_order.given
        paid = (paid / demo_order.exchange_rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
        numbers = ", ".join(document["number"] for document in documents) or "-"
        if tuple(document["type"] for document in documents) != demo_order.kinds:
            self.wrong.append(f"{where}: {numbers} instead of {demo_order.kinds}")
        net = sum((_signed_total(document) for document in documents), Decimal(0))
        if demo_order.kinds and net != paid - demo_order.credited:
            self.wrong.append(
                f"{where}: {numbers} come to {net}, the buyer paid {paid} and had {demo_order.credited} back"
            )
        first = Decimal(documents[0]["totals"]["gross"]) if documents else paid
        if first != paid:
            self.wrong.append(f"{where}: {documents[0]['number']} is {first}, the buyer paid {paid}")
        taxes = {f"{line['rate']} {line['exemption']}".strip() for one in documents for line in one["lines"]}
        if demo_order.taxes and taxes != demo_order.taxes:
            self.wrong.append(f"{where}: {numbers} has {sorted(taxes)} instead of {sorted(demo_order.taxes)}")
        wanted = [document["number"] for document in documents if document["type"] != "GT"]
        if not demo_order.merchant.shows_documents(order, wanted):
            self.wrong.append(f"{where}: the order does not show {wanted}")
        state = demo_order.merchant.state(demo_order.number) or "-"
        return f"{where:<24} {numbers:<44} {paid:>9.2f} {state:<12} {demo_order.title}"


def _signed_total(document: dict[str, Any]) -> Decimal:
    """Return the amount that the document adds to the sale: a credit note subtracts, a guide adds nothing."""
    gross = Decimal(document["totals"]["gross"])
    return {"NC": -gross, "GT": Decimal(0)}.get(document["type"], gross)
