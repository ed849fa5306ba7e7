"""The orders that make invoicing hard, as the examples of the shop's stand-in.

Each has its document at once, or waits for a person where the law allows no guess.
"""

from __future__ import annotations

ISSUED = (
    "fixed-tax", "two-shipping-taxes", "pack", "negative-line", "empty-line", "markup", "long-name",
    "three-letter-country", "country-word", "postal-code-with-country", "number-of-an-emigrant", "no-number",
    "labelled-number", "rounded-by-piece", "rounded-net-of-lines", "rounded-net-and-vat", "coupon-in-cents-a-piece",
    "coupon-over-goods", "download-and-goods", "download-abroad", "only-shipping",
    "row-without-id", "row-without-date", "row-without-amount",
)  # fmt: skip
"""The examples that have their document at once."""
ASKED = {"gift-card-never-sold": "given", "foreign-company-here": "normal"}
"""The examples at which the merchant is asked, and their answer."""
