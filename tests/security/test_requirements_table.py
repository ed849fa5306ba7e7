"""The tables of docs/security.md name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def named(text: str) -> list[tuple[str, str]]:
    """Return (file, test) of each test named; a bare `::test` belongs to the file named before it."""
    found, file = [], ""
    for path, test in re.findall(r"`(tests/[\w/]+\.py)?::(test_\w+)`", text):
        file = path or file
        found.append((file, test))
    return found


def test_every_test_named_in_the_table_exists() -> None:
    found = named((ROOT / "docs" / "security.md").read_text())
    assert len(found) > 60
    missing = [
        f"{file}::{test}"
        for file, test in found
        if not (ROOT / file).exists() or not re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.M)
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_every_row_of_the_table_names_a_test() -> None:
    rows = [
        line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if line.startswith("| ")
    ]
    without = [
        row
        for row in rows
        if "::test_" not in row and "---" not in row and not row.startswith("| requirement")
    ]
    assert not without
