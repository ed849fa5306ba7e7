"""The stock movements of a document, by the switches in force."""

from __future__ import annotations

from sandbox.core.switches import Switches

from .document_request import DocumentRequest
from .entities import Entity
from .ledger_index import LedgerIndex
from .sums import decimal_text


def stock_movements(
    entity: Entity, requested: DocumentRequest, index: LedgerIndex, switches: Switches
) -> list[dict[str, str]]:
    """Return the stock movements that the document makes, one for each line of a product."""
    policy = switches["stock-on-issue"]
    is_return = requested.kind == "NC"
    if policy == "never" or (policy == "as-asked" and not requested.moves_stock):
        return []
    if is_return and switches["credit-restores-stock"] == "off":
        return []
    found = []
    for line in requested.lines:
        article = index.active_article(entity.number, line.reference)
        # an article created by this document is a product without stock
        if line.reference and (article is None or article["type"] == "P"):
            quantity = line.quantity if is_return else -line.quantity
            place = line.warehouse or entity.main_warehouse
            found.append({"ref": line.reference, "warehouse": place, "qty": decimal_text(quantity)})
    return found
