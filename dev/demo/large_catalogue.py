"""Measure a stock run over many products: its calls on each side, its speed, and its results after kill -9.

The stand-ins count the calls and write the ledgers; our own tables are asked only whether work is left.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import requests

from dev.app_database import AppDatabase
from dev.child_process import ProcessFailed
from dev.local_stack import LocalStack
from dev.merchant import Merchant, wait_until
from dev.phcgo_merchant import PhcGoMerchant
from dev.provider_sides import IgestSide, PhcGoSide
from dev.stock_judge import BY_APP, BY_HAND, check_continuity
from dev.stock_sides import ProviderSide, ShopSide, call_control, item_id_of

RUN_TIMEOUT = 1800.0
SETTINGS = {
    "CLOCK_SECONDS": "0.5", "WEB_PROCESSES": "1", "WORKERS": "2", "LEASE_SECONDS": "3", "TAKE_SECONDS": "3",
    "RETRY_SECONDS": "1", "STOCK_SECONDS": "1000000", "STOCK_METERED_SECONDS": "1000000",
    "RECONCILE_SECONDS": "1000000", "HOOK_WATCH_SECONDS": "1000000", "SETTLE_SECONDS": "5",
}  # fmt: skip
"""Only the measured work starts by itself; leases are short, so that a run continues soon after each kill."""
MAX_PER_SECOND, MAX_PER_MINUTE = 20, 800
"""Jumpseller's documented limit."""


@dataclass
class RunResult:
    """The result of one run."""

    title: str
    changed: int
    shop: int = 0
    """The calls to the shop."""
    provider: int = 0
    busiest_second: int = 0
    """The most calls to the shop in one second."""
    busiest_minute: int = 0
    refused: int = 0
    """Calls over the limit."""
    seconds: float = 0.0
    by_call: dict[str, int] = field(default_factory=dict)

    def table_row(self) -> str:
        """Return a row of the table."""
        return (
            f"| {self.title} | {self.changed} | {self.shop} | {self.provider} |"
            f" {self.busiest_second} | {self.busiest_minute}"
            f" | {self.refused} | {self.seconds:.0f} |"
        )


HEAD = (
    "| run | changed | calls, shop | calls, program | busiest second | busiest minute | too many | seconds |\n"
    "|---|---|---|---|---|---|---|---|"
)


_LAST = "SELECT coalesce(max(id), 0) FROM run WHERE kind = 'stock' AND state = 'done'"


