"""A stock run killed with SIGKILL loses no change and repeats none; its calls grow with the number of changes.

With HYPOTHESIS_PROFILE=nightly it has 10,000 products, otherwise 120.
"""

from __future__ import annotations

import os

import pytest

from dev.demo.large_catalogue import SETTINGS, LargeCatalogueRun
from dev.local_stack import LocalStack

pytestmark = [pytest.mark.journey, pytest.mark.sweep]
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CHANGED, KILLS = (100, 6) if NIGHTLY else (12, 2)
PRODUCTS = 10_000 if NIGHTLY else 120
CASES = [("igest", "program"), ("igest", "shop"), ("phcgo", "program")]
"""All of them in the nightly profile, otherwise only the first: each takes a minute."""


@pytest.mark.timeout(0 if NIGHTLY else 600)
@pytest.mark.parametrize(("program", "leads"), CASES if NIGHTLY else CASES[:1])
def test_a_killed_stock_run_loses_no_change_and_repeats_none(program: str, leads: str) -> None:
    with LocalStack(settings=SETTINGS) as stack:
        run = LargeCatalogueRun(stack, program, PRODUCTS, leads)
        run.set_up()
        run.run_changes(2)
        run.run_changes(CHANGED)
        few_changes, many_changes = run.rows[-2:]
        run.run_with_kills(CHANGED, KILLS)
        assert not run.wrong, "\n".join(run.wrong)
        more_changes = many_changes.changed - few_changes.changed
        # Each change is read, written and, after the webhook of the write, read once more.
        assert many_changes.shop - few_changes.shop <= 4 * more_changes, (few_changes, many_changes)
        assert many_changes.provider - few_changes.provider <= (
            4 * more_changes if leads == "shop" else more_changes
        ), (few_changes, many_changes)
