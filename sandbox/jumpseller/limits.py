"""How often an app may call for one store: 20 times a second, 800 a minute; a ban after 2000 calls too many.

Asked by the API before each call. It counts by caller's address and store, as documented; and it remembers, for
whoever judges a run, the busiest second and minute of each store, which calls were made, and which were too many.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.web import Json

PER_SECOND = 20
PER_MINUTE = 800
TOO_MANY = 2000
BAN_SECONDS = 600.0
REFUSALS_KEPT = 1000


@dataclass
class Seen:
    """The calls for one store since the count began; second and minute are any, not those of the clock's face."""

    calls: Counter[str] = field(default_factory=Counter)
    busiest_second: int = 0
    busiest_minute: int = 0
    refused: int = 0
    refusals: deque[Json] = field(default_factory=lambda: deque(maxlen=REFUSALS_KEPT))
    second: deque[float] = field(default_factory=deque)
    minute: deque[float] = field(default_factory=deque)

    def note(self, call: str, now: float) -> None:
        self.calls[call] += 1
        self.busiest_second = max(self.busiest_second, _counted(self.second, now, 1.0))
        self.busiest_minute = max(self.busiest_minute, _counted(self.minute, now, 60.0))

    def as_json(self) -> Json:
        return {
            "calls": self.calls.total(),
            "busiest_second": self.busiest_second,
            "busiest_minute": self.busiest_minute,
            "refused": self.refused,
            "refusals": list(self.refusals),
            "by_call": dict(sorted(self.calls.items())),
        }


def _counted(times: deque[float], now: float, window: float) -> int:
    times.append(now)
    while times[0] <= now - window:
        times.popleft()
    return len(times)


class Limits:
    """The counts of the present second and minute for each caller and store."""

    def __init__(self, clock_scale: float = 1) -> None:
        self._lock = threading.Lock()
        self._scale = clock_scale
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._bans: dict[str, float] = {}
        self._seen: dict[str, Seen] = {}
        self._number = 0

    def ban(self, store: str, seconds: float) -> None:
        """The store is banned from now for so many seconds."""
        self._bans[store] = time.time() + seconds

    def note(self, store: str, call: str) -> int:
        """The number of this call among all that the stand-in was asked; it is remembered."""
        with self._lock:
            self._number += 1
            self._seen.setdefault(store, Seen()).note(call, time.monotonic())
            return self._number

    def note_refusal(self, store: str, call: str) -> None:
        """Nothing; the call that was just noted was one too many."""
        with self._lock:
            seen = self._seen.setdefault(store, Seen())
            seen.refused += 1
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            seen.refusals.append({"time": at, "request": self._number, "call": call})

    def seen(self) -> dict[str, Json]:
        """What was seen for each store since the count began."""
        with self._lock:
            return {store: seen.as_json() for store, seen in self._seen.items()}

    def forget(self) -> None:
        """Nothing; what is seen is counted from now on (the limits in force are not touched)."""
        with self._lock:
            self._seen = {}

    def count(self, caller: str, store: str) -> tuple[bool, dict[str, str]]:
        """Whether this call may go on, and the headers of its answer."""
        now = time.time()
        second, minute = int(now), int(now // 60)
        with self._lock:
            seen = self._counts.setdefault((caller, store), [second, 0, minute, 0, 0])
            if seen[0] != second:
                seen[0:2] = [second, 0]
            if seen[2] != minute:
                seen[2:4] = [minute, 0]
            seen[1] += 1
            seen[3] += 1
            is_over = seen[1] > PER_SECOND or seen[3] > PER_MINUTE
            seen[4] += is_over
            if seen[4] > TOO_MANY:
                seen[4] = 0
                self.ban(store, BAN_SECONDS / self._scale)
        headers = {
            "Jumpseller-PerSecondRateLimit-Limit": str(PER_SECOND),
            "Jumpseller-PerSecondRateLimit-Remaining": str(max(0, PER_SECOND - seen[1])),
            "Jumpseller-PerMinuteRateLimit-Limit": str(PER_MINUTE),
            "Jumpseller-PerMinuteRateLimit-Remaining": str(max(0, PER_MINUTE - seen[3])),
        }
        until = self._bans.get(store, 0)
        if until > now:
            end = datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds")
            return False, {**headers, "Jumpseller-BannedByRateLimit-Reset": end}
        return not is_over, headers

    def reset(self) -> None:
        with self._lock:
            self._counts, self._bans, self._seen = {}, {}, {}
