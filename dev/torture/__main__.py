"""The command `python -m dev.torture`: the runs that the environment asks for, and their results.

Exits 0 only when every run gave the expected result: nothing lost, nothing twice, nothing unrecorded; and, with
LEVEL=all, when the verdict detected each sabotage.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

from dev.child_process import ProcessFailed
from dev.servers import MissingServer
from dev.torture.verdict import Verdict

from .plan import Plan, plans
from .run import Outcome, TortureRun


@dataclass(frozen=True)
class FinishedRun:
    """A run that is over."""

    plan: Plan
    outcome: Outcome
    seconds: float

    @property
    def is_green(self) -> bool:
        """Return whether no error was found."""
        return not self.outcome.wrong

    @property
    def is_as_expected(self) -> bool:
        """Return whether the run is green, or, with a protection removed, whether the ledger shows the damage."""
        return bool(self.outcome.verdict.wrong) if self.plan.sabotage else self.is_green

    @property
    def row(self) -> str:
        """Return the run's row of a table."""
        plan, verdict = self.plan, self.outcome.verdict
        colour = "GREEN" if self.is_green else "RED"
        return (
            f"{plan.guarantee:10} {plan.db:9} {plan.sabotage or (f'frozen {plan.frozen:g}' if plan.frozen else ''):17}"
            f" {plan.orders:6} {plan.kills:5} {verdict.issued:6} {len(verdict.lost):4} {len(verdict.duplicate):4}"
            f" {len(verdict.unrecorded):6} {self.outcome.drained:7.1f} {self.seconds:5.0f} s  {colour:5}"
            f" {'as it must' if self.is_as_expected else 'NOT AS IT MUST'}  {plan.seed}"
        )


_HEAD = (
    f"{'promise':10} {'database':9} {'':17} {'orders':>6} {'kills':>5} {'issued':>6} {'lost':>4} {'twice':>4}"
    f" {'unrec.':>6} {'drain/s':>7} {'took':>7}"
)


def run_and_print(plan: Plan) -> FinishedRun:
    """Run one plan and print its result."""
    print(plan, flush=True)
    began = time.monotonic()
    try:
        outcome = TortureRun(plan).run()
    except (ProcessFailed, AssertionError, OSError) as problem:
        # A run that broke off counts as red, and the next one still runs.
        outcome = Outcome(Verdict(), 0.0, [], [f"broken off: {problem}"])
    shown = FinishedRun(plan, outcome, time.monotonic() - began)
    print("\n".join(outcome.lines))
    for line in outcome.wrong[:40]:
        print(f"WRONG       {line}")
    print(f"{'GREEN' if shown.is_green else 'RED'} after {shown.seconds:.0f} s; SEED={plan.seed}", flush=True)
    return shown


def main() -> int:
    """Do the runs and return 0 when each gave the expected result, 1 when not."""
    wanted = plans(dict(os.environ))
    if len(wanted) == 1:
        return 0 if run_and_print(wanted[0]).is_green else 1
    runs = [run_and_print(plan) for plan in wanted]
    print("\n".join([_HEAD, *(run.row for run in runs)]), flush=True)
    return 0 if all(run.is_as_expected for run in runs) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MissingServer as problem:
        print(problem, file=sys.stderr, flush=True)
        sys.exit(1)
