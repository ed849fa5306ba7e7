"""Where a row meets an adapter: opens a platform for a store, a provider for an account; nothing else joins the two.

Called by the moves and by `web`. Refreshes a store's token once for all who need it, and subscribes its hooks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import current_app

from shopapp.http_client import HttpClient
from shopapp.models import db

log = logging.getLogger("quickinvoice.connect")


def setting(name: str) -> Any:
    """The value of one of config's settings, for the moves, which know no Flask."""
    return current_app.config[name]


def new_http_client(on_call: Callable[[], None] | None = None) -> HttpClient:
    """A fresh wire with this program's limits; it refuses to call while a transaction is open (house rule 6).

    `count` is called before each call.
    """

    def before() -> None:
        _require_no_transaction()
        if on_call is not None:
            on_call()

    return HttpClient(setting("CALL_SECONDS"), setting("ALLOW_PLAIN_HTTP"), before_call=before)


def _require_no_transaction() -> None:
    if db.session().in_transaction():
        raise RuntimeError("a transaction is open over a call to the outside")


def adapter_settings(name: str) -> dict[str, Any]:
    """The settings that begin with an adapter's name, in lower case without it: JUMPSELLER_API_URL gives api_url."""
    prefix = name.upper() + "_"
    return {k.removeprefix(prefix).lower(): v for k, v in current_app.config.items() if k.startswith(prefix)}


class RateLimiter:
    """What holds calls back to so many a second, for work that nobody waits for; `calls` is how many there were."""

    def __init__(self, per_second: float) -> None:
        self._gap, self._next, self.calls = 1 / per_second, 0.0, 0

    def __call__(self) -> None:
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = time.monotonic() + self._gap
        self.calls += 1
