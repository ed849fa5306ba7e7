"""Run the mutants: `make mutants`, or some of them by words (`make mutants ARGS="origin csrf"`).

Each is applied to a copy of the working tree, where the tests named for it run on SQLite. JOBS copies work at the same
time. Before that, the same tests must be green without any mutant. Exits with 1 when a mutant survives, or when one of
the tests named for it stays green.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from dev.mutants import ROOT, Mutant, load_mutants

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "var", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"
)
LIMIT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one mutant: `verdict` is `killed` when every test named for it failed."""

    mutant: Mutant
    verdict: str
    detail: str
    seconds: float


def run_tests(folder: Path, tests: list[str]) -> tuple[int, set[str], str]:
    """Run these tests in that copy; return pytest's exit status, the tests that failed, and its last line."""
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", "0", "--db", "sqlite", "--tb=no", "-rfE", "--timeout", "60",
        "-p", "no:cacheprovider",
        *tests,
    ]  # fmt: skip
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return -1, set(), f"took longer than {LIMIT_SECONDS} s"
    failed = set(re.findall(r"^(?:FAILED|ERROR) ([^\s\[]+::[^\s\[]+)", ran.stdout, re.M))
    said = (ran.stdout + ran.stderr).strip().splitlines()
    return ran.returncode, failed, said[-1] if said else ""


def write(path: Path, text: str) -> None:
    """Write a source file, and remove what was compiled of it: a compiled file is dated by the second."""
    path.write_text(text)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink()


def try_mutant(mutant: Mutant, folder: Path) -> Result:
    """Apply the mutant in that copy, run its tests, and take it back."""
    began = time.monotonic()
    if found := mutant.problems(folder):
        return Result(mutant, "STALE", "; ".join(found), 0.0)
    path = folder / mutant.file
    original = path.read_text()
    write(path, original.replace(mutant.text, mutant.replacement))
    try:
        status, failed, said = run_tests(folder, list(mutant.tests))
    finally:
        write(path, original)
    green = [test for test in mutant.tests if test not in failed]
    if status == 0:
        verdict, detail = "SURVIVED", said
    elif status != 1:
        verdict, detail = "BROKEN", said
    elif green:
        verdict, detail = "PARTLY", "green: " + ", ".join(green)
    else:
        verdict, detail = "killed", ""
    return Result(mutant, verdict, detail, time.monotonic() - began)


def run(mutants: list[Mutant], jobs: int) -> list[Result]:
    """Try the mutants in that many copies at the same time, and print each result as it comes."""
    copies: SimpleQueue[Path] = SimpleQueue()
    printing = threading.Lock()

    def one(mutant: Mutant) -> Result:
        folder = copies.get()
        try:
            result = try_mutant(mutant, folder)
        finally:
            copies.put(folder)
        with printing:
            print(
                f"{result.verdict:<9} {mutant.subject:<10} {mutant.name:<62} {result.seconds:>5.1f} s",
                flush=True,
            )
            if result.detail:
                print(f"          {mutant.file}: {result.detail}", flush=True)
        return result

    with tempfile.TemporaryDirectory(prefix="mutants") as root:
        for number in range(jobs):
            copy = Path(root) / str(number)
            shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
            copies.put(copy)
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, mutants))


def check_unbroken(mutants: list[Mutant]) -> bool:
    """Return whether the tests named for these mutants are green while nothing is broken."""
    tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    status, failed, said = run_tests(ROOT, tests)
    if status:
        print(f"Without a mutant these tests are not green: {', '.join(sorted(failed)) or said}")
    return status == 0


def main() -> int:
    """Return 0 when every chosen mutant was killed."""
    chosen = [mutant for mutant in load_mutants() if mutant.has_words(sys.argv[1:])]
    if not chosen:
        print(f"No mutant has the words {' '.join(sys.argv[1:])}.")
        return 2
    began = time.monotonic()
    if not check_unbroken(chosen):
        return 2
    results = run(chosen, int(os.environ.get("JOBS") or 2))
    alive = [result for result in results if result.verdict != "killed"]
    print(f"{len(results)} mutants, {len(results) - len(alive)} killed, {len(alive)} not, ", end="")
    print(f"{time.monotonic() - began:.0f} s")
    for result in alive:
        print(f"{result.verdict}: {result.mutant.name}: {result.mutant.why}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
