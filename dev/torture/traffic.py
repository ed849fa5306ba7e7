"""The shop's traffic: its merchant, and the orders that are placed and paid while the killer strikes.

Orders keep pace with the strikes, so that these are spread over all the work. Each webhook is sent one to three
times, and two of a hundred never. The last orders come at once, so that the faults stop over unfinished work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from .plan import Plan
from .shops import TortureMerchant

Json = dict[str, Any]
ORDER_LINES = (
    {"sku": "TACA-01", "qty": 1, "price": "12.30", "tax": "IVA 23%"},
    {"sku": "TACA-02", "name": "Taças", "qty": 3, "price": "9.99", "tax": "IVA 23%"},
    {"sku": "LIV-01", "name": "Livro", "qty": 1, "price": "15.90", "tax": "IVA 6%"},
)
BUYERS, TAX_ID_SHARE = 20, 0.3
"""Of so many buyers each has a name, address and tax id of their own; that share of the orders is theirs."""
WEBHOOK_LOSS = 0.02
MAX_AHEAD, MOST_OPEN = 25, 150
"""The number of orders by which the traffic may be ahead of the strikes, and of the app."""
PER_STRIKE = 0.45
"""The fewest seconds per strike; the traffic is not faster."""


class Traffic:
    """The orders of one run, in the order of their seed."""

    def __init__(self, plan: Plan, merchant: TortureMerchant) -> None:
        self.plan, self.merchant = plan, merchant
        self.paid: dict[str, float] = {}
        """The instant at which each order was paid."""
        self.tax_ids: dict[str, str] = {}
        """The tax id of each order that has one."""
        self.lost_webhooks = 0
        self._final_count = 0
        self._random = random.Random(plan.seed + "traffic")
        self._buyers = make_buyers(random.Random(plan.seed + "buyers"))

    @property
    def steady_orders(self) -> int:
        """Return the number of orders before the burst."""
        return self.plan.orders - self.plan.burst

    def run(self, struck: Callable[[], float], done: Callable[[], bool], settled: Callable[[], int]) -> None:
        """Place and pay all but the last orders, more slowly on a slow machine.

        `struck` is the share of the strikes that are done, `done` whether they are over, `settled` the number
        of finished orders.
        """
        began, lasts = time.monotonic(), self.plan.seconds or self.plan.kills * PER_STRIKE
        for number in range(self.steady_orders):
            due = began + lasts * number / self.steady_orders
            while not done() and (
                time.monotonic() < due or number > struck() * self.steady_orders + MAX_AHEAD
            ):
                time.sleep(0.02)
            self._wait_for_capacity(number, settled)
            self._place_order()

    def _wait_for_capacity(self, number: int, settled: Callable[[], int]) -> None:
        """Wait until few enough orders are open; query the number of finished ones only when it matters."""
        while number - self._final_count > MOST_OPEN:
            self._final_count = settled()
            if number - self._final_count > MOST_OPEN:
                time.sleep(0.25)

    def place_burst(self) -> None:
        """Place and pay the last orders as fast as the shop takes them."""
        for _ in range(self.plan.burst):
            self._place_order()

    def _place_order(self) -> None:
        lost = self._random.random() < WEBHOOK_LOSS
        copies = self._random.choice((0, 0, 1, 2))
        if lost:
            self.merchant.lose_webhooks(True)
        buyer = self._random.choice(self._buyers) if self._random.random() < TAX_ID_SHARE else {}
        order = self.merchant.place_order(lines=[self._random.choice(ORDER_LINES)], pay=True, **buyer)
        self.paid[str(order["id"])] = time.time()
        if buyer:
            self.tax_ids[str(order["id"])] = buyer["nif"]
        if lost:
            self.merchant.lose_webhooks(False)
            self.lost_webhooks += 1
        elif copies:
            self.merchant.resend_webhook(int(order["id"]), copies)


def make_buyers(source: random.Random) -> list[Json]:
    """Return what the orders of each buyer with a tax id have in addition: nothing else in a run reads like it."""
    found = []
    for number in range(BUYERS):
        digits = [2, *(source.randrange(10) for _ in range(7))]
        check = 11 - sum(digit * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True)) % 11
        mark = f"{source.randrange(16**6):06x}"
        found.append(
            {
                "nif": "".join(map(str, [*digits, check if check < 10 else 0])),
                "buyer": {
                    "name": f"Compradora{number}",
                    "surname": f"Marcada{mark}",
                    "email": f"{mark}@buyer.example",
                },
                "address": {"address": f"Rua Marcada {mark}"},
            }
        )
    return found
