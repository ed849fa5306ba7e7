"""Subscribe a store's webhooks and keep its webhook token current."""

from __future__ import annotations

from shopapp.connections.settings import adapter_settings, text_setting
from shopapp.connections.shop import platform_of
from shopapp.models import Account, Store, db, now
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import SupportsProducts, SupportsWebhookSecret, UnreadableWebhook


def webhook_kind(platform_name: str, event: str, body: bytes) -> str:
    """Return what a stored webhook reports (paid, cancelled, updated, other); '' when it can't be read."""
    try:
        return PLATFORMS[platform_name].parse_webhook(event, body).kind
    except UnreadableWebhook:
        return ""


def webhook_url(store: Store) -> str:
    """Return the address that the store's webhooks post to; its last part can't be guessed."""
    return f"{text_setting('APP_URL')}/hooks/{store.platform}/{store.hook_key}"


def webhook_secret_of(store: Store) -> str:
    """Return the secret that signs the store's webhooks: its own, or the application's; '' while none is known."""
    return str(store.hooks_token or "") or _application_secret(store.platform)


def _application_secret(platform_name: str) -> str:
    if issubclass(PLATFORMS[platform_name], SupportsWebhookSecret):
        return ""
    return str(adapter_settings(platform_name).get("webhook_secret", ""))


def lacks_webhooks(store: Store) -> bool:
    """Return whether nobody knows the secret of the store's webhooks: none is subscribed, and it is polled instead."""
    return store.platform in platforms_without_webhooks() and not store.hooks_token


def platforms_without_webhooks() -> list[str]:
    """Return the platforms whose stores have no webhooks unless the merchant gives us the secret."""
    return [
        name
        for name, adapter in PLATFORMS.items()
        if not issubclass(adapter, SupportsWebhookSecret) and not _application_secret(name)
    ]


def subscribe_webhooks(store: Store, recreate: bool = False) -> str:
    """Subscribe the webhooks that the store needs and re-read their token. Commits.

    Return what had to be fixed, '' when nothing had. With `recreate` each is created again in any case. A store whose
    secret nobody knows has none.
    """
    account = Account.find_current(store)
    opened = platform_of(store)
    wanted = opened.events
    if account is not None and (account.handles_unpaid_orders or account.stock_direction):
        wanted += opened.unpaid_order_events
    if account is not None and account.stock_direction and isinstance(opened, SupportsProducts):
        wanted += opened.product_events
    if lacks_webhooks(store):
        wanted, recreate = (), False
    db.session.commit()
    fixed = opened.subscribe_webhooks(webhook_url(store), wanted, recreate)
    if isinstance(opened, SupportsWebhookSecret):
        store.hooks_token, store.hooks_token_read_at = opened.webhook_secret(), now()
    store.hooks_checked_at = now()
    store.hooks_lease_until = None
    db.session.commit()
    return fixed


def unsubscribe_webhooks(store: Store) -> None:
    """Delete every webhook of the store that posts to us. Commits nothing. Raises what the platform's call raises."""
    platform_of(store).subscribe_webhooks(webhook_url(store), ())


def reread_webhook_token(store: Store, at_most_every: float = 600) -> bool:
    """Read the store's webhook token again, unless it is recent. Return whether it changed. Commits."""
    read_at, old = store.hooks_token_read_at, store.hooks_token
    is_fresh = read_at is not None and (now() - read_at).total_seconds() < at_most_every
    db.session.commit()
    opened = platform_of(store)
    if is_fresh or not isinstance(opened, SupportsWebhookSecret):
        return False
    store.hooks_token, store.hooks_token_read_at = opened.webhook_secret(), now()
    db.session.commit()
    return bool(old != store.hooks_token)
