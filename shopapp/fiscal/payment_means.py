"""Means of payment: the shop's words as SAF-T codes, and gift cards told apart from money.

Called by drafting. Sources: `tables/means-of-payment.csv`, fiscal-pt VOU2 (a card used is a means, not a discount).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from . import tax_tables
from .document import PaymentMeans
from .money import ZERO, round_to_cents, sum_amounts
from .order import Order
from .trace import DecisionTrace

GIFT_CARD = "gift_card"


def saft_mechanism(method: str) -> str:
    """The SAF-T code of a means of payment; OU for every word that the table does not have."""
    for row in tax_tables.table_rows("means-of-payment"):
        if row["method"] == method:
            return row["mechanism"]
    return "OU"


def split_gift_cards(order: Order) -> Order:
    """The order with its gift cards told from `total`, where only the list of payments names them (VOU2).

    A list that adds up to `total` counts the cards in it; else they came on top.
    """
    used = sum_amounts(each.amount for each in order.payments if each.method == GIFT_CARD)
    if order.gift_cards or not used:
        return order
    inside = sum_amounts(each.amount for each in order.payments) == order.total
    return replace(order, gift_cards=used, total=order.total - used if inside else order.total)


def payments_on_document(order: Order, gross: Decimal, trace: DecisionTrace) -> tuple[PaymentMeans, ...]:
    """What the document says it was paid with, in euros, adding up to its total."""
    if order.status != "paid":
        return ()
    rate = order.exchange_rate if order.currency != "EUR" and order.exchange_rate else Decimal(1)
    gift = min(round_to_cents(order.gift_cards / rate), gross)
    others = [each for each in order.payments if each.method != GIFT_CARD]
    rest = gross - gift
    amounts = [round_to_cents(each.amount / rate) for each in others]
    if sum_amounts(amounts) == rest:
        found = [
            PaymentMeans(saft_mechanism(each.method), part)
            for each, part in zip(others, amounts, strict=True)
            if part
        ]
    else:
        found = [PaymentMeans(saft_mechanism(others[0].method if others else ""), rest)] if rest else []
    if gift > ZERO:
        trace.add_rule("VOU2")
        trace.add_note(f"Pago com cartão-presente: {gift} EUR.")
        found.append(PaymentMeans(saft_mechanism(GIFT_CARD), gift))
    return tuple(found)
