"""The parts of the stand-in that is answering the present request.

Asked by every page; put in place by the app when it is made.
"""

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
    """One stand-in: what it knows and who acts on it."""

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
        """Nothing is sent or kept any more."""
        self.webhook_sender.stop()
        self.platform.storage.close()


def components() -> Components:
    """The parts of the running app."""
    found: Components = current_app.extensions["sandbox"]
    return found


def shop_or_404(code: str) -> Shop:
    """The shop of that code; a 404 when there is none."""
    shop = components().platform.shops.get(code)
    return shop if shop else abort(404)
