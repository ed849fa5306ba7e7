"""Means of payment: our names for them as SAF-T codes, and what a used gift card is.

`tables/means-of-payment.csv`. A multi-purpose card is a means of payment, not a discount; a single-purpose one was
taxed when it was sold; a code that nobody paid for is a discount (VOU2 to VOU4 in docs/fiscal.md).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from shopapp.errors import SettingsError

from . import tax_tables
from .decisions import ALL, asking
from .document import FiscalSettings, PaymentMeans
from .line_amounts import LineAmounts, reduce_lines
from .money import ONE, ZERO, round_to_cents, sum_amounts
from .order import Order
from .trace import DecisionTrace

GIFT_CARD = "gift_card"


def saft_mechanism(method: str) -> str:
    """Return the SAF-T code of a means of payment; OU (other) for a name that is not in the table."""
    for row in tax_tables.table_rows("means-of-payment"):
        if row["method"] == method:
            return row["mechanism"]
    return "OU"


def split_gift_cards(order: Order) -> Order:
    """Return the order with `gift_cards` filled from its list of payments, when only that names them (VOU2).

    When the list adds up to `total`, the cards are part of it and are subtracted; otherwise they were paid in addition.
    """
    used = sum_amounts(each.amount for each in order.payments if each.method == GIFT_CARD)
    if order.gift_cards or not used:
        return order
    is_in_total = sum_amounts(each.amount for each in order.payments) == order.total
    return replace(order, gift_cards=used, total=order.total - used if is_in_total else order.total)


def deduct_gift_cards(order: Order, settings: FiscalSettings, trace: DecisionTrace) -> tuple[Order, Decimal]:
    """Return the order without gift cards that are no payment for its goods, and their amount (VOU3, VOU4).

    The merchant decides what a used code was, for the order or for all. Raises SettingsError `gift-card-use-undecided`.
    """
    if not order.gift_cards:
        return order, ZERO
    subjects = (f"#{order.id}", ALL)
    use = settings.decisions.find("gift-card-use", *subjects)
    if use == "multi-purpose":
        return order, ZERO
    if use not in ("single-purpose", "given"):
        error = SettingsError("gift-card-use-undecided", amount=str(order.gift_cards))
        with_card, without = str(order.paid_total), str(order.total)
        answers = {"multi-purpose": with_card, "single-purpose": without, "given": without}
        raise asking(error, "gift-card-use", subjects, answers)
    trace.add_rule("VOU3" if use == "single-purpose" else "VOU4")
    if use == "single-purpose":
        trace.add_note(
            f"Vale de finalidade única, com IVA já liquidado: {order.gift_cards} {order.currency}."
        )
    return replace(order, gift_cards=ZERO), order.gift_cards


def reduce_by_gift_cards(lines: list[LineAmounts], order: Order, amount: Decimal) -> list[LineAmounts]:
    """Return the priced lines less an amount of gift cards in the order's currency, as if it were a discount."""
    rate = order.exchange_rate if order.currency != "EUR" and order.exchange_rate else ONE
    return reduce_lines(lines, round_to_cents(amount / rate)) if amount else lines


def payments_on_document(order: Order, gross: Decimal, trace: DecisionTrace) -> tuple[PaymentMeans, ...]:
    """Return the means of payment to print, in euros; they add up to the document's total.

    Where the shop's amounts do not add up, the first means gets everything that was not paid with gift cards.
    """
    if order.status != "paid":
        return ()
    rate = order.exchange_rate if order.currency != "EUR" and order.exchange_rate else ONE
    gift = min(round_to_cents(order.gift_cards / rate), gross)
    others = [each for each in order.payments if each.method != GIFT_CARD]
    rest = gross - gift
    amounts = [round_to_cents(each.amount / rate) for each in others]
    if sum_amounts(amounts) == rest:
        means = [
            PaymentMeans(saft_mechanism(each.method), amount)
            for each, amount in zip(others, amounts, strict=True)
            if amount
        ]
    else:
        means = [PaymentMeans(saft_mechanism(others[0].method if others else ""), rest)] if rest else []
    if gift > ZERO:
        trace.add_rule("VOU2")
        trace.add_note(f"Pago com cartão-presente: {gift} EUR.")
        means.append(PaymentMeans(saft_mechanism(GIFT_CARD), gift))
    return tuple(means)
