"""`make torture`: a shop at work while everything around it is killed, and the ledger's verdict at the end.

Real processes on free ports, with fresh files; orders with doubled, shuffled and lost hooks; a third of the invoicing
program's calls goes wrong; a seeded killer strikes from outside. Then the faults stop, and all must come to rest by
itself (BY_PERSON: but for a merchant who looks into his program's list). Exits 0 only when nothing was lost, nothing
is there twice, nothing is unrecorded. Settings: LEVEL, SEED, PROMISE, DB, SABOTAGE, ORDERS,
KILLS, SECONDS, KEEP.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import sqlalchemy
from sqlalchemy.pool import NullPool

from dev.child import MARK, Child, Failed
from dev.house import APP_PARTS, ROOT, House, answers
from dev.killer import SHARES, Killer
from dev.merchant import Merchant, until
from dev.servers import Missing, Postgres, free_port
from dev.verdict import Verdict, judge, ledger

Json = dict[str, Any]
LEVELS = {"smoke": (500, 100), "full": (10_000, 1_000)}
"""Orders and kills."""
FAULTY = 0.3
SETTLE = 8.0
SETTINGS = {
    "WORKERS": "3", "WEB_PROCESSES": "1", "CLOCK_SECONDS": "0.5", "RECONCILE_SECONDS": "10", "CALL_SECONDS": "3",
    "HOOK_WATCH_SECONDS": "10", "LEASE_SECONDS": "6", "TAKE_SECONDS": "4", "LOOKUP_SECONDS": "1",
    "SETTLE_SECONDS": f"{SETTLE:g}", "RETRY_SECONDS": "0.5", "LOG_LEVEL": "WARNING",
}  # fmt: skip
LAG = 1
PATIENCE = SETTLE + 120
FINAL = ("issued", "void", "waiting", "blocked", "review")
KEY = {"entity": "1", "key": "key-of-1"}
GOODS = (
    {"sku": "TACA-01", "qty": 1, "price": "12.30", "tax": "IVA 23%"},
    {"sku": "TACA-02", "name": "Taças", "qty": 3, "price": "9.99", "tax": "IVA 23%"},
    {"sku": "LIV-01", "name": "Livro", "qty": 1, "price": "15.90", "tax": "IVA 6%"},
)


@dataclass
class Plan:
    """What a run is to do; the same seed gives the same orders, faults and strikes."""

    seed: str
    promise: str = "by_search"
    db: str = "postgres"
    sabotage: str = ""
    orders: int = 500
    kills: int = 100
    seconds: float = 0.0
    """How long the traffic lasts; 0: as long as the killer will take."""
    counts: bool = True
    """Whether too few strikes and faults make a run worth nothing."""

    @classmethod
    def wanted(cls, given: dict[str, str]) -> Plan:
        """The plan that the environment asks for."""
        orders, kills = LEVELS[given.get("LEVEL") or "smoke"]
        sabotage = given.get("SABOTAGE") or ""
        usual = "by_draft" if sabotage == "redraft-in-doubt" else "by_search"
        orders = int(given.get("ORDERS") or orders)
        return cls(
            given.get("SEED") or secrets.token_hex(4), given.get("PROMISE") or usual, given.get("DB") or "postgres",
            sabotage, orders, int(given.get("KILLS") or (kills if not given.get("ORDERS") else orders // 5)),
            float(given.get("SECONDS") or 0), orders >= 300,
        )  # fmt: skip


@dataclass
class Outcome:
    """What a run came to."""

    verdict: Verdict
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Torture:
    """One run: the house, the program, the traffic, the killer, the waiting, the verdict."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="torture"))
        self.holding = self.folder / "holding"
        self.holding.mkdir()
        self.postgres = _durable(Postgres()) if plan.db == "postgres" else None
        self.port = free_port()
        self.plain_url = f"http://127.0.0.1:{self.port}"
        self.lost_hooks = 0
        self.said: list[str] = []

    def run(self) -> Outcome:
        """The outcome; everything is gone when it returns."""
        if self.postgres:
            self.postgres.start()
        try:
            settings = {**SETTINGS, "PLAIN_URL": self.plain_url}
            url = self.postgres.create("shop") if self.postgres else None
            house = House(self.folder / "house", database_url=url, settings=settings, clock_scale=60)
            _tortured(house, {"TORTURE_HOLDING": str(self.holding), "SABOTAGE": self.plan.sabotage})
            plain = self._plain(house)
            house.children["plain"] = plain
            plain.start()
            try:
                with house:
                    return self._run(house)
            finally:
                plain.stop()
        finally:
            if self.postgres:
                self.postgres.stop()
            if not os.environ.get("KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def _plain(self, house: House) -> Child:
        keep = self.folder / "plain"
        words = (
            f"-m sandbox.plain --port {self.port} --data {keep} --promise {self.plan.promise} --seconds 0.05"
        )
        log = house.logs / "plain.log"
        return Child("plain", [sys.executable, *words.split()], log, house.env | {MARK: ""}, ROOT)

    def _run(self, house: House) -> Outcome:
        until(lambda: answers(f"{self.plain_url}/sandbox/health"), "the plain program")
        merchant = Owner(house, self.plan.promise, self.plain_url)
        merchant.switch("rate-limits", "off")
        merchant.set_up()
        merchant.switch("hook-order", "shuffled")
        self._sandbox("switches", **{"search-lag": str(LAG)})
        self._sandbox("faults", share=FAULTY, latest=SETTLE - 1 - LAG, seed=self.plan.seed)
        killer = Killer(house, self.postgres, self.holding, self.plan.seed, self.plan.kills, self._progress)
        began = time.monotonic()
        killer.start()
        self._traffic(merchant, killer)
        while not killer.done:
            time.sleep(0.1)
        killer.stop()
        self._sandbox("faults", share=0)
        fire = time.monotonic() - began
        return self._judged(house, merchant, killer, fire)

    def _progress(self) -> float:
        """The share of the orders that the program has issued a document for (and a little more, when it erred)."""
        file = self.folder / "plain" / "ledger.jsonl"
        return file.read_bytes().count(b"\n") / self.plan.orders if file.exists() else 0.0

    def _sandbox(self, path: str, **sent: Any) -> None:
        requests.post(f"{self.plain_url}/sandbox/{path}", json=sent, timeout=10).raise_for_status()

    def _traffic(self, merchant: Owner, killer: Killer) -> None:
        """Every order placed and paid at a steady rate; hooks doubled, some lost."""
        chance = random.Random(self.plan.seed + "traffic")
        lasts = self.plan.seconds or self.plan.kills * 0.45
        began = time.monotonic()
        for number in range(self.plan.orders):
            lost = chance.random() < 0.02
            copies = chance.choice((0, 0, 1, 2))
            if lost:
                merchant.switch("hook-losses", "all")
            order = merchant.order(lines=[chance.choice(GOODS)], pay=True)
            if lost:
                merchant.switch("hook-losses", "none")
                self.lost_hooks += 1
            elif copies:
                merchant.act(int(order["id"]), "hook", copies=copies)
            wait = began + lasts * (number + 1) / self.plan.orders - time.monotonic()
            if wait > 0 and not killer.done:
                time.sleep(wait)

    # after the fire

    def _judged(self, house: House, merchant: Owner, killer: Killer, fire: float) -> Outcome:
        rows = Rows(house.env["DATABASE_URL"])
        calm, left = time.monotonic(), rows.unsettled(self.plan.orders)
        rested = _rest(rows, self.plan.orders)
        rest = time.monotonic() - calm
        reviews = [row["order_id"] for row in rows.documents() if row["state"] == "review"]
        if self.plan.promise == "by_person":
            merchant.settle_all(reviews)
            rested = _rest(rows, self.plan.orders, review=False) and rested
        documents = rows.documents()
        verdict = judge(merchant.orders(), ledger(self.folder / "plain" / "ledger.jsonl"), documents)
        faults: Json = requests.get(f"{self.plain_url}/sandbox/faults", timeout=10).json()
        wrong = list(verdict.wrong)
        if not rested:
            wrong.append(f"not at rest {PATIENCE:.0f} s after the faults stopped: {rows.states()}")
        wrong += self._worthless(killer, faults["kinds"])
        struck = ", ".join(f"{name} {killer.struck[name]}" for name in SHARES if killer.struck[name])
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(faults["kinds"].items()))
        lines = [
            f"orders      {self.plan.orders} in {fire:.0f} s under fire; hooks never sent: {self.lost_hooks}",
            f"kills       {sum(killer.struck.values())}: {struck}",
            f"            {killer.busy} hit a worker that had a row taken or claimed",
            f"faults      {sum(faults['kinds'].values())} of {faults['calls']} calls: {kinds}",
            f"issued      {verdict.issued}   states {rows.states()}   by a person: {len(reviews)}",
            f"lost        {len(verdict.lost)}",
            f"duplicate   {len(verdict.duplicate)}",
            f"unrecorded  {len(verdict.unrecorded)}",
            f"drain       {left} left when the faults stopped, at rest {rest:.1f} s later: {left / rest:.1f}/s",
        ]
        lines += [f"            {problem}" for problem in killer.problems[:5]]
        return Outcome(verdict, lines, wrong)

    def _worthless(self, killer: Killer, kinds: dict[str, int]) -> list[str]:
        """Why the run proves nothing: too few strikes where it hurts, too few faults of a kind."""
        if not self.plan.counts:
            return []
        from sandbox.plain.faults import WRITES

        struck = sum(killer.struck.values())
        found = [
            f"only {kinds.get(kind, 0)} faults of the kind {kind}"
            for kind in WRITES
            if kinds.get(kind, 0) < 5
        ]
        if killer.busy * 2 < struck:
            found.append(f"only {killer.busy} of {struck} kills hit a worker with a row")
        return found


