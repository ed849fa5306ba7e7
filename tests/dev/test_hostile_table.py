"""The table at the end of `make hostile`: what makes a part a miss."""

from __future__ import annotations

from typing import Any

from tests.hostile.__main__ import rows_of


def tried(callbacks: int, passed: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "part": "callbacks",
            "name": "one",
            "passed": passed,
            "seconds": 1.5,
            "figures": {"callbacks": callbacks},
        }
    ]


def test_a_part_that_made_all_its_inputs_and_failed_nowhere_found_nothing() -> None:
    [row] = rows_of("sqlite", ["callbacks"], tried(50), 0)
    assert row.missed == [] and "nothing found" in str(row) and "callbacks 50" in str(row)


def test_a_failed_test_or_too_few_inputs_is_a_miss() -> None:
    assert rows_of("sqlite", ["callbacks"], tried(50, passed=False), 1)[0].missed == ["one"]
    assert rows_of("sqlite", ["callbacks"], tried(46), 0)[0].missed == ["46 callbacks instead of 47"]


def test_an_attack_that_broke_off_is_a_miss() -> None:
    assert rows_of("sqlite", ["callbacks"], [], 2)[0].missed == ["0 callbacks instead of 47"]
    assert rows_of("sqlite", ["callbacks"], tried(50), 3)[0].missed == ["pytest ended with 3"]
