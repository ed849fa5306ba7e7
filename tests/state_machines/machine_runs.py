"""How often a state machine runs: a few times in `make test`, all in `make sweep`, more in the nightly profile."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
TIMEOUT = pytest.mark.timeout(0 if NIGHTLY else 600)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if NIGHTLY else []))
"""Outside the nightly profile, shrinking takes too long; the printed blob replays the failure as it was found."""
FEW_RUNS = 5
RUNS_PER_SEED = 10
"""After its tenth run Hypothesis mostly repeats runs with small changes; another seed gives other runs."""

few_or_all = pytest.mark.parametrize(
    "few", [pytest.param(True, id="few"), pytest.param(False, id="all", marks=pytest.mark.sweep)]
)
"""Run a test twice: with `few` in `make test`, without in `make sweep`."""


def play(machine: type[RuleBasedStateMachine], runs: int, steps: int, few: bool) -> None:
    """Play the machine `runs` times, the same each time; with `few`, FEW_RUNS of them.

    The nightly profile always plays all of them, with a seed of chance.
    """
    if NIGHTLY:
        _play(machine, runs, steps)
        return
    for number in range(0, FEW_RUNS if few else runs, RUNS_PER_SEED):
        _play(seed(number)(machine), FEW_RUNS if few else RUNS_PER_SEED, steps)


def _play(machine: type[RuleBasedStateMachine], runs: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs, stateful_step_count=steps, deadline=None, derandomize=not NIGHTLY,
            suppress_health_check=list(HealthCheck), print_blob=True, phases=PHASES,
        ),
    )  # fmt: skip
