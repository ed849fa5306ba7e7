"""The tables of docs/security.md and docs/asvs.md name tests that exist; the second has every requirement once."""

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
    found = [
        *named((ROOT / "docs" / "security.md").read_text()),
        *named((ROOT / "docs" / "asvs.md").read_text()),
    ]
    assert len(found) > 160
    missing = [
        f"{file}::{test}"
        for file, test in found
        if not (ROOT / file).exists() or not re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.M)
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_every_row_of_a_table_of_requirements_names_a_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    tables = [table for table in re.findall(r"(?:^\|.*\n)+", text, re.M) if table.startswith("| requirement")]
    assert len(tables) >= 9
    rows = [row for table in tables for row in table.splitlines()[2:]]
    assert [row for row in rows if "::test_" not in row] == []


# The requirements of ASVS 5.0.0 of levels 1 and 2: sections with the numbers in them.
REQUIREMENTS = """
1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1 3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5
3.7.1-2 4.1.1-3 4.2.1 4.3.1-2 4.4.1-4 5.1.1 5.2.1-3 5.3.1-2 5.4.1-3 6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4
6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2 8.1.1-2 8.2.1-3 8.3.1 8.4.1
9.1.1-3 9.2.1-4 10.1.1-2 10.2.1-2 10.3.1-4 10.4.1-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.1-3
11.4.1-4 11.5.1 11.6.1 12.1.1-3 12.2.1-2 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2 14.2.1-4
14.3.1-3 15.1.1-3 15.2.1-3 15.3.1-7 16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4 17.3.1-2
"""
LEVEL_1 = """
1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1 2.1.1 2.2.1 2.2.2 2.3.1 3.2.1 3.2.2 3.3.1 3.4.1 3.4.2
3.5.1 3.5.2 3.5.3 4.1.1 4.4.1 5.2.1 5.2.2 5.3.1 5.3.2 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7
6.2.8 6.3.1 6.3.2 6.4.1 6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 8.1.1 8.2.1 8.2.2 8.3.1 9.1.1 9.1.2
9.1.3 9.2.1 10.4.1 10.4.2 10.4.3 10.4.4 10.4.5 11.3.1 11.3.2 11.4.1 12.1.1 12.2.1 12.2.2 13.4.1 14.2.1
14.3.1 15.1.1 15.2.1 15.3.1
"""
ROW = re.compile(r"^\| (\d[^|]*) \| ([12, ]+) \| (met|none here|operator|not met) \| (.+) \|$", re.M)


def numbers(text: str) -> list[str]:
    """Return each number that the text names; `1.2.6 to 1.2.8` names three."""
    found: list[str] = []
    for section, first, last in re.findall(r"(\d+\.\d+)\.(\d+)(?: to \d+\.\d+\.(\d+))?", text):
        found += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def test_every_asvs_requirement_stands_in_the_table_once() -> None:
    wanted: list[str] = []
    for word in REQUIREMENTS.split():
        section, _, parts = word.rpartition(".")
        for part in parts.split(","):
            first, _, last = part.partition("-")
            wanted += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    assert len(wanted) == 253
    text = (ROOT / "docs" / "asvs.md").read_text()
    rows = [row for row in text.splitlines() if re.match(r"\| \d", row)]
    assert [row for row in rows if not ROW.match(row)] == []
    assert sorted(number for row in rows for number in numbers(row.split("|")[1])) == sorted(wanted)


def test_what_is_met_names_what_can_fail_and_level_1_is_met() -> None:
    for name, _, state, how in ROW.findall((ROOT / "docs" / "asvs.md").read_text()):
        if state == "met":
            assert "::test_" in how or "`make " in how, name
        if state == "not met":
            assert not set(numbers(name)) & set(LEVEL_1.split()), name
