"""Shopkit's words and figures as ours: amounts, states, kinds of line, means of payment.

Sources: Shopkit's API text (2025-09-26) and themes (2026-03-06), read 2026-12-01. *Unconfirmed*: the words for gift
cards and for other services.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shopapp.errors import OrderError
from shopapp.fiscal.money import CENT, round_to_cents
from shopapp.fiscal.order import LineKind, OrderStatus

from ..fields import Json, amount_field, cents_field, object_field

_LINE_KINDS: dict[str, LineKind] = {
    "digital": "service",
    "service": "service",
    "gift_card": "giftcard",
    "giftcard": "giftcard",
}
_NOT_SENT = (
    "", "pending", "processing", "canceled", "waiting_confirmation", "waiting_payment", "waiting_stock",
    "waiting_shipment", "pickup_available",
)  # fmt: skip
"""The states in which nothing can have left; any other, even an unknown one, may mean that it has."""
_PAYMENTS = {"on_delivery": "cash_on_delivery", "bank_transfer": "transfer", "credit_card": "card"}
_WITH_COMMA = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{3})+|-?[0-9]+),([0-9]+)")
_EXACT, _PRODUCT = Decimal("1E-10"), Decimal("1E-8")
"""Finer than any figure of a shop and coarser than the noise of binary fractions (7.731999999999999)."""


def amount(block: Json, name: str, missing: Decimal | None = None) -> Decimal:
    """Return the amount in that field: a number, or a text with a point or a comma (seen in code: "14,30").

    The noise of binary fractions is taken off. Raises OrderError `order-unreadable` as `amount_field` does.
    """
    found = amount_field(_with_point(block, name), name, missing)
    return found.quantize(_EXACT, ROUND_HALF_UP).normalize() + 0


def without_noise(number: Decimal) -> Decimal:
    """Return the product of such amounts without the rest of their noise."""
    return number.quantize(_PRODUCT, ROUND_HALF_UP).normalize() + 0


def percent(block: Json, name: str) -> Decimal:
    """Return the percentage in that field, with or without its sign; zero where the field is empty."""
    value = block.get(name)
    if isinstance(value, str):
        value = value.replace("%", "").strip()
    return amount({name: value}, name, Decimal(0))


def paid_total(order: Json) -> Decimal:
    """Return what the buyer had to pay, in whole cents.

    A total with parts of a cent is what was asked of the buyer where the payment says that. Raises OrderError
    `order-unreadable` for any other.
    """
    total = amount(order, "total")
    data = object_field(object_field(order, "payment"), "data")
    if total != round_to_cents(total) and data.get("value") not in (None, ""):
        asked = cents_field(_with_point(data, "value"), "value")
        if abs(asked - total) <= CENT / 2:
            return round_to_cents(asked)
    return round_to_cents(cents_field({"total": total}, "total"))


def _with_point(block: Json, name: str) -> Json:
    value: Any = block.get(name)
    found = _WITH_COMMA.fullmatch(value.strip()) if isinstance(value, str) else None
    return {name: f"{found[1].replace('.', '')}.{found[2]}"} if found else block


def is_flag_set(value: Any) -> bool:
    """Return whether a flag is set, which comes as true, 1, "1" or "true"."""
    return str(value).strip().lower() in ("true", "1")


def order_status(order: Json) -> OrderStatus:
    """Return the order's status: cancelled by its alias, else paid or open by `paid`, which is independent of it."""
    if str(order.get("status_alias") or "").strip().lower() == "canceled":
        return "cancelled"
    return "paid" if is_flag_set(order.get("paid")) else "open"


def has_left(order: Json) -> bool:
    """Return whether goods may have left the shop."""
    return bool(order.get("sent_at")) or str(order.get("status_alias") or "").strip().lower() not in _NOT_SENT


def is_returned(order: Json) -> bool:
    """Return whether goods came back; a return that was only asked for (`waiting_return`) is none."""
    return str(order.get("status_alias") or "").strip().lower() == "returned"


def line_kind(product: Json) -> LineKind:
    """Return the kind of a product or order line by its `type`; an unknown one is `goods`."""
    return _LINE_KINDS.get(str(product.get("type") or ""), "goods")


def payment_method(order: Json) -> str:
    """Return the means of payment by our name for it."""
    payment = object_field(order, "payment")
    method = str(payment.get("method") or payment.get("type") or "").strip().lower()
    return _PAYMENTS.get(method, method)


def is_picked_up(order: Json) -> bool:
    """Return whether the buyer takes the goods at the shop."""
    payment = object_field(order, "payment")
    return "pick_up" in (payment.get("method"), payment.get("type"))


def unreadable(field: str) -> OrderError:
    """Return the error for a field that cannot be read."""
    return OrderError("order-unreadable", field=field)
