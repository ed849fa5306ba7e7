"""Rows of Jumpseller's order list, and the same fields in the body of a webhook. Pure.

Each field has one exact reader. Nothing here raises: one bad row must not hide the orders after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopapp.errors import OrderError
from shopapp.fiscal.money import ZERO

from ..base import OrderSummary
from ..fields import Json, cents_field, object_field, read_id, row_key, timestamp_or_none
from .terms import order_status


def order_summary_from(row: Any) -> OrderSummary:
    """Return one row of the order list, with or without its wrapper; `unreadable` names the fields without a value.

    The total includes what was paid by gift card, as the total of the order when it is read itself does.
    """
    content: Json = row if isinstance(row, Mapping) else {}
    order = object_field(content, "order") or content
    order_id = read_id(order.get("id"))
    created_at = timestamp_or_none(order.get("created_at"))
    total = _paid_total(order)
    currency = order.get("currency")
    found = {"id": order_id, "date": created_at, "total": total, "status": order.get("status_enum")}
    return OrderSummary(
        order_id=order_id,
        status=order_status(order),
        created_at=created_at,
        total=total,
        currency=currency.upper()[:3] if isinstance(currency, str) else "",
        paid_at=_payment_time(order),
        unreadable=tuple(name for name, value in found.items() if value in (None, "")),
        key=row_key(order_id, row),
    )


def _paid_total(order: Json) -> Decimal | None:
    try:
        total = cents_field(order, "total") + cents_field(order, "gift_cards_discount", ZERO)
    except OrderError:
        return None
    return total if total >= ZERO else None


def _payment_time(order: Json) -> datetime | None:
    if order.get("status_enum") != "paid":
        return None
    return timestamp_or_none(order.get("paid_at") or order.get("completed_at"))
