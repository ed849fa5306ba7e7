"""Shopkit's payload of `GET /order/{id}` read into an `Order`. Pure.

Source: Shopkit's API text (2025-09-26) and themes (2026-03-06), read 2026-12-01.
"""

from __future__ import annotations

from shopapp.errors import OrderError
from shopapp.fiscal.money import ZERO
from shopapp.fiscal.order import Order, Payment

from ..fields import Json, parse_timestamp, required_field, text_field
from .addresses import buyer_of, check_regions, delivery_of
from .reading import lines_of, read_figures
from .terms import has_left, is_returned, order_status, paid_total, payment_method


def order_from(payload: Json) -> Order:
    """Return the order in this payload.

    Raises OrderError where the payload cannot be read or its figures do not add up to its total.
    """
    if not payload.get("products"):
        raise OrderError("no-lines")
    status, total = order_status(payload), paid_total(payload)
    inclusive, lines, discount = lines_of(read_figures(payload))
    check_regions(payload, lines)
    paid_at = payload.get("paid_at") if status == "paid" else None
    return Order(
        id=str(required_field(payload, "id")),
        status=status,
        created_at=parse_timestamp(required_field(payload, "created_at")),
        currency=str(required_field(payload, "currency")).upper(),
        prices_include_tax=inclusive,
        lines=lines,
        total=total,
        buyer=buyer_of(payload),
        paid_at=parse_timestamp(paid_at) if paid_at else None,
        paid_source="platform" if paid_at else "",
        discount=discount,
        ship_to=delivery_of(payload),
        payments=(Payment(payment_method(payload), total),) if total > ZERO else (),
        has_left=has_left(payload),
        is_returned=is_returned(payload),
        shown_invoice=text_field(payload, "invoice_url"),
        note=text_field(payload, "observations"),
    )
