"""Rows of Shopkit's order list, and the same fields in the body of a webhook. Pure; nothing here raises."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shopapp.errors import OrderError
from shopapp.fiscal.money import ZERO

from ..base import OrderSummary
from ..fields import Json, read_id, row_key, timestamp_or_none
from .terms import order_status, paid_total


def order_summary_from(row: Any) -> OrderSummary:
    """Return one row of the order list; `unreadable` names the fields without a value."""
    order: Json = row if isinstance(row, Mapping) else {}
    order_id = read_id(order.get("id"))
    created_at, total = timestamp_or_none(order.get("created_at")), _total(order)
    currency, status = order.get("currency"), order_status(order)
    has_status = status == "cancelled" or order.get("paid") not in (None, "")
    found = {"id": order_id, "date": created_at, "total": total, "status": has_status or None}
    return OrderSummary(
        order_id=order_id,
        status=status,
        created_at=created_at,
        total=total,
        currency=currency.upper()[:3] if isinstance(currency, str) else "",
        paid_at=timestamp_or_none(order.get("paid_at")) if status == "paid" else None,
        unreadable=tuple(name for name, value in found.items() if value in (None, "")),
        key=row_key(order_id, row),
    )


def _total(order: Json) -> Decimal | None:
    try:
        total = paid_total(order)
    except OrderError:
        return None
    return total if total >= ZERO else None
