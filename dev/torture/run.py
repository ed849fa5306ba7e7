"""One torture run: the stack, the provider, the traffic, the killer, the waiting, the verdict.

When it returns, every process that it started is gone. It returns a report and the errors found, never an exit
status.
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

from dev import markers
from dev.local_stack import APP_PROCESSES, LocalStack
from dev.servers import Postgres
from dev.torture.verdict import Verdict, judge_documents

from . import timings
from .key_change import KeyChange
from .killer import SHARES, Killer
from .open_listing import OpenListing
from .plan import FAULT_SHARE, REST_LIMIT, SEARCH_LAG_SECONDS, SETTLE_SECONDS, Plan
from .provider_stand_in import STAND_INS
from .run_database import RunDatabase
from .shops import MERCHANTS, TortureMerchant
from .traffic import Traffic

Json = dict[str, Any]
RESUBSCRIBE_SECONDS = 60.0
"""How long webhooks that the shop paused may take to be subscribed again before the last orders come."""


@dataclass
class Outcome:
    """The result of a run."""

    verdict: Verdict
    drained: float
    """Documents per second of the backlog that was left when the faults stopped."""
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class TortureRun:
    """One run; `run` may be called once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="torture"))
        self.holders_folder = self.folder / "holding"
        self.holders_folder.mkdir()
        self.postgres = _make_durable(Postgres()) if plan.db == "postgres" else None
        self.provider = STAND_INS[plan.provider](self.folder / plan.provider, plan.guarantee)

    def run(self) -> Outcome:
        """Run it and return the outcome; no process is left and (without KEEP=1) no files are."""
        try:
            if self.postgres:
                self.postgres.start()
            stack = self._build_stack()
            self.provider.start(stack)
            with stack:
                return self._run_with_faults(stack)
        finally:
            self.provider.stop()
            if self.postgres:
                self.postgres.stop()
            if not os.environ.get("KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def _build_stack(self) -> LocalStack:
        url = self.postgres.create_database("shop") if self.postgres else None
        settings = {**self.plan.settings, **self.provider.settings}
        stack = LocalStack(self.folder / "house", database_url=url, settings=settings, clock_scale=60)
        more = {
            "TORTURE_HOLDING": str(self.holders_folder), "TORTURE_SEED": self.plan.seed,
            "SABOTAGE": self.plan.sabotage, "FROZEN": f"{self.plan.frozen:g}",
        }  # fmt: skip
        for name in APP_PROCESSES:
            child = stack.children[name]
            child.command = [word.replace("wsgi", "dev.torture.app") for word in child.command]
            child.env |= more
        return stack

    def _run_with_faults(self, stack: LocalStack) -> Outcome:
        merchant = MERCHANTS[self.plan.platform](stack, self.provider)
        rows = RunDatabase(stack.env["DATABASE_URL"])
        merchant.prepare_shop()
        merchant.set_up()
        merchant.disturb_webhooks(self.plan.large)
        self.provider.start_faults(
            FAULT_SHARE, SETTLE_SECONDS - 1 - SEARCH_LAG_SECONDS, SEARCH_LAG_SECONDS, self.plan.seed
        )
        traffic, plan = Traffic(self.plan, merchant), self.plan
        killer = Killer(
            stack,
            self.postgres,
            self.holders_folder,
            plan.seed,
            plan.kills,
            lambda: rows.last_final_count() / traffic.steady_orders,
            lambda share: keys.advance(share),
        )
        keys = KeyChange(stack, killer.restart_app, plan.seed)
        jar = merchant.browser.session.cookies
        pages = [OpenListing(f"{stack.app_url}/documents/rows{tab}", jar) for tab in ("", "?estado=espera")]
        began = time.monotonic()
        for page in pages:
            page.start()
        killer.start()
        try:
            traffic.run(lambda: killer.share, lambda: killer.done, rows.last_final_count)
            _wait_until(lambda: killer.done)
        finally:
            killer.stop()
        # If the shop paused its webhooks at the last strike, the backlog would test only order polling.
        _wait_until(merchant.webhooks_are_active, RESUBSCRIBE_SECONDS)
        traffic.place_burst()
        self.provider.stop_faults()
        fire, calm = time.monotonic() - began, time.time()
        return _Evaluation(self, stack, merchant, traffic, killer, keys, rows, pages).outcome(fire, calm)


@dataclass
class _Evaluation:
    """Waiting and judging, once the faults have stopped."""

    torture: TortureRun
    stack: LocalStack
    merchant: TortureMerchant
    traffic: Traffic
    killer: Killer
    keys: KeyChange
    rows: RunDatabase
    pages: list[OpenListing]

    def outcome(self, fire: float, calm: float) -> Outcome:
        plan, orders = self.torture.plan, self.torture.plan.orders
        rested = _wait_until(lambda: self.rows.final_count() >= orders, REST_LIMIT)
        rest = time.time() - calm
        for page in self.pages:
            page.stop()
        documents = self.rows.documents()
        drain = timings.backlog_drain(documents, calm)
        reviews = [row["order_id"] for row in documents if row["state"] == "review"]
        if plan.guarantee == "by_person":
            self.merchant.resolve_all(reviews)
            rested = _wait_until(lambda: self.rows.final_count(review=False) >= orders, REST_LIMIT) and rested
        documents, deliveries = self.rows.documents(), self.merchant.deliveries()
        opened = _wait_until(lambda: not self.rows.unprocessed_webhooks(), 30)
        tidy = _wait_until(lambda: not self.torture.provider.orphan_drafts(), REST_LIMIT)
        verdict = judge_documents(
            self.merchant.shop_orders(), self.torture.provider.ledger_documents(), documents
        )
        wrong = [*verdict.wrong]
        if not rested:
            wrong.append(f"not at rest {REST_LIMIT:.0f} s after the faults stopped: {self.rows.states()}")
        if not opened:
            wrong.append("hooks that nobody opened")
        if not tidy:
            wrong.append(f"spare drafts: {self.torture.provider.orphan_drafts()}")
        wrong += [f"hooks: {line}" for line in timings.lost_webhooks(deliveries, self.rows.kept_webhooks())]
        if over := self.merchant.calls_over_limit():
            wrong.append(f"{over} calls of the shop above its limit")
        wrong += self._why_insignificant()
        self.keys.finish(self.killer.downtimes)
        self.keys.open_pages(self.merchant.browser, self.traffic.tax_ids, self.traffic.paid)
        found = markers.search(self.stack, (self.keys.old, self.keys.new))
        wrong += self.keys.wrong + found.wrong
        lines = [
            *self.keys.lines,
            *found.lines,
            *self._summary_lines(fire, verdict, len(reviews)),
            f"drain       {drain.left} left when the faults stopped; of {drain.due} that were due"
            f" {timings.DRAIN_SHARE:.0%} in {drain.seconds:.1f} s = {drain.rate:.1f}/s; last"
            f" doubt {drain.uncertain_seconds:.1f} s",
            *self._timing_lines(documents, deliveries),
            f"I9 heals    at rest {rest:.1f} s after the faults stopped (limit {REST_LIMIT:.0f})",
            *(f"            {problem}" for problem in self.killer.problems[:5]),
        ]
        return Outcome(verdict, drain.rate, lines, wrong)

    def _summary_lines(self, fire: float, verdict: Verdict, reviews: int) -> list[str]:
        killer, (calls, kinds) = self.killer, self.torture.provider.faults()
        struck = ", ".join(f"{name} {killer.strikes[name]}" for name in SHARES if killer.strikes[name])
        shown = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        frozen = f"; {killer.frozen_sends} sends stood still" if self.torture.plan.frozen else ""
        return [
            f"orders      {self.torture.plan.orders} in {fire:.0f} s under fire, the last {self.torture.plan.burst} at"
            f" once; hooks never sent: {self.traffic.lost_webhooks}, paused by the shop:"
            f" {self.merchant.webhook_pauses()} times",
            f"kills       {sum(killer.strikes.values())}: {struck}",
            f"            {killer.busy_strikes} hit a worker that had a row taken or claimed{frozen}",
            f"faults      {sum(kinds.values())} of {calls} calls: {shown}",
            f"issued      {verdict.issued}   states {self.rows.states()}   by a person: {reviews}"
            f" ({reviews / self.torture.plan.orders:.0%})",
            f"lost        {len(verdict.lost)}",
            f"duplicate   {len(verdict.duplicate)}",
            f"unrecorded  {len(verdict.unrecorded)}",
            f"spare       {self.torture.provider.orphan_drafts()} drafts are left that became no document",
        ]

    def _timing_lines(self, documents: list[Json], deliveries: list[Json]) -> list[str]:
        downs, notices = self.killer.downtimes, self.rows.notices()
        listed, waiting = (timings.outside_downtime(page.shown, downs) for page in self.pages)
        struck = sum(len(page.shown) for page in self.pages) - len(listed) - len(waiting)
        late = timings.overdue(self.traffic.paid, documents, self.rows.transitions())
        hooks = timings.webhook_answers(deliveries, downs)
        return [
            f"I7 visible  {len(listed)} changes on the open listing, which asks every 3 s:"
            f" {timings.describe_percentiles(listed)}"
            f" (limit {timings.VISIBLE_LIMIT:g}); not counted, web or database struck: {struck}",
            f"            {len(waiting)} problems among those that wait for him:"
            f" {timings.describe_percentiles(waiting)}"
            f" (limit {timings.FLAG_LIMIT:g}); {len(notices)} mails: {timings.describe_percentiles(notices)}",
            f"            {late.late} un-issued for over {timings.UNISSUED_LIMIT:g} s (15 min,"
            " scaled); without a reason:"
            f" {len(late.without_reason)} {' '.join(late.without_reason[:5])}",
            f"I8 hooks    {len(hooks.seconds)} answered 200:"
            f" {timings.describe_percentiles(hooks.seconds)} (limits p99 1, most 5);"
            f" otherwise {len(hooks.refused)} {sorted(set(hooks.refused)) or ''};"
            f" not counted, web or database struck: {hooks.during_downtime}",
        ]

    def _why_insignificant(self) -> list[str]:
        """Return why the run proves nothing: too few strikes where it matters, too few faults of a kind."""
        if not self.torture.plan.is_significant:
            return []
        _, kinds = self.torture.provider.faults()
        struck = sum(self.killer.strikes.values())
        found = [
            f"only {kinds.get(kind, 0)} faults of the kind {kind}"
            for kind in self.torture.provider.fault_kinds
            if kinds.get(kind, 0) < 5
        ]
        if self.killer.busy_strikes * 2 < struck:
            found.append(f"only {self.killer.busy_strikes} of {struck} kills hit a worker with a row")
        return found


def _wait_until(true: Callable[[], bool], patience: float = float("inf")) -> bool:
    """Wait until the function returns true. Return False when time is up."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _make_durable(postgres: Postgres) -> Postgres:
    """Return the same server with durable writes, which survive a kill."""
    command = postgres.child.command
    postgres.child.command = [
        "synchronous_commit=on" if "synchronous_commit" in word else word for word in command
    ]
    return postgres
