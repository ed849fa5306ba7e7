"""Everything the stand-in knows: the shops with their orders, products, hooks and tokens, kept on the shelf.

Made once by the app; every room reads and writes here, under one lock. It never answers a request itself.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.web import Json, Shelf, Switches

from . import seed
from .finding import Finder
from .switches import SWITCHES

KINDS = ("order", "product", "tax", "hook", "location", "customer")


def stamp(moment: datetime | None = None) -> str:
    """The moment (now when none is given) as Jumpseller writes it."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S UTC")


class Shop:
    """One shop: its profile and its things by kind and id."""

    def __init__(self, profile: Json, shelf: Shelf) -> None:
        self.profile = profile
        self.code: str = profile["code"]
        self.things: dict[str, dict[int, Json]] = {kind: {} for kind in KINDS}
        self.finder = Finder()
        self._shelf = shelf

    @property
    def orders(self) -> dict[int, Json]:
        return self.things["order"]

    @property
    def products(self) -> dict[int, Json]:
        return self.things["product"]

    @property
    def taxes(self) -> dict[int, Json]:
        return self.things["tax"]

    @property
    def hooks(self) -> dict[int, Json]:
        return self.things["hook"]

    def keep(self) -> None:
        self._shelf.put("shop", self.code, self.profile)

    def put(self, kind: str, thing: Json) -> None:
        """The thing is the shop's, on disk too."""
        self.things[kind][thing["id"]] = thing
        if kind == "product":
            self.finder.learn(thing)
        self._shelf.put(f"{kind}:{self.code}", thing["id"], thing)

    def put_products(self, products: list[Json]) -> None:
        """The products are the shop's, all in one go."""
        for product in products:
            self.products[product["id"]] = product
            self.finder.learn(product)
        self._shelf.put_all(f"product:{self.code}", [(product["id"], product) for product in products])

    def drop(self, kind: str, number: int) -> None:
        del self.things[kind][number]
        if kind == "product":
            self.finder.forget(number)
        self._shelf.drop(f"{kind}:{self.code}", number)

    def next_id(self, kind: str, first: int) -> int:
        """An id that no thing of the kind had in this shop, even one that is gone."""
        counters = self.profile.setdefault("counters", {})
        number = max(counters.get(kind, first - 1), max(self.things[kind], default=first - 1)) + 1
        counters[kind] = number
        self.keep()
        return int(number)

    def load(self) -> None:
        for kind in KINDS:
            found = self._shelf.all(f"{kind}:{self.code}")
            self.things[kind] = {int(key): value for key, value in found.items()}
        for product in self.products.values():
            self.place(product)
            self.finder.learn(product)

    def place(self, product: Json) -> None:
        """Nothing; stock that has no place yet lies in the main location."""
        main = next((str(one["id"]) for one in self.things["location"].values() if one["main"]), "")
        for held in (product, *product["variants"]):
            if "at" not in held:
                held["at"] = {main: held.pop("stock", 0)}


class World:
    """The shops and what they share: switches, tokens, faults, the addresses in use."""

    def __init__(self, folder: Path | None, app_url: str, public: str, clock_scale: float = 1) -> None:
        self.app_url = app_url.rstrip("/")
        self.public = public.rstrip("/")
        self.clock_scale = clock_scale
        self.lock = threading.RLock()
        self.shelf = Shelf(folder)
        self.switches = Switches(SWITCHES, self.shelf)
        self.shops: dict[str, Shop] = {}
        self.grants: dict[str, Json] = {}
        self.tokens: dict[str, Json] = {}
        self.faults: list[Json] = []
        self.started = time.time()
        self._load()

    def _load(self) -> None:
        for profile in self.shelf.all("shop").values():
            shop = Shop(profile, self.shelf)
            shop.load()
            self.shops[shop.code] = shop
        self.shops = dict(sorted(self.shops.items(), key=lambda item: item[1].profile["number"]))
        self.tokens = self.shelf.all("token")
        self.grants = self.shelf.all("grant")
        if not self.shops:
            for profile in seed.profiles():
                self.open_shop(profile)

    def open_shop(self, profile: Json) -> Shop:
        """A new shop with the goods and taxes of its kind."""
        profile.setdefault("hooks_token", secrets.token_hex(16))
        shop = Shop(profile, self.shelf)
        number = profile["number"] - 40000
        for kind, things in (
            ("tax", seed.taxes(number)),
            ("location", seed.locations(number, profile)),
            ("product", seed.products(number, shop.code)),
        ):
            for thing in things:
                if kind == "product":
                    shop.place(thing)
                shop.put(kind, thing)
        shop.keep()
        self.shops[shop.code] = shop
        return shop

    def reset(self) -> None:
        """The world as on the first day: two shops, no order, no token, every switch at its default."""
        with self.lock:
            self.shelf.clear()
            self.switches.read_again()
            self.shops, self.grants, self.tokens, self.faults = {}, {}, {}, []
            self._load()

    def first_shop(self) -> Shop:
        return next(iter(self.shops.values()))

    def keep_token(self, token: Json) -> None:
        self.tokens[token["id"]] = token
        self.shelf.put("token", token["id"], token)

    def keep_grant(self, grant: Json) -> None:
        self.grants[grant["code"]] = grant
        self.shelf.put("grant", grant["code"], grant)
