"""Pause an account whose provider does not answer."""

from __future__ import annotations

import logging
import random

from shopapp.connections.settings import seconds_setting
from shopapp.errors import (
    AppError,
    CredentialsError,
    MerchantError,
    ThrottledError,
)
from shopapp.models import Account, db, now

log = logging.getLogger("quickinvoice.settling")

FAILURE_THRESHOLD = 4
"""Calls in a row without an answer after which all of an account waits: one that is down is not knocked at for each."""


_IGNORED_CODES = ("draft-not-ours",)
"""Failures that say nothing of the provider."""


CREDENTIALS_CODES = ("keys-refused", "keys-missing")
"""Refusals of the account itself: good keys set these documents going again."""


def mark_credentials_refused(account: Account, error: CredentialsError) -> None:
    """Nothing; from now on no document of this account is tried: hammering would lock the merchant out."""
    account.refused_at, account.refused_code = account.refused_at or now(), error.code
    account.refused_detail = dict(error.detail)
    db.session.commit()


def record_provider_health(account: Account, error: AppError | None) -> None:
    """Nothing; what a call to the provider says of its health: after a few that brought no answer the account pauses.

    Each further failure doubles the pause, any answer ends it. Commits.
    """
    if isinstance(error, CredentialsError) or (error is not None and error.code in _IGNORED_CODES):
        return
    if error is None or isinstance(error, MerchantError):
        account.clear_failures()
        db.session.commit()
    elif account.count_failure() >= FAILURE_THRESHOLD:
        delay = backoff_seconds(account.pauses)
        if isinstance(error, ThrottledError) and error.retry_after is not None:
            delay = max(delay, error.retry_after)
        if account.pause(delay):
            log.warning("account %s pauses for %.0f s: %s", account.id, delay, error.code)


def backoff_seconds(previous_waits: int) -> float:
    """Seconds to wait after so many waits: twice as long each time, with jitter so that not all come back together."""
    first = seconds_setting("RETRY_SECONDS")
    longest: float = min(first * 2**previous_waits, first * 60)
    return longest * random.uniform(0.8, 1.2)
