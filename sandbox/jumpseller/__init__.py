"""A stand-in of Jumpseller: OAuth, the REST API, webhooks and a small shop admin in one Flask app.

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
    admin_products,
    api,
    api_orders,
    api_products,
    api_stock,
    api_store,
    control,
    control_products,
    faults,
    oauth,
)
from .components import Components, components
from .limits import RateLimits
from .oauth_tokens import OAuthTokens
from .orders import Orders
from .platform_state import PlatformState
from .stock import Stock
from .webhooks import WebhookSender

__all__ = ["create_app", "components_of"]
# importing these registers their routes on the blueprints of api, control and admin
ROUTE_MODULES = (
    api_orders,
    api_products,
    api_stock,
    api_store,
    control_products,
    admin_orders,
    admin_products,
)


def create_app(folder: Path | None, app_url: str, public: str, clock_scale: float = 1) -> Flask:
    """Return the stand-in over the state kept in the folder (None: in memory)."""
    app = Flask("sandbox-jumpseller", root_path=str(Path(__file__).parent))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    platform = PlatformState(folder, app_url, public, clock_scale)
    webhook_sender = WebhookSender(platform)
    stock = Stock(platform, webhook_sender, Ledger(folder / "stock.jsonl" if folder else None))
    app.extensions["sandbox"] = Components(
        platform,
        OAuthTokens(platform),
        Orders(platform, webhook_sender, stock),
        stock,
        webhook_sender,
        RateLimits(clock_scale),
    )
    app.before_request(faults.before_request)
    app.after_request(faults.after_request)
    for pages in (
        core_blueprint("Jumpseller", platform.switches),
        oauth.pages,
        api.pages,
        control.pages,
        admin.pages,
    ):
        app.register_blueprint(pages)
    app.add_url_rule("/", "root", _root)
    app.add_url_rule("/admin/orders/edit/<int:number>", "edit_address", admin_orders.redirect_to_order)
    app.add_url_rule("/admin/products/edit/<int:number>", "edit_product", admin_products.redirect_to_product)
    return app


def components_of(app: Flask) -> Components:
    """Return the components of an app made by `create_app`."""
    found: Components = app.extensions["sandbox"]
    return found


def _root() -> Response:
    return redirect(f"/admin/{components().platform.first_shop().code}/")
