"""Jumpseller's words for the state of an order and the kind of a product, as ours.

Source: Jumpseller's published API description and recorded payloads, read 2026-11-20.
"""

from __future__ import annotations

from shopapp.fiscal.order import LineKind, OrderStatus

from ..fields import Json

_STATUSES: dict[str, OrderStatus] = {"paid": "paid", "canceled": "cancelled", "abandoned": "abandoned"}
_LINE_KINDS: dict[str, LineKind] = {"gift_card": "giftcard", "digital": "service"}


def order_status(order: Json) -> OrderStatus:
    """Return the order's status by `status_enum` alone; an unknown one is `open`."""
    return _STATUSES.get(str(order.get("status_enum") or ""), "open")


def line_kind(product: Json) -> LineKind:
    """Return the kind of a product or order line by its `type`; an unknown one is `goods`."""
    return _LINE_KINDS.get(str(product.get("type") or ""), "goods")
