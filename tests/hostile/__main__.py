"""The command `make hostile`: the whole attack with its figures, on SQLite and on PostgreSQL.

Words choose parts: routes, webhooks, addresses, callbacks, answers, scripts, markers (`make hostile ARGS="routes"`);
DB=sqlite or DB=postgres chooses a database, SEED another run of chance. Both databases are attacked at the same time;
what needs no database is attacked once. `markers` is searched for only when it is named: it runs the demo and a torture
smoke (`dev/markers.py`). Exits with 1 when anything was found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "var" / "hostile"
PARTS = ("webhooks", "callbacks", "addresses", "answers", "routes", "scripts")
ON_BOTH = ("webhooks", "callbacks", "routes")
MARKER_RUNS = {"demo": ["dev.demo"], "torture": ["dev.torture"]}


def attack(kind: str, parts: list[str]) -> subprocess.Popen[str]:
    """Start the attack on this kind of database; its output goes to a file of var/hostile."""
    files = [f"tests/hostile/test_{part}.py" for part in parts]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "--db",
        kind,
        "--timeout",
        "0",
        "--tb",
        "short",
        *files,
    ]
    return start(kind, command, {"HOSTILE": "full"})


def start(name: str, command: list[str], more: dict[str, str]) -> subprocess.Popen[str]:
    """Start a command whose output goes to var/hostile."""
    with (KEPT / f"{name}.log").open("w") as log:
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | more, stdout=log, stderr=log, text=True)


def finish(name: str, process: subprocess.Popen[str], began: float) -> bool:
    """Wait for the end, and print what was said; return whether nothing was found."""
    status = process.wait()
    print(f"\n{name}: {'nothing found' if status == 0 else 'FOUND'} after {time.monotonic() - began:.0f} s")
    print((KEPT / f"{name}.log").read_text().strip(), flush=True)
    return status == 0


def main() -> int:
    """Attack with the chosen parts and return 0 when nothing was found."""
    words = sys.argv[1:]
    if unknown := set(words) - {*PARTS, "markers"}:
        print(f"Parts are {', '.join((*PARTS, 'markers'))}; not {', '.join(sorted(unknown))}.")
        return 2
    KEPT.mkdir(parents=True, exist_ok=True)
    began, passed = time.monotonic(), True
    parts = [part for part in PARTS if part in words or not words]
    kinds = [os.environ["DB"]] if os.environ.get("DB") else ["sqlite", "postgres"]
    chosen = {kind: [part for part in parts if kind == kinds[0] or part in ON_BOTH] for kind in kinds}
    running = {kind: attack(kind, chosen[kind]) for kind in kinds if chosen[kind]}
    for kind, process in running.items():
        passed = finish(kind, process, began) and passed
    if "markers" in words:
        for name, module in MARKER_RUNS.items():
            passed = (
                finish(name, start(name, [sys.executable, "-m", *module], {"MARKERS": "1"}), began) and passed
            )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