class Owner(Merchant):
    """The merchant whose invoicing program is the plain one."""

    def __init__(self, house: House, promise: str, plain_url: str) -> None:
        super().__init__(house)
        self.promise, self.plain_url = promise, plain_url

    def connect(self, **instead: str) -> None:
        self.browser.open(f"{self.house.app_url}/setup/keys/plain")
        self.browser.send("key", **{**KEY, "promise": self.promise, **instead})

    def settle_all(self, numbers: list[str]) -> None:
        """Nothing; for each document that waits for him he looks into his program's list and says what he found."""
        listed: list[Json] = requests.get(f"{self.plain_url}/sandbox/documents", timeout=30).json()
        known = {one["reference"].rsplit("-", 1)[1]: one for one in listed}
        for number in numbers:
            page, found = self.page(int(number)), known.get(number)
            if found is None:
                page.send("sure", sure="yes")
            else:
                page.send("number", number=found["number"], total=found["total"])


class Rows:
    """Our own documents, read from outside."""

    def __init__(self, url: str) -> None:
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    def documents(self) -> list[Json]:
        """Every document's order, state, number and total (in cents)."""
        statement = "SELECT order_id, state, reason, number, total, alarm FROM document WHERE cause = 'sale'"
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(sqlalchemy.text(statement)).mappings()]

    def states(self) -> dict[str, int]:
        """How many documents are in each state."""
        found: dict[str, int] = {}
        for row in self.documents():
            word = row["state"] + (f" ({row['reason']})" if row["state"] not in ("issued", "review") else "")
            found[word] = found.get(word, 0) + 1
        return found

    def unsettled(self, orders: int, review: bool = True) -> int:
        """How many of so many orders have no document in a final state yet."""
        final = [word for word in FINAL if review or word != "review"]
        return orders - sum(row["state"] in final for row in self.documents())


