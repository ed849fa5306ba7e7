"""A client of the Shopkit stand-in: it calls the API with the key of a store and places orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox.shopkit import components_of, create_app
from sandbox.shopkit.state import Shop

SADO, SERRA = "olariadosado", "quintadaserra"


class ShopkitClient:
    """The stand-in in this process, with the actions that tests need."""

    def __init__(self, folder: Path | None = None, clock_scale: float = 1) -> None:
        self.app = create_app(folder, "http://localhost:2", clock_scale=clock_scale)
        self.parts = components_of(self.app)
        self.browser: FlaskClient = self.app.test_client()

    def switch(self, name: str, position: str) -> None:
        self.parts.switches.set(name, position)

    def shop(self, code: str = SADO) -> Shop:
        return self.parts.state.shops[code]

    def call(self, method: str, path: str, shop: str = SADO, **more: Any) -> TestResponse:
        headers = {"X-API-KEY": self.shop(shop).key, **more.pop("headers", {})}
        return self.browser.open(f"/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str, shop: str = SADO) -> Any:
        answer = self.call("GET", path, shop)
        assert answer.status_code == 200, answer.text
        return answer.json

    def control(self, path: str, **body: Any) -> Any:
        answer = self.browser.post(f"/sandbox/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json

    def place_order(self, shop: str = SADO, **spec: Any) -> dict[str, Any]:
        """Place an order and return it as the API shows it."""
        shown: dict[str, Any] = self.control(f"shops/{shop}/orders", **spec)
        return shown

    def change_order(self, number: int, act: str, shop: str = SADO, **more: Any) -> Any:
        return self.control(f"shops/{shop}/orders/{number}/{act}", **more)

    def subscribe(self, url: str, *events: str) -> None:
        for event in events:
            assert self.call("POST", "/webhook", json={"url": url, "event": event}).status_code == 201, event

    def deliveries(self, **wanted: Any) -> list[dict[str, Any]]:
        """Wait until no delivery is due and return all of them, newest first."""
        query = {"settled": 10, **wanted}
        found: list[dict[str, Any]] = self.browser.get("/sandbox/deliveries", query_string=query).json or []
        return found


@contextmanager
def open_client(folder: Path | None = None, clock_scale: float = 1) -> Iterator[ShopkitClient]:
    client = ShopkitClient(folder, clock_scale)
    try:
        yield client
    finally:
        client.parts.close()
