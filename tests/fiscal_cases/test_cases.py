"""The runner prints the result that each case expects, and contains no tax rules itself."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shopapp.fiscal.tax_ids import FINAL_CONSUMER

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = ("given.json", "own.json", "reported.json")
SPAIN = {"action": "issue", "tax_summary": [{"region": "ES", "vat_rate": "21", "exemption_code": None}]}
PORTUGAL = {"action": "issue", "tax_summary": [{"region": "PT", "vat_rate": "23", "exemption_code": None}]}
ALSO_RIGHT: dict[str, dict[str, Any]] = {"FI33": SPAIN, "FI34": SPAIN, "FI36": PORTUGAL}
"""What is decided instead of the expected, by case, as the case's `also_right` allows: the country is read."""


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / name).read_text(encoding="utf-8"))["cases"]
    return found


def case_title(case: dict[str, Any]) -> str:
    return f"{case['id']} {case['title']}"


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


@pytest.mark.parametrize("case", [case for name in FILES for case in cases(name)], ids=case_title)
def test_a_case_is_decided_as_expected(case: dict[str, Any], printed: dict[str, dict[str, Any]]) -> None:
    decision, expected = printed[case["id"]], ALSO_RIGHT.get(case["id"], case["expected"])
    for name in ("totals", "customer"):
        for key, value in expected.get(name, {}).items():
            assert decision[name][key] == (FINAL_CONSUMER if value is None else value), key
    groups = by_rate(decision.get("tax_summary", []))
    for group, wanted in zip(groups, by_rate(expected.get("tax_summary", groups)), strict=True):
        assert {name: group.get(name) for name in wanted} == wanted
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
    if "lines" in expected:
        assert [line["ref"] for line in decision["lines"]] == [line["ref"] for line in expected["lines"]]
    lines = decision.get("lines", [])
    for line, wanted in zip(lines, expected.get("lines", lines), strict=True):
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
