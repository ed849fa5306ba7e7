"""The components of the stand-in that answers the current request."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, current_app

from sandbox.core.switches import Switches

from .limits import RateLimits
from .oauth_tokens import OAuthTokens
from .orders import Orders
from .platform_state import PlatformState, Shop
from .stock import Stock
from .webhooks import WebhookSender


@dataclass(frozen=True)
class Components:
    """One stand-in: its state and the objects that work on it."""

    platform: PlatformState
    oauth_tokens: OAuthTokens
    orders: Orders
    stock: Stock
    webhook_sender: WebhookSender
    limits: RateLimits

    @property
    def switches(self) -> Switches:
        return self.platform.switches

    def close(self) -> None:
        """Stop sending webhooks and close the storage."""
        self.webhook_sender.stop()
        self.platform.storage.close()


def components() -> Components:
    """Return the components of the current app."""
    found: Components = current_app.extensions["sandbox"]
    return found


def shop_or_404(code: str) -> Shop:
    """Return the shop with that code, or abort with 404."""
    shop = components().platform.shops.get(code)
    return shop if shop else abort(404)
