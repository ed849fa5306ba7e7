"""The platform and the providers of one store, opened when first needed."""

from __future__ import annotations

from functools import cached_property

from shopapp.connections import circuit_breaker
from shopapp.connections.contracts import require
from shopapp.connections.http import RateLimiter
from shopapp.connections.provider import provider_class, provider_of
from shopapp.connections.shop import platform_class, platform_of
from shopapp.models import Account, Store, db
from shopapp.platforms.base import Platform
from shopapp.providers.stock import SupportsStock


class StoreConnections:
    """Open the adapters of one store once each, with the rate limits that background work keeps to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shop_rate_limiter = RateLimiter(platform_class(store.platform).calls_per_second)
        self._rate_limiters: dict[int, RateLimiter] = {}
        self._providers: dict[int, SupportsStock] = {}
        self.last_account: Account | None = None
        """The account whose provider was asked for last: a refusal of credentials is about that one."""

    @cached_property
    def shop(self) -> Platform:
        return platform_of(self._store, self._shop_rate_limiter)

    def provider(self, account: Account) -> SupportsStock:
        """Return the account's provider. Leave no transaction open.

        Raises TransientError while the account is paused.
        """
        self.last_account = account
        circuit_breaker.require_not_open(account)
        if account.id not in self._providers:
            opened = provider_of(account, "comfort", rate_limiter=self.rate_limiter(account))
            self._providers[account.id] = require(opened, SupportsStock)
        db.session.commit()
        return self._providers[account.id]

    def rate_limiter(self, account: Account) -> RateLimiter:
        calls_per_second = provider_class(account.provider).capabilities.calls_per_second
        return self._rate_limiters.setdefault(account.id, RateLimiter(calls_per_second))

    @property
    def calls(self) -> int:
        """The number of calls made so far, to the shop and to all providers."""
        return sum(limiter.calls for limiter in (self._shop_rate_limiter, *self._rate_limiters.values()))
