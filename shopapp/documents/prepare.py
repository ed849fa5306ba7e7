"""What would be sent: the order as it is now and its draft, or the lines that a credit note takes back.

Called by `issuing` before a claim, and by `checking` for the preview. Reads the platform and VIES; writes nothing but
VIES's answer, sends nothing. Everything here may fail freely.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopapp.connections import vies
from shopapp.connections.http import new_http_client
from shopapp.connections.provider import provider_class
from shopapp.connections.settings import text_setting
from shopapp.connections.shop import platform_of
from shopapp.errors import NotAllowedError
from shopapp.fiscal import credit_note, invoice, place_of_supply, transport
from shopapp.fiscal.credit_note import CreditLineRequest, OriginalDocument
from shopapp.fiscal.document import Draft, DraftLine, FiscalSettings, Transport
from shopapp.fiscal.order import Order
from shopapp.fiscal.party import Address, vies_query_number
from shopapp.models import Account, Document, DocumentLine, Sale, db, now
from shopapp.models.document import ISSUED, VOID, WAITING

CAUSE_ORDER_NOTE, CAUSE_TRANSPORT_GUIDE = "dossier", "transport"
"""The causes of an order note and of a transport guide."""
DEFAULT_DEPARTURE_TIME = "18:00"


def fetch_order(document: Document) -> Order:
    """The order as the platform has it now, with the merchant's corrections and VIES's answer in it."""
    corrections, store = document.corrections, document.store
    sale = Sale.get_or_create(document.store_id, document.order_id)
    first_webhook_at = sale.first_paid_hook_at
    db.session.commit()
    order = platform_of(store).read_order(document.order_id)
    if corrections:
        order = replace(order, buyer=replace(order.buyer, **corrections))
    if order.status == "paid" and first_webhook_at and order.paid_source not in ("platform", "history"):
        order = replace(order, paid_at=first_webhook_at, paid_source="hook")
    number = vies_query_number(order.buyer)
    if number:
        answer = vies.check_vat_number(number, text_setting("VIES_URL"), new_http_client())
        order = replace(order, buyer=replace(order.buyer, vies=answer))
    return order


def settings_and_today(account: Account) -> tuple[FiscalSettings, date]:
    """What the merchant chose, and today in the zone of the place that he ships from."""
    provider = provider_class(account.provider)
    settings = account.fiscal_settings(provider.capabilities.rounding_level)
    today = now().astimezone(ZoneInfo(place_of_supply.time_zone_of(settings.ship_from))).date()
    db.session.commit()
    return settings, today


def prepare_invoice(order: Order, account: Account, document: Document) -> Draft:
    """The draft for the order as it was just read: with its transport, made out of its order note, where wanted."""
    draft = invoice.build_invoice(order, *settings_and_today(account))
    if (
        draft.kind in transport.INVOICES_VALID_FOR_TRANSPORT
        and account.settings.get("transport")
        and transport.needs_transport(draft, order)
    ):
        draft = replace(draft, transport=_transport_details(order, account))
    return replace(draft, follows=_source_order_note_id(document, account, draft))


def prepare_order_note(order: Order, account: Account) -> Draft:
    """The draft of the order's note, whether it is paid or not."""
    settings, today = settings_and_today(account)
    return transport.build_order_note(invoice.build_invoice(as_if_paid(order), settings, today), settings)


def as_if_paid(order: Order) -> Order:
    """The order as it would be if it were paid this moment: so drafted, its draft can be signed when it is."""
    return order if order.status == "paid" else replace(order, status="paid", paid_at=now(), paid_source="")


def prepare_transport_guide(document: Document, account: Account) -> Draft:
    """The transport guide of an issued document. NotAllowedError when there is none."""
    sale = db.session.get_one(Document, document.original_id).draft
    db.session.commit()
    if sale is None:
        raise NotAllowedError("credit-without-original")
    settings, today = settings_and_today(account)
    order = fetch_order(document)
    return transport.build_transport_guide(sale, settings, today, _transport_details(order, account))


