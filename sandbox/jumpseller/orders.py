"""The life of an order: placed, paid, cancelled, shipped, refunded, changed; its history, stock and webhooks."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.core.storage import Json

from .order_format import order_json, positions_of
from .order_spec import complete_spec, expand_example
from .platform_state import PlatformState, Shop, format_timestamp
from .seed import decimal_text
from .stock import Stock
from .webhooks import WebhookSender

HISTORY_MESSAGES = {
    "created": "Encomenda iniciada.",
    "pending_payment": "Encomenda criada. Estado: Pagamento Pendente.",
    "paid": "Estado alterado para Pago.",
    "canceled": "Estado alterado para Cancelado.",
    "abandoned": "Estado alterado para Abandonado.",
}
STATUS_EVENTS = {
    "pending_payment": "order_pending_payment",
    "paid": "order_paid",
    "canceled": "order_canceled",
    "abandoned": "order_abandoned",
}


class StateError(ValueError):
    """The order cannot change to that state from its present one."""


def timestamp_or_now(text: str | None) -> str:
    """Return the requested time as Jumpseller writes it; now when none was given."""
    if not text:
        return format_timestamp()
    if text.endswith("UTC"):
        return text
    when = datetime.fromisoformat(text)
    return format_timestamp(when.astimezone(UTC) if when.tzinfo else when)


class Orders:
    """The actions on the orders of any shop; each is stored and then sends its webhooks."""

    def __init__(self, platform: PlatformState, webhook_sender: WebhookSender, stock: Stock) -> None:
        self.platform, self.webhook_sender, self.stock = platform, webhook_sender, stock

    def place(self, shop: Shop, spec: Json) -> Json:
        """Place an order from a specification and return it; pays it at once when `pay` is set."""
        with self.platform.lock:
            is_open = self.platform.switches["created-state"] == "yes"
            spec = expand_example(spec)
            whole = complete_spec(shop, spec)
            order: Json = {
                "id": int(spec["id"])
                if spec.get("id")
                else shop.next_id("order", shop.profile["first_order"]),
                "spec": whole,
                "status": "created" if is_open else "pending_payment",
                "created_at": timestamp_or_now(spec.get("created_at")),
                "completed_at": None,
                "shipment": "unfulfilled",
                "was_paid": False,
                "history": [],
                "documents": [],
                "raw": spec.get("raw") or {},
                "list_row": spec.get("list_row") or {},
                "refunds": [],
            }
            if order["id"] in shop.orders:
                raise StateError(f"the shop already has an order {order['id']}")
            if self.platform.switches["completed-at"] == "checkout":
                order["completed_at"] = order["created_at"]
            self._add_history_entry(shop, order, order["status"], order["created_at"])
            if self.platform.switches["stock-on-sale"] == "placed":
                self.stock.take_for_order(shop, order)
            shop.put("order", order)
        if spec.get("pay"):
            return self.pay(shop, order, spec.get("paid_at"))
        self._enqueue_webhooks(shop, order, STATUS_EVENTS.get(order["status"]))
        return order

    def pay(self, shop: Shop, order: Json, paid_at: str | None = None) -> Json:
        """Mark the order as paid, now or at the given time."""
        with self.platform.lock:
            self._set_status(shop, order, "paid", timestamp_or_now(paid_at or order["spec"].get("paid_at")))
            if "taken" not in order and self.platform.switches["stock-on-sale"] != "never":
                self.stock.take_for_order(shop, order)
            order["was_paid"] = True
            order["completed_at"] = order["completed_at"] or order["history_at"]
            shop.put("order", order)
        self._enqueue_webhooks(shop, order, "order_paid")
        return order

    def cancel(self, shop: Shop, order: Json) -> Json:
        """Cancel the order, paid or not."""
        with self.platform.lock:
            self._set_status(shop, order, "canceled", format_timestamp())
            self._return_stock(shop, order)
            shop.put("order", order)
        self._enqueue_webhooks(shop, order, "order_canceled")
        return order

    def abandon(self, shop: Shop, order: Json) -> Json:
        """Mark the order as abandoned by its buyer."""
        with self.platform.lock:
            self._set_status(shop, order, "abandoned", format_timestamp())
            self._return_stock(shop, order)
            shop.put("order", order)
        self._enqueue_webhooks(shop, order, "order_abandoned")
        return order

    def refund(self, shop: Shop, order: Json, amount: str) -> Json:
        """Give money back without goods; what the order shows of it is a switch."""
        with self.platform.lock:
            when = format_timestamp()
            order.setdefault("refunds", []).append({"amount": decimal_text(amount), "at": when})
            shown = positions_of(order, self.platform.switches)["refund"]
            if shown == "history":
                self._add_history_entry(shop, order, None, when, f"Reembolso de {amount}.")
            shop.put("order", order)
        if shown != "nowhere":
            self._enqueue_webhooks(shop, order, None)
        return order

    def forget_customer(self, shop: Shop, order: Json) -> Json:
        """Delete the customer's data, as the shop's privacy setting does after a time; sends no webhook."""
        with self.platform.lock:
            order["forgotten"] = True
            shop.put("order", order)
        return order

    def ship(self, shop: Shop, order: Json, shipment: str = "requested") -> Json:
        """Mark the order as handed to the carrier."""
        with self.platform.lock:
            order["shipment"] = shipment
            self._add_history_entry(shop, order, None, format_timestamp(), "Envio registado.")
            shop.put("order", order)
        self._enqueue_webhooks(shop, order, "order_shipped")
        if order["status"] == "paid" and self.platform.switches["paid-on-shipping"] == "yes":
            self.webhook_sender.enqueue(shop, "order_paid", {"order": self.as_json(shop, order)})
        return order

    def change(self, shop: Shop, order: Json, wanted: Json) -> Json:
        """Change the order's specification (`spec`), answer (`raw`, `list_row`) or fields; sends `order_updated`."""
        with self.platform.lock:
            if "spec" in wanted:
                order["spec"] = complete_spec(shop, wanted["spec"])
            for field in ("status", "created_at", "completed_at", "shipment", "note", "raw", "list_row"):
                if field in wanted:
                    order[field] = wanted[field]
            shop.put("order", order)
        if wanted.get("hook", True):
            self._enqueue_webhooks(shop, order, None)
        return order

    def add_history(self, shop: Shop, order: Json, message: str) -> Json:
        """Add a line to the order's history and return it."""
        with self.platform.lock:
            entry = self._add_history_entry(shop, order, None, format_timestamp(), message)
            shop.put("order", order)
        return entry

    def as_json(self, shop: Shop, order: Json) -> Json:
        return order_json(shop, order, self.platform.switches)

    def send_webhook(
        self, shop: Shop, order: Json, event: str, copies: int = 1, changes: Json | None = None
    ) -> int:
        """Send the event's webhooks as if it happened again and return the number of deliveries."""
        return self.webhook_sender.enqueue(shop, event, {"order": self.as_json(shop, order)}, copies, changes)

    def _set_status(self, shop: Shop, order: Json, state: str, when: str) -> None:
        if order["status"] == state:
            raise StateError(f"order {order['id']} is {state} already")
        order["status"] = state
        order["history_at"] = when
        self._add_history_entry(shop, order, state, when)

    def _add_history_entry(
        self, shop: Shop, order: Json, state: str | None, when: str, message: str | None = None
    ) -> Json:
        entry = {
            "id": order["id"] * 1000 + len(order["history"]) + 1,
            "message": message or HISTORY_MESSAGES[str(state)],
            "created_at": when,
        }
        if not state or self.platform.switches["state-history"] == "yes":
            order["history"].append(entry)
        return entry

    def _enqueue_webhooks(self, shop: Shop, order: Json, event: str | None) -> None:
        body = {"order": self.as_json(shop, order)}
        if event:
            self.webhook_sender.enqueue(shop, event, body)
        self.webhook_sender.enqueue(shop, "order_updated", body)

    def _return_stock(self, shop: Shop, order: Json) -> None:
        if self.platform.switches["stock-on-cancel"] == "returned":
            self.stock.return_for_order(shop, order)
