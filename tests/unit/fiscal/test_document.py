"""A draft is serialised to bytes and read back unchanged."""

from __future__ import annotations

from decimal import Decimal

from dev.order_factories import make_line, make_order
from shopapp.fiscal.document import Draft
from tests.unit.fiscal.build import build


def test_equal_orders_give_equal_bytes_and_the_bytes_give_back_the_draft() -> None:
    order = make_order(make_line("9.99", quantity=Decimal(3)), total="29.97")
    draft = build(order)
    assert draft.digest() == build(order).digest()
    assert Draft.from_bytes(draft.to_bytes()) == draft
