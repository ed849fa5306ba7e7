"""Where a row meets an adapter: opens a platform for a store, a provider for an account; nothing else joins the two.

Called by the moves and by `web`. Refreshes a store's token once for all who need it, and subscribes its hooks.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from flask import current_app

from shopapp import counting, fault
from shopapp.fiscal.errors import CredentialsError, ThrottledError, UnreachableError
from shopapp.http import Wire
from shopapp.models import Account, Document, Knock, Store, db, now
from shopapp.platforms import PLATFORMS, Platform
from shopapp.platforms.base import UnreadableHook
from shopapp.providers import IN_DEVELOPMENT, PROVIDERS
from shopapp.providers.base import Known, Provider, Series

log = logging.getLogger("quickinvoice.connect")

LOG_INS, LOG_IN_SECONDS = 3, 600.0
_EARLY_SECONDS = 300
_TOKEN_LEASE = 60
_TOKEN_WAIT = 20.0


def setting(name: str) -> Any:
    """The value of one of config's settings, for the moves, which know no Flask."""
    return current_app.config[name]


def wire(count: Callable[[], None] | None = None) -> Wire:
    """A fresh wire with this program's limits; it refuses to call while a transaction is open (house rule 6).

    `count` is called before each call.
    """

    def before() -> None:
        _nothing_open()
        if count is not None:
            count()

    return Wire(setting("CALL_SECONDS"), setting("ALLOW_PLAIN_HTTP"), before=before)


def _nothing_open() -> None:
    if db.session().in_transaction():
        raise RuntimeError("a transaction is open over a call to the outside")


def _settings_of(name: str) -> dict[str, Any]:
    """The settings that begin with an adapter's name, in lower case without it: JUMPSELLER_API_URL gives api_url."""
    prefix = name.upper() + "_"
    return {k.removeprefix(prefix).lower(): v for k, v in current_app.config.items() if k.startswith(prefix)}


def platform(name: str) -> Platform:
    """The platform with no store opened: for authorising and for reading hooks."""
    return _open(name, None)


def platform_names() -> tuple[str, ...]:
    """The platforms there are, in the order in which they are offered."""
    return tuple(PLATFORMS)


def platform_with(name: str, access_token: str) -> Platform:
    """The platform opened with a token just received, before any row holds it."""
    return _open(name, lambda refused: access_token)


def platform_of(store: Store, pace: Pace | None = None) -> Platform:
    """The store's platform; its token is refreshed when it must be. With `pace` its calls keep to that."""
    return _open(store.platform, _token_giver(store.id), pace)


def _open(name: str, token: Callable[[str | None], str] | None, pace: Pace | None = None) -> Platform:
    redirect = f"{setting('APP_URL')}/install/callback"
    adapter: Callable[..., Platform] = PLATFORMS[name]
    return adapter(wire(pace), token, redirect, **_settings_of(name))


class Pace:
    """What holds calls back to so many a second, for work that nobody waits for; `calls` is how many there were."""

    def __init__(self, a_second: float) -> None:
        self._gap, self._next, self.calls = 1 / a_second, 0.0, 0

    def __call__(self) -> None:
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = time.monotonic() + self._gap
        self.calls += 1


def provider_with(
    name: str, credentials: dict[str, str], count: Callable[[], None] | None = None
) -> Provider:
    """The provider opened with credentials that are not kept yet: for checking them."""
    adapter: Callable[..., Provider] = provider_class(name)
    return adapter(credentials, wire(count), now=now, **_settings_of(name))


def provider_of(account: Account, document: Document | None = None, pace: Pace | None = None) -> Provider:
    """The provider opened with this account's credentials. CredentialsError when they are gone, or known to be refused.

    Its calls are counted as this account's, and as this document's where they are made for one. With `pace` they keep
    to that.
    """
    if not account.credentials:
        raise CredentialsError("keys-missing")
    if account.refused_at is not None:
        # whoever asks, and however often (mail, a buyer's PDF): the account over there is not to be locked by us
        raise CredentialsError(account.refused_code or "keys-refused", **(account.refused_detail or {}))
    count = counting.counter(account.id, document.id if document is not None else None)
    provider = provider_with(account.provider, account.credentials, _both(count, pace) if pace else count)
    provider.known = _known(account)
    return provider


def _both(count: Callable[[], None], pace: Pace) -> Callable[[], None]:
    def before() -> None:
        pace()
        count()

    return before


def _known(account: Account) -> Known:
    """What set-up learned: the series that the merchant chose, as the lists told of them."""
    told = {(kind, code): rest for code, kind, *rest in account.choices.get("series", [])}
    chosen = account.settings.get("series", {})
    series = {kind: Series(code, kind, *told.get((kind, code), ())) for kind, code in chosen.items()}
    proved = {name: bool(account.choices.get(name)) for name in ("searches", "articles", "stock_changes")}
    return Known(series, **proved)


def may_log_in(store: Store, name: str) -> None:
    """Nothing; keys may be tried at the provider now, which is counted. Commits.

    ThrottledError `log-in-bounded` when they were tried too often: the provider would lock the merchant's account.
    """
    wait = Knock.wait(store.id, f"log-in:{name}", LOG_INS, LOG_IN_SECONDS)
    if wait:
        raise ThrottledError("log-in-bounded", retry_after=wait, minutes=math.ceil(wait / 60))


