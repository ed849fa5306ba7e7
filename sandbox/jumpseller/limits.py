"""How often an app may call for one store: 20 times a second, 800 a minute; a ban after 2000 calls too many.

Asked by the API before each call. It counts by caller's address and store, as documented.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

PER_SECOND = 20
PER_MINUTE = 800
TOO_MANY = 2000
BAN_SECONDS = 600.0


class Limits:
    """The counts of the present second and minute for each caller and store."""

    def __init__(self, clock_scale: float = 1) -> None:
        self._lock = threading.Lock()
        self._scale = clock_scale
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._bans: dict[str, float] = {}

    def ban(self, store: str, seconds: float) -> None:
        """The store is banned from now for so many seconds."""
        self._bans[store] = time.time() + seconds

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
            self._counts, self._bans = {}, {}
