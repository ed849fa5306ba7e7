"""The world with its store at Shopkit: the real adapter, against Shopkit's stand-in over HTTP.

A test changes `world.shop` as it does the fake platform's data, and the stand-in is changed in the same way.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from sandbox.core import server
from sandbox.core.storage import Json
from sandbox.shopkit import components_of, create_app
from sandbox.shopkit.faults import add_fault
from sandbox.shopkit.order_format import order_json
from sandbox.shopkit.webhooks import php_json
from shopapp.errors import AppError
from shopapp.fiscal.order import Order
from shopapp.models import Store, db
from shopapp.platforms.shopkit import Shopkit
from tests.fakes import World

FAULTS = {"unreachable": "503", "throttled": "429", "order-missing": "404"}
"""The stand-in's fault for the code of an error of the fake platform."""


class StandIn:
    """The first shop of Shopkit's stand-in, and what happens to it."""

    def __init__(self) -> None:
        self._app = create_app(None, "http://localhost")
        self.running, self.parts = server.start(self._app), components_of(self._app)
        self.shop = next(iter(self.parts.state.shops.values()))

    def stop(self) -> None:
        self.running.stop()
        self.parts.close()

    def put(self, number: str, order: Order) -> None:
        """Place the order, or change it into this one, without a webhook."""
        spec = {
            "lines": [
                {
                    "name": line.description,
                    "price": str(line.unit_price),
                    "qty": int(line.quantity),
                    "tax": 23,
                }
                for line in order.lines
            ]
        }
        assert order.total == sum(line.unit_price * line.quantity for line in order.lines), "not translated"
        found = self.shop.orders.get(int(number))
        if found is None:
            created = order.created_at.isoformat()
            pay = order.status != "open"
            found = self.parts.orders.place(
                self.shop, {"id": int(number), "created_at": created, "pay": pay, "paid_at": created, **spec}
            )
        else:
            self.parts.orders.edit(self.shop, found, {"spec": spec, "webhook": False})
        if order.status == "cancelled":
            self.parts.orders.set_status(self.shop, found, "canceled")

    def delete(self, number: str) -> None:
        self.parts.orders.delete(self.shop, self.shop.orders[int(number)])

    def body(self, number: str) -> Json:
        """Return the order as a webhook has it: its number alone when it is deleted."""
        found = self.shop.orders.get(int(number))
        return order_json(self.parts.state, self.shop, found) if found else {"id": int(number)}

    def fail_writes(self, failures: list[Any]) -> None:
        """Let the next writes on orders fail like this."""
        for failure in failures:
            with self._app.app_context():
                add_fault({"path": "/v1/order", "method": "PUT", "kind": FAULTS[failure.code]})

    def suspend_webhooks(self) -> None:
        """Suspend every webhook, as Shopkit does after five repetitions."""
        for hook in list(self.shop.webhooks.values()):
            self.shop.put("webhook", {**hook, "suspended": True})


class Orders(dict[str, Order]):
    """The orders by number; each change is made at the stand-in too."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__()
        self._stand_in = stand_in

    def __setitem__(self, number: str, order: Order) -> None:
        self._stand_in.put(number, order)
        super().__setitem__(number, order)

    def __delitem__(self, number: str) -> None:
        self._stand_in.delete(number)
        super().__delitem__(number)


class Errors(dict[str, list[AppError]]):
    """The errors that the next calls raise, by method: those of `attach` are faults of the stand-in."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__()
        self._stand_in = stand_in

    def __setitem__(self, verb: str, failures: list[AppError]) -> None:
        assert verb == "attach", "not translated"
        self._stand_in.fail_writes(failures)


class Shop:
    """What a test sees of the shop, under the names of the fake platform's data."""

    def __init__(self, stand_in: StandIn, fake: Any) -> None:
        self._shop, self.stock = stand_in.shop, fake.stock
        self.orders, self.errors = Orders(stand_in), Errors(stand_in)

    @property
    def webhooks(self) -> dict[int, Json]:
        return self._shop.webhooks

    @property
    def attachments(self) -> dict[str, list[Json]]:
        """The writes of an invoice, by order."""
        found = {
            str(number): [
                write for write in order["writes"] if {"invoice_url", "invoice_file"} & write.keys()
            ]
            for number, order in self._shop.orders.items()
        }
        return {number: writes for number, writes in found.items() if writes}


class ShopkitWorld(World):
    """The world whose store is on Shopkit; its webhooks are signed, and received by the app."""

    def __init__(self, app: Flask, stand_in: StandIn, fake: World) -> None:
        self.provider, self.store, self.account = fake.provider, fake.store, fake.account
        self.stand_in, self._client = stand_in, app.test_client
        self.shop = Shop(stand_in, fake.shop)  # type: ignore[assignment]
        app.config.update(SHOPKIT_API_URL=f"{stand_in.running.url}/v1", SHOPKIT_WEBHOOK_SECRET="")
        self.store.platform, self.store.code = Shopkit.name, stand_in.shop.code
        self.store.hooks_token = stand_in.parts.state.webhook_secret(stand_in.shop)
        self.store.refresh_token = None
        self.authorise()

    def authorise(self) -> None:
        """Paste the shop's present key."""
        store = Store.install(Shopkit.name, self.stand_in.shop.code)
        store.set_tokens(self.stand_in.shop.key, None, None)
        db.session.commit()

    def receive_webhook(
        self,
        number: str,
        event: str = "order_paid",
        store: Store | None = None,
        more: str = "",
        **content: Any,
    ) -> None:
        assert store in (None, self.store)
        body = php_json({"order": {**self.stand_in.body(number), **content}, "more": more}).encode()
        db.session.commit()
        secret, key = str(self.store.hooks_token), self.store.hook_key
        db.session.commit()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Shopkit-Event": event, "X-Webhook-Signature": signature}
        client: FlaskClient = self._client()
        assert client.post(f"/hooks/shopkit/{key}", data=body, headers=headers).status_code == 200


def opened(app: Flask, fake: World) -> Iterator[ShopkitWorld]:
    """Move the store of the fake platform's world to Shopkit and yield the world; stop its stand-in afterwards."""
    stand_in = StandIn()
    yield ShopkitWorld(app, stand_in, fake)
    stand_in.stop()
