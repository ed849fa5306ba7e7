"""The cases: what the runner prints is what each case expects, and the runner itself knows no law."""

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
FILES = ("given.json", "own.json")


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / name).read_text(encoding="utf-8"))["cases"]
    return found


@pytest.fixture(scope="module")
def printed() -> dict[str, dict[str, Any]]:
    """What `python -m tests.cases` prints for all files, by case."""
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
    return {told["id"]: told for told in map(json.loads, lines)}


@pytest.mark.parametrize(
    "case", [case for name in FILES for case in cases(name)], ids=lambda case: f"{case['id']} {case['title']}"
)
def test_a_case_is_decided_as_expected(case: dict[str, Any], printed: dict[str, dict[str, Any]]) -> None:
    told, expected = printed[case["id"]], case["expected"]
    for name in (
        "action",
        "document_type",
        "totals",
        "tax_summary",
        "issue_date",
        "rounding",
        "references",
        "reason",
    ):
        if name in expected:
            assert told.get(name) == expected[name], name
    for name, value in expected.get("customer", {}).items():
        assert told["customer"][name] == value, name
    if "lines" in expected:
        assert [line["ref"] for line in told["lines"]] == [line["ref"] for line in expected["lines"]]
    for line, wanted in zip(told.get("lines", []), expected.get("lines", []), strict=True):
        assert {name: line.get(name) for name in wanted} == wanted
    assert told["document_type"] not in expected.get("forbidden_types", [])


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


def test_no_case_of_our_own_repeats_a_given_id() -> None:
    ids = [case["id"] for name in FILES for case in cases(name)]
    assert len(ids) == len(set(ids))
