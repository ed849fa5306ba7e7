"""The back office's tool that posts a test payload with invented data to a webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.core.storage import Json

from .order_format import order_json
from .order_spec import complete_spec
from .state import Shop

if TYPE_CHECKING:
    from .components import Components

NO_ORDER = 1337
DUMMY: Json = {
    "lines": [{"sku": "STHFBF7574", "name": "Shelving Tree with Birds", "price": "77.32"}],
    "coupon": {"code": "bajevolp", "percent": 10},
    "shipping": {"price": "7.25", "tax": 0},
    "buyer": {"name": "Shopkit", "email": "support@shopk.it"},
    "nif": "999999990",
    "prices_include_tax": False,
}


def send_test_payload(components: Components, shop: Shop, event: str, webhook_id: int | None = None) -> int:
    """Post invented data to the store's webhooks for the event (or to that one); return their number.

    The order is none of the store's, or (as the switch says) has the id of its newest one.
    """
    state = components.state
    number = NO_ORDER
    if state.switches["test-order"] == "existing" and shop.orders:
        number = max(shop.orders)
    at = "2017-05-17T10:45:05+01:00"
    order: Json = {
        "id": number,
        "hash": "a" * 40,
        "client_id": 1,
        "client_hash": "b" * 32,
        **dict.fromkeys(("created_at", "update_at", "paid_at", "sent_at"), at),
        "status_alias": "sent",
        "paid": True,
        "is_new": False,
        "spec": complete_spec(shop, DUMMY),
        "invoice_url": "https://www.invoiceservice.example/invoice_permalink/",
        "invoice_file": None,
        **dict.fromkeys(("at_code", "note", "client_note"), ""),
        "tags": [],
        "returned": None,
        **{name: {} for name in ("raw", "list_row", "switches")},
    }
    body = {"order": order_json(state, shop, order)}
    return components.sender.enqueue(shop, event, body, "backoffice", 1, webhook_id=webhook_id)
