"""The demo's judge: the invoicing program's own ledger, held against what the buyers paid.

Asked by the command once the acts are over; our own tables have no say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .acts import Demo, Order, Part


class Judge:
    """Holds the ledger against the shops' orders."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.wrong: list[str] = []

    def verdict(self) -> list[str]:
        """One line per order; `wrong` then holds whatever does not match."""
        rows = []
        for merchant in self.demo.merchants:
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
        wanted = [document["number"] for document in documents if document["type"] != "GT"]
        if shown != [number.replace(" ", "-").replace("/", "-") for number in wanted]:
            self.wrong.append(f"{where}: the order shows {shown}")
        state = part.merchant.state(part.number) or "-"
        return f"{where:<24} {numbers:<44} {paid:>9.2f} {state:<12} {part.title}"


def _signed(document: dict[str, Any]) -> Decimal:
    """What the document adds to the sale: a credit note takes away, a guide moves goods and no money."""
    gross = Decimal(document["totals"]["gross"])
    return {"NC": -gross, "GT": Decimal(0)}.get(document["type"], gross)
