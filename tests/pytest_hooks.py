"""How a test run is ordered, distributed and reported; tests/conftest.py registers these hooks with pytest."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

DATABASE_KINDS = ("sqlite", "postgres")
# Where several workers take, claim and change rows, each kind of database fails in its own ways.
BOTH_DATABASES = (
    "failure_table/test_backup.py",
    "failure_table/test_infrastructure.py",
    "failure_table/test_queue.py",
    "failure_table/test_releases.py",
    "failure_table/test_tokens.py",
    "failure_table/test_webhooks.py",
    "unit/connections/test_api_usage.py",
    "unit/connections/test_shop.py",
    "unit/documents/test_followups.py",
    "unit/documents/test_hand_made_links.py",
    "unit/documents/test_issue.py",
    "unit/documents/test_outcome.py",
    "unit/documents/test_recover.py",
    "unit/jobs/",
    "unit/models/",
    "unit/orders/",
    "upgrade/",
)
# Tests with real processes run on the database of production, all others on the faster one.
POSTGRES_ALONE = ("browser/", "end_to_end/")
# Fast tests run first, so that a mistake shows early.
FOLDER_ORDER = (
    "unit",
    "architecture",
    "fiscal_cases",
    "dev",
    "sandbox",
    "contract",
    "failure_table",
    "security",
    "state_machines",
    "browser",
    "outages",
    "kill_points",
    "end_to_end",
)
PROCESS_FOLDERS = {"outages", "end_to_end", "browser"}
SLOW_FOLDERS = {*PROCESS_FOLDERS, "state_machines", "kill_points"}
# These run first; otherwise one worker would still be busy with them after the others have finished.
LONG_FILES = {
    "end_to_end/test_switches.py",
    "end_to_end/test_phcgo_switches.py",
    "phcgo/test_adapter.py",
}
STRICT_SKIPS = os.environ.get("STRICT_SKIPS", "") not in ("", "0")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db",
        choices=["sqlite", "postgres", "both"],
        help="databases to test on; otherwise both where the database matters, else one",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        asked = metafunc.config.getoption("--db")
        file = metafunc.definition.path.relative_to(Path(__file__).parent).as_posix()
        matters = file.startswith(BOTH_DATABASES)
        matters = matters or metafunc.definition.get_closest_marker("both_databases") is not None
        if metafunc.definition.get_closest_marker("postgres_alone") is not None:
            kinds = ["postgres"]
        elif asked == "both" or (asked is None and matters):
            kinds = list(DATABASE_KINDS)
        elif asked is not None:
            kinds = [asked]
        else:
            kinds = ["postgres" if file.startswith(POSTGRES_ALONE) else "sqlite"]
        metafunc.parametrize("server", kinds, indirect=True, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        if "/".join(item.path.parts[-2:]) in LONG_FILES:
            return -1
        top = item.path.relative_to(root).parts[0]
        return FOLDER_ORDER.index(top if top in FOLDER_ORDER else "failure_table")

    items.sort(key=rank)
    items[:] = _spread_slow_files(items)


def pytest_collection_finish() -> None:
    """Leave the modules and the thousands of tests out of every garbage collection."""
    gc.collect()
    gc.freeze()


def _spread_slow_files(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with the files that wait for processes spread evenly over the first four fifths.

    They wait more than they compute: beside one of them, the other workers have the processor. At the end of a run
    they would wait for each other alone.
    """
    slow: dict[Path, list[pytest.Item]] = {}
    fast: list[pytest.Item] = []
    for item in items:
        if SLOW_FOLDERS & set(item.path.parts):
            slow.setdefault(item.path, []).append(item)
        else:
            fast.append(item)
    spread: list[pytest.Item] = []
    done = 0
    for number, tests in enumerate(slow.values()):
        upto = len(fast) * 4 * number // (5 * len(slow))
        while upto < len(fast) and upto > 0 and fast[upto].path == fast[upto - 1].path:
            upto += 1  # between two files
        spread += [*fast[done:upto], *tests]
        done = max(done, upto)
    return spread + fast[done:]


class OneFilePerWorker(LoadScopeScheduling):
    """Give a whole file to one worker, since every further worker would have to build its shared fixtures again."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        if "/state_machines/" in file:  # its tests share nothing
            return nodeid
        kind = re.search(r"\[(?:.*-)?(sqlite|postgres)\b", nodeid)
        # Where a test starts processes, the file's two databases may go to two workers.
        return f"{file} {kind[1]}" if kind and PROCESS_FOLDERS & set(file.split("/")) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneFilePerWorker:
    config.option.loadscopereorder = False  # keeps the order above
    return OneFilePerWorker(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: Any = yield
    if STRICT_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which STRICT_SKIPS forbids: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report: Any = yield
    if STRICT_SKIPS and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, which STRICT_SKIPS forbids: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        skipped[_reason(report)] = skipped.get(_reason(report), 0) + 1
    if config.getoption("--db"):
        terminalreporter.write_line(f"\nOn {config.getoption('--db')}, as asked with --db.")
    if not skipped:
        terminalreporter.write_line("\nNothing was skipped.")
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"\nSkipped {count}: {reason}")


def _reason(report: Any) -> str:
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(why).removeprefix("Skipped: ")
