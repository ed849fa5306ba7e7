"""Open the shop platform of a store, with a fresh access token."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from shopapp import failpoints
from shopapp.connections.http import RateLimiter, new_http_client
from shopapp.connections.settings import adapter_settings, text_setting
from shopapp.errors import CredentialsError, StoreAccessError, UnreachableError
from shopapp.models import Store, db, now
from shopapp.platforms import PLATFORMS, Platform

log = logging.getLogger(__name__)

_REFRESH_MARGIN_SECONDS = 300


_TOKEN_LEASE_SECONDS = 60


_TOKEN_WAIT_SECONDS = 20.0


def platform_without_store(name: str) -> Platform:
    """The platform with no store opened: for authorising and for reading hooks."""
    return _open_platform(name, None)


def platform_names() -> tuple[str, ...]:
    """The platforms there are, in the order in which they are offered."""
    return tuple(PLATFORMS)


def platform_with(name: str, access_token: str) -> Platform:
    """The platform opened with a token just received, before any row holds it."""
    return _open_platform(name, lambda refused: access_token)


def platform_of(store: Store, rate_limiter: RateLimiter | None = None) -> Platform:
    """The store's platform; its token is refreshed when it must be. With `pace` its calls keep to that."""
    return _open_platform(store.platform, _access_token_getter(store.id), rate_limiter)


def _open_platform(
    name: str, token: Callable[[str | None], str] | None, rate_limiter: RateLimiter | None = None
) -> Platform:
    redirect = f"{text_setting('APP_URL')}/install/callback"
    adapter: Callable[..., Platform] = PLATFORMS[name]
    return adapter(new_http_client(rate_limiter), token, redirect, **adapter_settings(name))


def platform_class(name: str) -> type[Platform]:
    """What needs no store: the signature and the reading of hooks."""
    return PLATFORMS[name]


def _access_token_getter(store_id: int) -> Callable[[str | None], str]:
    """A giver of access tokens that refreshes once per store, whoever asks first (rotating refresh tokens)."""

    def give(refused: str | None) -> str:
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

    return give


def _refresh_access_token(store: Store, refused: str | None) -> str:
    """The new access token. The lease is held: re-reads first, as another may just have finished."""
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
        tokens = platform_without_store(store.platform).refresh(old)
    except CredentialsError as error:
        if not _record_lost_grant(store, old):
            # authorised anew in this very moment: the refusal was of the former grant
            return str(store.access_token)
        raise StoreAccessError(store.access_token, **error.detail) from error
    failpoints.hit("refresh_before_commit")
    store.set_tokens(tokens.access, tokens.refresh, tokens.expires_in)
    db.session.commit()
    return tokens.access


def _record_lost_grant(store: Store, used_token: str) -> bool:
    """True when the store's grant is gone; False when another pair of tokens was kept meanwhile. Commits."""
    db.session.refresh(store)
    gone = bool(store.refresh_token == used_token)
    if gone:
        store.state, store.lost_at = "reauthorise", now()
        log.warning("store %s must be authorised again", store.id)
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
