"""The components of the stand-in that answers the current request."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, current_app

from sandbox.core.switches import Switches

from .limits import CallLimit
from .orders import Orders
from .state import Shop, ShopkitState
from .stock import Stock
from .webhooks import WebhookSender


@dataclass(frozen=True)
class Components:
    """One stand-in: its state and the objects that work on it."""

    state: ShopkitState
    orders: Orders
    stock: Stock
    sender: WebhookSender
    limit: CallLimit

    @property
    def switches(self) -> Switches:
        return self.state.switches

    def close(self) -> None:
        """Stop sending webhooks and close the storage."""
        self.sender.stop()
        self.state.storage.close()


def components() -> Components:
    """Return the components of the current app."""
    found: Components = current_app.extensions["sandbox"]
    return found


def shop_or_404(code: str) -> Shop:
    """Return the store with that code, or abort with 404."""
    shop = components().state.shops.get(code)
    return shop if shop else abort(404)
