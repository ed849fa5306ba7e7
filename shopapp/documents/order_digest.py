"""Tell by a digest what of an order has changed since its document: its lines, the rates charged, or the buyer."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from decimal import Decimal

from shopapp.fiscal.money import round_to_cents
from shopapp.fiscal.order import Order
from shopapp.fiscal.tax_ids import normalise_tax_id

DIGEST_VERSION = "2"
"""Raised when the parts of a digest are computed in another way. Of version 1 the buyer is not compared: that part was
made with a key, which may have been replaced since.
"""
DIGEST_PARTS = ("lines", "rates", "buyer")


def order_digest(order: Order) -> str:
    """Return a digest of the lines, the rates charged and the buyer, in parts that are compared one by one.

    It is stored encrypted: with a plain hash a tax id could be guessed.
    """
    parts = (_digest(_lines_of(order)), _digest(_rates_of(order)), _digest(_buyer_of(order)))
    return ":".join((DIGEST_VERSION, *parts))


def changed_parts(digest: str, order: Order) -> list[str] | None:
    """Return which parts of the order are not as in the digest; None where it was computed in another way."""
    version, *parts = digest.split(":")
    if version not in ("1", DIGEST_VERSION):
        return None
    buyer = order.buyer
    is_deleted = not (buyer.name or buyer.company or buyer.tax_id or buyer.email)
    # a shop may delete its customers' data
    is_unknown = is_deleted or version == "1"
    present = (
        _digest(_lines_of(order)),
        _digest(_rates_of(order)),
        parts[2] if is_unknown else _digest(_buyer_of(order)),
    )
    return [name for name, former, found in zip(DIGEST_PARTS, parts, present, strict=True) if former != found]


def _lines_of(order: Order) -> str:
    pieces: dict[str, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        name = line.sku or "".join(c for c in line.description.casefold() if c.isalnum())
        pieces[f"{line.kind} {name}"] += line.quantity
    return repr(sorted((name, str(quantity.normalize())) for name, quantity in pieces.items()))


def _rates_of(order: Order) -> str:
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        amounts[str(line.charged)] += line.unit_price * line.quantity - line.discount
    rates = sorted((rate, str(round_to_cents(amount))) for rate, amount in amounts.items())
    return repr((rates, str(round_to_cents(order.paid_total))))


def _buyer_of(order: Order) -> str:
    country = order.ship_to.country if order.ship_to else ""
    return f"{normalise_tax_id(order.buyer.tax_id)} {country}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
