"""One torture run: the house, the program, the traffic, the killer, the waiting, the verdict.

Called by the command for each plan. Everything it starts is gone when it returns; what it returns is a report and what
was wrong, never an exit status.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.house import APP_PARTS, House
from dev.servers import Postgres
from dev.verdict import Verdict, judge

from . import times
from .killer import SHARES, Killer
from .plan import FAULTY, LAG, PATIENCE, SETTLE, Plan
from .program import PROGRAMS
from .rows import Rows
from .traffic import Owner, Traffic
from .watch import Page

Json = dict[str, Any]
HEARD_SECONDS = 60.0
"""How long hooks that the shop paused have at most to be made anew before the last orders come."""


@dataclass
class Outcome:
    """What a run came to."""

    verdict: Verdict
    drained: float
    """Documents a second over what was left when the faults stopped."""
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Torture:
    """One run; `run` may be called once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="torture"))
        self.holding = self.folder / "holding"
        self.holding.mkdir()
        self.postgres = _durable(Postgres()) if plan.db == "postgres" else None
        self.program = PROGRAMS[plan.provider](self.folder / plan.provider, plan.promise)

    def run(self) -> Outcome:
        """The outcome; nothing runs and (but for KEEP=1) nothing lies about when it returns."""
        try:
            if self.postgres:
                self.postgres.start()
            house = self._house()
            self.program.begin(house)
            with house:
                return self._under_fire(house)
        finally:
            self.program.end()
            if self.postgres:
                self.postgres.stop()
            if not os.environ.get("KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def _house(self) -> House:
        url = self.postgres.create("shop") if self.postgres else None
        settings = {**self.plan.settings, **self.program.settings}
        house = House(self.folder / "house", database_url=url, settings=settings, clock_scale=60)
        more = {
            "TORTURE_HOLDING": str(self.holding), "TORTURE_SEED": self.plan.seed,
            "SABOTAGE": self.plan.sabotage, "FROZEN": f"{self.plan.frozen:g}",
        }  # fmt: skip
        for name in APP_PARTS:
            child = house.children[name]
            child.command = [word.replace("wsgi", "dev.torture.app") for word in child.command]
            child.env |= more
        return house

    def _under_fire(self, house: House) -> Outcome:
        merchant, rows = Owner(house, self.program), Rows(house.env["DATABASE_URL"])
        merchant.switch("rate-limits", "off")
        merchant.set_up()
        merchant.switch("hook-order", "shuffled")
        merchant.switch("hook-pause-shown", "yes" if self.plan.large else "no")
        self.program.misbehave(FAULTY, SETTLE - 1 - LAG, LAG, self.plan.seed)
        traffic, plan = Traffic(self.plan, merchant), self.plan
        killer = Killer(
            house, self.postgres, self.holding, plan.seed, plan.kills, lambda: rows.settled_lately() / traffic.steady
        )  # fmt: skip
        jar = merchant.browser.session.cookies
        pages = [Page(f"{house.app_url}/documents/rows{tab}", jar) for tab in ("", "?estado=espera")]
        began = time.monotonic()
        for page in pages:
            page.start()
        killer.start()
        try:
            traffic.run(lambda: killer.share, lambda: killer.done, rows.settled_lately)
            _until(lambda: killer.done)
        finally:
            killer.stop()
        # a shop that paused its hooks over the last strike would make the backlog a test of the reconciler
        _until(merchant.listened_to, HEARD_SECONDS)
        traffic.burst()
        self.program.behave()
        fire, calm = time.monotonic() - began, time.time()
        return _After(self, house, merchant, traffic, killer, rows, pages).outcome(fire, calm)


@dataclass
class _After:
    """The waiting and the judging, once the faults have stopped."""

    torture: Torture
    house: House
    merchant: Owner
    traffic: Traffic
    killer: Killer
    rows: Rows
    pages: list[Page]

    def outcome(self, fire: float, calm: float) -> Outcome:
        plan, orders = self.torture.plan, self.torture.plan.orders
        rested = _until(lambda: self.rows.settled() >= orders, PATIENCE)
        rest = time.time() - calm
        for page in self.pages:
            page.stop()
        documents = self.rows.documents()
        drain = times.drain(documents, calm)
        reviews = [row["order_id"] for row in documents if row["state"] == "review"]
        if plan.promise == "by_person":
            self.merchant.settle_all(reviews)
            rested = _until(lambda: self.rows.settled(review=False) >= orders, PATIENCE) and rested
        documents, deliveries = self.rows.documents(), self.merchant.deliveries()
        opened = _until(lambda: not self.rows.unopened(), 30)
        tidy = _until(lambda: not self.torture.program.spare(), PATIENCE)
        verdict = judge(self.merchant.orders(), self.torture.program.ledger(), documents)
        wrong = [*verdict.wrong]
        if not rested:
            wrong.append(f"not at rest {PATIENCE:.0f} s after the faults stopped: {self.rows.states()}")
        if not opened:
            wrong.append("hooks that nobody opened")
        if not tidy:
            wrong.append(f"spare drafts: {self.torture.program.spare()}")
        wrong += [f"hooks: {line}" for line in times.not_kept(deliveries, self.rows.kept_hooks())]
        wrong += self._worthless()
        lines = [
            *self._what_happened(fire, verdict, len(reviews)),
            f"drain       {drain.left} left when the faults stopped; of {drain.due} that were due"
            f" {times.DRAINED:.0%} in {drain.seconds:.1f} s = {drain.rate:.1f}/s; last doubt {drain.doubts:.1f} s",
            *self._times(documents, deliveries),
            f"I9 heals    at rest {rest:.1f} s after the faults stopped (limit {PATIENCE:.0f})",
            *(f"            {problem}" for problem in self.killer.problems[:5]),
        ]
        return Outcome(verdict, drain.rate, lines, wrong)

    def _what_happened(self, fire: float, verdict: Verdict, reviews: int) -> list[str]:
        killer, (calls, kinds) = self.killer, self.torture.program.faults()
        struck = ", ".join(f"{name} {killer.struck[name]}" for name in SHARES if killer.struck[name])
        shown = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        frozen = f"; {killer.frozen_sends} sends stood still" if self.torture.plan.frozen else ""
        return [
            f"orders      {self.torture.plan.orders} in {fire:.0f} s under fire, the last {self.torture.plan.burst} at"
            f" once; hooks never sent: {self.traffic.lost_hooks}, paused by the shop: {self.merchant.pauses()} times",
            f"kills       {sum(killer.struck.values())}: {struck}",
            f"            {killer.busy} hit a worker that had a row taken or claimed{frozen}",
            f"faults      {sum(kinds.values())} of {calls} calls: {shown}",
            f"issued      {verdict.issued}   states {self.rows.states()}   by a person: {reviews}"
            f" ({reviews / self.torture.plan.orders:.0%})",
            f"lost        {len(verdict.lost)}",
            f"duplicate   {len(verdict.duplicate)}",
            f"unrecorded  {len(verdict.unrecorded)}",
            f"spare       {self.torture.program.spare()} drafts are left that became no document",
        ]

    def _times(self, documents: list[Json], deliveries: list[Json]) -> list[str]:
        downs, notices = self.killer.downs, self.rows.notices()
        listed, waiting = (times.unstruck(page.shown, downs) for page in self.pages)
        struck = sum(len(page.shown) for page in self.pages) - len(listed) - len(waiting)
        late = times.overdue(self.traffic.paid, documents, self.rows.moves())
        hooks = times.acknowledged(deliveries, downs)
        return [
            f"I7 visible  {len(listed)} changes on the open listing, which asks every 3 s: {times.spread(listed)}"
            f" (limit {times.SEEN_LIMIT:g}); not counted, web or database struck: {struck}",
            f"            {len(waiting)} problems among those that wait for him: {times.spread(waiting)}"
            f" (limit {times.FLAG_LIMIT:g}); {len(notices)} mails: {times.spread(notices)}",
            f"            {late.late} un-issued for over {times.UNISSUED_LIMIT:g} s (15 min, scaled); without a reason:"
            f" {len(late.silent)} {' '.join(late.silent[:5])}",
            f"I8 hooks    {len(hooks.seconds)} answered 200: {times.spread(hooks.seconds)} (limits p99 1, most 5);"
            f" otherwise {len(hooks.refused)} {sorted(set(hooks.refused)) or ''};"
            f" not counted, web or database struck: {hooks.struck}",
        ]

    def _worthless(self) -> list[str]:
        """Why the run proves nothing: too few strikes where it hurts, too few faults of a kind."""
        if not self.torture.plan.counts:
            return []
        _, kinds = self.torture.program.faults()
        struck = sum(self.killer.struck.values())
        found = [
            f"only {kinds.get(kind, 0)} faults of the kind {kind}"
            for kind in self.torture.program.kinds
            if kinds.get(kind, 0) < 5
        ]
        if self.killer.busy * 2 < struck:
            found.append(f"only {self.killer.busy} of {struck} kills hit a worker with a row")
        return found


def _until(true: Callable[[], bool], patience: float = float("inf")) -> bool:
    """True once it is; False when the seconds are over."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _durable(postgres: Postgres) -> Postgres:
    """The same server, which does not forget what it has confirmed when it is killed."""
    command = postgres.child.command
    postgres.child.command = [
        "synchronous_commit=on" if "synchronous_commit" in word else word for word in command
    ]
    return postgres
