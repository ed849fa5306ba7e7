"""Place and change orders: each change is stored and sends its webhooks, which name its origin."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Iterable

from sandbox.core.storage import Json

from .order_format import STATUS_NUMBERS, order_json
from .order_spec import OrderSpecError, complete_spec, with_example
from .state import Shop, ShopkitState
from .stock import Stock
from .switches import ORDER_SWITCHES
from .webhooks import WebhookSender

TEXT_FIELDS = [
    "tracking_url",
    "tracking_code",
    "tracking_carrier",
    "shipping_url",
    "at_code",
    "pickup_code",
    "note",
    "client_note",
]
STATUS_EVENTS = {
    "canceled": "order_canceled",
    "returned": "order_returned",
    "sent": "order_sent",
    "delivered": "order_delivered",
    "pickup_available": "order_pickup_available",
    "waiting_shipment": "order_waiting_shipment",
}
NOT_SPECIFIED = {
    "pay",
    "paid_at",
    "raw",
    "list_row",
    "switches",
    "id",
    "created_at",
    "origin",
    "return",
    "status",
}
"""Fields of a specification that say how the order is placed, not what it is."""
FILE_LIMITS = {"10-MB": 10_000_000, "1-MB": 1_000_000, "10-KB": 10_000}


class RefusedError(ValueError):
    """The API refuses the write; `status` and the text are its answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Orders:
    """The orders of every store."""

    def __init__(self, state: ShopkitState, sender: WebhookSender, stock: Stock) -> None:
        self.state, self.sender, self.stock = state, sender, stock

    # --- by buyers and merchants ---------------------------------------------------------------------------

    def place(self, shop: Shop, sent: Json) -> Json:
        """Place an order from a specification. Raises OrderSpecError."""
        sent = with_example(sent)
        spec, state = complete_spec(shop, sent), self.state
        switches = _order_switches(sent.get("switches") or {})
        with state.lock:
            number = int(sent.get("id") or shop.next_id("order", shop.profile["first_order"]))
            email = spec["buyer"]["email"]
            created = sent.get("created_at") or state.now()
            order: Json = {
                "id": number,
                "hash": hashlib.sha1(f"{shop.code} {number}".encode()).hexdigest(),
                "client_id": 700_000 + int(hashlib.md5(email.encode()).hexdigest()[:4], 16),
                "client_hash": hashlib.md5(email.encode()).hexdigest(),
                "client_since": int(time.time()),
                "created_at": created,
                "update_at": created,
                "paid_at": None,
                "sent_at": None,
                "status_alias": sent.get("status", "waiting_payment"),
                "paid": False,
                "is_new": True,
                "origin": sent.get("origin", "storefront"),
                "spec": spec,
                "sent": {name: value for name, value in sent.items() if name not in NOT_SPECIFIED},
                "invoice_url": "",
                "invoice_file": None,
                "at_code": "",
                "note": "",
                "client_note": "",
                "tags": [],
                "history": [],
                "writes": [],
                "returned": None,
                "raw": sent.get("raw") or {},
                "list_row": sent.get("list_row") or {},
                "switches": switches,
            }  # fmt: skip
            shop.put("order", order)
            self.stock.note_sale(shop, order, "placed")
            self._publish(shop, order, ["order_created"], order["origin"], "criada")
        if sent.get("pay"):
            self.pay(shop, order, sent.get("paid_at"), order["origin"])
        if returned := sent.get("return"):
            self.give_back(shop, order, returned)
        return order

    def pay(self, shop: Shop, order: Json, at: str | None = None, origin: str = "process") -> None:
        """Set the order as paid; its status becomes the store's status of paid orders."""
        events = self._set_paid(shop, order, True, at)
        if order["status_alias"] in ("waiting_payment", "pending", "waiting_confirmation", "canceled"):
            events += self._set_status(shop, order, shop.profile["status_when_paid"])
        self._publish(shop, order, events, origin, "paga")

    def unpay(self, shop: Shop, order: Json) -> None:
        """Set the order as not paid."""
        self._publish(shop, order, self._set_paid(shop, order, False), "backoffice", "por pagar")

    def fail_payment(self, shop: Shop, order: Json) -> None:
        """Let the payment fail or expire."""
        self._publish(shop, order, ["order_payment_failed"], "process", "o pagamento falhou")

    def change_payment(self, shop: Shop, order: Json, method: str) -> None:
        """Change the means of payment."""
        self._respecify(shop, order, {"payment": method})
        self._publish(shop, order, ["order_change_payment"], "backoffice", f"pagamento por {method}")

    def set_status(self, shop: Shop, order: Json, status: str, origin: str = "backoffice") -> None:
        """Give the order that status. Raises OrderSpecError."""
        if status not in STATUS_NUMBERS:
            raise OrderSpecError(f"no status is called {status}")
        self._publish(shop, order, self._set_status(shop, order, status), origin, f"estado: {status}")

    def give_back(self, shop: Shop, order: Json, quantities: Json | None = None) -> None:
        """Return goods: a quantity by line (from 0), or everything; the status becomes `returned`."""
        lines = order["spec"]["lines"]
        everything = {at: line["qty"] for at, line in enumerate(lines)}
        wanted = quantities if isinstance(quantities, dict) else everything
        returned = [(lines[int(at)], int(pieces)) for at, pieces in wanted.items()]
        order["returned"] = {
            "reason": "Arrependimento",
            "products": [
                {"id": line["product_id"], "reference": line["reference"], "quantity": pieces}
                for line, pieces in returned
            ],
        }
        self.set_status(shop, order, "returned")

    def request_invoice(self, shop: Shop, order: Json) -> None:
        """Do what the merchant's button for the invoice does: the event `order_invoice`."""
        self._publish(shop, order, ["order_invoice"], "backoffice", "fatura pedida", is_changed=False)

    def delete(self, shop: Shop, order: Json, origin: str = "backoffice") -> None:
        """Delete the order, whether it has an invoice or not."""
        body = {"order": order_json(self.state, shop, order)}
        with self.state.lock:
            shop.drop("order", order["id"])
        self.sender.enqueue(shop, "order_deleted", body, origin)

    def edit(self, shop: Shop, order: Json, sent: Json) -> None:
        """Change fields of the specification, `raw`, `list_row`, `switches` or dates. Raises OrderSpecError."""
        switches = _order_switches(sent.get("switches") or {})
        with self.state.lock:
            if sent.get("spec"):
                self._respecify(shop, order, sent["spec"])
            for name in ("raw", "list_row"):
                if name in sent:
                    order[name] = sent[name] or {}
            order["switches"] = order["switches"] | switches
            for name in ("created_at", "paid_at", "sent_at", "note", "client_note", "invoice_url", "at_code"):
                if name in sent:
                    order[name] = sent[name]
        if sent.get("webhook") is False:
            shop.put("order", order)
        else:
            self._publish(shop, order, [], sent.get("origin", "backoffice"), "editada")

    # --- by the API ----------------------------------------------------------------------------------------

    def write(self, shop: Shop, order: Json, sent: Json) -> None:
        """Apply `PUT /order/{id}`. Raises RefusedError, with nothing changed."""
        with self.state.lock:
            self._check_write(order, sent)
            had_invoice = has_invoice(order)
            events = []
            if "paid" in sent:
                events += self._set_paid(shop, order, is_true(sent["paid"]))
            if "status_alias" in sent:
                events += self._set_status(shop, order, sent["status_alias"])
            if "is_new" in sent:
                order["is_new"] = is_true(sent["is_new"])
            for name in TEXT_FIELDS:
                if name in sent:
                    order[name] = str(sent[name] or "")
            if "tags" in sent:
                order["tags"] = [{"title": tag, "handle": str(tag).lower()} for tag in sent["tags"]]
                events.append("order_tag_added")
            is_kept = had_invoice and self.state.switches["invoice-overwrite"] == "kept"
            if not is_kept or sent.get("invoice_url") == "":
                _set_invoice(order, sent)
            if has_invoice(order) and {"invoice_url", "invoice_file"} & sent.keys():
                events += ["order_invoiced"] if self.state.switches["invoiced-event"] == "sent" else []
            order["writes"].append({"at": self.state.now(), **_without_file(sent)})
            self._publish(shop, order, events, "api", "escrita pela API")

    def _check_write(self, order: Json, sent: Json) -> None:
        switches = self.state.switches
        status = sent.get("status_alias")
        if status is not None and status not in STATUS_NUMBERS.keys() - {"waiting_return"}:
            raise RefusedError(400, "Bad request.")
        file = sent.get("invoice_file")
        if file is not None:
            try:
                base64.b64decode(str(file), validate=True)
            except (binascii.Error, ValueError):
                raise RefusedError(400, "Bad request.") from None
        is_cleared = sent.get("invoice_url") == "" and not file
        if is_cleared and has_invoice(order) and switches["invoice-clear"] == "refused":
            raise RefusedError(400, "Bad request.")
        is_refused = has_invoice(order) and switches["invoice-overwrite"] == "refused"
        if is_refused and (file or sent.get("invoice_url")):
            raise RefusedError(409, "Already exists.")

    def issue(self, shop: Shop, order: Json) -> None:
        """Issue by the store's own invoicing app. Raises RefusedError."""
        app = self.state.switches["invoice-app"]
        if app == "none":
            raise RefusedError(400, "No invoice app active")
        if has_invoice(order):
            raise RefusedError(409, "Already exists.")
        if app in ("fails-400", "fails-500"):
            raise RefusedError(int(app[-3:]), "The invoice could not be issued")
        order["invoice_url"] = f"{self.state.public}/invoice/{order['hash']}.pdf"
        self._publish(shop, order, ["order_invoiced"], "process", "fatura da aplicação da loja")
        if app == "issues-500":
            raise RefusedError(500, "Internal error")

    # --- changes -------------------------------------------------------------------------------------------

    def _respecify(self, shop: Shop, order: Json, parts: Json) -> None:
        spec = complete_spec(shop, order["sent"] | parts)
        order["sent"], order["spec"] = order["sent"] | parts, spec

    def _set_paid(self, shop: Shop, order: Json, paid: bool, at: str | None = None) -> list[str]:
        if order["paid"] == paid and not at:
            return []
        order["paid"] = paid
        order["paid_at"] = (at or self.state.now()) if paid else None
        if paid:
            self.stock.note_sale(shop, order, "paid")
        return ["order_paid"] if paid else []

    def _set_status(self, shop: Shop, order: Json, status: str) -> list[str]:
        if order["status_alias"] == status:
            return []
        order["status_alias"] = status
        if status == "sent":
            order["sent_at"] = self.state.now()
        if status == "canceled":
            self.stock.give_back(shop, order)
        named = [STATUS_EVENTS[status]] if status in STATUS_EVENTS else []
        return [*named, "order_change_status"]

    def _publish(
        self, shop: Shop, order: Json, events: Iterable[str], origin: str, entry: str, is_changed: bool = True
    ) -> None:
        """Store the order and send the events, then `order_updated` for anything that changed."""
        events = list(events)
        with self.state.lock:
            if is_changed and "order_created" not in events:
                order["update_at"] = self.state.now()
                events.append("order_updated")
            order["history"].append({"at": self.state.now(), "what": entry, "by": origin})
            shop.put("order", order)
            body = {"order": order_json(self.state, shop, order)}
        for event in events:
            self.sender.enqueue(shop, event, body, origin)


def has_invoice(order: Json) -> bool:
    return bool(order["invoice_url"] or order["invoice_file"])


def is_true(value: object) -> bool:
    """Return what a boolean of the API means; they arrive as booleans, numbers and text."""
    return str(value).lower() in ("true", "1")


def _set_invoice(order: Json, sent: Json) -> None:
    if file := sent.get("invoice_file"):
        order["invoice_file"], order["invoice_url"] = str(file), ""
    elif "invoice_url" in sent:
        order["invoice_url"], order["invoice_file"] = str(sent["invoice_url"] or ""), None


def _without_file(sent: Json) -> Json:
    file = sent.get("invoice_file")
    return sent if not file else {**sent, "invoice_file": hashlib.sha256(str(file).encode()).hexdigest()}


def _order_switches(wanted: Json) -> Json:
    for name, position in wanted.items():
        known = next((switch for switch in ORDER_SWITCHES if switch.name == name), None)
        if known is None or position not in known.positions:
            raise OrderSpecError(f"an order has no switch {name} at {position}")
    return dict(wanted)
