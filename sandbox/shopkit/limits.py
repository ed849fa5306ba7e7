"""The limit of 3600 calls an hour for each store, and the ledger of every call.

The ledger judges a run: which calls an application made, which were over the limit, what each answered.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque

from sandbox.core.call_window import count_in_window
from sandbox.core.ledger import Ledger
from sandbox.core.storage import Json

CALLS = 3600
SECONDS = 3600.0


class CallLimit:
    """The calls of each store within the window; `calls` and `seconds` may be set lower by a test."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.calls, self.seconds = CALLS, SECONDS
        self._lock = threading.Lock()
        self._windows: dict[str, deque[float]] = {}
        self._hours: dict[str, tuple[int, int]] = {}
        self._busiest: Counter[str] = Counter()
        self._since = 0

    def count(self, shop: str, window: str) -> float:
        """Count a call; return 0, or the seconds until a call is allowed again when this one is over the limit."""
        now = time.time()
        with self._lock:
            recent, hour = self._windows.setdefault(shop, deque()), int(now // self.seconds)
            of_hour = self._hours.get(shop, (hour, 0))
            in_hour = of_hour[1] + 1 if of_hour[0] == hour else 1
            in_window = count_in_window(recent, now, self.seconds)
            used, free_at = in_window, recent[0] + self.seconds
            if window == "hour":
                used, free_at = in_hour, (hour + 1) * self.seconds
            self._busiest[shop] = max(self._busiest[shop], used)
            if used > self.calls:
                recent.pop()  # A refused call does not postpone the next one.
                return max(1.0, free_at - now)
            self._hours[shop] = (hour, in_hour)
            return 0.0

    def use_up(self, shop: str, calls: int) -> None:
        """Count this many calls of somebody else's program, which the ledger does not have."""
        for _ in range(calls):
            self.count(shop, "sliding")

    def record(self, facts: Json) -> None:
        """Write the call into the ledger."""
        self.ledger.append(facts)

    def as_json(self) -> Json:
        """Return for each store the calls since the count began: their number, those over the limit, by call."""
        entries = self.ledger.entries[self._since :]
        stores = {str(entry["shop"]) for entry in entries}
        return {
            shop: {
                "calls": sum(entry["shop"] == shop for entry in entries),
                "over_limit": sum(entry["shop"] == shop and entry["over_limit"] for entry in entries),
                "busiest_hour": self._busiest[shop],
                "limit": self.calls,
                "by_call": dict(
                    sorted(Counter(entry["call"] for entry in entries if entry["shop"] == shop).items())
                ),
            }
            for shop in sorted(stores)
        }

    def reset_counts(self) -> None:
        """Begin the counts again; the ledger stays."""
        with self._lock:
            self._since = len(self.ledger.entries)
            self._busiest.clear()

    def reset(self) -> None:
        """Return to the documented limit and archive the ledger."""
        with self._lock:
            self.calls, self.seconds, self._since = CALLS, SECONDS, 0
            self._windows, self._hours = {}, {}
            self._busiest.clear()
        self.ledger.archive()