def _transport_details(order: Order, account: Account) -> Transport:
    """Where the goods are loaded and unloaded, and when they leave, by the merchant's clock."""
    chosen = account.settings
    at, zone = (
        chosen.get("loading", {}),
        ZoneInfo(place_of_supply.time_zone_of(chosen.get("ship_from") or "PT")),
    )
    loading = Address(at.get("street", ""), at.get("postal_code", ""), at.get("city", ""), "PT")
    leaves = time.fromisoformat(chosen.get("leaves_at") or DEFAULT_DEPARTURE_TIME)
    moment = now().astimezone(zone)
    db.session.commit()
    return transport.plan_transport(loading, order.ship_to or order.buyer.address, leaves, moment)


def _source_order_note_id(document: Document, account: Account, draft: Draft) -> str:
    """The provider's id of the order note that the sale is made out of; empty when there is none of this content."""
    note = (
        Document.find(document.store_id, document.order_id, CAUSE_ORDER_NOTE)
        if document.cause == "sale"
        else None
    )
    followed = ""
    if note is not None and not note.alarm and note.draft is not None:
        known = {
            ISSUED: (note.account_id, note.provider_id),
            WAITING: (note.draft_account_id, note.draft_id),
        }
        at, found = known.get(note.state, (None, None))
        if at == account.id and found and transport.same_content(note.draft, draft):
            followed = found
    db.session.commit()
    return followed


def prepare_credit_note(document: Document, account: Account) -> Draft:
    """The draft of a credit note as it was asked for, from the issued lines and what is left of them."""
    credit_request = document.asked_for or {}
    original = db.session.get_one(Document, document.original_id)
    return draft_credit_note(original, account, credit_request, exclude_id=document.id)


def draft_credit_note(
    original: Document, account: Account, credit_request: dict[str, Any], exclude_id: int = 0
) -> Draft:
    """The credit note that `asked` ({"lines": [[ref, quantity, gross]], "amount", "reason"}) would be.

    NotAllowedError when the original can't be credited, or not by so much.
    """
    issued_original = _original_as_issued(original, exclude_id)
    db.session.commit()
    settings, today = settings_and_today(account)
    wanted = [
        CreditLineRequest(ref, _optional_decimal(quantity), _optional_decimal(gross))
        for ref, quantity, gross in credit_request.get("lines", [])
    ]
    return credit_note.build_credit_note(
        issued_original,
        settings,
        today,
        lines=wanted,
        amount=_optional_decimal(credit_request.get("amount")),
        reason=credit_request.get("reason", ""),
    )


def creditable_lines(original: Document) -> tuple[DraftLine, ...]:
    """What may still be credited of an issued document, line by line. NotAllowedError when there is none."""
    return credit_note.creditable_lines(_original_as_issued(original))


def _original_as_issued(original: Document, exclude_id: int = 0) -> OriginalDocument:
    """The document as it was issued, and what other credit notes took back of it."""
    issued_draft = original.draft
    if original.state != ISSUED or issued_draft is None:
        raise NotAllowedError("credit-without-original")
    return OriginalDocument(
        number=original.number or "",
        kind=issued_draft.kind,
        customer=issued_draft.customer,
        lines=tuple(_draft_line(line) for line in original.lines),
        credited=_credited_lines(original, exclude_id),
    )


def _credited_lines(original: Document, exclude_id: int) -> tuple[DraftLine, ...]:
    """The lines that other credit notes took back of the original, or are about to."""
    others = db.session.scalars(
        select(Document).where(
            Document.original_id == original.id,
            Document.cause.startswith("credit:"),
            Document.state != VOID,
            Document.id != exclude_id,
        )
    )
    return tuple(_draft_line(line) for other in others for line in other.lines)


def _draft_line(line: DocumentLine) -> DraftLine:
    return DraftLine(
        **{field.name: getattr(line, field.name) for field in fields(DraftLine) if hasattr(line, field.name)}
    )


def _optional_decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
