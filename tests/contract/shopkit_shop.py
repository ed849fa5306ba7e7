"""The shop at Shopkit's stand-in that the contract suites open."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest import mock

from sandbox.core import server
from sandbox.shopkit import components_of, create_app
from sandbox.shopkit.components import Components
from sandbox.shopkit.order_spec import find_goods
from sandbox.shopkit.product_catalogue import change_goods, load_items, remove_product
from sandbox.shopkit.state import Shop
from shopapp.http_client import HttpClient
from shopapp.platforms.base import Platform
from shopapp.platforms.shopkit import Shopkit
from tests.contract import cassette as cassettes
from tests.contract.platform_shop import REDIRECT, FrozenClock, PlatformShop


class ShopkitShop(PlatformShop):
    """The first shop of the stand-in, whose prices include VAT."""

    name = "shopkit"
    code = "olariadosado"
    events = ("order_paid", "order_canceled")
    base = "https://shopkit.test"
    cassette_key = "5" * 40
    tax_rates = None
    silent_verbs = ("taxes", "locations", "stock_by_location", "set_stock_at_location")
    has_locations = False
    reads_before_setting_stock = True
    order_total = Decimal("40.50")
    order_lines = (("TACA-01", Decimal(2), Decimal(23)), ("LIV-OLA-01", Decimal(1), Decimal(6)))
    levels = {
        "TACA-01": 40, "AZJ-15-AZUL": 12, "AZJ-15-VERDE": 7, "LIV-OLA-01": 25, "VINHO-01": 60, "WORK-ISENTO": 20,
    }  # fmt: skip
    unlimited = {"PDF-MOLDES": "service"}
    cup, tiles, tile_name = "TACA-01", ("AZJ-15-AZUL", "AZJ-15-VERDE"), "Azulejo pintado à mão (Azul)"
    webhook_headers = {"signature": "X-Webhook-Signature", "event": "X-Shopkit-Event"}
    other_event = "client_updated"

    @staticmethod
    def signature(body: bytes, key: str) -> str:
        return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()

    @contextmanager
    def opened(self, mode: str, cassette: str) -> Iterator[None]:
        self._session, self._base = self.session(), self.base
        self._parts: Components | None = None
        self._sold = 1000
        if mode == "unplugged":
            yield
            return
        if mode == "replayed":
            with cassettes.replayed(self._session, self.name, cassette):
                yield
            return
        with mock.patch("sandbox.core.clock.datetime", FrozenClock):
            app = create_app(None, self.base)
            self._parts = components_of(app)
            running = server.start(app)
            self._base = running.url
            try:
                if mode == "recorded":
                    with cassettes.recorded(self._session, self.name, cassette, self._scrub):
                        yield
                else:
                    yield
            finally:
                running.stop()
                self._parts.close()

    def _scrub(self, text: str) -> str:
        text = text.replace(self._shop.key, self.cassette_key).replace(self._base, self.base)
        return text.replace(self._base.removeprefix("http://"), "shopkit.test")

    def platform(self, token: Callable[[str | None], str] | None = None) -> Platform:
        return Shopkit(
            HttpClient(5, allow_plain=True, session=self._session),
            token,
            REDIRECT,
            api_url=f"{self._base}/v1",
            admin_url="https://*.shopkit.test/admin",
        )

    @property
    def _shop(self) -> Shop:
        return self._parts.state.shops[self.code]

    def consent_code(self, challenge: str) -> str:
        raise NotImplementedError("a key is pasted")

    def token(self) -> str:
        return self.cassette_key if self._parts is None else self._shop.key

    def place_order(self, **spec: Any) -> str:
        self._sold += 1
        if self._parts is not None:
            lines = [{"sku": "TACA-01", "qty": 2}, {"sku": "LIV-OLA-01"}]
            self._parts.orders.place(self._shop, {"id": self._sold, "lines": lines, "pay": True, **spec})
        return str(self._sold)

    def arrange(self, scene: str) -> None:
        shop = self._shop
        if scene == "expire":
            self._parts.state.replace_key(shop)
        elif scene == "doubled-hooks":
            for hook in list(shop.webhooks.values()):
                shop.put("webhook", {**hook, "id": shop.next_id("webhook", 1)})
        elif scene == "lost-hook":
            shop.drop("webhook", next(iter(shop.webhooks)))
        elif scene == "suspended-hook":
            shop.put("webhook", {**next(iter(shop.webhooks.values())), "suspended": True})
        else:
            raise ValueError(scene)

    def turn(self, switch: str, position: str) -> None:
        """Set the stand-in's switch to that position."""
        self._parts.switches.set(switch, position)

    def stored_order(self, order_id: str) -> Mapping[str, Any]:
        order: Mapping[str, Any] = self._shop.orders[int(order_id)]
        return order

    def history(self, order_id: str) -> list[str]:
        note: str = self.stored_order(order_id)["note"]
        return note.splitlines()

    def webhooks(self) -> list[Mapping[str, Any]]:
        return list(self._shop.webhooks.values())

    def edit_product(self, sku: str, /, **changes: Any) -> None:
        product, option = find_goods(self._shop, {"sku": sku})
        assert product is not None
        if changes.get("gone"):
            remove_product(self._parts, self._shop, product, "backoffice")
            return
        names = {"sku": "reference", "name": "title"}
        sent = {names.get(name, name): value for name, value in changes.items()}
        if sent.get("status") == "disabled":
            sent["status"] = 2
        change_goods(self._parts, self._shop, product, option, sent, "backoffice")

    def load(self, items: list[dict[str, Any]]) -> None:
        """Add these products."""
        load_items(self._parts, self._shop, items)

    def stock(self, sku: str) -> Mapping[str, int]:
        product, option = find_goods(self._shop, {"sku": sku})
        return {"": (option or product or {})["stock"]}

    def secrets(self) -> tuple[str, ...]:
        return (self.token(),)
