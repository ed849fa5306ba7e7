"""Defences that are broken on purpose, each with the tests that must turn red: the command `make mutants`.

The TOML files hold them as data: in `file`, the exact `text` is replaced by `replacement`, and every test named in
`tests` must fail. Their names say what they prove: a defence whose mutant survives has no test.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken defence. `why` says what an attacker gains, or what goes wrong for a merchant."""

    name: str
    why: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]
    subject: str

    def problems(self, root: Path = ROOT) -> list[str]:
        """Return why it cannot be applied, or cannot be noticed: an empty list when all is well."""
        path = root / self.file
        count = path.read_text().count(self.text) if path.is_file() else 0
        found = [] if count == 1 else [f"its text stands {count} times in {self.file}"]
        if self.text == self.replacement:
            found.append("it changes nothing")
        if not self.tests:
            found.append("it names no test")
        return found + [f"{test} is no test" for test in self.tests if not _is_test(root, test)]

    def has_words(self, words: Sequence[str]) -> bool:
        """Return whether all words stand in its name, reason, file or tests."""
        about = " ".join((self.name, self.why, self.file, self.subject, *self.tests)).lower()
        return all(word.lower() in about for word in words)


def _is_test(root: Path, test: str) -> bool:
    file, _, name = test.partition("::")
    return bool(name) and (root / file).is_file() and name in _functions(root / file)


@cache
def _functions(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def load_mutants() -> list[Mutant]:
    """Return every mutant of the TOML files, in their order."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["mutant"]:
            found.append(Mutant(**{**entry, "tests": tuple(entry["tests"]), "subject": path.stem}))
    return found