class LargeCatalogueRun:
    """One merchant with very many products that are equal on both sides, and the runs over them."""

    def __init__(self, stack: LocalStack, program: str, products: int, leads: str = "program") -> None:
        self.stack, self.leading_side, self.products = stack, leads, products
        self.merchant, self.provider = self._merchant(program)
        self.shop = ShopSide(stack, self.merchant.shop)
        self.rows: list[RunResult] = []
        self.wrong: list[str] = []
        self.items: dict[str, str] = {}
        """By SKU, what the shop calls the thing."""
        self._levels: dict[str, int] = {}
        self._last_run_id = 0
        """The last run that was over before."""
        self._database = AppDatabase(stack.env["DATABASE_URL"])
        self._random = random.Random(f"{program}{products}{leads}")

    def _merchant(self, program: str) -> tuple[Merchant, ProviderSide]:
        if program == "phcgo":
            company = "a3f91c07/OLARIA2"
            return PhcGoMerchant(self.stack, "olariadosado", company), PhcGoSide(self.stack, company)
        return Merchant(self.stack, "quintadaserra", "40377"), IgestSide(self.stack, "40377")

    def set_up(self) -> None:
        """Install the app and wait for the first run, which reads, matches and compares everything."""
        products = {"shop": self.merchant.shop, "products": self.products, "variants_every": 10}
        call_control(f"{self.stack.admin_url}/sandbox/catalogue", products)
        goods = [row for row in self.shop.product_rows() if str(row["sku"]).startswith("P0")]
        self.items = {row["sku"]: item_id_of(row) for row in goods}
        self._levels = {row["sku"]: int(row["stock"]) for row in goods}
        self.provider.load_articles(
            [{"ref": row["sku"], "name": row["name"], "stock": row["stock"]} for row in goods]
        )  # fmt: skip
        self.merchant.install()
        self.merchant.connect()
        # The calls of the installation are not part of the run: a person would take longer over it.
        wait_until(self._webhooks_subscribed, "the shop's first hooks", RUN_TIMEOUT)
        way = "to-shop" if self.leading_side == "program" else "to-provider"
        self._measure_run(
            "everything read for the first time",
            0,
            lambda: self.merchant.choose(moves_stock="yes", stock=way),
        )

    def _webhooks_subscribed(self) -> bool:
        shop = call_control(f"{self.stack.admin_url}/sandbox/shops/{self.merchant.shop}")
        return any(hook["event"] == "order_paid" for hook in shop["hooks"])

    def run_changes(self, many: int) -> None:
        """Change this number of levels on the leading side and wait until one run has synced them."""
        self._start_recording()
        wanted = self._change_levels(many)
        self._measure_run("what changed", many, self._database.make_stock_run_due)
        self._check_changes(wanted)

    def run_with_kills(self, many: int, kills: int) -> None:
        """Do the same while worker and clock are killed: during reading, in the middle, at the worst moment."""
        self._start_recording()
        wanted = self._change_levels(many)
        at = sorted(self._random.sample(range(1, max(kills + 1, many * 3 // 4)), kills))
        self._measure_run(f"killed {kills + 2} times", many, lambda: self._kill_during_run(at))
        self._check_changes(wanted)

    # The parts of a run

    def _start_recording(self) -> None:
        self.shop.start_recording()
        self.provider.start_recording()

    def _change_levels(self, many: int) -> dict[str, int]:
        """Change levels on the leading side as a person would, each to a different value; return them by SKU."""
        chosen = self._random.sample(sorted(self.items), many)
        levels = ((sku, 100 + self._random.randrange(900)) for sku in chosen)
        wanted = {sku: level + (level == self._levels[sku]) for sku, level in levels}
        self._levels |= wanted
        if self.leading_side == "program":
            self.provider.set_levels(wanted)
        else:
            self.shop.set_levels({self.items[sku]: pieces for sku, pieces in wanted.items()})
        return wanted

    def _kill_during_run(self, at: list[int]) -> None:
        """Kill when the run is open, after this number of changes, and between sending and recording."""
        self._database.make_stock_run_due()
        self._wait_until(lambda: bool(self._database.pending_count()), "the run begun")
        self._kill()
        for done in at:
            self._wait_for_changes(done)
            self._kill()
        deaths = self._worker_deaths()
        self.stack.restart("worker", {"FAULT_POINT": "stock_after_send=kill"})
        self._wait_until(lambda: self._worker_deaths() > deaths, "killed after a change was sent")
        self.stack.restart("worker", {"FAULT_POINT": ""})

    def _kill(self) -> None:
        for name in ("worker", "clock"):
            self.stack.kill(name)
        for name in ("clock", "worker"):
            self.stack.restart(name)

    def _wait_for_changes(self, many: int) -> None:
        follower = self.shop if self.leading_side == "program" else self.provider

        def made() -> bool:
            return sum(change.by == BY_APP for change in follower.level_changes()) >= many

        self._wait_until(made, f"{many} changes made")

    def _wait_until(self, seen: Callable[[], bool], what: str) -> None:
        """Wait for a condition. Raises ProcessFailed when a part of the stack ended by itself."""

        def there() -> bool:
            if fallen := self.stack.crashed_child():
                raise ProcessFailed(fallen.name, f"ended with status {fallen.status}", fallen.log_tail())
            return seen()

        wait_until(there, what, RUN_TIMEOUT)

    def _worker_deaths(self) -> int:
        return self.stack.log("worker").count("Work-horse terminated unexpectedly")

    def _measure_run(self, what: str, many: int, act: Callable[[], None]) -> None:
        """Call `act` and count all calls until no work is left."""
        before, self._last_run_id = self._calls_used(), self._database.query_value(_LAST)
        for url in (self.stack.admin_url, self.stack.igest_url):
            requests.delete(f"{url}/sandbox/limits", timeout=30).raise_for_status()
        began = time.monotonic()
        act()
        # Ask the external systems first: webhooks that they send in the meantime are then in our rows when
        # these are counted.
        self._wait_until(
            lambda: not self._is_running() and not self._database.pending_count(), f"{what}, {many} changed"
        )
        row = RunResult(what, many, seconds=time.monotonic() - began, provider=self._calls_used() - before)
        seen = call_control(f"{self.stack.admin_url}/sandbox/limits").get(self.merchant.shop, {})
        row.shop, row.refused = seen.get("calls", 0), seen.get("refused", 0)
        row.busiest_second, row.busiest_minute = seen.get("busiest_second", 0), seen.get("busiest_minute", 0)
        row.by_call = seen.get("by_call", {})
        if not isinstance(self.merchant, PhcGoMerchant):
            here = call_control(f"{self.stack.igest_url}/sandbox/limits")
            row.provider, row.refused = here["calls"], row.refused + here["refused"]
        if row.refused or row.busiest_second > MAX_PER_SECOND or row.busiest_minute > MAX_PER_MINUTE:
            self.wrong.append(f"{what}, {many} changed: too fast: {row}")
        self.rows.append(row)

    def _calls_used(self) -> int:
        return self.merchant.calls_this_month() if isinstance(self.merchant, PhcGoMerchant) else 0

    def _is_running(self) -> bool:
        """Return whether the requested run is not over, or the shop still has webhooks to send."""
        sent = call_control(
            f"{self.stack.admin_url}/sandbox/deliveries?shop={self.merchant.shop}&state=waiting&limit=1"
        )
        return bool(sent) or self._database.query_value(_LAST) == self._last_run_id

    # The expected result

    def _check_changes(self, wanted: dict[str, int]) -> None:
        """Add to `wrong` whatever was lost, done twice or done to another product."""
        shop, program = self.shop.history(), self.provider.history()
        led, follows = (program, shop) if self.leading_side == "program" else (shop, program)
        self.wrong += check_continuity(shop) + check_continuity(program)
        ids = {card.code: article_id for article_id, card in self.provider.articles().items()}
        things = {self.items[sku] if self.leading_side == "program" else ids[sku]: sku for sku in wanted}
        seen: dict[str, list[Decimal]] = {}
        for change in follows.changes:
            if change.by != BY_APP or change.item not in things:
                self.wrong.append(f"altered without a cause: {change}")
            else:
                seen.setdefault(things[change.item], []).append(change.after)
        for sku, pieces in wanted.items():
            if seen.get(sku, []) != [Decimal(pieces)]:
                self.wrong.append(
                    f"{sku}: {pieces} was wanted, set to {[str(one) for one in seen.get(sku, [])]}"
                )
        if strange := [change for change in led.changes if change.by != BY_HAND]:
            self.wrong.append(f"the leading side was altered: {strange[:3]}")


def run_large_catalogue(products: int, changes: tuple[int, ...], kills: int) -> int:
    """Run everything and print the tables; return 0 when nothing was lost, doubled or too fast."""
    wrong = []
    for program, leads in (("igest", "program"), ("igest", "shop"), ("phcgo", "program")):
        with LocalStack(settings=SETTINGS) as stack:
            many = LargeCatalogueRun(stack, program, products, leads)
            many.set_up()
            print(
                f"\n{many.provider.name}, {len(many.items)} goods of {products} products, {leads} leads\n\n{HEAD}"
            )
            print(many.rows[-1].table_row(), flush=True)
            for number in changes:
                many.run_changes(number)
                print(many.rows[-1].table_row(), flush=True)
            many.run_with_kills(changes[len(changes) // 2], kills)
            print(many.rows[-1].table_row(), flush=True)
            wrong += [f"{program}, {leads} leads: {line}" for line in many.wrong]
    for line in wrong:
        print(f"WRONG: {line}")
    print(
        "\nThe runs do not match."
        if wrong
        else "\nNo change is lost, none is there twice, and no call was one too many."
    )
    return 1 if wrong else 0
