"""Open the invoicing provider of an account with its credentials."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from shopapp.connections import api_usage
from shopapp.connections.api_usage import Purpose
from shopapp.connections.http import RateLimiter, new_http_client
from shopapp.connections.redaction import redact_errors
from shopapp.connections.settings import adapter_settings
from shopapp.errors import CredentialsError, ThrottledError
from shopapp.models import Account, Document, LoginAttempt, Store, now
from shopapp.providers import DEVELOPMENT_PROVIDERS, PROVIDERS
from shopapp.providers.base import AccountFeatures, Provider, Series

LOGIN_LIMIT, LOGIN_WINDOW_SECONDS = 3, 600.0


def provider_with(
    name: str, credentials: dict[str, str], on_call: Callable[[], None] | None = None
) -> Provider:
    """Return the provider opened with credentials that are not stored yet, to check them.

    No error that it raises contains one of the secrets among them.
    """
    adapter: Any = provider_class(name)
    provider: Provider = adapter(credentials, new_http_client(on_call), now=now, **adapter_settings(name))
    secrets = [credentials.get(field.name, "") for field in adapter.credential_fields if field.secret]
    return redact_errors(provider, lambda: secrets)


def provider_of(
    account: Account,
    purpose: Purpose,
    document: Document | None = None,
    rate_limiter: RateLimiter | None = None,
) -> Provider:
    """Return the provider opened with the account's credentials.

    Its calls are counted for the account, and for the document where there is one; all but those for issuing raise
    ThrottledError `plan-reserved` in the last tenth of the merchant's plan. Raises CredentialsError when the
    credentials are missing or known to be refused.
    """
    if not account.credentials:
        raise CredentialsError("keys-missing")
    if account.refused_at is not None:
        # whoever asks (a follow-up, a buyer's PDF): further tries could lock the merchant's account
        raise CredentialsError(account.refused_code or "keys-refused", **(account.refused_detail or {}))
    count = api_usage.call_counter(account, purpose, document.id if document is not None else None)
    provider = provider_with(
        account.provider,
        account.credentials,
        _limit_and_count(count, rate_limiter) if rate_limiter else count,
    )
    provider.features = _account_features(account)
    return provider


def _limit_and_count(count: Callable[[], None], rate_limiter: RateLimiter) -> Callable[[], None]:
    def before() -> None:
        rate_limiter()
        count()

    return before


def _account_features(account: Account) -> AccountFeatures:
    lists = account.lists
    series = {
        kind: Series(*(lists.find_series(kind, code) or (code, kind)))
        for kind, code in account.chosen.series.items()
    }
    return AccountFeatures(
        series, searches=lists.searches, articles=lists.articles, stock_changes=lists.stock_changes
    )


def check_login_rate(store: Store, name: str) -> None:
    """Count one login attempt at the provider. Commits.

    Raises ThrottledError `log-in-bounded` after too many: the provider would lock the merchant's account.
    """
    wait = LoginAttempt.acquire(store.id, f"log-in:{name}", LOGIN_LIMIT, LOGIN_WINDOW_SECONDS)
    if wait:
        raise ThrottledError("log-in-bounded", retry_after=wait, minutes=math.ceil(wait / 60))


def reset_login_rate(store: Store, name: str, answered: bool = True) -> None:
    """Forget the attempts because the keys were good, or only the last one when it got no answer. Commits."""
    LoginAttempt.clear(store.id, f"log-in:{name}", last_only=not answered)


def provider_class(name: str) -> type[Provider]:
    """Return the adapter's class, for what it declares without being opened."""
    return _available_providers()[name]


def provider_label(account: Account | None) -> str:
    """Return the name of the account's provider; empty without an account."""
    return provider_class(account.provider).label if account is not None else ""


def _available_providers() -> dict[str, type[Provider]]:
    stand_ins = {
        name: one for name, one in DEVELOPMENT_PROVIDERS.items() if adapter_settings(name).get("url")
    }
    return {**PROVIDERS, **stand_ins}


def provider_names() -> tuple[str, ...]:
    """Return the names of all providers, in the order in which they are offered."""
    return tuple(_available_providers())
