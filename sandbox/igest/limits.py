"""How often the stand-in is called: the limit that may be in force, and what the busiest minute was.

Kept by the office; read by `GET /sandbox/limits`.
"""

from __future__ import annotations

from collections import deque

MOST, WINDOW, BARRED = 200, 60.0, 120.0


class Limits:
    """Calls of the last minute, of the busiest one and in all, and how many were refused for their number."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Nothing; no call was ever seen."""
        self._seen: deque[float] = deque()
        self._allowed: deque[float] = deque()
        self._barred_until = 0.0
        self._calls = self._busiest = self._refused = 0

    def admit(self, now: float, enforced: bool) -> bool:
        """Whether this call is within 200 a minute, and the two minutes after too many are over; it is counted."""
        self._calls += 1
        self._busiest = max(self._busiest, _counted(self._seen, now))
        if not enforced:
            return True
        if now >= self._barred_until:
            if _counted(self._allowed, now) <= MOST:
                return True
            self._barred_until = now + BARRED
            self._allowed.clear()
        self._refused += 1
        return False

    def as_json(self) -> dict[str, int]:
        return {"calls": self._calls, "busiest_minute": self._busiest, "refused": self._refused, "most": MOST}


def _counted(calls: deque[float], now: float) -> int:
    """How many calls lie within the last minute, this one among them; a clock put back begins anew."""
    calls.append(now)
    while not now - WINDOW < calls[0] <= now:
        calls.popleft()
    return len(calls)
