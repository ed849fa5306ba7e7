"""The list of mutants cannot rot: each text is still found once, and each test named for one exists."""

from __future__ import annotations

from pathlib import Path

from dev.mutants import Mutant, load_mutants
from dev.mutants.__main__ import try_mutant

MUTANTS = load_mutants()
PASSES = "def test_a():\n    from thing import limit\n    assert limit == 5\n"


def test_every_mutant_can_be_applied_and_names_tests_that_exist() -> None:
    stale = {mutant.name: found for mutant in MUTANTS if (found := mutant.problems())}
    assert not stale, "\n".join(f"{name}: {'; '.join(found)}" for name, found in stale.items())


def test_there_are_more_than_a_hundred_and_no_two_have_one_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) > 100


def mutant(text: str = "limit = 5", test: str = "test_a.py::test_a") -> Mutant:
    return Mutant("limit", "why", "thing.py", text, "limit = 6", (test,), "x")


def test_a_mutant_whose_text_or_test_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "thing.py").write_text("limit = 5\n")
    (tmp_path / "test_a.py").write_text(PASSES)
    assert mutant().problems(tmp_path) == []
    assert "0 times" in mutant("limit = 7").problems(tmp_path)[0]
    assert "no test" in mutant(test="test_a.py::test_b").problems(tmp_path)[0]
    (tmp_path / "thing.py").write_text("limit = 5\nlimit = 5\n")
    assert try_mutant(mutant(), tmp_path).verdict == "STALE"
