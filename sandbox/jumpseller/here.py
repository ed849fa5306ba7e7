"""The parts of the stand-in that is answering the present request.

Asked by every page; put in place by the app when it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, current_app

from sandbox.web import Switches

from .accounts import Accounts
from .hooks import Sender
from .limits import Limits
from .orders import Orders
from .stock import Stock
from .world import Shop, World


@dataclass(frozen=True)
class Parts:
    """One stand-in: what it knows and who acts on it."""

    world: World
    accounts: Accounts
    orders: Orders
    stock: Stock
    sender: Sender
    limits: Limits

    @property
    def switches(self) -> Switches:
        return self.world.switches

    def close(self) -> None:
        """Nothing is sent or kept any more."""
        self.sender.stop()
        self.world.shelf.close()


def parts() -> Parts:
    """The parts of the running app."""
    found: Parts = current_app.extensions["sandbox"]
    return found


def shop_called(code: str) -> Shop:
    """The shop of that code; a 404 when there is none."""
    shop = parts().world.shops.get(code)
    return shop if shop else abort(404)
