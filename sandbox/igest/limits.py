"""Count the calls to the stand-in and, when its switch says so, limit them."""

from __future__ import annotations

from collections import deque

from sandbox.core.call_window import count_in_window

MAX_PER_MINUTE, WINDOW_SECONDS, BAN_SECONDS = 200, 60.0, 120.0


class RateLimits:
    """The calls of the last minute, of the busiest minute and in total, and the refused ones."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every call."""
        self._all_calls: deque[float] = deque()
        self._allowed_calls: deque[float] = deque()
        self._banned_until = 0.0
        self._calls = self._busiest = self._refused = 0

    def allow(self, now: float, enforced: bool) -> bool:
        """Count the call and return whether it is allowed.

        When enforced, 200 calls a minute are allowed; one more starts two minutes of refusals.
        """
        self._calls += 1
        self._busiest = max(self._busiest, count_in_window(self._all_calls, now, WINDOW_SECONDS))
        if not enforced:
            return True
        if now >= self._banned_until:
            if count_in_window(self._allowed_calls, now, WINDOW_SECONDS) <= MAX_PER_MINUTE:
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
