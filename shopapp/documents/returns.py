"""Goods that came back without money: they go back into stock, and no document is issued.

Each return is a follow-up of the invoice. Its pieces can't be returned again; a later credit note of their line gives
back money only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import select

from shopapp.connections.provider import provider_class
from shopapp.fiscal.document import DraftLine
from shopapp.fiscal.money import ZERO
from shopapp.models import Document, FollowUp, db
from shopapp.models.followup import RETURN
from shopapp.providers.stock import SupportsStockMovements


def can_return(document: Document) -> bool:
    """Return whether we can put pieces of this document back into stock: where the shop follows the provider."""
    account = document.account
    return (
        account is not None
        and account.stock_direction == "to-shop"
        and issubclass(provider_class(account.provider), SupportsStockMovements)
    )


def returned_lines(document: Document) -> tuple[DraftLine, ...]:
    """Return the pieces that came back without money, as lines without value."""
    lines = {line.ref: line.as_draft_line() for line in document.lines}
    return tuple(
        replace(lines[ref], quantity=Decimal(pieces), net=ZERO, vat=ZERO, gross=ZERO)
        for followup in _returns_of(document)
        for ref, pieces in followup.detail["pieces"].items()
        if ref in lines
    )


def next_return_number(document: Document) -> int:
    """Return the number of the document's next return, which a form contains so that it counts once."""
    return len(_returns_of(document)) + 1


def enqueue_return(document: Document, number: int, pieces: Mapping[str, Decimal]) -> bool:
    """Enqueue the stock movements of the pieces, by ref. Return False when that was done before. Not committed."""
    if number != next_return_number(document):
        return False
    FollowUp.enqueue(
        document, RETURN, number=number, pieces={ref: str(quantity) for ref, quantity in pieces.items()}
    )
    return True


def quantities_of_return(document: Document, followup: FollowUp) -> dict[str, Decimal]:
    """Return the pieces of each SKU that the return takes off the stock: negative, as they enter."""
    skus = {line.ref: line.sku for line in document.lines if line.kind == "goods" and line.sku}
    quantities: dict[str, Decimal] = {}
    for ref, pieces in followup.detail["pieces"].items():
        if ref in skus:
            quantities[skus[ref]] = quantities.get(skus[ref], ZERO) - Decimal(pieces)
    return quantities


def _returns_of(document: Document) -> list[FollowUp]:
    mine = select(FollowUp).where(FollowUp.document_id == document.id, FollowUp.kind == RETURN)
    return list(db.session.scalars(mine.order_by(FollowUp.number)))
