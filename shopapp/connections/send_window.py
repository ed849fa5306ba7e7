"""Keep a worker that was frozen after its claim from sending what another may have claimed by now."""

from __future__ import annotations

import time

SEND_WITHIN_SECONDS = 5.0
"""The seconds after the claim within which the call must begin, by the monotonic clock."""


def is_too_late_to_send(claimed_at: float) -> bool:
    """Return whether the send window of a claim is over; `claimed_at` is a time of the monotonic clock."""
    return time.monotonic() - claimed_at > SEND_WITHIN_SECONDS
