"""The stock room: every alteration of stock passes through here, into the shop, the ledger and the hooks.

Called by the API (apps), the orders room (sales and what they give back), the admin and the control routes (hands).
"""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.web import Json

from . import levels
from .hooks import Sender
from .ledger import Ledger
from .shapes import product_shape
from .specs import find_product
from .world import Shop, World, stamp

Cause = Json
"""Who alters it: `by` (api, order, cancel, admin), and the `request` or `order` number that there is."""


class Stock:
    """The stock of every shop. What it did is told by `changed`, once for a product however many places it had."""

    def __init__(self, world: World, sender: Sender, ledger: Ledger) -> None:
        self.world, self.sender, self.ledger = world, sender, ledger

    # --- by hand and by apps -----------------------------------------------------------------------------

    def put(self, shop: Shop, product: Json, variant: Json | None, pieces: int, cause: Cause) -> bool:
        """Whether it altered something that the product or variant has so many, as plain `stock` says it."""
        with self.world.lock:
            held = variant or product
            place, here = levels.place_for(shop, held, pieces, self.world.switches)
            return self._set(shop, product, variant, place, here, cause)

    def put_at(
        self, shop: Shop, product: Json, variant: Json | None, place: int, pieces: int, cause: Cause
    ) -> bool:
        """Whether it altered something that so many lie in that location."""
        with self.world.lock:
            return self._set(shop, product, variant, place, pieces, cause)

    def limit(
        self, shop: Shop, product: Json, variant: Json | None, is_unlimited: bool, cause: Cause
    ) -> bool:
        """Whether it altered something that the stock is counted, or is not (`null` in the ledger)."""
        with self.world.lock:
            held = variant or product
            if bool(held.get("stock_unlimited")) == is_unlimited:
                return False
            held["stock_unlimited"] = is_unlimited
            for place in levels.locations(shop):
                here = levels.at(held, place)
                before, after = (here, None) if is_unlimited else (None, here)
                self._write(shop, product, variant, place, before, after, cause)
            return True

    def changed(self, shop: Shop, product: Json, is_moved: bool) -> None:
        """Nothing; the product is kept and told by hook, whoever changed it."""
        with self.world.lock:
            product["updated_at"] = stamp()
            shop.put("product", product)
            body = {"product": product_shape(shop, product, self.world.switches)}
        self.sender.announce(shop, "product_updated", body)
        if is_moved:
            self.sender.announce(shop, "product_stock_updated", body)

    # --- by orders ---------------------------------------------------------------------------------------

    def take(self, shop: Shop, order: Json) -> None:
        """Nothing; what the order's lines take is taken, and stands in the order, so that it can be given back."""
        taken: list[Json] = []
        for at, line in enumerate(order["spec"]["lines"]):
            product, variant = find_product(shop, line)
            held = variant or product
            if (
                not product
                or not held
                or held.get("stock_unlimited")
                or (product["variants"] and not variant)
            ):
                continue
            for place, number in levels.spread(shop, held, line["qty"], self.world.switches).items():
                one = {"line": at, "product": product["id"], "variant": variant and variant["id"]}
                taken.append({**one, "location": place, "pieces": number})
                self._move(shop, taken[-1], -1, {"by": "order", "order": order["id"]})
        order["taken"] = taken
        self._tell(shop, taken)

    def give_back(self, shop: Shop, order: Json) -> None:
        """Nothing; exactly what the order took is there again."""
        taken = order.pop("taken", [])
        for one in taken:
            self._move(shop, one, 1, {"by": "cancel", "order": order["id"]})
        self._tell(shop, taken)

    def _move(self, shop: Shop, one: Json, sign: int, cause: Cause) -> None:
        product = shop.products.get(one["product"])
        found = (
            [own for own, held in levels.goods_of(product) if (own and own["id"]) == one["variant"]]
            if product
            else []
        )
        if product and found:
            here = levels.at(found[0] or product, one["location"])
            self._set(shop, product, found[0], one["location"], here + sign * one["pieces"], cause)

    def _tell(self, shop: Shop, taken: list[Json]) -> None:
        is_told = self.world.switches["stock-hook-on-sale"] == "sent"
        for number in dict.fromkeys(one["product"] for one in taken):
            product = shop.products.get(number)
            if product and is_told:
                self.changed(shop, product, True)
            elif product:
                shop.put("product", product)

    # --- what became fact --------------------------------------------------------------------------------

    def _set(
        self, shop: Shop, product: Json, variant: Json | None, place: int, pieces: int, cause: Cause
    ) -> bool:
        held = variant or product
        before = levels.at(held, place)
        if before == pieces:
            return False
        held["at"][str(place)] = pieces
        self._write(shop, product, variant, place, before, pieces, cause)
        return True

    def _write(
        self, shop: Shop, product: Json, variant: Json | None, place: int, before: int | None, after: int | None,
        cause: Cause,
    ) -> None:  # fmt: skip
        self.ledger.append(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "shop": shop.code,
                "product": product["id"],
                "variant": variant["id"] if variant else None,
                "sku": (variant or product)["sku"],
                "location": place,
                "before": before,
                "after": after,
                "request": None,
                "order": None,
                **cause,
            }
        )
