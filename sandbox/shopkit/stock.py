"""Change stock: the only module that brings a change to the store, the ledger and the webhooks."""

from __future__ import annotations

from sandbox.core.ledger import Ledger
from sandbox.core.storage import Json

from .product_format import product_json
from .state import Shop, ShopkitState
from .webhooks import WebhookSender


class Stock:
    """The stock of every store; writes are absolute, sales subtract."""

    def __init__(self, state: ShopkitState, sender: WebhookSender, ledger: Ledger) -> None:
        self.state, self.sender, self.ledger = state, sender, ledger

    def set(
        self, shop: Shop, product: Json, option: Json | None, pieces: int, by: str, order: int | None = None
    ) -> bool:
        """Set the stock of a product or option and return whether it changed; `by` is in the ledger."""
        goods = option or product
        with self.state.lock:
            before = goods["stock"]
            if before == pieces:
                return False
            goods["stock"] = pieces
            shop.put("product", product)
            self.ledger.append(
                {
                    "time": self.state.now(),
                    "shop": shop.code,
                    "product": product["id"],
                    "option": option["id"] if option else None,
                    "reference": goods["reference"],
                    "before": before,
                    "after": pieces,
                    "by": by,
                    **({"order": order} if order else {}),
                }
            )
        return True

    def publish(self, shop: Shop, product: Json, is_moved: bool, origin: str) -> None:
        """Store the product and send its webhooks."""
        with self.state.lock:
            product["updated_at"] = self.state.now()
            shop.put("product", product)
            body = {"product": product_json(self.state, shop, product)}
        self.sender.enqueue(shop, "product_updated", body, origin)
        if is_moved:
            self.sender.enqueue(shop, "product_updated_stock", body, origin)

    # --- by orders -----------------------------------------------------------------------------------------

    def note_sale(self, shop: Shop, order: Json, moment: str) -> None:
        """Take the stock of the order's lines when the switch says that a sale does so at this moment."""
        if self.state.switches["stock-on-sale"] == moment and not order.get("taken"):
            order["taken"] = True
            self._move(shop, order, -1, "order")

    def give_back(self, shop: Shop, order: Json) -> None:
        """Return what the cancelled order took."""
        if order.get("taken") and self.state.switches["stock-on-cancel"] == "returned":
            order["taken"] = False
            self._move(shop, order, 1, "cancel")

    def _move(self, shop: Shop, order: Json, direction: int, by: str) -> None:
        for line in order["spec"]["lines"]:
            product = shop.products.get(line["product_id"])
            if product is None or not product["stock_enabled"]:
                continue
            option = next((one for one in product["options"] if one["id"] == line["option_id"]), None)
            goods = option or product
            pieces = max(0, goods["stock"] + direction * line["qty"])
            self.publish(shop, product, self.set(shop, product, option, pieces, by, order["id"]), "process")