def logged_in(store: Store, name: str, heard: bool = True) -> None:
    """Nothing; the keys were good, or (not `heard`) nobody was there to judge the last ones. Commits."""
    Knock.forget(store.id, f"log-in:{name}", last=not heard)


def platform_class(name: str) -> type[Platform]:
    """What needs no store: the signature and the reading of hooks."""
    return PLATFORMS[name]


def provider_class(name: str) -> type[Provider]:
    """What the provider declares of itself, without opening it."""
    return _providers()[name]


def _providers() -> dict[str, type[Provider]]:
    stand_ins = {name: one for name, one in IN_DEVELOPMENT.items() if _settings_of(name).get("url")}
    return {**PROVIDERS, **stand_ins}


def provider_names() -> tuple[str, ...]:
    """The providers there are, in the order in which they are offered."""
    return tuple(_providers())


def hook_kind(platform_name: str, event: str, body: bytes) -> str:
    """What a kept hook says happened (paid, cancelled, updated, other); empty when it cannot be read."""
    try:
        return PLATFORMS[platform_name].read_hook(event, body).kind
    except UnreadableHook:
        return ""


def hook_url(store: Store) -> str:
    """The address that the store's hooks post to; its end is unguessable."""
    return f"{setting('APP_URL')}/hooks/{store.platform}/{store.hook_key}"


def listen(store: Store, anew: bool = False) -> str:
    """What had to be mended in the store's hooks ('' when nothing); also re-reads the hooks token. Commits.

    With `anew` each is made again, whatever the platform says of it.
    """
    account = Account.of(store)
    opened = platform_of(store)
    wanted = opened.events
    if account is not None and (account.is_early or account.follows):
        wanted += opened.early_events
    if account is not None and account.follows:
        wanted += opened.product_events
    db.session.commit()
    mended = opened.listen(hook_url(store), wanted, anew)
    found = opened.store_info()
    store.hooks_token = found.hooks_token
    store.hooks_token_read_at = store.hooks_checked_at = now()
    store.hooks_lease_until = None
    db.session.commit()
    return mended


def reread_hooks_token(store: Store, at_most_every: float = 600) -> bool:
    """True when the store's hooks token was read again and is another one; at most once in ten minutes. Commits."""
    read_at, old = store.hooks_token_read_at, store.hooks_token
    young = read_at is not None and (now() - read_at).total_seconds() < at_most_every
    db.session.commit()
    if young:
        return False
    store.hooks_token = platform_of(store).store_info().hooks_token
    store.hooks_token_read_at = now()
    db.session.commit()
    return bool(old != store.hooks_token)


def _token_giver(store_id: int) -> Callable[[str | None], str]:
    """A giver of access tokens that refreshes once per store, whoever asks first (rotating refresh tokens)."""

    def give(refused: str | None) -> str:
        until = time.monotonic() + _TOKEN_WAIT
        while True:
            db.session.rollback()
            store = db.session.get_one(Store, store_id, populate_existing=True)
            token, expires = store.access_token, store.token_expires_at
            fresh = expires is None or (expires - now()).total_seconds() > _EARLY_SECONDS
            db.session.commit()
            if token and token != refused and fresh:
                db.session().info[_given(store_id)] = store.access_token_sealed
                return str(token)
            if store.state != "installed" or not store.refresh_token:
                raise CredentialsError("store-access")
            if store.lease("token", _TOKEN_LEASE):
                return _refresh(store, refused)
            if time.monotonic() > until:
                raise UnreachableError("unreachable", how="token-busy")
            time.sleep(0.1)

    return give


def _refresh(store: Store, refused: str | None) -> str:
    """The new access token. The lease is held: re-reads first, as another may just have finished."""
    db.session.refresh(store)
    expires = store.token_expires_at
    if store.access_token != refused and expires and (expires - now()).total_seconds() > _EARLY_SECONDS:
        token = str(store.access_token)
        store.token_lease_until = None
        db.session.commit()
        return token
    old = str(store.refresh_token)
    db.session.commit()
    try:
        tokens = platform(store.platform).refresh(old)
    except CredentialsError as error:
        if not _reauthorise(store, old):
            # authorised anew in this very moment: the refusal was of the former grant
            return str(store.access_token)
        raise CredentialsError("store-access", **error.detail) from error
    fault.point("refresh_before_commit")
    store.keep_tokens(tokens.access, tokens.refresh, tokens.expires_in)
    db.session.commit()
    return tokens.access


def _reauthorise(store: Store, spent: str) -> bool:
    """True when the store's grant is gone; False when another pair of tokens was kept meanwhile. Commits."""
    db.session.refresh(store)
    gone = bool(store.refresh_token == spent)
    if gone:
        store.state, store.lost_at = "reauthorise", now()
        log.warning("store %s must be authorised again", store.id)
    store.token_lease_until = None
    db.session.commit()
    return gone


def lost_access(store: Store) -> None:
    """Nothing; the platform refuses this store's token for good: it must be authorised again. Commits.

    A merchant who did so while the refused call was on its way is not asked twice: the token last given must still
    be the store's.
    """
    store.must_authorise(db.session().info.get(_given(store.id), store.access_token_sealed))


def _given(store_id: int) -> str:
    """Under which name the session remembers which token was given for a store."""
    return f"token given for {store_id}"
