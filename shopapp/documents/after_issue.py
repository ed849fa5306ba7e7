"""Enqueue what follows an issued document: its follow-ups, its stock movements, its transport guide."""

from __future__ import annotations

from shopapp.connections.shop import platform_class
from shopapp.fiscal.comparison import DIFFERENCES
from shopapp.fiscal.document import INVOICE_KINDS, Issued
from shopapp.inventory import movements
from shopapp.models import Document, FollowUp, now
from shopapp.models.account_settings import AccountSettings
from shopapp.models.cause import ORDER_NOTE, TRANSPORT_GUIDE
from shopapp.models.document import ISSUED, REVIEW, WAITING
from shopapp.platforms.base import SupportsOrderDocuments, SupportsOrderHistory, SupportsTransportCode
from shopapp.providers.base import IssueGuarantee


def enqueue_followups(document: Document) -> None:
    """Enqueue what follows the document just issued, by its kind and the merchant's choice. Not committed."""
    if document.promise == IssueGuarantee.DRAFT_FIRST.value:
        FollowUp.enqueue(document, "tidy")
    _enqueue_stock_update(document)
    if document.is_order_note:
        sale = Document.find(document.store_id, document.order_id)
        if sale is not None and sale.state in (WAITING, ISSUED):
            FollowUp.enqueue_or_restart(sale, "draft" if sale.state == WAITING else "note")
        return
    if document.is_sale:
        _request_related_documents(document)
    if document.alarm not in DIFFERENCES:
        enqueue_delivery(document)


def enqueue_delivery(document: Document) -> None:
    """Enqueue what shows the document to the buyer and on the order. Not committed.

    One whose figures differ waits for this until the merchant has looked at it.
    """
    platform = platform_class(document.store.platform)
    # a link to a number that was taken back was shown before: the right one is shown beside it
    time = 1 + sum(move.new == REVIEW and move.old == ISSUED for move in document.transitions)
    if has_place_on_order(document):
        FollowUp.enqueue(document, "attach", number=time)
    if issubclass(platform, SupportsOrderHistory):
        FollowUp.enqueue(document, "history", number=time)
    chosen = document.account.chosen if document.account else AccountSettings()
    has_recipient = document.kind != "GT" and (document.buyer or {}).get("email")
    if chosen.email_buyer and has_recipient and document.has_pdf:
        FollowUp.enqueue(document, "email", number=time)


def has_place_on_order(document: Document) -> bool:
    """Return whether the platform shows this document on its order: some show the present invoice alone."""
    platform = platform_class(document.store.platform)
    if document.kind == "GT" or not issubclass(platform, SupportsOrderDocuments):
        return False
    return platform.shows_every_document or document.is_sale or document.is_reissue


def is_linked_in_history(document: Document) -> bool:
    """Return whether the order's history has the link to this document, as it has no place of its own there."""
    return document.kind in (*INVOICE_KINDS, "NC") and not has_place_on_order(document)


def enqueue_transport_code(document: Document, issued: Issued) -> None:
    """Enqueue writing the tax authority's code of a transport document on the order. Not committed."""
    if issued.at_code and issubclass(platform_class(document.store.platform), SupportsTransportCode):
        FollowUp.enqueue(document, "at-code", code=issued.at_code)


def _enqueue_stock_update(document: Document) -> None:
    """Enqueue the stock movements of the document, or mark its SKUs due where the provider moved them itself."""
    if document.kind in ("GT", "NE", "PF"):
        return
    if movements.needs_movements(document):
        FollowUp.enqueue(document, "stock")
    else:
        movements.schedule_sync(document)


def _request_related_documents(document: Document) -> None:
    """Enqueue the end of the sale's order note, and request its transport guide if the merchant chose one."""
    if Document.find(document.store_id, document.order_id, ORDER_NOTE) is not None:
        FollowUp.enqueue(document, "note")
    chosen = document.account.chosen if document.account else AccountSettings()
    goods = document.draft is not None and any(line.kind == "goods" for line in document.draft.lines)
    if chosen.guide and goods:
        Document.create_if_absent(
            document.store, document.order_id, TRANSPORT_GUIDE, original_id=document.id, kind="GT",
            account_id=document.account_id, paid_at=document.paid_at, buyer_marks=document.buyer_marks,
            tax_id_mark=document.tax_id_mark, asked_at=now(),
        )  # fmt: skip
