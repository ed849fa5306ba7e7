"""The orders that make invoicing hard, as the examples of the shop's stand-in.

Each has its document at once, or waits for a person where the law allows no guess.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scenarios import Demo

ISSUED = (
    "fixed-tax", "two-shipping-taxes", "pack", "negative-line", "empty-line",
    "rounded-by-piece", "rounded-net-of-lines", "rounded-net-and-vat", "coupon-in-cents-a-piece",
    "coupon-over-goods", "download-and-goods", "only-shipping",
    "row-without-id", "row-without-date", "row-without-amount",
)  # fmt: skip
"""The examples that have their document at once."""
ASKED = {"gift-card-never-sold": "given", "foreign-company-here": "normal"}
"""The examples at which the merchant is asked, and their answer."""


def sell_examples(demo: Demo) -> None:
    """Sell every example: those that can be invoiced are, and the merchant answers the questions of the others."""
    issued = [demo.place_paid_order(name, example=name) for name in ISSUED]
    asked = {name: demo.place_paid_order(name, example=name) for name in ASKED}
    for demo_order in asked.values():
        demo_order.merchant.wait_for_state(demo_order.number, "Bloqueado")
    for name, demo_order in asked.items():
        demo_order.merchant.answer(demo_order.number, ASKED[name])
    asked["gift-card-never-sold"].given = Decimal("10.00")
    demo.wait_until_issued(*issued, *asked.values())
