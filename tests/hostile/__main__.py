"""The command `make hostile`: the whole attack on SQLite and PostgreSQL, and one table of its figures.

Words choose parts: webhooks, callbacks, addresses, answers, routes, scripts, clients, markers (`make hostile
ARGS="routes"`); DB=sqlite or DB=postgres chooses a database, SEED another run of chance. Both databases are attacked at
the same time; what needs no database is attacked once. Afterwards, alone on the machine: `clients` holds 200 half-open
connections against the Procfile's processes (dev/benchmarks/slow_clients.py), `markers` searches what a demo and a
torture smoke left (dev/markers.py). Exits with 1 when anything was found, skipped, or tried less often than promised.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "var" / "hostile"
PARTS = ("webhooks", "callbacks", "addresses", "answers", "routes", "scripts")
ON_BOTH = ("webhooks", "callbacks", "routes")
PROMISED = {
    "webhooks": {"inputs": 10_000}, "callbacks": {"callbacks": 47}, "addresses": {"addresses": 1_600, "schedules": 200},
    "answers": {"bombs": 23, "answers": 134}, "routes": {"routes": 71, "requests": 71_000}, "scripts": {"strings": 69},
}  # fmt: skip
"""The fewest of each figure; fewer is a miss."""
RUNS = {
    "clients": {"slow clients": ["dev.benchmarks.slow_clients"]},
    "markers": {"demo": ["dev.demo"], "torture": ["dev.torture"]},
}
"""What runs alone, by part: each command by its name."""


@dataclass
class Row:
    """A row of the table: a part on a database, what was counted, how long it took, and what is missing."""

    part: str
    database: str
    seconds: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{what} {count:,}" for what, count in self.figures.items())
        verdict = "MISSED: " + "; ".join(self.missed) if self.missed else "nothing found"
        return f"{self.part:12} {self.database:9} {self.seconds:6.0f} s  {verdict}" + (
            f"\n    {told}" if told else ""
        )


def rows_of(kind: str, parts: Sequence[str], tests: Sequence[dict[str, object]], status: int) -> list[Row]:
    """Return a row for each part from what its tests wrote; a part without its promised inputs missed something."""
    rows = {part: Row(part, kind) for part in parts}
    for test in tests:
        row = rows[str(test["part"])]
        row.seconds += float(str(test["seconds"]))
        figures = test["figures"]
        assert isinstance(figures, dict)
        row.figures.update(figures)
        if not test["passed"]:
            row.missed.append(str(test["name"]))
    for part, row in rows.items():
        for what, number in PROMISED[part].items():
            if row.figures[what] < number:
                row.missed.append(f"{row.figures[what]:,} {what} instead of {number:,}")
    if status and not any(row.missed for row in rows.values()):
        rows[parts[0]].missed.append(f"pytest ended with {status}")
    return list(rows.values())


def attack(kind: str, parts: Sequence[str]) -> subprocess.Popen[str]:
    """Start the attack on this kind of database; its output and its figures go to files of var/hostile."""
    figures_file(kind).unlink(missing_ok=True)
    files = [f"tests/hostile/test_{part}.py" for part in parts]
    options = f"-q -n 0 --db {kind} --timeout 0 --tb short".split()
    more = {"HOSTILE": "full", "STRICT_SKIPS": "1", "HOSTILE_FIGURES": str(figures_file(kind))}
    return start(kind, ["pytest", *options, *files], more)


def figures_file(kind: str) -> Path:
    """Return where the attack on this kind of database leaves its figures."""
    return KEPT / f"{kind}.json"


def start(name: str, module: list[str], more: dict[str, str]) -> subprocess.Popen[str]:
    """Start a module as a command whose output goes to var/hostile."""
    with (KEPT / f"{name}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env=os.environ | more,
            stdout=log,
            stderr=log,
            text=True,
        )


def finish(name: str, process: subprocess.Popen[str]) -> int:
    """Wait for the end, print what was said, and return the exit status."""
    status = process.wait()
    print(f"\n{name}:\n{(KEPT / f'{name}.log').read_text().strip()}", flush=True)
    return status


def attack_all(parts: Sequence[str], kinds: Sequence[str]) -> list[Row]:
    """Attack all databases at the same time and return the rows."""
    chosen = {kind: [part for part in parts if kind == kinds[0] or part in ON_BOTH] for kind in kinds}
    running = {kind: attack(kind, chosen[kind]) for kind in kinds if chosen[kind]}
    rows = []
    for kind, process in running.items():
        status, file = finish(kind, process), figures_file(kind)
        rows += rows_of(kind, chosen[kind], json.loads(file.read_text()) if file.exists() else [], status)
    return rows


def run_alone(part: str, kinds: Sequence[str]) -> list[Row]:
    """Run a part's commands one after another and return their rows."""
    rows = []
    for name, module in RUNS[part].items():
        began, more = time.monotonic(), kinds if part == "clients" else ()
        status = finish(
            name.replace(" ", "-"), start(name.replace(" ", "-"), [*module, *more], {"MARKERS": "1"})
        )
        rows.append(
            Row(name, " ".join(more), time.monotonic() - began, missed=["see above"] if status else [])
        )
    return rows


def main() -> int:
    """Attack with the chosen parts and return 0 when nothing was found and nothing was left out."""
    words = sys.argv[1:]
    if unknown := set(words) - {*PARTS, *RUNS}:
        print(f"Parts are {', '.join((*PARTS, *RUNS))}; not {', '.join(sorted(unknown))}.")
        return 2
    KEPT.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    kinds = [os.environ["DB"]] if os.environ.get("DB") else ["sqlite", "postgres"]
    rows = attack_all([part for part in PARTS if part in words or not words], kinds)
    for part in RUNS:
        if part in words or not words:
            rows += run_alone(part, kinds)
    print("\n" + "\n".join(map(str, rows)))
    missed = sum(bool(row.missed) for row in rows)
    print(f"\n{len(rows)} parts in {time.monotonic() - began:.0f} s, {missed} missed something")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
