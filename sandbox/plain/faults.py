"""Faults of the plain provider: drawn at random from a seed for a share of the calls, and counted."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

WRITE_FAULTS = (
    "slow", "drop-before", "drop-after", "500-before", "500-after", "garbage-after", "cut-after", "wrong-type-after",
    "login-page", "429", "503", "408", "redirect", "slow-commit",
)  # fmt: skip
"""For calls that write. `-after`: the act is executed; `slow-commit`: it is executed after the connection closed."""

READ_FAULTS = ("slow", "drop-before", "500-before", "garbage-after", "cut-after", "login-page", "429", "503")
"""For calls that only read."""


@dataclass
class Faults:
    """The share of calls that go wrong; none until one is set."""

    share: float = 0.0
    latest: float = 1.0
    """The most seconds between the closed connection and a slow commit."""
    writes: tuple[str, ...] = WRITE_FAULTS
    counts: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    _shuffled_kinds: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    _random: random.Random = field(default_factory=lambda: random.Random(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def configure(self, wanted: dict[str, Any]) -> None:
        """Set share, seed and kinds. Raises ValueError for an unknown kind."""
        writes = tuple(wanted.get("writes", WRITE_FAULTS))
        if unknown := set(writes) - set(WRITE_FAULTS):
            raise ValueError(f"no fault is called {', '.join(sorted(unknown))}")
        with self._lock:
            self.share, self.latest = float(wanted.get("share", 0)), float(wanted.get("latest", self.latest))
            self.writes = writes
            for pack in self._shuffled_kinds:
                pack.clear()
            if "seed" in wanted:
                self._random.seed(str(wanted["seed"]))

    def draw(self, changes: bool) -> str:
        """Return the kind of fault for this call, empty for none."""
        with self._lock:
            self.calls += 1
            if self._random.random() >= self.share:
                return ""
            kind = self._next_kind(changes)
            self.counts[kind] += 1
            return kind

    def _next_kind(self, changes: bool) -> str:
        """Take the next kind from a shuffled pack, so that every kind occurs soon."""
        kinds = self._shuffled_kinds[changes]
        if not kinds:
            kinds += self.writes if changes else READ_FAULTS
            self._random.shuffle(kinds)
        return kinds.pop()

    def random_seconds(self, maximum: float) -> float:
        """Return a random number of seconds up to `maximum`."""
        with self._lock:
            return self._random.uniform(0.1, maximum)
