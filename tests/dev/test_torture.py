"""The torture run's own calculations: its plan, how often each target is struck, and the times that it reports."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dev.child_process import ChildProcess, ProcessFailed
from dev.local_stack import LocalStack
from dev.merchant import wait_until
from dev.torture import timings
from dev.torture.killer import SHARES, Killer
from dev.torture.plan import DATABASES, GUARANTEES, SABOTAGES, Plan, plans
from dev.torture.provider_stand_in import STAND_INS
from dev.torture.run_database import seconds

Json = dict[str, Any]


# The plan


def test_the_default_is_a_searchable_provider_on_postgres() -> None:
    [plan] = plans({"LEVEL": "", "SEED": "", "PROMISE": "", "DB": "", "SABOTAGE": ""})
    assert (plan.guarantee, plan.db, plan.orders, plan.kills, plan.is_significant) == (
        "by_search",
        "postgres",
        500,
        100,
        True,
    )
    assert plan.seed != plans({})[0].seed


def test_the_environment_chooses() -> None:
    [plan] = plans({"LEVEL": "full", "SEED": "s", "PROMISE": "by_key", "DB": "sqlite"})
    assert (plan.seed, plan.guarantee, plan.db, plan.orders, plan.kills) == (
        "s",
        "by_key",
        "sqlite",
        10_000,
        1_000,
    )
    assert Plan.from_environment({"ORDERS": "100"}).kills == 20
    assert Plan.from_environment({"SABOTAGE": "redraft-in-doubt"}).guarantee == "by_draft"
    assert Plan.from_environment({"PROVIDER": "phcgo"}).guarantee == "by_draft"
    assert Plan.from_environment({"PROVIDER": "phcgo", "PROMISE": "by_search"}).guarantee == "by_search"


def test_a_guarantee_that_a_provider_does_not_have_is_refused(tmp_path: Path) -> None:
    assert STAND_INS["phcgo"](tmp_path, "by_draft").settings["PHCGO_LOOPBACK"].startswith("127.0.0.1:")
    with pytest.raises(ProcessFailed, match="by_draft or by_search, not by_key"):
        _ = STAND_INS["phcgo"](tmp_path, "by_key").keys


def test_level_all_has_every_guarantee_on_both_databases_and_every_sabotage() -> None:
    runs = plans({"LEVEL": "all", "SEED": "s"})
    assert {(run.guarantee, run.db) for run in runs[:8]} == {(p, db) for p in GUARANTEES for db in DATABASES}
    assert [run.sabotage for run in runs[8:]] == list(SABOTAGES)
    assert len({run.seed for run in runs}) == 12 and {run.orders for run in runs} == {500}


def test_a_release_has_ten_large_runs_one_on_sqlite_and_frozen_sends() -> None:
    runs = plans({"LEVEL": "release", "SEED": "s"})
    assert Counter(run.db for run in runs[:11]) == {"postgres": 10, "sqlite": 1}
    assert {run.orders for run in runs[:11]} == {10_000}
    assert {run.guarantee for run in runs[11:]} == {"by_key", "by_draft", "by_person"}
    assert {run.frozen for run in runs[11:]} == {0.01}


def test_the_last_orders_of_any_run_come_at_once() -> None:
    assert [Plan("s", orders=number).burst for number in (60, 500, 10_000)] == [30, 50, 500]


@pytest.mark.parametrize("postgres, strikes", [(object(), 100), (None, 97)])
def test_the_shares_of_the_strikes_hold_in_a_small_run(tmp_path: Path, postgres: Any, strikes: int) -> None:
    killer = Killer(cast(LocalStack, None), postgres, tmp_path, "s", strikes)
    struck = Counter(killer._next_strike() for _ in range(strikes))
    assert struck == {name: times for name, times in SHARES.items() if postgres or name != "postgres"}


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ChildProcess]:
    child = ChildProcess("worker", ["sleep", "60"], tmp_path / "log")
    child.start()
    yield child
    child.kill()


def the_killer(holding: Path, worker: ChildProcess) -> Killer:
    stack = SimpleNamespace(children={"worker": worker})
    return Killer(cast(LocalStack, stack), None, holding, "s", 1)


def test_only_a_worker_of_the_stack_that_holds_a_row_is_a_target(
    tmp_path: Path, sleeper: ChildProcess
) -> None:
    holding = tmp_path / "holding"
    holding.mkdir()
    killer = the_killer(holding, sleeper)
    for pid in (os.getpid(), 2**22 - 1):  # one of ours, and one that is gone
        (holding / str(pid)).write_text("claimed")
    assert killer._busy_work_horses() == []
    for said, found in (("taken", [sleeper.pid]), ("claimed", [sleeper.pid]), ("frozen", []), ("", [])):
        (holding / str(sleeper.pid)).write_text(said)
        assert killer._busy_work_horses() == found


def test_a_frozen_send_is_resumed_even_after_the_strikes(
    tmp_path: Path, sleeper: ChildProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.torture.killer.FROZEN_SECONDS", 0.0)
    holding = tmp_path / "holding"
    holding.mkdir()
    (holding / str(sleeper.pid)).write_text("frozen")
    os.kill(sleeper.pid, signal.SIGSTOP)
    wait_until(lambda: stands_still(sleeper.pid), "standing still")
    killer = the_killer(holding, sleeper)
    killer._stopped.set()
    killer._resume_frozen_sends()
    assert not stands_still(sleeper.pid)
    assert (killer.frozen_sends, os.listdir(holding)) == (1, [])


def stands_still(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


# The times


def test_a_percentile_is_one_of_the_values() -> None:
    assert timings.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert timings.percentile(list(range(1, 101)), 0.99) == 99
    assert timings.percentile([], 0.99) == 0.0


def delivery(order: int, *tries: tuple[str, int, int]) -> Json:
    told = [{"at": f"2026-11-20 10:00:{at} UTC", "status": status, "ms": ms} for at, status, ms in tries]
    return {"event": "order_paid", "order_id": order, "tries": told}


NOON = seconds("2026-11-20 10:00:00")


def test_a_try_during_a_strike_is_not_counted() -> None:
    assert NOON is not None
    sent = [
        delivery(1, ("10", 503, 40), ("20", 200, 250)),
        delivery(2, ("30", 0, 5_000)),
        delivery(3, ("41", 200, 9)),
    ]
    found = timings.webhook_answers(sent, [(NOON + 10.5, NOON + 12), (NOON + 39.5, NOON + 40.995)])
    assert (found.seconds, found.during_downtime, found.refused) == ([0.25], 2, [0])


def test_an_answer_before_the_commit_is_found() -> None:
    sent = [
        delivery(1, ("10", 200, 1)),
        delivery(1, ("10", 503, 1), ("11", 200, 1)),
        delivery(2, ("10", 200, 1)),
    ]
    assert timings.lost_webhooks(sent, {("order_paid", "1"): 2, ("order_paid", "2"): 3}) == []
    assert timings.lost_webhooks(sent, {("order_paid", "1"): 1}) == [
        "#1 order_paid: 2 answered 200, 1 kept",
        "#2 order_paid: 1 answered 200, 0 kept",
    ]


def test_the_drain_rate_counts_only_due_documents() -> None:
    rows = [{"issued_at": 99.0, "doubted_at": None}, {"issued_at": None, "doubted_at": None}]
    rows += [{"issued_at": 100.0 + second, "doubted_at": None} for second in range(1, 21)]
    rows += [{"issued_at": 109.0, "doubted_at": 95.0}]
    found = timings.backlog_drain(rows, 100.0)
    assert (found.left, found.due, found.seconds, found.rate, found.uncertain_seconds) == (
        21,
        20,
        18.0,
        1.0,
        9.0,
    )


def test_an_order_without_a_document_must_have_a_reason_in_time() -> None:
    limit = timings.UNISSUED_LIMIT
    paid = {"1": 100.0, "2": 100.0, "3": 100.0, "4": 100.0, "5": 100.0}
    rows = [{"id": order, "order_id": str(order), "issued_at": 101.0 + limit} for order in (2, 3, 4)]
    rows += [{"id": 1, "order_id": "1", "issued_at": 99.0 + limit}]
    moves = {
        2: [(101.0, "pending", ""), (102.0, "pending", "unreachable")],
        3: [(101.0, "pending", ""), (101.0 + limit, "pending", "unreachable")],
        4: [(101.0, "pending", ""), (102.0, "in_doubt", "outcome-unknown")],
    }
    found = timings.overdue(paid, rows, moves)
    assert (found.late, found.without_reason) == (4, ["#3 pending", "#5 no row"])


def test_instants_of_both_databases_are_the_same() -> None:
    assert seconds("1970-01-01 00:00:01.500000") == 1.5
    assert seconds(None) is None
