"""The life of an order: placed, paid, cancelled, shipped, changed; its history, its stock, its hooks.

Called by the API, the admin and the control routes. What an order costs stands in amounts.py, its looks
in shapes.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.web import Json

from .hooks import Sender
from .shapes import order_shape, product_shape
from .specs import complete, find_product
from .world import Shop, World, stamp

HISTORY = {
    "created": "Encomenda iniciada.",
    "pending_payment": "Encomenda criada. Estado: Pagamento Pendente.",
    "paid": "Estado alterado para Pago.",
    "canceled": "Estado alterado para Cancelado.",
    "abandoned": "Estado alterado para Abandonado.",
}
EVENTS = {
    "pending_payment": "order_pending_payment",
    "paid": "order_paid",
    "canceled": "order_canceled",
    "abandoned": "order_abandoned",
}


class StateError(ValueError):
    """The order cannot go there from the state that it is in."""


def moment(text: str | None) -> str:
    """The moment asked for, as Jumpseller writes it; now when nothing was asked."""
    if not text:
        return stamp()
    if text.endswith("UTC"):
        return text
    when = datetime.fromisoformat(text)
    return stamp(when.astimezone(UTC) if when.tzinfo else when)


class Orders:
    """What can be done with the orders of any shop; each act is kept and then told by hook."""

    def __init__(self, world: World, sender: Sender) -> None:
        self.world = world
        self.sender = sender

    def place(self, shop: Shop, spec: Json) -> Json:
        """A new order from a specification; paid at once when it says `pay`."""
        with self.world.lock:
            is_open = self.world.switches["created-state"] == "yes"
            whole = complete(shop, spec)
            order: Json = {
                "id": int(spec["id"])
                if spec.get("id")
                else shop.next_id("order", shop.profile["first_order"]),
                "spec": whole,
                "status": "created" if is_open else "pending_payment",
                "created_at": moment(spec.get("created_at")),
                "completed_at": None,
                "shipment": "unfulfilled",
                "was_paid": False,
                "history": [],
                "documents": [],
                "raw": spec.get("raw") or {},
            }
            if order["id"] in shop.orders:
                raise StateError(f"the shop already has an order {order['id']}")
            if self.world.switches["completed-at"] == "checkout":
                order["completed_at"] = order["created_at"]
            self._tell_history(shop, order, order["status"], order["created_at"])
            shop.put("order", order)
            if self.world.switches["stock-on-sale"] == "placed":
                self._move_stock(shop, order, -1)
        if spec.get("pay"):
            return self.pay(shop, order, spec.get("paid_at"))
        self._announce(shop, order, EVENTS.get(order["status"]))
        return order

    def pay(self, shop: Shop, order: Json, paid_at: str | None = None) -> Json:
        """The order paid, now or at the given moment."""
        with self.world.lock:
            self._go(shop, order, "paid", moment(paid_at or order["spec"].get("paid_at")))
            if not order["was_paid"] and self.world.switches["stock-on-sale"] == "paid":
                self._move_stock(shop, order, -1)
            order["was_paid"] = True
            order["completed_at"] = order["completed_at"] or order["history_at"]
            shop.put("order", order)
        self._announce(shop, order, "order_paid")
        return order

    def cancel(self, shop: Shop, order: Json) -> Json:
        """The order cancelled, whether it was paid or not."""
        with self.world.lock:
            self._go(shop, order, "canceled", stamp())
            is_moved = order["was_paid"] or self.world.switches["stock-on-sale"] == "placed"
            if is_moved and self.world.switches["stock-on-cancel"] == "returned":
                self._move_stock(shop, order, 1)
            shop.put("order", order)
        self._announce(shop, order, "order_canceled")
        return order

    def abandon(self, shop: Shop, order: Json) -> Json:
        """The order abandoned by its buyer."""
        with self.world.lock:
            self._go(shop, order, "abandoned", stamp())
            shop.put("order", order)
        self._announce(shop, order, "order_abandoned")
        return order

    def ship(self, shop: Shop, order: Json, shipment: str = "requested") -> Json:
        """The order handed to the carrier."""
        with self.world.lock:
            order["shipment"] = shipment
            self._tell_history(shop, order, None, stamp(), "Envio registado.")
            shop.put("order", order)
        self._announce(shop, order, "order_shipped")
        if order["status"] == "paid" and self.world.switches["paid-on-shipping"] == "yes":
            self.sender.announce(shop, "order_paid", {"order": self.shape(shop, order)})
        return order

    def change(self, shop: Shop, order: Json, wanted: Json) -> Json:
        """The order with another specification (`spec`), answer (`raw`) or field; told by `order_updated`."""
        with self.world.lock:
            if "spec" in wanted:
                order["spec"] = complete(shop, wanted["spec"])
            if "raw" in wanted:
                order["raw"] = wanted["raw"]
            for field in ("status", "created_at", "completed_at", "shipment", "note"):
                if field in wanted:
                    order[field] = wanted[field]
            shop.put("order", order)
        if wanted.get("hook", True):
            self._announce(shop, order, None)
        return order

    def add_history(self, shop: Shop, order: Json, message: str) -> Json:
        """A line in the order's history, written by an app or by hand."""
        with self.world.lock:
            entry = self._tell_history(shop, order, None, stamp(), message)
            shop.put("order", order)
        return entry

    def shape(self, shop: Shop, order: Json) -> Json:
        return order_shape(shop, order, self.world.switches)

    def send_hook(
        self, shop: Shop, order: Json, event: str, copies: int = 1, changes: Json | None = None
    ) -> int:
        """How many deliveries were begun for the event, as if it happened again."""
        return self.sender.announce(shop, event, {"order": self.shape(shop, order)}, copies, changes)

    def _go(self, shop: Shop, order: Json, state: str, when: str) -> None:
        if order["status"] == state:
            raise StateError(f"order {order['id']} is {state} already")
        order["status"] = state
        order["history_at"] = when
        self._tell_history(shop, order, state, when)

    def _tell_history(
        self, shop: Shop, order: Json, state: str | None, when: str, message: str | None = None
    ) -> Json:
        entry = {
            "id": order["id"] * 1000 + len(order["history"]) + 1,
            "message": message or HISTORY[str(state)],
            "created_at": when,
        }
        if not state or self.world.switches["state-history"] == "yes":
            order["history"].append(entry)
        return entry

    def _announce(self, shop: Shop, order: Json, event: str | None) -> None:
        body = {"order": self.shape(shop, order)}
        if event:
            self.sender.announce(shop, event, body)
        self.sender.announce(shop, "order_updated", body)

    def _move_stock(self, shop: Shop, order: Json, sign: int) -> None:
        touched = []
        for line in order["spec"]["lines"]:
            product, variant = find_product(shop, line)
            held = variant or product
            if not product or not held or held.get("stock_unlimited"):
                continue
            held["stock"] += sign * line["qty"]
            shop.put("product", product)
            touched.append(product)
        if self.world.switches["stock-hook-on-sale"] == "sent":
            for product in touched:
                body = {"product": product_shape(shop, product, self.world.switches)}
                self.sender.announce(shop, "product_stock_updated", body)
