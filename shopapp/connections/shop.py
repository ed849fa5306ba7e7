"""Open the shop platform of a store, with a fresh access token."""

from __future__ import annotations

import time
from collections.abc import Callable

from shopapp import failpoints
from shopapp.connections import shop_calls
from shopapp.connections.api_usage import Purpose
from shopapp.connections.contracts import require
from shopapp.connections.http import RateLimiter, new_http_client
from shopapp.connections.redaction import redact_errors
from shopapp.connections.settings import adapter_settings, text_setting
from shopapp.errors import AppError, CredentialsError, StoreAccessError, UnreachableError
from shopapp.logs import log_event
from shopapp.models import Store, db, now
from shopapp.platforms import PLATFORMS, Platform
from shopapp.platforms.base import SupportsApiKey
from shopapp.platforms.oauth import SupportsOAuth

_REFRESH_MARGIN_SECONDS = 300
_TOKEN_LEASE_SECONDS = 60
_TOKEN_WAIT_SECONDS = 20.0


def platform_without_store(name: str) -> Platform:
    """Return the platform without a store, to authorise one."""
    return _open_platform(name, None)


def platform_names() -> tuple[str, ...]:
    """Return the names of all platforms, in the order in which they are offered."""
    return tuple(PLATFORMS)


def platform_with(name: str, access_token: str) -> Platform:
    """Return the platform opened with a token just received, before a row holds it."""
    return _open_platform(name, lambda refused: access_token)


def platform_of(
    store: Store, rate_limiter: RateLimiter | None = None, purpose: Purpose = "comfort"
) -> Platform:
    """Return the store's platform; its access token is refreshed when needed.

    Where the platform allows only so many calls an hour, all but those for issuing raise ThrottledError
    `shop-calls-used` in the last tenth of them.
    """
    token, per_hour = _access_token_getter(store.id), platform_class(store.platform).calls_per_hour
    if per_hour is None:
        return _open_platform(store.platform, token, rate_limiter)
    store_id, calls = store.id, shop_calls.shop_calls()

    def before_call() -> None:
        if rate_limiter is not None:
            rate_limiter()
        calls.take(store_id, per_hour, purpose)

    return _open_platform(store.platform, token, before_call, shop_calls.pause_on_limit(store_id))


def _open_platform(
    name: str,
    token: Callable[[str | None], str] | None,
    before_call: Callable[[], None] | None = None,
    on_error: Callable[[AppError], None] = lambda error: None,
) -> Platform:
    redirect = f"{text_setting('APP_URL')}/install/callback"
    adapter: Callable[..., Platform] = PLATFORMS[name]
    settings, used = adapter_settings(name), set[str]()

    def noted(refused: str | None) -> str:
        used.add(found := token(refused) if token else "")
        return found

    platform = adapter(new_http_client(before_call), noted if token else None, redirect, **settings)
    secrets = str(settings.get("client_secret", "")), str(settings.get("webhook_secret", ""))
    return redact_errors(platform, lambda: {*used, *secrets}, on_error)


def platform_class(name: str) -> type[Platform]:
    """Return the adapter's class, for what needs no store: verifying and reading webhooks."""
    return PLATFORMS[name]


def lost_access_code(store: Store) -> str:
    """Return the code that says that the store's platform refuses its API key, or else its token."""
    return "store-key" if issubclass(platform_class(store.platform), SupportsApiKey) else "store-access"


def _access_token_getter(store_id: int) -> Callable[[str | None], str]:
    """Return a function that returns an access token, and refreshes it when it expires or was refused.

    One caller per store refreshes at a time, as a refresh token can be used only once; the others wait for its
    result.
    """

    def access_token(refused: str | None) -> str:
        until = time.monotonic() + _TOKEN_WAIT_SECONDS
        while True:
            db.session.rollback()
            store = db.session.get_one(Store, store_id, populate_existing=True)
            token, expires = store.access_token, store.token_expires_at
            fresh = expires is None or (expires - now()).total_seconds() > _REFRESH_MARGIN_SECONDS
            db.session.commit()
            if token and token != refused and fresh:
                return str(token)
            if store.state != "installed" or not store.refresh_token:
                raise StoreAccessError(token)
            if store.acquire_lease("token", _TOKEN_LEASE_SECONDS):
                return _refresh_access_token(store, refused)
            if time.monotonic() > until:
                raise UnreachableError("unreachable", how="token-busy")
            time.sleep(0.1)

    return access_token


def _refresh_access_token(store: Store, refused: str | None) -> str:
    """Refresh the access token and return it, unless another caller has just refreshed it.

    The caller holds the store's lease `token`, which is released.
    """
    db.session.refresh(store)
    expires = store.token_expires_at
    if (
        store.access_token != refused
        and expires
        and (expires - now()).total_seconds() > _REFRESH_MARGIN_SECONDS
    ):
        token = str(store.access_token)
        store.token_lease_until = None
        db.session.commit()
        return token
    old = str(store.refresh_token)
    db.session.commit()
    try:
        tokens = require(platform_without_store(store.platform), SupportsOAuth).refresh(old)
    except CredentialsError as error:
        if not _record_lost_grant(store, old):
            # the merchant has just authorised again: the former grant was refused
            return str(store.access_token)
        raise StoreAccessError(store.access_token, **error.detail) from error
    failpoints.hit("refresh_before_commit")
    store.set_tokens(tokens.access, tokens.refresh, tokens.expires_in)
    db.session.commit()
    return tokens.access


def _record_lost_grant(store: Store, used_token: str) -> bool:
    """Require a new authorisation. Return False when the store has other tokens by now. Commits."""
    db.session.refresh(store)
    gone = bool(store.refresh_token == used_token)
    if gone:
        store.state, store.lost_at = "reauthorise", now()
        log_event("access-lost", store=store.id)
    store.token_lease_until = None
    db.session.commit()
    return gone


def record_lost_access(store: Store, refused_token: str | None) -> None:
    """Require a new authorisation of the store, whose platform refuses `refused_token` for good. Commits.

    Changes nothing when the store has another token by now, as the merchant authorised while the call was under way,
    or none, as it was uninstalled.
    """
    db.session.refresh(store)
    if refused_token is not None and refused_token == store.access_token:
        store.require_reauthorisation(store.access_token_sealed)
    db.session.commit()
