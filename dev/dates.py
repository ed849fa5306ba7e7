"""The command `make dates`: run the unit tests on six other days, each in another time zone.

Debian's `faketime` gives the tests, and all processes that they start, another time. All of them have the same
offset, so the PostgreSQL that the tests start has the same time as they have: the tests run on both databases,
and `tests/unit/models/test_base.py` compares their clocks. Three things stay real:

- the monotonic clock: libfaketime does not know the calls with which Python waits for a lock until a moment
- `time.sleep`, which libfaketime 0.9.10 breaks where the monotonic clock is real; `select` waits in its place
- the times of files, or Python would take every compiled file for an old one

PostgreSQL's time-out of an idle transaction never fires here, whatever the offset. No unit test waits for it; a
test of tests/failure_table does, and fails here on every day.

To try another moment: `make dates AT="2027-10-31 01:30" ZONE=Europe/Lisbon` (AT is UTC). `ARGS` goes to pytest,
in place of tests/unit where it names files. The output of each moment is kept in var/dates. The command exits
with 1 when a test failed and with 2 when the tests could not be run at all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from calendar import isleap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "var" / "dates"
SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time at which the tests begin, and the time zone in which they run."""

    name: str
    at: datetime
    zone: str

    def __str__(self) -> str:
        return f"{self.name:<18} {self.at:%Y-%m-%d %H:%M:%S} UTC  {self.zone:<17}"


class Unusable(Exception):
    """Raised with the reason why the tests can't be run at another time here."""


def moments(today: datetime) -> list[Moment]:
    """Return the next six moments as seen from today, each a minute before the change that gives it its name."""
    years = range(today.year, today.year + 9)
    august = coming(today, (ends(year, 8, 31) for year in years))
    leap_day = coming(today, (ends(year, 2, 29) for year in years if isleap(year)))
    december = coming(today, (ends(year, 12, 31) for year in years))
    forward = coming(today, (change_of_clocks(year, 3) for year in years))
    back = coming(today, (change_of_clocks(year, 10) for year in years))
    return [
        Moment("end of a month", august, "Pacific/Auckland"),
        Moment("29 February", leap_day, "America/St_Johns"),
        Moment("New Year", december, "UTC"),
        Moment("clocks go forward", forward, "Europe/Lisbon"),
        Moment("clocks go back", back, "Atlantic/Azores"),
        Moment("400 days on", today + timedelta(days=400), "Asia/Kolkata"),
    ]


def coming(today: datetime, times: Iterable[datetime]) -> datetime:
    """Return the first of these times that is still in the future."""
    return next(each for each in times if each > today)


def ends(year: int, month: int, day: int) -> datetime:
    """Return the last minute of a day in Lisbon."""
    return datetime(year, month, day, 23, 59, tzinfo=ZoneInfo("Europe/Lisbon")).astimezone(UTC)


def change_of_clocks(year: int, month: int) -> datetime:
    """Return the minute before Europe changes its clocks: one o'clock UTC on the month's last Sunday."""
    last = datetime(year, month, 31, 0, 59, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def library() -> Path:
    """Return the path of libfaketime, which Debian keeps in a folder named after the processor. Raises Unusable."""
    for place in ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime"):
        for found in sorted(Path("/").glob(f"{place[1:]}/libfaketime.so.1")):
            return found
    raise Unusable("faketime is not installed: on Debian as root, apt-get install faketime")


def surroundings(moment: Moment, preload: Path, shims: Path) -> dict[str, str]:
    """Return an environment that sets this moment for a process and for all processes that it starts."""
    ahead = int((moment.at - datetime.now(UTC)).total_seconds())
    return os.environ | {
        "TZ": moment.zone,
        "LD_PRELOAD": str(preload),
        "FAKETIME": f"{ahead:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(shims),
    }


def check(moment: Moment, preload: Path, shims: Path) -> None:
    """Check that a Python started now sees that moment in that zone. Raises Unusable."""
    asked = [
        sys.executable,
        "-c",
        "import time; time.sleep(0.01); print(time.time(), time.localtime().tm_gmtoff)",
    ]
    answer = subprocess.run(asked, env=surroundings(moment, preload, shims), capture_output=True, text=True)
    if answer.returncode:
        raise Unusable(f"No Python starts with {preload}: {answer.stderr}")
    at, offset = map(float, answer.stdout.split())
    if abs(at - moment.at.timestamp()) > 30:
        raise Unusable(f"{preload} does not move the clock of {sys.executable}")
    if timedelta(seconds=offset) != moment.at.astimezone(ZoneInfo(moment.zone)).utcoffset():
        raise Unusable(f"This machine does not know {moment.zone}: on Debian as root, apt-get install tzdata")


def run(moment: Moment, preload: Path, shims: Path, words: list[str]) -> bool:
    """Run the tests at that moment with a progress line; return whether all passed."""
    log = KEPT / f"{moment.name.replace(' ', '-')}.log"
    named = any(word.startswith("tests/") for word in words)
    jobs = os.environ.get("JOBS") or "2"
    command = [sys.executable, "-m", "pytest", "-q", "-n", jobs, *([] if named else ["tests/unit"]), *words]
    print(moment, end=" ", flush=True)
    began, said = time.monotonic(), []
    environment = surroundings(moment, preload, shims)
    with (
        log.open("w", buffering=1) as kept,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as tests,
    ):
        assert tests.stdout is not None
        for line in tests.stdout:
            said.append(line)
            kept.write(line)
            share = re.search(r"\[ *(\d+%)\]$", line.strip())
            if share and sys.stdout.isatty():
                print(f"\r{moment} {share[1]:>4}", end=" ", flush=True)
    took = f"{time.monotonic() - began:.0f} s"
    start = f"\r{moment} " if sys.stdout.isatty() else ""
    print(f"{start}{'failed' if tests.returncode else 'passed'} {took:>6}", flush=True)
    if tests.returncode:
        failed = [line for line in said if line.startswith(("FAILED", "ERROR"))]
        print("".join(f"    {line}" for line in failed or said[-5:]), end="")
        print(f"    {log.relative_to(ROOT)} has all that was said", flush=True)
    return not tests.returncode


def chosen(now: datetime) -> list[Moment]:
    """Return the one moment that AT and ZONE name, or the six."""
    if not os.environ.get("AT"):
        return moments(now)
    at = datetime.fromisoformat(os.environ["AT"])
    return [Moment("as asked", at.replace(tzinfo=at.tzinfo or UTC), os.environ.get("ZONE") or "UTC")]


def main() -> int:
    """Run the tests at each moment and return 0 when all passed."""
    KEPT.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="dates") as folder:
        shims = Path(folder)
        (shims / "sitecustomize.py").write_text(SLEEP)
        try:
            preload, begins = library(), chosen(now)
            for moment in begins:
                check(moment, preload, shims)
        except (Unusable, ValueError, ZoneInfoNotFoundError) as problem:
            print(*problem.args)
            return 2
        passed = [run(moment, preload, shims, sys.argv[1:]) for moment in begins]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
