"""Texts as long as a document keeps them: SAF-T (PT) cuts what is longer, in the middle of a word."""

from __future__ import annotations

from dataclasses import replace

from .order import Order
from .party import Address, Party
from .trace import DecisionTrace

MAX_LINE_NAME = 200
MAX_PARTY_NAME = 100
MAX_STREET, MAX_CITY, MAX_POSTAL_CODE = 210, 50, 20


def shorten(text: str, size: int) -> str:
    """Return the text in at most `size` characters, cut between words where there is a space to cut at."""
    if len(text) <= size:
        return text
    whole_words = text[: size + 1].rsplit(" ", 1)[0].rstrip(" ,;:-–&")
    return whole_words if size // 2 <= len(whole_words) <= size else text[:size].rstrip()


def fit_texts(order: Order, trace: DecisionTrace) -> Order:
    """Return the order with every text as long as a document keeps it; warn when one was shortened."""
    lines = tuple(replace(line, description=shorten(line.description, MAX_LINE_NAME)) for line in order.lines)
    fitted = replace(
        order,
        lines=lines,
        buyer=_fit_buyer(order.buyer),
        ship_to=order.ship_to and _fit_address(order.ship_to),
    )
    if fitted != order:
        trace.add_warning("text-shortened")
    return fitted


def _fit_buyer(buyer: Party) -> Party:
    return replace(
        buyer,
        name=shorten(buyer.name, MAX_PARTY_NAME),
        company=shorten(buyer.company, MAX_PARTY_NAME),
        address=buyer.address and _fit_address(buyer.address),
    )


def _fit_address(address: Address) -> Address:
    return replace(
        address,
        street=shorten(address.street, MAX_STREET),
        postal_code=shorten(address.postal_code, MAX_POSTAL_CODE),
        city=shorten(address.city, MAX_CITY),
    )
