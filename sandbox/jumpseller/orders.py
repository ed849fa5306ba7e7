"""The life of an order: placed, paid, cancelled, shipped, changed; its history, its stock, its hooks.

Called by the API, the admin and the control routes. What an order costs stands in amounts.py, its looks
in shapes.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.web import Json

from .hooks import Sender
from .shapes import order_shape
from .specs import complete
from .stock import Stock
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

    def __init__(self, world: World, sender: Sender, stock: Stock) -> None:
        self.world, self.sender, self.stock = world, sender, stock

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
            if self.world.switches["stock-on-sale"] == "placed":
                self.stock.take(shop, order)
            shop.put("order", order)
        if spec.get("pay"):
            return self.pay(shop, order, spec.get("paid_at"))
        self._announce(shop, order, EVENTS.get(order["status"]))
        return order

    def pay(self, shop: Shop, order: Json, paid_at: str | None = None) -> Json:
        """The order paid, now or at the given moment."""
        with self.world.lock:
            self._go(shop, order, "paid", moment(paid_at or order["spec"].get("paid_at")))
            if "taken" not in order and self.world.switches["stock-on-sale"] != "never":
                self.stock.take(shop, order)
            order["was_paid"] = True
            order["completed_at"] = order["completed_at"] or order["history_at"]
            shop.put("order", order)
        self._announce(shop, order, "order_paid")
        return order

    def cancel(self, shop: Shop, order: Json) -> Json:
        """The order cancelled, whether it was paid or not."""
        with self.world.lock:
            self._go(shop, order, "canceled", stamp())
            self._give_back(shop, order)
            shop.put("order", order)
        self._announce(shop, order, "order_canceled")
        return order

    def abandon(self, shop: Shop, order: Json) -> Json:
        """The order abandoned by its buyer."""
        with self.world.lock:
            self._go(shop, order, "abandoned", stamp())
            self._give_back(shop, order)
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

    def _give_back(self, shop: Shop, order: Json) -> None:
        if self.world.switches["stock-on-cancel"] == "returned":
            self.stock.give_back(shop, order)
