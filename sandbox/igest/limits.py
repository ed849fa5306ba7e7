"""How often the stand-in is called: the limit that may be in force, and what the busiest minute was.

Kept by the office; read by `GET /sandbox/limits`.
"""

from __future__ import annotations

from collections import deque

MAX_PER_MINUTE, WINDOW_SECONDS, BAN_SECONDS = 200, 60.0, 120.0


class RateLimits:
    """Calls of the last minute, of the busiest one and in all, and how many were refused for their number."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing; no call was ever seen."""
        self._all_calls: deque[float] = deque()
        self._allowed_calls: deque[float] = deque()
        self._banned_until = 0.0
        self._calls = self._busiest = self._refused = 0

    def allow(self, now: float, enforced: bool) -> bool:
        """Whether this call is within 200 a minute, and the two minutes after too many are over; it is counted."""
        self._calls += 1
        self._busiest = max(self._busiest, _count_last_minute(self._all_calls, now))
        if not enforced:
            return True
        if now >= self._banned_until:
            if _count_last_minute(self._allowed_calls, now) <= MAX_PER_MINUTE:
                return True
            self._banned_until = now + BAN_SECONDS
            self._allowed_calls.clear()
        self._refused += 1
        return False

    def as_json(self) -> dict[str, int]:
        return {
            "calls": self._calls,
            "busiest_minute": self._busiest,
            "refused": self._refused,
            "most": MAX_PER_MINUTE,
        }


def _count_last_minute(calls: deque[float], now: float) -> int:
    """How many calls lie within the last minute, this one among them; a clock put back begins anew."""
    calls.append(now)
    while not now - WINDOW_SECONDS < calls[0] <= now:
        calls.popleft()
    return len(calls)
