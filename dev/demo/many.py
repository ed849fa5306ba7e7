"""A stock run over many products: how many calls it makes on each side, how fast, and what kill -9 leaves of it.

Played by the command for CATALOGUE=many, and small by tests/fault/test_stock_run.py. The stand-ins count the calls and
write the ledgers; our own tables are asked only whether something is still to be done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import requests

from dev.child import Failed
from dev.house import House
from dev.levels import HAND, OURS, chained
from dev.merchant import Merchant, until
from dev.phcgo import PhcGoMerchant
from dev.programs import IgestSide, PhcGoSide
from dev.sides import Program, ShopSide, asked, thing_of
from dev.tables import Tables

PATIENCE = 1800.0
SETTINGS = {
    "CLOCK_SECONDS": "0.5", "WEB_PROCESSES": "1", "WORKERS": "2", "LEASE_SECONDS": "3", "TAKE_SECONDS": "3",
    "RETRY_SECONDS": "1", "STOCK_SECONDS": "1000000", "STOCK_METERED_SECONDS": "1000000",
    "RECONCILE_SECONDS": "1000000", "HOOK_WATCH_SECONDS": "1000000", "SETTLE_SECONDS": "5",
}  # fmt: skip
"""Nothing begins by itself but what is measured; leases are short, as nobody waits two minutes after each kill."""
PER_SECOND, PER_MINUTE = 20, 800
"""What Jumpseller admits, as documented."""


@dataclass
class Row:
    """What one run came to."""

    what: str
    changed: int
    shop: int = 0
    """Calls."""
    program: int = 0
    second: int = 0
    """The busiest one at the shop."""
    minute: int = 0
    refused: int = 0
    """Calls that were one too many."""
    seconds: float = 0.0
    by_call: dict[str, int] = field(default_factory=dict)

    def shown(self) -> str:
        """A row of the table."""
        return (
            f"| {self.what} | {self.changed} | {self.shop} | {self.program} | {self.second} | {self.minute}"
            f" | {self.refused} | {self.seconds:.0f} |"
        )


HEAD = (
    "| run | changed | calls, shop | calls, program | busiest second | busiest minute | too many | seconds |\n"
    "|---|---|---|---|---|---|---|---|"
)


_LAST = "SELECT coalesce(max(id), 0) FROM run WHERE kind = 'stock' AND state = 'done'"


class Many:
    """One merchant with very many products that are alike on both sides, and the runs over them."""

    def __init__(self, house: House, program: str, products: int, leads: str = "program") -> None:
        self.house, self.leads, self.products = house, leads, products
        self.merchant, self.program = self._merchant(program)
        self.shop = ShopSide(house, self.merchant.shop)
        self.rows: list[Row] = []
        self.wrong: list[str] = []
        self.things: dict[str, str] = {}
        """By SKU, what the shop calls the thing."""
        self._levels: dict[str, int] = {}
        self._former = 0
        """The last run that was over before."""
        self._tables = Tables(house.env["DATABASE_URL"])
        self._random = random.Random(f"{program}{products}{leads}")

    def _merchant(self, program: str) -> tuple[Merchant, Program]:
        if program == "phcgo":
            company = "a3f91c07/OLARIA2"
            return PhcGoMerchant(self.house, "olariadosado", company), PhcGoSide(self.house, company)
        return Merchant(self.house, "quintadaserra", "40377"), IgestSide(self.house, "40377")

    def set_up(self) -> None:
        """Nothing, once all products are read, matched and compared: the first run, which reads everything."""
        products = {"shop": self.merchant.shop, "products": self.products, "variants_every": 10}
        asked(f"{self.house.admin_url}/sandbox/catalogue", products)
        goods = [row for row in self.shop.rows() if str(row["sku"]).startswith("P0")]
        self.things = {row["sku"]: thing_of(row) for row in goods}
        self._levels = {row["sku"]: int(row["stock"]) for row in goods}
        self.program.load(
            [{"ref": row["sku"], "name": row["name"], "stock": row["stock"]} for row in goods]
        )  # fmt: skip
        self.merchant.install()
        self.merchant.connect()
        # the calls of installing are not the run's: a person takes longer over it than this
        until(self._heard_of, "the shop's first hooks", PATIENCE)
        way = "to-shop" if self.leads == "program" else "to-provider"
        self._run(
            "everything read for the first time",
            0,
            lambda: self.merchant.choose(moves_stock="yes", stock=way),
        )

    def _heard_of(self) -> bool:
        shop = asked(f"{self.house.admin_url}/sandbox/shops/{self.merchant.shop}")
        return any(hook["event"] == "order_paid" for hook in shop["hooks"])

    def changed(self, many: int) -> None:
        """Nothing, once so many levels were altered on the leading side and one run brought them over."""
        self._begin()
        wanted = self._alter(many)
        self._run("what changed", many, self._tables.next_reading)
        self._judge(wanted)

    def killed(self, many: int, kills: int) -> None:
        """The same, with worker and clock killed while it is read, so often in its middle, and at the worst place."""
        self._begin()
        wanted = self._alter(many)
        at = sorted(self._random.sample(range(1, max(kills + 1, many * 3 // 4)), kills))
        self._run(f"killed {kills + 2} times", many, lambda: self._struck(at))
        self._judge(wanted)

    # the parts of a run

    def _begin(self) -> None:
        self.shop.begin()
        self.program.begin()

    def _alter(self, many: int) -> dict[str, int]:
        """By SKU, the levels that a person wrote on the leading side, each another than it was."""
        chosen = self._random.sample(sorted(self.things), many)
        levels = ((sku, 100 + self._random.randrange(900)) for sku in chosen)
        wanted = {sku: level + (level == self._levels[sku]) for sku, level in levels}
        self._levels |= wanted
        if self.leads == "program":
            self.program.put_many(wanted)
        else:
            self.shop.put_many({self.things[sku]: pieces for sku, pieces in wanted.items()})
        return wanted

    def _struck(self, at: list[int]) -> None:
        """Nothing; killed as soon as the run is open, when so many changes are made, and between sending and noting."""
        self._tables.next_reading()
        self._until(lambda: bool(self._tables.left()), "the run begun")
        self._kill()
        for done in at:
            self._until_made(done)
            self._kill()
        deaths = self._deaths()
        self.house.restart("worker", {"FAULT_POINT": "stock_after_send=kill"})
        self._until(lambda: self._deaths() > deaths, "killed after a change was sent")
        self.house.restart("worker", {"FAULT_POINT": ""})

    def _kill(self) -> None:
        for name in ("worker", "clock"):
            self.house.kill(name)
        for name in ("clock", "worker"):
            self.house.restart(name)

    def _until_made(self, many: int) -> None:
        follower = self.shop if self.leads == "program" else self.program

        def made() -> bool:
            return sum(change.by == OURS for change in follower.told()) >= many

        self._until(made, f"{many} changes made")

    def _until(self, seen: Callable[[], bool], what: str) -> None:
        """Nothing, once it is so; Failed when a part of the house ended by itself meanwhile."""

        def there() -> bool:
            if fallen := self.house.fallen():
                raise Failed(fallen.name, f"ended with status {fallen.status}", fallen.last_words())
            return seen()

        until(there, what, PATIENCE)

    def _deaths(self) -> int:
        return self.house.log("worker").count("Work-horse terminated unexpectedly")

    def _run(self, what: str, many: int, act: Callable[[], None]) -> None:
        """Nothing; the act, and all that comes of it, was counted until nothing was left to do."""
        before, self._former = self._used(), self._tables.ask(_LAST)
        for url in (self.house.admin_url, self.house.igest_url):
            requests.delete(f"{url}/sandbox/limits", timeout=30).raise_for_status()
        began = time.monotonic()
        act()
        # first the outside: what it sends while it is asked stands in our rows when these are counted
        self._until(lambda: not self._under_way() and not self._tables.left(), f"{what}, {many} changed")
        row = Row(what, many, seconds=time.monotonic() - began, program=self._used() - before)
        seen = asked(f"{self.house.admin_url}/sandbox/limits").get(self.merchant.shop, {})
        row.shop, row.refused = seen.get("calls", 0), seen.get("refused", 0)
        row.second, row.minute = seen.get("busiest_second", 0), seen.get("busiest_minute", 0)
        row.by_call = seen.get("by_call", {})
        if not isinstance(self.merchant, PhcGoMerchant):
            here = asked(f"{self.house.igest_url}/sandbox/limits")
            row.program, row.refused = here["calls"], row.refused + here["refused"]
        if row.refused or row.second > PER_SECOND or row.minute > PER_MINUTE:
            self.wrong.append(f"{what}, {many} changed: too fast: {row}")
        self.rows.append(row)

    def _used(self) -> int:
        return self.merchant.used() if isinstance(self.merchant, PhcGoMerchant) else 0

    def _under_way(self) -> bool:
        """Whether the run that was asked for is not over, or the shop still has hooks to send."""
        sent = asked(
            f"{self.house.admin_url}/sandbox/deliveries?shop={self.merchant.shop}&state=waiting&limit=1"
        )
        return bool(sent) or self._tables.ask(_LAST) == self._former

    # what must have come of it

    def _judge(self, wanted: dict[str, int]) -> None:
        """Nothing; whatever was lost, done twice or done to another is in `wrong`."""
        shop, program = self.shop.book(), self.program.book()
        led, follows = (program, shop) if self.leads == "program" else (shop, program)
        self.wrong += chained(shop) + chained(program)
        ids = {card.code: article_id for article_id, card in self.program.cards().items()}
        things = {self.things[sku] if self.leads == "program" else ids[sku]: sku for sku in wanted}
        seen: dict[str, list[Decimal]] = {}
        for change in follows.changes:
            if change.by != OURS or change.thing not in things:
                self.wrong.append(f"altered without a cause: {change}")
            else:
                seen.setdefault(things[change.thing], []).append(change.after)
        for sku, pieces in wanted.items():
            if seen.get(sku, []) != [Decimal(pieces)]:
                self.wrong.append(
                    f"{sku}: {pieces} was wanted, set to {[str(one) for one in seen.get(sku, [])]}"
                )
        if strange := [change for change in led.changes if change.by != HAND]:
            self.wrong.append(f"the leading side was altered: {strange[:3]}")


def play(products: int, changes: tuple[int, ...], kills: int) -> int:
    """0 when nothing was lost, doubled or too fast; the tables are printed."""
    wrong = []
    for program, leads in (("igest", "program"), ("igest", "shop"), ("phcgo", "program")):
        with House(settings=SETTINGS) as house:
            many = Many(house, program, products, leads)
            many.set_up()
            print(
                f"\n{many.program.name}, {len(many.things)} goods of {products} products, {leads} leads\n\n{HEAD}"
            )
            print(many.rows[-1].shown(), flush=True)
            for number in changes:
                many.changed(number)
                print(many.rows[-1].shown(), flush=True)
            many.killed(changes[len(changes) // 2], kills)
            print(many.rows[-1].shown(), flush=True)
            wrong += [f"{program}, {leads} leads: {line}" for line in many.wrong]
    for line in wrong:
        print(f"WRONG: {line}")
    print(
        "\nThe runs do not match."
        if wrong
        else "\nNo change is lost, none is there twice, and no call was one too many."
    )
    return 1 if wrong else 0
