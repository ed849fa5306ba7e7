"""Rate limits: 20 calls a second and 800 a minute for each caller and store; 2000 refused calls start a ban.

It also counts each store's calls, its busiest second and minute and its refused calls, so that a run can be
judged.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.core.call_window import count_in_window
from sandbox.core.storage import Json

PER_SECOND = 20
PER_MINUTE = 800
REFUSALS_BEFORE_BAN = 2000
BAN_SECONDS = 600.0
REFUSALS_KEPT = 1000


@dataclass
class CallCounts:
    """The calls for one store since the count began; seconds and minutes are sliding windows."""

    calls: Counter[str] = field(default_factory=Counter)
    busiest_second: int = 0
    busiest_minute: int = 0
    refused: int = 0
    refusals: deque[Json] = field(default_factory=lambda: deque(maxlen=REFUSALS_KEPT))
    last_second: deque[float] = field(default_factory=deque)
    last_minute: deque[float] = field(default_factory=deque)

    def record_call(self, call: str, now: float) -> None:
        self.calls[call] += 1
        self.busiest_second = max(self.busiest_second, count_in_window(self.last_second, now, 1.0))
        self.busiest_minute = max(self.busiest_minute, count_in_window(self.last_minute, now, 60.0))

    def as_json(self) -> Json:
        return {
            "calls": self.calls.total(),
            "busiest_second": self.busiest_second,
            "busiest_minute": self.busiest_minute,
            "refused": self.refused,
            "refusals": list(self.refusals),
            "by_call": dict(sorted(self.calls.items())),
        }


class RateLimits:
    """The counts of the current second and minute for each caller and store."""

    def __init__(self, clock_scale: float = 1) -> None:
        self._lock = threading.Lock()
        self._scale = clock_scale
        self._window_counts: dict[tuple[str, str], list[int]] = {}
        self._bans: dict[str, float] = {}
        self._call_counts: dict[str, CallCounts] = {}
        self._call_number = 0

    def ban(self, store: str, seconds: float) -> None:
        """Ban the store for this number of seconds."""
        self._bans[store] = time.time() + seconds

    def record_call(self, store: str, call: str) -> int:
        """Count the call and return its number among all calls of the stand-in."""
        with self._lock:
            self._call_number += 1
            self._call_counts.setdefault(store, CallCounts()).record_call(call, time.monotonic())
            return self._call_number

    def record_refusal(self, store: str, call: str) -> None:
        """Count the call just recorded as refused."""
        with self._lock:
            counts = self._call_counts.setdefault(store, CallCounts())
            counts.refused += 1
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            counts.refusals.append({"time": at, "request": self._call_number, "call": call})

    def call_counts(self) -> dict[str, Json]:
        """Return the counts of each store since the count began."""
        with self._lock:
            return {store: seen.as_json() for store, seen in self._call_counts.items()}

    def reset_counts(self) -> None:
        """Reset the counts; the limits in force stay as they are."""
        with self._lock:
            self._call_counts = {}

    def check_limit(self, caller: str, store: str) -> tuple[bool, dict[str, str]]:
        """Return whether the call is allowed, and the headers of its answer."""
        now = time.time()
        second, minute = int(now), int(now // 60)
        with self._lock:
            window_counts = self._window_counts.setdefault((caller, store), [second, 0, minute, 0, 0])
            if window_counts[0] != second:
                window_counts[0:2] = [second, 0]
            if window_counts[2] != minute:
                window_counts[2:4] = [minute, 0]
            window_counts[1] += 1
            window_counts[3] += 1
            is_over = window_counts[1] > PER_SECOND or window_counts[3] > PER_MINUTE
            window_counts[4] += is_over
            if window_counts[4] > REFUSALS_BEFORE_BAN:
                window_counts[4] = 0
                self.ban(store, BAN_SECONDS / self._scale)
        headers = {
            "Jumpseller-PerSecondRateLimit-Limit": str(PER_SECOND),
            "Jumpseller-PerSecondRateLimit-Remaining": str(max(0, PER_SECOND - window_counts[1])),
            "Jumpseller-PerMinuteRateLimit-Limit": str(PER_MINUTE),
            "Jumpseller-PerMinuteRateLimit-Remaining": str(max(0, PER_MINUTE - window_counts[3])),
        }
        until = self._bans.get(store, 0)
        if until > now:
            end = datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds")
            return False, {**headers, "Jumpseller-BannedByRateLimit-Reset": end}
        return not is_over, headers

    def reset(self) -> None:
        with self._lock:
            self._window_counts, self._bans, self._call_counts = {}, {}, {}
