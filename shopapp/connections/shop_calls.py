"""Keep the calls of all processes to one shop within what its platform allows an hour (`Platform.calls_per_hour`).

Counted in Redis, over any sixty minutes. The last tenth is for issuing: other work gets ThrottledError, and is tried
again later. Above the limit, as a shop may count other programs too, nobody calls before the time that the shop told.
While Redis is away each process counts alone, up to a tenth of the limit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import current_app
from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage, MovingWindowSupport, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from shopapp.connections.api_usage import Purpose
from shopapp.errors import AppError, ThrottledError

log = logging.getLogger(__name__)

T = TypeVar("T")

RESERVED_PERCENT = 10
"""The last part of an hour's calls that is left for issuing."""
FALLBACK_PERCENT = 10
"""The part of the limit that each process may use while Redis is away."""
RETRY_SECONDS = 30.0
"""The shortest wait of work that may not call now: one more call is no use to it."""
_DEFAULT_PAUSE_SECONDS = 60.0
_REDIS_SECONDS = 0.25
_REDIS_AWAY_SECONDS = 5.0


class ShopCalls:
    """The counts of all shops, in Redis or, while it is away, in this process."""

    def __init__(self, redis_url: str) -> None:
        url = redis_url.replace("unix://", "redis+unix://") if redis_url.startswith("unix:") else redis_url
        timeouts: Any = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
        self._shared = cast(Storage, storage_from_string(url, **timeouts))
        self._own = MemoryStorage()
        self._redis_away_until = 0.0

    def take(self, store_id: int, per_hour: int, purpose: Purpose) -> None:
        """Count one call of the shop. Raises ThrottledError `shop-calls-used` when it may not be made now."""

        def count(storage: Storage, allowed: int) -> float:
            return _seconds_to_wait(storage, store_id, allowed, purpose)

        if wait := self._with_storage(count, per_hour):
            raise ThrottledError("shop-calls-used", retry_after=wait)

    def pause(self, store_id: int, seconds: float | None) -> None:
        """Let nobody call the shop for these seconds, as it asked us to."""
        until = max(1, round(seconds or _DEFAULT_PAUSE_SECONDS))

        def store(storage: Storage, _: int) -> None:
            storage.clear(_pause_key(store_id))
            storage.incr(_pause_key(store_id), until)

        self._with_storage(store, 0)

    def _with_storage(self, act: Callable[[Storage, int], T], per_hour: int) -> T:
        if self._redis_away_until <= time.monotonic():
            try:
                return act(self._shared, per_hour)
            except Exception as error:  # noqa: BLE001  (Redis is down, frozen or refuses: the shop is called all the same)
                self._redis_away_until = time.monotonic() + _REDIS_AWAY_SECONDS
                log.warning("calls counted in this process alone: %s", type(error).__name__)
        return act(self._own, per_hour * FALLBACK_PERCENT // 100)


def _seconds_to_wait(storage: Storage, store_id: int, allowed: int, purpose: Purpose) -> float:
    """Return 0 when the call was counted and may be made, else when to ask again, in seconds."""
    if storage.get(_pause_key(store_id)):
        return max(storage.get_expiry(_pause_key(store_id)) - time.time(), 1.0)
    assert isinstance(storage, MovingWindowSupport)
    limiter, hour = MovingWindowRateLimiter(storage), RateLimitItemPerHour(allowed)
    if purpose != "issuing":
        left = limiter.get_window_stats(hour, "shop", str(store_id)).remaining
        if left <= allowed * RESERVED_PERCENT // 100:
            return _until_next(limiter, hour, store_id)
    return 0.0 if limiter.hit(hour, "shop", str(store_id)) else _until_next(limiter, hour, store_id)


def _until_next(limiter: MovingWindowRateLimiter, hour: RateLimitItemPerHour, store_id: int) -> float:
    return max(limiter.get_window_stats(hour, "shop", str(store_id)).reset_time - time.time(), RETRY_SECONDS)


def _pause_key(store_id: int) -> str:
    return f"shop-pause/{store_id}"


def shop_calls() -> ShopCalls:
    """Return the counts of this process's app."""
    found: ShopCalls | None = current_app.extensions.get("shop_calls")
    if found is None:
        found = current_app.extensions["shop_calls"] = ShopCalls(current_app.config["REDIS_URL"])
    return found


def pause_on_limit(store_id: int) -> Callable[[AppError], None]:
    """Return what to do with an error of the shop: one above its limit lets every process wait."""
    calls = shop_calls()

    def note(error: AppError) -> None:
        if isinstance(error, ThrottledError) and error.code == "throttled":
            calls.pause(store_id, error.retry_after)

    return note
