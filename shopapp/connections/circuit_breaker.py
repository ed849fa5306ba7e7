"""Pause an account whose provider does not answer, and stop one whose keys the provider refuses.

closed     Calls go through. FAILURE_THRESHOLD calls in a row without an answer open the breaker.
open       Nothing of the account is tried until `paused_until`. Each further failure doubles the pause.
half-open  The pause is over, but `pauses` still counts it: one document at a time is taken (`document_queue.take`
           claims the probe) and asks first by a call that changes nothing. Any answer closes it, a failure opens it.

The state is kept in columns of `Account`. Refused keys stop the account until the merchant saves good ones.
"""

from __future__ import annotations

import logging
import random

from shopapp.connections.api_usage import Purpose
from shopapp.connections.http import RateLimiter
from shopapp.connections.provider import provider_of
from shopapp.connections.settings import seconds_setting
from shopapp.errors import AppError, CredentialsError, MerchantError, ThrottledError, TransientError
from shopapp.models import Account, Document, db, now
from shopapp.providers.base import Provider

log = logging.getLogger(__name__)

FAILURE_THRESHOLD = 4
"""Calls in a row without an answer that open the breaker."""
CREDENTIALS_CODES = ("keys-refused", "keys-missing")
"""Refusals of the account itself: documents blocked for them continue once the keys are good."""
_IGNORED_CODES = ("draft-not-ours", "plan-reserved")
"""Failures that say nothing about the provider."""


class BreakerOpenError(TransientError):
    """The provider is known not to answer: no call was made."""


def is_closed(account: Account) -> bool:
    """Return whether the provider answers and accepts the keys, as far as is known."""
    return account.refused_at is None and not account.pauses


def require_not_open(account: Account) -> None:
    """Raise BreakerOpenError `unreachable` while the account pauses."""
    if account.paused_until is not None and account.paused_until > now():
        raise BreakerOpenError("unreachable")


def open_provider(
    account: Account,
    purpose: Purpose,
    document: Document | None = None,
    rate_limiter: RateLimiter | None = None,
) -> Provider:
    """Return the account's provider for calls now. Leaves no transaction open.

    Raises BreakerOpenError while the account pauses, CredentialsError while its keys are missing or refused.
    """
    require_not_open(account)
    provider = provider_of(account, purpose, document, rate_limiter)
    db.session.commit()
    return provider


def probe(account: Account, provider: Provider) -> None:
    """Ask a provider that was down, by a call that changes nothing, whether it answers. Commits.

    Raises TransientError or CredentialsError when it does not. Asked before a document is claimed: one that is sent
    to a provider that may be down can end up issued twice, or as a question to the merchant.
    """
    db.session.commit()
    try:
        provider.check()
    except (TransientError, CredentialsError) as error:
        db.session.rollback()
        record_failure(account, error)
        raise


def record_failure(account: Account, error: AppError) -> None:
    """Record what a failed call says about the provider. Commits.

    Refused keys stop the account, any other refusal is an answer and closes the breaker, and a call without an answer
    is counted.
    """
    if isinstance(error, CredentialsError):
        if error.code in CREDENTIALS_CODES:
            _stop(account, error)
    elif isinstance(error, MerchantError):
        close(account)
        db.session.commit()
    elif not isinstance(error, BreakerOpenError) and error.code not in _IGNORED_CODES:
        _count_failure(account, error)


def _stop(account: Account, error: CredentialsError) -> None:
    # further tries with refused keys could lock the merchant's account at the provider
    account.refused_at, account.refused_code = account.refused_at or now(), error.code
    account.refused_detail = dict(error.detail)
    db.session.commit()


def _count_failure(account: Account, error: AppError) -> None:
    if account.count_failure() < FAILURE_THRESHOLD:
        return
    delay = backoff_seconds(account.pauses)
    if isinstance(error, ThrottledError) and error.retry_after is not None:
        delay = max(delay, error.retry_after)
    if account.pause(delay):
        log.warning("account %s pauses for %.0f s: %s", account.id, delay, error.code)


def close(account: Account) -> None:
    """Record that the provider answered, which ends every pause of the account. Not committed."""
    account.clear_failures()


def reset(account: Account) -> None:
    """Lift the pause and the refusal of the keys, as the merchant has saved good ones. Not committed."""
    account.refused_at, account.refused_code, account.refused_detail = None, "", {}
    account.paused_until = account.probe_until = account.down_since = None
    account.pauses = account.failures = 0


def backoff_seconds(previous_waits: int) -> float:
    """Return the seconds to wait after so many waits: twice as long each time, up to 60 times RETRY_SECONDS.

    Jitter of 20 % keeps the retries from coming all at once.
    """
    first = seconds_setting("RETRY_SECONDS")
    longest: float = min(first * 2**previous_waits, first * 60)
    return longest * random.uniform(0.8, 1.2)  # noqa: S311  (a delay, no secret)
