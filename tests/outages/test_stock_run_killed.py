"""A stock run killed with SIGKILL in its middle loses no change and repeats none; its calls grow with what changed.

By night (HYPOTHESIS_PROFILE=nightly) over 10,000 products, by day over fewer.
"""

from __future__ import annotations

import os

import pytest

from dev.demo.large_catalogue import SETTINGS, LargeCatalogueRun
from dev.local_stack import LocalStack

pytestmark = pytest.mark.journey
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CHANGED, KILLS = (100, 6) if NIGHTLY else (12, 2)
PRODUCTS = 10_000 if NIGHTLY else 120
CASES = [("igest", "program"), ("igest", "shop"), ("phcgo", "program")]
"""By day one of them: each takes a minute."""


@pytest.mark.timeout(0 if NIGHTLY else 600)
@pytest.mark.parametrize(("program", "leads"), CASES if NIGHTLY else CASES[:1])
def test_a_run_killed_in_its_middle_loses_no_change_and_repeats_none(program: str, leads: str) -> None:
    with LocalStack(settings=SETTINGS) as stack:
        many = LargeCatalogueRun(stack, program, PRODUCTS, leads)
        many.set_up()
        many.run_changes(2)
        many.run_changes(CHANGED)
        few, more = many.rows[-2:]
        many.run_with_kills(CHANGED, KILLS)
        assert not many.wrong, "\n".join(many.wrong)
        grown = more.changed - few.changed
        # each change is read, written and, as its hook comes back, read once more
        assert more.shop - few.shop <= 4 * grown, (few, more)
        assert more.provider - few.provider <= (4 * grown if leads == "shop" else grown), (few, more)
