"""Change stock: the only module that brings a change to the shop, the ledger and the webhooks."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.core.ledger import Ledger
from sandbox.core.storage import Json

from . import stock_levels
from .json_format import product_json
from .order_spec import find_product
from .platform_state import PlatformState, Shop, format_timestamp
from .webhooks import WebhookSender

StockCause = Json
"""The author of a change: `by` (api, order, cancel, admin), and its `request` or `order` number, if any."""


class Stock:
    """The stock of every shop; `publish_change` reports a product once, however many locations changed."""

    def __init__(self, platform: PlatformState, webhook_sender: WebhookSender, ledger: Ledger) -> None:
        self.platform, self.webhook_sender, self.ledger = platform, webhook_sender, ledger

    # --- by hand and by apps -----------------------------------------------------------------------------

    def set_shown_stock(
        self, shop: Shop, product: Json, variant: Json | None, pieces: int, cause: StockCause
    ) -> bool:
        """Set the plain `stock` of a product or variant; return whether anything changed."""
        with self.platform.lock:
            held = variant or product
            place, here = stock_levels.location_for(shop, held, pieces, self.platform.switches)
            return self._set_pieces(shop, product, variant, place, here, cause)

    def set_at_location(
        self, shop: Shop, product: Json, variant: Json | None, place: int, pieces: int, cause: StockCause
    ) -> bool:
        """Set the stock in a location; return whether anything changed."""
        with self.platform.lock:
            return self._set_pieces(shop, product, variant, place, pieces, cause)

    def set_unlimited(
        self, shop: Shop, product: Json, variant: Json | None, is_unlimited: bool, cause: StockCause
    ) -> bool:
        """Set whether the stock is unlimited (`null` in the ledger); return whether anything changed."""
        with self.platform.lock:
            held = variant or product
            if bool(held.get("stock_unlimited")) == is_unlimited:
                return False
            held["stock_unlimited"] = is_unlimited
            for place in stock_levels.location_ids(shop):
                here = stock_levels.quantity_at(held, place)
                before, after = (here, None) if is_unlimited else (None, here)
                self._write_entry(shop, product, variant, place, before, after, cause)
            return True

    def publish_change(self, shop: Shop, product: Json, is_moved: bool) -> None:
        """Store the product and send its webhooks."""
        with self.platform.lock:
            product["updated_at"] = format_timestamp()
            shop.put("product", product)
            body = {"product": product_json(shop, product, self.platform.switches)}
        self.webhook_sender.enqueue(shop, "product_updated", body)
        if is_moved:
            self.webhook_sender.enqueue(shop, "product_stock_updated", body)

    # --- by orders ---------------------------------------------------------------------------------------

    def take_for_order(self, shop: Shop, order: Json) -> None:
        """Take the stock of the order's lines and note on the order where it was taken."""
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
            for place, number in stock_levels.allocate_to_locations(
                shop, held, line["qty"], self.platform.switches
            ).items():
                one = {"line": at, "product": product["id"], "variant": variant and variant["id"]}
                taken.append({**one, "location": place, "pieces": number})
                self._move_pieces(shop, taken[-1], -1, {"by": "order", "order": order["id"]})
        order["taken"] = taken
        self._publish_taken(shop, taken)

    def return_for_order(self, shop: Shop, order: Json) -> None:
        """Return exactly what the order took."""
        taken = order.pop("taken", [])
        for one in taken:
            self._move_pieces(shop, one, 1, {"by": "cancel", "order": order["id"]})
        self._publish_taken(shop, taken)

    def _move_pieces(self, shop: Shop, one: Json, sign: int, cause: StockCause) -> None:
        product = shop.products.get(one["product"])
        found = (
            [
                own
                for own, held in stock_levels.variants_or_product(product)
                if (own and own["id"]) == one["variant"]
            ]
            if product
            else []
        )
        if product and found:
            before = stock_levels.quantity_at(found[0] or product, one["location"])
            self._set_pieces(shop, product, found[0], one["location"], before + sign * one["pieces"], cause)

    def _publish_taken(self, shop: Shop, taken: list[Json]) -> None:
        is_sent = self.platform.switches["stock-hook-on-sale"] == "sent"
        for number in dict.fromkeys(one["product"] for one in taken):
            product = shop.products.get(number)
            if product and is_sent:
                self.publish_change(shop, product, True)
            elif product:
                shop.put("product", product)

    # --- recording and publishing
    # -----------------------------------------------------------------------------

    def _set_pieces(
        self, shop: Shop, product: Json, variant: Json | None, place: int, pieces: int, cause: StockCause
    ) -> bool:
        held = variant or product
        before = stock_levels.quantity_at(held, place)
        if before == pieces:
            return False
        held["at"][str(place)] = pieces
        self._write_entry(shop, product, variant, place, before, pieces, cause)
        return True

    def _write_entry(
        self, shop: Shop, product: Json, variant: Json | None, place: int, before: int | None, after: int | None,
        cause: StockCause,
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
