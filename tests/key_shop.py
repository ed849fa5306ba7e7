"""A shop platform in memory whose stores connect by a key, under Shopkit's name."""

from __future__ import annotations

from typing import Any

from shopapp.errors import StoreAccessError
from shopapp.platforms.base import StoreInfo, SupportsApiKey
from tests.fakes import FakeSecretlessPlatform

KEYS = {letter: letter * 40 for letter in "abc"}


class KeyShop(FakeSecretlessPlatform, SupportsApiKey):
    """Knows the shops in `shops` by their key; every other key is refused."""

    name, label, key_path = "shopkit", "Shopkit", ("Account settings", "Developers")
    shops: dict[str, StoreInfo] = {}
    fails: Exception | None = None
    subscribed: list[tuple[str, ...]] = []

    def __init__(self, http: Any, token: Any, redirect: str, **settings: Any) -> None:
        super().__init__(http, token, redirect)

    @staticmethod
    def clean_key(text: str) -> str:
        return text.strip() if len(text.strip()) == 40 else ""

    def admin_origins(self, code: str = "") -> tuple[str, ...]:
        return ()

    def store_info(self) -> StoreInfo:
        self._http.before_call()
        key = self._token(None)
        if KeyShop.fails:
            raise KeyShop.fails
        if key not in KeyShop.shops:
            raise StoreAccessError(key)
        return KeyShop.shops[key]

    def subscribe_webhooks(self, url: str, events: tuple[str, ...], recreate: bool = False) -> str:
        KeyShop.subscribed.append(events)
        return ""


def shop_info(code: str, name: str, **changes: Any) -> StoreInfo:
    """Return what the platform tells of a shop."""
    known = {"email": f"geral@{code}.example", "url": f"https://{code}.example/", **changes}
    return StoreInfo(code, name, "EUR", "PT", "Europe/Lisbon", "pt", **known)
