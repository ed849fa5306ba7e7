"""Causes: why a document exists. The unique key (store, order, cause) makes each of them one document."""

from __future__ import annotations

SALE, ORDER_NOTE, TRANSPORT_GUIDE = "sale", "dossier", "transport"
CREDIT, REISSUE = "credit", "reissue"
"""The causes that an order may have several times are stored with their number: `credit:1`, `reissue:2`."""


def credit(number: int) -> str:
    """Return the cause of the order's credit note of that number."""
    return f"{CREDIT}:{number}"


def reissue(number: int) -> str:
    """Return the cause of the order's reissue of that number."""
    return f"{REISSUE}:{number}"


def number_of(cause: str) -> int:
    """Return the number in a cause that an order may have several times; 0 for the others."""
    return int(cause.partition(":")[2] or 0)


def reference_for(store_id: int, order_id: str, cause: str) -> str:
    """Return our reference of a document, which is written into the document at the provider."""
    return f"QI-{store_id}-{order_id}" + ("" if cause == SALE else "-" + cause.replace(":", ""))
