"""The state of the stand-in: stores with their orders, products and webhooks, switches and faults.

Everything is kept in storage; readers and writers share one lock.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from sandbox.core.clock import Clock
from sandbox.core.storage import Json, JsonStorage
from sandbox.core.switches import Switches

from . import seed
from .switches import SWITCHES

RECORD_KINDS = ("order", "product", "webhook")
APPLICATION_SECRET = hashlib.sha256(b"sandbox shopkit application").hexdigest()
"""The client secret of the whole application, for that position of the switch `webhook-secret`."""


def key_for(code: str, count: int = 0) -> str:
    """Return the store's API key: 40 hexadecimal digits, known in advance; `count` is how often it was replaced."""
    return hashlib.sha1(f"sandbox shopkit key {code} {count}".encode()).hexdigest()


class Shop:
    """A store: its profile, and its records by kind and id."""

    def __init__(self, profile: Json, storage: JsonStorage) -> None:
        self.profile = profile
        self.code: str = profile["code"]
        self.records: dict[str, dict[int, Json]] = {kind: {} for kind in RECORD_KINDS}
        self._storage = storage

    @property
    def orders(self) -> dict[int, Json]:
        return self.records["order"]

    @property
    def products(self) -> dict[int, Json]:
        return self.records["product"]

    @property
    def webhooks(self) -> dict[int, Json]:
        return self.records["webhook"]

    @property
    def key(self) -> str:
        return str(self.profile["key"])

    def save(self) -> None:
        self._storage.put("shop", self.code, self.profile)

    def put(self, kind: str, record: Json) -> None:
        """Store the record."""
        self.records[kind][record["id"]] = record
        self._storage.put(f"{kind}:{self.code}", record["id"], record)

    def put_products(self, products: list[Json]) -> None:
        """Store the products in one transaction."""
        self.products.update({product["id"]: product for product in products})
        self._storage.put_all(f"product:{self.code}", [(product["id"], product) for product in products])

    def drop(self, kind: str, number: int) -> None:
        del self.records[kind][number]
        self._storage.drop(f"{kind}:{self.code}", number)

    def next_id(self, kind: str, first: int) -> int:
        """Return an id that no record of the kind has had in this store, not even a deleted one."""
        counters = self.profile.setdefault("counters", {})
        number = max(counters.get(kind, first - 1), max(self.records[kind], default=first - 1)) + 1
        counters[kind] = number
        self.save()
        return int(number)

    def load(self) -> None:
        for kind in RECORD_KINDS:
            found = self._storage.all(f"{kind}:{self.code}")
            self.records[kind] = {int(key): found[key] for key in sorted(found, key=int)}


class ShopkitState:
    """The stores and what they share: switches, clock, faults and the address."""

    def __init__(self, folder: Path | None, public: str, app_url: str = "", clock_scale: float = 1) -> None:
        self.public, self.app_url = public.rstrip("/"), app_url.rstrip("/")
        self.clock_scale = clock_scale
        self.lock = threading.RLock()
        self.storage = JsonStorage(folder)
        self.switches = Switches(SWITCHES, self.storage)
        self.clock = Clock(self.storage)
        self.shops: dict[str, Shop] = {}
        self.faults: list[Json] = []
        self._load()

    def _load(self) -> None:
        for profile in self.storage.all("shop").values():
            shop = Shop(profile, self.storage)
            shop.load()
            self.shops[shop.code] = shop
        self.shops = dict(sorted(self.shops.items(), key=lambda item: item[1].profile["number"]))
        if not self.shops:
            for profile in seed.profiles():
                self.create_shop(profile)

    def create_shop(self, profile: Json) -> Shop:
        """Create a store with its key, its secret and its first products."""
        profile["key"] = key_for(profile["code"])
        profile["client_secret"] = hashlib.sha256(f"secret {profile['code']}".encode()).hexdigest()
        shop = Shop(profile, self.storage)
        shop.put_products(seed.products(profile["number"], shop.code))
        shop.save()
        self.shops[shop.code] = shop
        return shop

    def replace_key(self, shop: Shop, key: str | None = None) -> str:
        """Give the store another API key (None: the next one), so that the old one is refused; return it."""
        with self.lock:
            shop.profile["keys"] = shop.profile.get("keys", 0) + 1
            shop.profile["key"] = key_for(shop.code, shop.profile["keys"]) if key is None else key
            shop.save()
        return shop.key

    def webhook_secret(self, shop: Shop) -> str:
        """Return the key of the signatures of this store's webhooks."""
        return {
            "beside-key": str(shop.profile["client_secret"]),
            "application": APPLICATION_SECRET,
            "api-key": shop.key,
        }[self.switches["webhook-secret"]]

    def now(self) -> str:
        """Return the time as Shopkit writes it: ISO 8601 with the offset of Lisbon."""
        return self.clock.now().isoformat(timespec="seconds")

    def reset(self) -> None:
        """Begin again with the initial state: two stores, no orders, every switch at its default."""
        with self.lock:
            self.storage.clear()
            self.switches.reload()
            self.clock.reset()
            self.shops, self.faults = {}, []
            self._load()

    def first_shop(self) -> Shop:
        return next(iter(self.shops.values()))
