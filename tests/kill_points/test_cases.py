"""The kill points cover every failpoint, count correctly, and detect each removed protection."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Connection

from dev.local_stack import ROOT
from shopapp.failpoints import POINTS
from shopapp.providers.base import IssueGuarantee
from tests.kill_points.cases import (
    ACTS,
    ANSWERS,
    DRAFT_POINTS,
    ISSUE_POINTS,
    PROVIDER_DRAFT_POINTS,
    TESTED_POINTS,
    Case,
    every_case,
)
from tests.kill_points.judge import judge_case


def test_every_failpoint_of_the_app_is_tried() -> None:
    code = "".join(file.read_text() for file in (ROOT / "shopapp").rglob("*.py"))
    passed = set(re.findall(r'failpoints\.hit\("(\w+)"\)', code))
    # The failpoints of stock and articles are covered by tests/state_machines/test_stock.py and
    # tests/unit/inventory/test_line_articles.py.
    assert (
        {point for point in passed if not point.startswith(("stock_", "article_"))}
        == set(TESTED_POINTS)
        <= set(POINTS)
    )


def test_every_failpoint_meets_every_act_answer_and_guarantee() -> None:
    cases = every_case()
    assert len(cases) == len({case.words for case in cases}) >= 672
    met = Counter((case.point, case.act) for case in cases)
    assert set(met) == {(point, act) for point in TESTED_POINTS for act in ACTS}
    for point in (*ISSUE_POINTS, *DRAFT_POINTS):
        assert {case.answer for case in cases if case.point == point and case.act == "kill"} == set(ANSWERS)
    for point in set(TESTED_POINTS) - {*DRAFT_POINTS, *PROVIDER_DRAFT_POINTS}:
        for act in ACTS:
            promises = {case.guarantee for case in cases if (case.point, case.act) == (point, act)}
            assert promises == {once.value for once in IssueGuarantee}


def test_a_case_fails_without_its_protection() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill_points", "sabotage"], cwd=ROOT, env={**os.environ, "DB": "sqlite"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("found") == 5


# The judge

GOOD = {
    "state": "issued", "reason": "", "number": "FR 2026P/1", "total": 1230, "provider_total": 1230, "alarm": "",
    "reference": "QI-1-1001", "id": 1,
}  # fmt: skip
ENTRY = {"entity": "7", "number": "FR 2026P/1", "reference": "QI-1-1001", "total": "12.30"}
KNOWN = {"shown": [["QI-1-1001", "FR 2026P/1"]], "notes": ["..."]}


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        columns = ", ".join(GOOD)
        connection.exec_driver_sql(f"CREATE TABLE document ({columns})")
        yield connection
    engine.dispose()


def verdict(
    connection: Connection, folder: Path, row: dict[str, Any], *entries: dict[str, Any], **known: Any
) -> list[str]:
    (folder / "shop.json").write_text(json.dumps({**KNOWN, **known}))
    (folder / "ledger").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    names = ", ".join(f":{name}" for name in GOOD)
    connection.execute(sqlalchemy.text(f"INSERT INTO document VALUES ({names})"), {**GOOD, **row})
    answer = "wrong-total" if row.get("alarm") else "ok"
    return judge_case(Case(7, "p", "kill", answer, "by_key"), folder / "ledger", connection, folder)


def test_a_case_without_errors_passes(connection: Connection, tmp_path: Path) -> None:
    assert verdict(connection, tmp_path, {}, ENTRY, {**ENTRY, "entity": "8"}) == []


def test_another_total_at_the_provider_needs_its_alarm(connection: Connection, tmp_path: Path) -> None:
    theirs = {**ENTRY, "total": "12.31"}
    row = {"alarm": "total-differs", "provider_total": 1231}
    assert verdict(connection, tmp_path, row, theirs, shown=[], notes=[]) == []
    assert Decimal(theirs["total"]) == Decimal("12.31")


def test_a_document_with_another_total_must_not_be_shown_on_the_order(
    connection: Connection, tmp_path: Path
) -> None:
    row = {"alarm": "total-differs", "provider_total": 1231}
    [said] = verdict(connection, tmp_path, row, {**ENTRY, "total": "12.31"})
    assert "on the order" in said


@pytest.mark.parametrize(
    ("row", "entries", "known", "said"),
    [
        ({}, [], {}, "0 documents"),
        ({}, [ENTRY, ENTRY], {}, "2 documents"),
        ({}, [{**ENTRY, "total": "12.31"}], {}, "paid 12.30, issued 12.31"),
        ({"state": "review", "number": None}, [ENTRY], {}, "ours"),
        ({"number": "FR 2026P/2"}, [ENTRY], {}, "ours"),
        ({"total": 1231}, [ENTRY], {}, "totals of ours"),
        ({"reference": "QI-1-1002"}, [ENTRY], {}, "reference"),
        ({}, [ENTRY], {"shown": []}, "on the order"),
        ({}, [ENTRY], {"shown": KNOWN["shown"] * 2}, "on the order"),
    ],
    ids=["lost", "twice", "wrong", "unrecorded", "its number", "our total", "not ours", "unseen", "seen twice"],
)  # fmt: skip
def test_a_failed_case_is_reported(
    connection: Connection, tmp_path: Path, row: Any, entries: Any, known: Any, said: str
) -> None:
    found = verdict(connection, tmp_path, row, *entries, **known)
    assert any(said in line for line in found)


def test_a_false_alarm_is_reported(connection: Connection, tmp_path: Path) -> None:
    assert verdict(connection, tmp_path, {"alarm": "duplicate"}, ENTRY) == ["alarm 'duplicate'"]
