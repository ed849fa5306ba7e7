"""The shop's traffic: its merchant, and the orders that are placed and paid while the killer strikes.

Orders keep pace with the strikes, so that these are spread over all the work. Each webhook is sent one to three
times, and two of a hundred never. The last orders come at once, so that the faults stop over unfinished work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import requests

from dev.browser import StepFailed
from dev.local_stack import LocalStack
from dev.merchant import Merchant

from .plan import Plan
from .provider_stand_in import ProviderStandIn

Json = dict[str, Any]
ORDER_LINES = (
    {"sku": "TACA-01", "qty": 1, "price": "12.30", "tax": "IVA 23%"},
    {"sku": "TACA-02", "name": "Taças", "qty": 3, "price": "9.99", "tax": "IVA 23%"},
    {"sku": "LIV-01", "name": "Livro", "qty": 1, "price": "15.90", "tax": "IVA 6%"},
)
WEBHOOK_LOSS = 0.02
MAX_AHEAD, MOST_OPEN = 25, 150
"""The number of orders by which the traffic may be ahead of the strikes, and of the app."""
PER_STRIKE = 0.45
"""The fewest seconds per strike; the traffic is not faster."""


class TortureMerchant(Merchant):
    """The merchant with the run's invoicing system; keeps one connection to the shop's admin open."""

    def __init__(self, stack: LocalStack, program: ProviderStandIn) -> None:
        super().__init__(stack)
        self.provider = program
        self._open = requests.Session()
        self._open.trust_env = False

    def connect(self, **instead: str) -> None:
        self.browser.open(f"{self.stack.app_url}/setup/keys/{self.provider.name}")
        keys = self.provider.keys
        self.browser.send(next(iter(keys)), **{**keys, **instead})
        if "/setup/choices" not in self.browser.url:
            raise StepFailed(f"keys not accepted: {self.browser.text[:600]}")

    def resolve_all(self, numbers: list[str]) -> None:
        """Look up each document that waits for the merchant in the provider's list and answer its page."""
        listed = self.provider.listed_documents()
        for order in numbers:
            page, found = self.open_document(int(order)), listed.get(order)
            if found is None:
                page.send("sure", sure="yes")
            else:
                page.send(
                    "number", number=found[0], total=found[1], atcud=f"JFX4RT2K-{found[0].rpartition('/')[2]}"
                )

    def webhooks_are_active(self) -> bool:
        """Return whether the shop sends webhooks of paid orders and has not paused them."""
        paid = [hook for hook in self._shop_now()["hooks"] if hook["event"] == "order_paid"]
        return bool(paid) and not any(hook.get("paused") for hook in paid)

    def webhook_pauses(self) -> int:
        """Return the moments at which the shop paused webhooks, by the e-mails that it wrote about it."""
        return len({letter["at"] for letter in self._shop_now()["letters"] if "em pausa" in letter["text"]})

    def _shop_now(self) -> Json:
        about: Json = self._open.get(self._shop_url("").rstrip("/"), timeout=30).json()
        return about

    def deliveries(self) -> list[Json]:
        """Return every webhook that the shop sent, with its tries."""
        address = f"{self.stack.admin_url}/sandbox/deliveries"
        found: list[Json] = self._open.get(address, params={"limit": 10**6}, timeout=120).json()
        return found

    def _post_to_shop(self, path: str, sent: Json) -> Json:
        answer = self._open.post(self._shop_url(path), json=sent, timeout=30)
        answer.raise_for_status()
        content: Json = answer.json()
        inner: Json = content.get("order", content)
        return inner


class Traffic:
    """The orders of one run, in the order of their seed."""

    def __init__(self, plan: Plan, merchant: TortureMerchant) -> None:
        self.plan, self.merchant = plan, merchant
        self.paid: dict[str, float] = {}
        """The instant at which each order was paid."""
        self.lost_webhooks = 0
        self._final_count = 0
        self._random = random.Random(plan.seed + "traffic")

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
            self.merchant.set_switch("hook-losses", "all")
        order = self.merchant.place_order(lines=[self._random.choice(ORDER_LINES)], pay=True)
        self.paid[str(order["id"])] = time.time()
        if lost:
            self.merchant.set_switch("hook-losses", "none")
            self.lost_webhooks += 1
        elif copies:
            self.merchant.change_order(int(order["id"]), "hook", copies=copies)
