"""Count calls within a sliding window of time."""

from __future__ import annotations

from collections import deque


def count_in_window(calls: deque[float], now: float, seconds: float) -> int:
    """Add a call and return how many lie within the last seconds; a clock set back starts over."""
    calls.append(now)
    while not now - seconds < calls[0] <= now:
        calls.popleft()
    return len(calls)
