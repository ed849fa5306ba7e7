"""The Jumpseller stand-in: accounts, REST API, hook sender and a small shop admin in one program.

Run as `python -m sandbox.jumpseller`; tests make it in their own process with `create`. What it reproduces is
in sandbox/README.md; what nobody knows of Jumpseller is a switch.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, redirect
from werkzeug.wrappers import Response

from sandbox.web import core

from . import (
    admin,
    admin_products,
    api,
    api_orders,
    api_products,
    api_stock,
    api_store,
    control,
    control_goods,
    faults,
    oauth,
)
from .accounts import Accounts
from .here import Parts, parts
from .hooks import Sender
from .ledger import Ledger
from .limits import Limits
from .orders import Orders
from .stock import Stock
from .world import World

__all__ = ["create", "parts_of"]
# these register their pages on the blueprints of api, control and admin when they are imported
ROOMS = (api_orders, api_products, api_stock, api_store, control_goods, admin_products)


def create(folder: Path | None, app_url: str, public: str, clock_scale: float = 1) -> Flask:
    """The stand-in with everything that the folder holds (None: nothing is kept)."""
    app = Flask("sandbox-jumpseller", root_path=str(Path(__file__).parent))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    world = World(folder, app_url, public, clock_scale)
    sender = Sender(world)
    stock = Stock(world, sender, Ledger(folder))
    app.extensions["sandbox"] = Parts(
        world, Accounts(world), Orders(world, sender, stock), stock, sender, Limits(clock_scale)
    )
    app.before_request(faults.before)
    app.after_request(faults.after)
    for pages in (core("Jumpseller", world.switches), oauth.pages, api.pages, control.pages, admin.pages):
        app.register_blueprint(pages)
    app.add_url_rule("/", "root", _root)
    app.add_url_rule("/admin/orders/edit/<int:number>", "edit_address", admin.edit_address)
    app.add_url_rule("/admin/products/edit/<int:number>", "edit_product", admin_products.edit_address)
    return app


def parts_of(app: Flask) -> Parts:
    """The parts of an app that `create` made."""
    found: Parts = app.extensions["sandbox"]
    return found


def _root() -> Response:
    return redirect(f"/admin/{parts().world.first_shop().code}/")
