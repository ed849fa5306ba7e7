"""The runner prints the result that each case expects, and contains no tax rules itself."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = ("given.json", "own.json", "reported.json")
# Cases of reported.json that are not decided as expected yet.
PENDING = {
    # who and where
    "N25",
    "N27",
    "N35",
    "N40",
    "N52",
    "N55",
    "N63",
    "N64",
    "FI20",
    "FI21",
    "FI22",
    "FI23",
    "FI25",
    "FI26",
    "FI27",
    "FI28",
    "FI29",
    "FI33",
    "FI34",
    "FI36",
    "FI37",
    "FI39",
}


def pending(case: dict[str, Any]) -> Any:
    """Mark a pending case as an expected failure."""
    marks = (
        [pytest.mark.xfail(reason="not decided as expected yet", strict=True)]
        if case["id"] in PENDING
        else []
    )
    return pytest.param(case, id=f"{case['id']} {case['title']}", marks=marks)


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / name).read_text(encoding="utf-8"))["cases"]
    return found


def by_rate(summary: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries of a tax summary in an order of their own: only the lines have one."""
    return sorted(
        summary, key=lambda group: (group["region"], group["vat_rate"], group["exemption_code"] or "")
    )


@pytest.fixture(scope="module")
def printed() -> dict[str, dict[str, Any]]:
    """Return the decisions that `python -m tests.cases` prints for all files, by case."""
    lines = []
    for name in FILES:
        run = subprocess.run(
            [sys.executable, "-m", "tests.cases", str(HERE / name)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        lines += run.stdout.splitlines()
    return {decision["id"]: decision for decision in map(json.loads, lines)}


@pytest.mark.parametrize("case", [pending(case) for name in FILES for case in cases(name)])
def test_a_case_is_decided_as_expected(case: dict[str, Any], printed: dict[str, dict[str, Any]]) -> None:
    decision, expected = printed[case["id"]], case["expected"]
    for name in (
        "action",
        "document_type",
        "issue_date",
        "rounding",
        "references",
        "reason",
    ):
        if name in expected:
            assert decision.get(name) == expected[name], name
    if "tax_summary" in expected:
        assert by_rate(decision["tax_summary"]) == by_rate(expected["tax_summary"])
    for name, value in expected.get("totals", {}).items():
        assert decision["totals"][name] == value, name
    for name, value in expected.get("customer", {}).items():
        assert decision["customer"][name] == value, name
    if "lines" in expected:
        assert [line["ref"] for line in decision["lines"]] == [line["ref"] for line in expected["lines"]]
    for line, wanted in zip(decision.get("lines", []), expected.get("lines", []), strict=True):
        assert {name: line.get(name) for name in wanted} == wanted
    assert decision["document_type"] not in expected.get("forbidden_types", [])


def test_the_runner_holds_no_decimal_no_rate_and_no_exemption_code() -> None:
    for path in (HERE / "runner.py", HERE / "case_input.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        texts = [value for value in values if isinstance(value, str)]
        assert not words & {"Decimal", "Fraction", "float", "round", "sum"}
        assert not [text for text in texts if len(text) == 3 and text[0] == "M" and text[1:].isdigit()]
        assert not {"4", "5", "6", "9", "12", "13", "16", "22", "23"} & set(texts)
        assert not [value for value in values if type(value) in (int, float) and value not in (0, 1, 2)]


def test_every_case_has_its_own_id() -> None:
    ids = [case["id"] for name in FILES for case in cases(name)]
    assert len(ids) == len(set(ids))
