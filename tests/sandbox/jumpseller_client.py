"""A client of the Jumpseller stand-in: it installs the app, calls the API and places orders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox.core.server import RunningServer, start
from sandbox.jumpseller import components_of, create_app
from sandbox.jumpseller.oauth_tokens import APP_SCOPE

APP_URL = "http://127.0.0.1:1"
CALLBACK = f"{APP_URL}/install/callback"
SADO, SERRA = "olariadosado", "quintadaserra"


class JumpsellerClient:
    """The stand-in in this process, with the actions that tests need."""

    def __init__(self, folder: Path | None = None, clock_scale: float = 1) -> None:
        self.app: Flask = create_app(folder, APP_URL, "http://localhost:2", clock_scale)
        self.parts = components_of(self.app)
        self.browser: FlaskClient = self.app.test_client()
        self.token = ""

    def switch(self, name: str, position: str) -> None:
        self.parts.platform.switches.set(name, position)

    # --- accounts ---------------------------------------------------------------------------------------

    def authorize_query(self, **changes: str) -> dict[str, str]:
        usual = {
            "client_id": "quick-invoice",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": APP_SCOPE,
            "state": "xyz",
        }
        return usual | changes

    def consent(self, shop: str = SADO, answer: str = "yes", **changes: str) -> dict[str, str]:
        """Answer the consent page and return the parameters of the redirect to the app."""
        form = {**self.authorize_query(**changes), "shop": shop, "answer": answer}
        came = self.browser.post("/oauth/authorize", data=form)
        assert came.status_code == 302, came.text
        return {name: values[0] for name, values in parse_qs(urlsplit(came.location).query).items()}

    def post_token(self, **fields: str) -> TestResponse:
        client = {"client_id": "quick-invoice", "client_secret": "sandbox-secret"}
        return self.browser.post("/oauth/token", data=client | fields)

    def exchange(self, code: str, **more: str) -> TestResponse:
        return self.post_token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **more)

    def refresh(self, token: str) -> TestResponse:
        return self.post_token(grant_type="refresh_token", refresh_token=token)

    def install(self, shop: str = SADO, **changes: str) -> dict[str, Any]:
        """Install the app and return the first tokens, which later calls use."""
        answer = self.exchange(self.consent(shop, **changes)["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json or {}
        self.token = tokens["access_token"]
        return tokens

    # --- API and orders ---------------------------------------------------------------------------------

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.browser.open(f"/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json

    def subscribe(self, url: str, *events: str) -> None:
        for event in events:
            answer = self.call("POST", "/hooks.json", json={"hook": {"event": event, "url": url}})
            assert answer.status_code == 200, answer.text

    def place_order(self, shop: str = SADO, **spec: Any) -> dict[str, Any]:
        """Place an order and return it as the API shows it."""
        answer = self.browser.post(f"/sandbox/shops/{shop}/orders", json=spec)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json or {}
        return shown

    def change_order(self, number: int, act: str, shop: str = SADO, **more: Any) -> Any:
        answer = self.browser.post(f"/sandbox/shops/{shop}/orders/{number}/{act}", json=more)
        assert answer.status_code == 200, answer.text
        return answer.json

    def stored_order(self, number: int, shop: str = SADO) -> Any:
        return (self.browser.get(f"/sandbox/shops/{shop}/orders/{number}")).json

    # --- products and stock -----------------------------------------------------------------------------

    def load(self, products: Any, shop: str = SADO, **more: Any) -> None:
        """Add this number of generated products to the shop, or the products of the list."""
        answer = self.browser.post("/sandbox/catalogue", json={"shop": shop, "products": products, **more})
        assert answer.status_code == 201, answer.text

    def product(self, sku: str, shop: str = SADO) -> dict[str, Any]:
        """Return the product with that SKU and its stock by location."""
        (found,) = self.browser.get(f"/sandbox/shops/{shop}/goods", query_string={"sku": sku}).json or []
        known: dict[str, Any] = found
        return known

    def edit_product(self, product: int, shop: str = SADO, **changes: Any) -> Any:
        answer = self.browser.post(f"/sandbox/shops/{shop}/goods/{product}", json=changes)
        assert answer.status_code == 200, answer.text
        return answer.json

    def ledger(self, **wanted: Any) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.browser.get("/sandbox/stock", query_string=wanted).json or []
        return lines

    def deliveries(self, **wanted: Any) -> list[dict[str, Any]]:
        """Wait until no delivery is due and return all of them, newest first."""
        found: list[dict[str, Any]] = self.browser.get(
            "/sandbox/deliveries", query_string={"settled": 10, **wanted}
        ).json  # type: ignore[assignment]
        return found

    def close(self) -> None:
        self.parts.close()


@contextmanager
def open_client(folder: Path | None = None, clock_scale: float = 1) -> Iterator[JumpsellerClient]:
    caller = JumpsellerClient(folder, clock_scale)
    try:
        yield caller
    finally:
        caller.close()


class WebhookReceiver:
    """A server that receives webhooks, answers with `status` and keeps them."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        self._arrived = threading.Condition()
        app = Flask("webhook-receiver")

        @app.post("/<path:rest>")
        def receive(rest: str) -> Response:
            with self._arrived:
                what = {"path": rest, "headers": dict(request.headers), "body": request.get_data()}
                self.received.append(what)
                self._arrived.notify_all()
            return Response("", self.status)

        self.running: RunningServer = start(app)
        self.url = f"{self.running.url}/hook"

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Wait for this number of webhooks and return them."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, 20), (
                f"{len(self.received)} of {count}"
            )
            return list(self.received)

    def stop(self) -> None:
        self.running.stop()
