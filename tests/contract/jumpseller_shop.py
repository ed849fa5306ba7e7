"""The shop at Jumpseller's stand-in that the contract suites open."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any
from unittest import mock

from sandbox.core import server
from sandbox.jumpseller import components_of, create_app, product_catalogue
from sandbox.jumpseller.components import Components
from sandbox.jumpseller.order_spec import find_product
from sandbox.jumpseller.platform_state import Shop
from shopapp.http_client import HttpClient
from shopapp.platforms.base import Platform
from shopapp.platforms.jumpseller import Jumpseller
from shopapp.platforms.jumpseller.adapter import SCOPE
from tests.contract import cassette as cassettes
from tests.contract.platform_shop import REDIRECT, FrozenClock, PlatformShop


class _PredictableSecrets:
    """Replaces the stand-in's `secrets`: its values are known in advance and give access to nothing."""

    def __init__(self) -> None:
        self.given = 0

    def token_urlsafe(self, length: int) -> str:
        self.given += 1
        return f"stand-in-token-{self.given:04d}"

    def token_hex(self, length: int) -> str:
        return "stand-in-hex".ljust(2 * length, "0")


class JumpsellerShop(PlatformShop):
    """The first shop of the stand-in."""

    name = "jumpseller"
    code = "olariadosado"
    events = ("order_paid", "order_canceled")
    base = "https://jumpseller.test"
    tax_rates = {Decimal(23), Decimal(13), Decimal(6)}
    has_locations = True
    order_total = Decimal("40.50")
    order_lines = (("TACA-01", Decimal(2), Decimal(23)), ("LIV-OLA-01", Decimal(1), Decimal(6)))
    levels = {
        "TACA-01": 40, "AZJ-15-AZUL": 12, "AZJ-15-VERDE": 7, "LIV-OLA-01": 25, "VINHO-01": 60, "WORK-ISENTO": 20,
    }  # fmt: skip
    unlimited = {"VALE-25": "giftcard", "PDF-MOLDES": "service"}
    cup, tiles, tile_name = "TACA-01", ("AZJ-15-AZUL", "AZJ-15-VERDE"), "Azulejo pintado à mão (Cor: Azul)"
    webhook_headers = {
        "signature": "Jumpseller-Hmac-Sha256", "event": "Jumpseller-Event", "code": "Jumpseller-Store-Code",
    }  # fmt: skip
    other_event = "customer_updated"

    @staticmethod
    def signature(body: bytes, key: str) -> str:
        return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()

    @contextmanager
    def opened(self, mode: str, cassette: str) -> Iterator[None]:
        self._session, self._base, self._secret = self.session(), self.base, "stand-in-client-secret"
        self._parts: Components | None = None
        self._sold, self._given = 1000, 0
        if mode == "unplugged":
            yield
            return
        if mode == "replayed":
            with cassettes.replayed(self._session, self.name, cassette):
                yield
            return
        counted = _PredictableSecrets()
        with (
            mock.patch("sandbox.jumpseller.oauth_tokens.secrets", counted),
            mock.patch("sandbox.jumpseller.platform_state.secrets", counted),
            mock.patch("sandbox.jumpseller.platform_state.datetime", FrozenClock),
            mock.patch(
                "sandbox.jumpseller.oauth_tokens.time",
                mock.Mock(time=lambda: FrozenClock.now(UTC).timestamp()),
            ),
        ):
            app = create_app(None, "https://app.test", "http://localhost")
            self._parts = components_of(app)
            self._parts.switches.set("rate-limits", "off")
            running = server.start(app)
            self._base, self._secret = running.url, "sandbox-secret"
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
        text = text.replace(self._secret, "stand-in-client-secret")
        return text.replace(self._base, self.base).replace(
            self._base.removeprefix("http://"), "jumpseller.test"
        )

    def platform(self, token: Callable[[str | None], str] | None = None) -> Platform:
        return Jumpseller(
            HttpClient(5, allow_plain=True, session=self._session),
            token,
            REDIRECT,
            client_id="quick-invoice",
            client_secret=self._secret,
            accounts_url=self._base,
            api_url=f"{self._base}/v1",
            admin_origins=("https://*.jumpseller.test",),
        )

    @property
    def _shop(self) -> Shop:
        return self._parts.platform.shops[self.code]

    def consent_code(self, challenge: str) -> str:
        if self._parts is None:
            self._given += 1
            return f"stand-in-token-{self._given:04d}"
        asked = {
            "scope": SCOPE,
            "redirect_uri": REDIRECT,
            "code_challenge": challenge,
            "code_challenge_method": "S256" if challenge else "",
        }
        return str(self._parts.oauth_tokens.issue_code(self._shop, asked))

    def token(self) -> str:
        code = self.consent_code("")
        if self._parts is None:
            self._given += 2
            return f"stand-in-token-{self._given - 1:04d}"
        return str(self._parts.oauth_tokens.exchange(code, REDIRECT, None)["access_token"])

    def place_order(self, **spec: Any) -> str:
        self._sold += 1
        if self._parts is not None:
            asked = {"lines": [{"sku": "TACA-01", "qty": 2}, {"sku": "LIV-OLA-01"}], "pay": True, **spec}
            placed = self._parts.orders.place(self._shop, asked)
            assert placed["id"] == self._sold
        return str(self._sold)

    def arrange(self, scene: str) -> None:
        shop = self._shop
        if scene in ("expire", "revoke"):
            self._parts.oauth_tokens.expire(shop, scene)
        elif scene == "doubled-hooks":
            for hook in list(shop.hooks.values()):
                number = shop.next_id("hook", 1)
                shop.put("hook", {**hook, "id": number})
        elif scene == "lost-hook":
            shop.drop("hook", next(iter(shop.hooks)))
        else:
            raise ValueError(scene)

    def turn(self, switch: str, position: str) -> None:
        """Set the stand-in's switch to that position."""
        self._parts.switches.set(switch, position)

    def stored_order(self, order_id: str) -> Mapping[str, Any]:
        order: Mapping[str, Any] = self._shop.orders[int(order_id)]
        return order

    def history(self, order_id: str) -> list[str]:
        return [entry["message"] for entry in self.stored_order(order_id)["history"]]

    def webhooks(self) -> list[Mapping[str, Any]]:
        return list(self._shop.hooks.values())

    def edit_product(self, sku: str, /, **changes: Any) -> None:
        product, variant = find_product(self._shop, {"sku": sku})
        assert product is not None
        if changes.get("gone"):
            product_catalogue.remove_product(self._parts, self._shop, product)
        else:
            product_catalogue.change_product(
                self._parts, self._shop, product, variant, changes, {"by": "admin"}
            )

    def load(self, products: int, **more: Any) -> None:
        """Add this number of invented products, every third with variants."""
        product_catalogue.load_items(
            self._parts,
            self._shop,
            [item | more for item in product_catalogue.generate_items(products, 3, 1)],
        )

    def stock(self, sku: str) -> Mapping[str, int]:
        product, variant = find_product(self._shop, {"sku": sku})
        held: dict[str, int] = (variant or product or {})["at"]
        return held

    def secrets(self) -> tuple[str, ...]:
        return (self._secret, "stand-in-token-", "stand-in-hex")
