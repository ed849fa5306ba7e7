"""Build the HTTP client of an adapter, and limit its rate."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import current_app

from shopapp.connections.settings import seconds_setting
from shopapp.http_client import HttpClient
from shopapp.models import db


def new_http_client(on_call: Callable[[], None] | None = None) -> HttpClient:
    """Return a new client with the limits of the settings; `on_call` runs before each call.

    A call raises RuntimeError while a transaction is open: no transaction waits for the network.
    """

    def before_call() -> None:
        _require_no_transaction()
        if on_call is not None:
            on_call()

    allow_plain: bool = current_app.config["ALLOW_PLAIN_HTTP"]
    return HttpClient(seconds_setting("CALL_SECONDS"), allow_plain, before_call=before_call)


def _require_no_transaction() -> None:
    if db.session().in_transaction():
        raise RuntimeError("a transaction is open over a call to an external system")


class RateLimiter:
    """Limits the calls per second by sleeping, for work that nobody waits for; `calls` counts them."""

    def __init__(self, per_second: float) -> None:
        self._gap, self._next, self.calls = 1 / per_second, 0.0, 0

    def __call__(self) -> None:
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = time.monotonic() + self._gap
        self.calls += 1
