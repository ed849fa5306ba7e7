"""The CPU time and the memory (private or shared) of a child and its descendants. Linux only (reads /proc)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dev.child_process import ChildProcess
from dev.servers import Postgres

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(*children: ChildProcess) -> float:
    """Return the CPU time used so far, user and system, including that of children already waited for."""
    return sum(_cpu_seconds_of(pid) for child in children for pid in child.members())


def _cpu_seconds_of(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(word) for word in words[11:15]) / _TICKS


def memory(pids: Iterable[int]) -> tuple[float, float, float]:
    """Return MB of these processes: proportional share (PSS), private, and resident (RSS)."""
    sums = {"Pss": 0, "Private_Clean": 0, "Private_Dirty": 0, "Rss": 0}
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0])
    return sums["Pss"] / 1024, (sums["Private_Clean"] + sums["Private_Dirty"]) / 1024, sums["Rss"] / 1024


def make_durable(postgres: Postgres) -> Postgres:
    """Return the same server with production's settings: confirmed writes survive a power cut."""
    safe = {"fsync=off": "fsync=on", "synchronous_commit=off": "synchronous_commit=on",
            "full_page_writes=off": "full_page_writes=on"}  # fmt: skip
    postgres.child.command = [safe.get(word, word) for word in postgres.child.command]
    return postgres