def _rest(rows: Rows, orders: int, review: bool = True) -> bool:
    """True once every order's document is final or waits for a person, within settle + 2 min."""
    end = time.monotonic() + PATIENCE
    while rows.unsettled(orders, review):
        if time.monotonic() > end:
            return False
        time.sleep(0.25)
    return True


def _durable(postgres: Postgres) -> Postgres:
    """The same server, which does not forget what it has confirmed when it is killed."""
    command = postgres.child.command
    postgres.child.command = [
        "synchronous_commit=on" if "synchronous_commit" in word else word for word in command
    ]
    return postgres


def _tortured(house: House, more: dict[str, str]) -> None:
    """Nothing; the app's processes will load dev.tortured in place of wsgi."""
    for name in APP_PARTS:
        child = house.children[name]
        child.command = [word.replace("wsgi", "dev.tortured") for word in child.command]
        child.env |= more


def plans(given: dict[str, str]) -> list[Plan]:
    """The runs that the environment asks for: one, or the eleven of a release."""
    if given.get("LEVEL") != "release":
        return [Plan.wanted(given)]
    first = given.get("SEED") or secrets.token_hex(4)
    runs = [{**given, "LEVEL": "full", "SEED": f"{first}-{number}"} for number in range(1, 11)]
    return [Plan.wanted(run) for run in [*runs, {**runs[0], "DB": "sqlite"}]]


def show(plan: Plan) -> bool:
    """True when the run showed what it must; what it came to is printed."""
    sabotage = f" SABOTAGE={plan.sabotage}" if plan.sabotage else ""
    print(f"SEED={plan.seed} PROMISE={plan.promise} DB={plan.db}{sabotage}", flush=True)
    began = time.monotonic()
    outcome = Torture(plan).run()
    print("\n".join(outcome.lines))
    for line in outcome.wrong[:40]:
        print(f"WRONG       {line}")
    took = time.monotonic() - began
    print(f"{'RED' if outcome.wrong else 'GREEN'} after {took:.0f} s; SEED={plan.seed}", flush=True)
    return not outcome.wrong


def main() -> int:
    """0 when every run showed what it must, 1 when not."""
    shown = [show(plan) for plan in plans(dict(os.environ))]
    return 0 if all(shown) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, Missing, AssertionError) as problem:
        print(problem, file=sys.stderr, flush=True)
        sys.exit(1)
