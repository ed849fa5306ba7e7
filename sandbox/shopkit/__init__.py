"""A stand-in of Shopkit: the REST API with its key, webhooks and a small back office in one Flask app.

sandbox/README.md says what it reproduces; each point that is not certain is a switch.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, redirect
from werkzeug.wrappers import Response

from sandbox.core.blueprint import core_blueprint
from sandbox.core.ledger import Ledger

from . import (
    admin,
    admin_orders,
    api,
    api_orders,
    api_products,
    api_webhooks,
    control,
    control_products,
    faults,
    storefront,
)
from .components import Components, components
from .limits import CallLimit
from .orders import Orders
from .state import ShopkitState
from .stock import Stock
from .webhooks import WebhookSender

__all__ = ["create_app", "components_of"]
# importing these registers their routes on the blueprints of api, control and admin
ROUTE_MODULES = (api_orders, api_products, api_webhooks, control_products, admin_orders)


def create_app(folder: Path | None, public: str, app_url: str = "", clock_scale: float = 1) -> Flask:
    """Return the stand-in over the state kept in the folder (None: in memory)."""
    app = Flask("sandbox-shopkit", root_path=str(Path(__file__).parent))
    app.url_map.strict_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    state = ShopkitState(folder, public, app_url, clock_scale)
    sender = WebhookSender(state)
    stock = Stock(state, sender, Ledger(folder / "stock.jsonl" if folder else None))
    limit = CallLimit(Ledger(folder / "calls.jsonl" if folder else None))
    app.extensions["sandbox"] = Components(state, Orders(state, sender, stock), stock, sender, limit)
    app.before_request(api.authenticate)
    app.before_request(faults.before_request)
    app.after_request(faults.after_request)
    app.after_request(api.record_call)
    for pages in (
        core_blueprint("Shopkit", state.switches),
        api.pages,
        control.pages,
        admin.pages,
        storefront.pages,
    ):
        app.register_blueprint(pages)
    app.add_url_rule("/", "root", _root)
    return app


def components_of(app: Flask) -> Components:
    """Return the components of an app made by `create_app`."""
    found: Components = app.extensions["sandbox"]
    return found


def _root() -> Response:
    return redirect(f"/admin/{components().state.first_shop().code}/")
