"""A caller of the Jumpseller stand-in for its own tests: places orders, installs the app, calls the API.

Used by tests/sandbox/test_jumpseller*.py. It shares no code with the program.
"""

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

from sandbox.jumpseller import create, parts_of
from sandbox.jumpseller.accounts import APP_SCOPE
from sandbox.web import Running, start

APP_URL = "http://127.0.0.1:1"
CALLBACK = f"{APP_URL}/install/callback"
SADO, SERRA = "olariadosado", "quintadaserra"


class Caller:
    """The stand-in in this process, and what a test does to it."""

    def __init__(self, folder: Path | None = None, clock_scale: float = 1) -> None:
        self.app: Flask = create(folder, APP_URL, "http://localhost:2", clock_scale)
        self.parts = parts_of(self.app)
        self.browser: FlaskClient = self.app.test_client()
        self.token = ""

    def switch(self, name: str, position: str) -> None:
        self.parts.world.switches.set(name, position)

    # --- accounts ---------------------------------------------------------------------------------------

    def asked(self, **changes: str) -> dict[str, str]:
        usual = {
            "client_id": "quick-invoice",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": APP_SCOPE,
            "state": "xyz",
        }
        return usual | changes

    def consent(self, shop: str = SADO, answer: str = "yes", **changes: str) -> dict[str, str]:
        """The parameters with which the browser comes back to the app."""
        form = {**self.asked(**changes), "shop": shop, "answer": answer}
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
        """The first tokens; later calls of the API use them."""
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

    def place(self, shop: str = SADO, **spec: Any) -> dict[str, Any]:
        """An order as the API shows it."""
        answer = self.browser.post(f"/sandbox/shops/{shop}/orders", json=spec)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json or {}
        return shown

    def act(self, number: int, act: str, shop: str = SADO, **more: Any) -> Any:
        answer = self.browser.post(f"/sandbox/shops/{shop}/orders/{number}/{act}", json=more)
        assert answer.status_code == 200, answer.text
        return answer.json

    def shown(self, number: int, shop: str = SADO) -> Any:
        return (self.browser.get(f"/sandbox/shops/{shop}/orders/{number}")).json

    # --- products and stock -----------------------------------------------------------------------------

    def load(self, products: Any, shop: str = SADO, **more: Any) -> None:
        """Nothing; the shop sells so many invented products more, or those of the list."""
        answer = self.browser.post("/sandbox/catalogue", json={"shop": shop, "products": products, **more})
        assert answer.status_code == 201, answer.text

    def goods(self, sku: str, shop: str = SADO) -> dict[str, Any]:
        """What the shop sells under that SKU, with what lies where."""
        (found,) = self.browser.get(f"/sandbox/shops/{shop}/goods", query_string={"sku": sku}).json or []
        known: dict[str, Any] = found
        return known

    def edit(self, product: int, shop: str = SADO, **changes: Any) -> Any:
        answer = self.browser.post(f"/sandbox/shops/{shop}/goods/{product}", json=changes)
        assert answer.status_code == 200, answer.text
        return answer.json

    def ledger(self, **wanted: Any) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.browser.get("/sandbox/stock", query_string=wanted).json or []
        return lines

    def deliveries(self, **wanted: Any) -> list[dict[str, Any]]:
        """The deliveries once none is due, newest first."""
        found: list[dict[str, Any]] = self.browser.get(
            "/sandbox/deliveries", query_string={"settled": 10, **wanted}
        ).json  # type: ignore[assignment]
        return found

    def close(self) -> None:
        self.parts.close()


@contextmanager
def opened(folder: Path | None = None, clock_scale: float = 1) -> Iterator[Caller]:
    caller = Caller(folder, clock_scale)
    try:
        yield caller
    finally:
        caller.close()


class Ear:
    """A place that hooks are sent to; it answers as told and remembers what came."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.status = 200
        self._came = threading.Condition()
        app = Flask("ear")

        @app.post("/<path:rest>")
        def hear(rest: str) -> Response:
            with self._came:
                what = {"path": rest, "headers": dict(request.headers), "body": request.get_data()}
                self.heard.append(what)
                self._came.notify_all()
            return Response("", self.status)

        self.running: Running = start(app)
        self.url = f"{self.running.url}/hook"

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """What was heard, once it is so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.heard) >= count, 20), f"{len(self.heard)} of {count}"
            return list(self.heard)

    def stop(self) -> None:
        self.running.stop()
