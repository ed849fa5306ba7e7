"""The state of the stand-in: shops with their orders, products and webhooks, tokens, switches and faults.

Everything is kept in storage; readers and writers share one lock.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.core.storage import Json, JsonStorage
from sandbox.core.switches import Switches

from . import seed
from .product_index import ProductIndex
from .switches import SWITCHES

RECORD_KINDS = ("order", "product", "tax", "hook", "location", "customer")


def format_timestamp(moment: datetime | None = None) -> str:
    """Return the moment (default: now) as Jumpseller writes it."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S UTC")


class Shop:
    """A shop: its profile, and its records by kind and id."""

    def __init__(self, profile: Json, storage: JsonStorage) -> None:
        self.profile = profile
        self.code: str = profile["code"]
        self.records: dict[str, dict[int, Json]] = {kind: {} for kind in RECORD_KINDS}
        self.product_index = ProductIndex()
        self._storage = storage

    @property
    def orders(self) -> dict[int, Json]:
        return self.records["order"]

    @property
    def products(self) -> dict[int, Json]:
        return self.records["product"]

    @property
    def taxes(self) -> dict[int, Json]:
        return self.records["tax"]

    @property
    def hooks(self) -> dict[int, Json]:
        return self.records["hook"]

    def save(self) -> None:
        self._storage.put("shop", self.code, self.profile)

    def put(self, kind: str, record: Json) -> None:
        """Store the record."""
        self.records[kind][record["id"]] = record
        if kind == "product":
            self.product_index.add(record)
        self._storage.put(f"{kind}:{self.code}", record["id"], record)

    def put_products(self, products: list[Json]) -> None:
        """Store the products in one transaction."""
        for product in products:
            self.products[product["id"]] = product
            self.product_index.add(product)
        self._storage.put_all(f"product:{self.code}", [(product["id"], product) for product in products])

    def drop(self, kind: str, number: int) -> None:
        del self.records[kind][number]
        if kind == "product":
            self.product_index.remove(number)
        self._storage.drop(f"{kind}:{self.code}", number)

    def next_id(self, kind: str, first: int) -> int:
        """Return an id that no record of the kind has had in this shop, not even a deleted one."""
        counters = self.profile.setdefault("counters", {})
        number = max(counters.get(kind, first - 1), max(self.records[kind], default=first - 1)) + 1
        counters[kind] = number
        self.save()
        return int(number)

    def load(self) -> None:
        for kind in RECORD_KINDS:
            found = self._storage.all(f"{kind}:{self.code}")
            self.records[kind] = {int(key): value for key, value in found.items()}
        for product in self.products.values():
            self.assign_location(product)
            self.product_index.add(product)

    def assign_location(self, product: Json) -> None:
        """Put stock without a location into the main one."""
        main = next((str(one["id"]) for one in self.records["location"].values() if one["main"]), "")
        for held in (product, *product["variants"]):
            if "at" not in held:
                held["at"] = {main: held.pop("stock", 0)}


class PlatformState:
    """The shops and what they share: switches, tokens, faults and addresses."""

    def __init__(self, folder: Path | None, app_url: str, public: str, clock_scale: float = 1) -> None:
        self.app_url = app_url.rstrip("/")
        self.public = public.rstrip("/")
        self.clock_scale = clock_scale
        self.lock = threading.RLock()
        self.storage = JsonStorage(folder)
        self.switches = Switches(SWITCHES, self.storage)
        self.shops: dict[str, Shop] = {}
        self.grants: dict[str, Json] = {}
        self.tokens: dict[str, Json] = {}
        self.faults: list[Json] = []
        self.started = time.time()
        self._load()

    def _load(self) -> None:
        for profile in self.storage.all("shop").values():
            shop = Shop(profile, self.storage)
            shop.load()
            self.shops[shop.code] = shop
        self.shops = dict(sorted(self.shops.items(), key=lambda item: item[1].profile["number"]))
        self.tokens = self.storage.all("token")
        self.grants = self.storage.all("grant")
        if not self.shops:
            for profile in seed.profiles():
                self.create_shop(profile)

    def create_shop(self, profile: Json) -> Shop:
        """Create a shop with its first products and taxes."""
        profile.setdefault("hooks_token", secrets.token_hex(16))
        shop = Shop(profile, self.storage)
        number = profile["number"] - 40000
        for kind, records in (
            ("tax", seed.taxes(number)),
            ("location", seed.locations(number, profile)),
            ("product", seed.products(number, shop.code)),
        ):
            for record in records:
                if kind == "product":
                    shop.assign_location(record)
                shop.put(kind, record)
        shop.save()
        self.shops[shop.code] = shop
        return shop

    def reset(self) -> None:
        """Begin again with the initial state: two shops, no orders, no tokens, every switch at its default."""
        with self.lock:
            self.storage.clear()
            self.switches.reload()
            self.shops, self.grants, self.tokens, self.faults = {}, {}, {}, []
            self._load()

    def first_shop(self) -> Shop:
        return next(iter(self.shops.values()))

    def save_token(self, token: Json) -> None:
        self.tokens[token["id"]] = token
        self.storage.put("token", token["id"], token)

    def save_grant(self, grant: Json) -> None:
        self.grants[grant["code"]] = grant
        self.storage.put("grant", grant["code"], grant)
