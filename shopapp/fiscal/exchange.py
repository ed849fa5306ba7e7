"""Orders in another currency: the rate of the month, which the merchant states once (CUR1 in docs/fiscal.md)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from shopapp.errors import OrderError

from .decisions import asking
from .document import FiscalSettings
from .money import ZERO, parse_amount
from .order import Order
from .trace import DecisionTrace


def apply_exchange_rate(order: Order, settings: FiscalSettings, day: date, trace: DecisionTrace) -> Order:
    """Return the order with the rate of that day's month, where it is in another currency and states none.

    Raises OrderError `currency` until the merchant has stated the rate, and for a text that is no currency's code.
    """
    if order.currency == "EUR":
        return order
    trace.add_rule("CUR1")
    if order.exchange_rate and order.exchange_rate > ZERO:
        return order
    if not re.fullmatch(r"[A-Z]{3}", order.currency):
        raise OrderError("currency", currency=order.currency)
    subject = f"{order.currency} {day:%Y-%m}"
    rate, source = read_rate(settings.decisions.find("exchange-rate", subject))
    if not rate:
        raise asking(OrderError("currency", currency=order.currency), "exchange-rate", (subject,), {})
    trace.add_note(f"Câmbio do mês {day:%Y-%m}: {source}.")
    return replace(order, exchange_rate=rate)


def read_rate(answer: str) -> tuple[Decimal, str]:
    """Return the rate (units for one euro) and the source in a decision such as `1.0834 Banco de Portugal`.

    The rate is zero when there is none.
    """
    written, _, source = answer.partition(" ")
    try:
        return max(parse_amount(written), ZERO), source
    except ValueError:
        return ZERO, ""
