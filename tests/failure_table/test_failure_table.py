"""The table of docs/failure-model.md has every row and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.security.test_requirements_table import ROOT, named

ROWS = 51


def table() -> dict[int, str]:
    """Return the rows of the table by their number."""
    text = (
        (ROOT / "docs" / "failure-model.md")
        .read_text()
        .partition("## The failures, row by row")[2]
        .partition("\n## ")[0]
    )
    return {int(number): row for number, row in re.findall(r"^\| (\d+) (\|.*)$", text, re.M)}


def own() -> list[tuple[str, str]]:
    """Return (file, test) of each test of this folder that is named after a row."""
    return [
        (f"tests/failure_table/{file.name}", test)
        for file in sorted(Path(__file__).parent.glob("test_*.py"))
        for test in re.findall(r"^def (test_row_\d\d_\w+)\(", file.read_text(), re.M)
    ]


def test_every_row_is_there_and_names_a_test() -> None:
    rows = table()
    assert sorted(rows) == list(range(1, ROWS + 1))
    assert [number for number, row in rows.items() if not named(row)] == []


def test_every_test_that_the_table_names_is_there() -> None:
    missing = [
        f"{file}::{test}"
        for row in table().values()
        for file, test in named(row)
        if not (ROOT / file).exists() or not re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.M)
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_every_test_named_after_a_row_is_listed_in_that_row() -> None:
    rows = {number: set(named(row)) for number, row in table().items()}
    astray = [(file, test) for file, test in own() if (file, test) not in rows[int(test[9:11])]]
    assert astray == []


def test_every_row_has_a_test_named_after_it_or_says_why_not() -> None:
    for number, row in table().items():
        mine = any(test.startswith(f"test_row_{number:02d}_") for _, test in named(row))
        assert mine or row.rstrip("| ").rpartition("|")[2].strip().startswith("no test of this name"), number
