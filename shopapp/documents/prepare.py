"""Prepare a draft: read the order from the platform, ask VIES, and apply the fiscal rules.

Writes nothing but VIES's answer and sends nothing, so all of it may fail and be repeated.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopapp.connections import vies
from shopapp.connections.api_usage import Purpose
from shopapp.connections.http import new_http_client
from shopapp.connections.provider import provider_class
from shopapp.connections.settings import text_setting
from shopapp.connections.shop import platform_of
from shopapp.documents import returns
from shopapp.errors import NotAllowedError, OrderError
from shopapp.fiscal import credit_note, invoice, place_of_supply, transport
from shopapp.fiscal.credit_note import CreditLineRequest
from shopapp.fiscal.creditable import CreditableLine, OriginalDocument, remaining_lines
from shopapp.fiscal.document import Draft, DraftLine, FiscalSettings, Transport
from shopapp.fiscal.order import Order
from shopapp.fiscal.party import Address, vies_query_number
from shopapp.fiscal.tax_ids import is_nif
from shopapp.models import Account, Document, Sale, db, now
from shopapp.models.cause import ORDER_NOTE
from shopapp.models.document import ISSUED, VOID, WAITING

DEFAULT_DEPARTURE_TIME = "18:00"
"""When the products leave, by the merchant's clock, unless the merchant says otherwise."""


def fetch_order(document: Document, purpose: Purpose = "comfort") -> Order:
    """Return the order as the platform has it now, with the merchant's corrections and VIES's answer. Commits."""
    sale = Sale.get_or_create(document.store_id, document.order_id)
    first_webhook_at = sale.first_paid_hook_at
    order = read_order(document, purpose)
    if order.status == "paid" and first_webhook_at and order.paid_source not in ("platform", "history"):
        order = replace(order, paid_at=first_webhook_at, paid_source="hook")
    number = vies_query_number(order.buyer)
    if number:
        asked_by = _vies_requester(document)
        answer = vies.check_vat_number(number, text_setting("VIES_URL"), new_http_client(), asked_by)
        order = replace(order, buyer=replace(order.buyer, vies=answer))
    return order


def _with_corrections(order: Order, corrections: dict[str, Any]) -> Order:
    buyer = {field: value for field, value in corrections.items() if field != "country"}
    order = replace(order, buyer=replace(order.buyer, **buyer))
    country = corrections.get("country")
    return place_of_supply.choose_country(order, country) if country else order


def vies_proof(document: Document, order: Order) -> dict[str, Any] | None:
    """Return VIES's answer about the buyer's number, to be kept with the document; None where VIES is not asked."""
    number = vies_query_number(order.buyer)
    return vies.kept_answer(number, _vies_requester(document)) if number else None


def _vies_requester(document: Document) -> str:
    """Return the merchant's own NIF, in whose name VIES is asked; empty where we do not know it."""
    account = document.account or Account.find_current(document.store)
    return account.nif if account is not None and is_nif(account.nif or "") else ""


def read_order(document: Document, purpose: Purpose = "comfort") -> Order:
    """Return the order as the platform has it now, with the merchant's corrections. Commits."""
    corrections, store = document.corrections, document.store
    db.session.commit()
    order = platform_of(store, purpose=purpose).read_order(document.order_id)
    return _with_corrections(order, corrections) if corrections else order


def settings_and_today(account: Account) -> tuple[FiscalSettings, date]:
    """Return the merchant's fiscal settings, and today's date in the time zone that they ship from."""
    provider = provider_class(account.provider)
    settings = account.fiscal_settings(provider.capabilities.rounding_level)
    today = now().astimezone(ZoneInfo(place_of_supply.time_zone_of(settings.ship_from))).date()
    db.session.commit()
    return settings, today


def prepare_invoice(order: Order, account: Account, document: Document) -> Draft:
    """Return the draft for an order just read, with its transport and its order note where the merchant wants them.

    Raises OrderError `invoiced-elsewhere` where the shop shows an invoice before we have issued the first.
    """
    if document.is_sale and order.shown_invoice:
        raise OrderError("invoiced-elsewhere", url=order.shown_invoice[:200])
    draft = invoice.build_invoice(order, *settings_and_today(account))
    if (
        draft.kind in transport.INVOICES_VALID_FOR_TRANSPORT
        and account.chosen.transport
        and transport.needs_transport(draft, order)
    ):
        draft = replace(draft, transport=_transport_details(order, account))
    return replace(draft, follows=_source_order_note_id(document, account, draft))


def prepare_order_note(order: Order, account: Account) -> Draft:
    """Return the draft of the order's note, whether the order is paid or not."""
    settings, today = settings_and_today(account)
    return transport.build_order_note(invoice.build_invoice(as_if_paid(order), settings, today), settings)


def as_if_paid(order: Order) -> Order:
    """Return the order as if it were paid now, so that its draft can be finalised once it is."""
    return order if order.status == "paid" else replace(order, status="paid", paid_at=now(), paid_source="")


def prepare_transport_guide(document: Document, account: Account, order: Order) -> Draft:
    """Return the draft of the transport guide of an issued document, for the order as it is now.

    Raises NotAllowedError when the document has no stored draft.
    """
    sale = db.session.get_one(Document, document.original_id).draft
    db.session.commit()
    if sale is None:
        raise NotAllowedError("credit-without-original")
    settings, today = settings_and_today(account)
    return transport.build_transport_guide(sale, settings, today, _transport_details(order, account))


def _transport_details(order: Order, account: Account) -> Transport:
    chosen = account.chosen
    zone = ZoneInfo(place_of_supply.time_zone_of(chosen.ship_from or "PT"))
    place = chosen.loading
    loading = Address(place.get("street", ""), place.get("postal_code", ""), place.get("city", ""), "PT")
    leaves = time.fromisoformat(chosen.leaves_at or DEFAULT_DEPARTURE_TIME)
    moment = now().astimezone(zone)
    db.session.commit()
    return transport.plan_transport(loading, order.ship_to or order.buyer.address, leaves, moment)


def _source_order_note_id(document: Document, account: Account, draft: Draft) -> str:
    """Return the provider's id of the order note that the sale follows; empty when none has the same content."""
    note = Document.find(document.store_id, document.order_id, ORDER_NOTE) if document.is_sale else None
    followed = ""
    if note is not None and not note.alarm and note.draft is not None:
        known = {
            ISSUED: (note.account_id, note.provider_id),
            WAITING: (note.draft_account_id, note.draft_id),
        }
        account_id, found = known.get(note.state, (None, None))
        if account_id == account.id and found and transport.same_content(note.draft, draft):
            followed = found
    db.session.commit()
    return followed


def prepare_credit_note(document: Document, account: Account) -> Draft:
    """Return the draft of the credit note that was requested."""
    credit_request = document.asked_for or {}
    original = db.session.get_one(Document, document.original_id)
    return draft_credit_note(original, account, credit_request, exclude_id=document.id)


def draft_credit_note(
    original: Document, account: Account, credit_request: dict[str, Any], exclude_id: int = 0
) -> Draft:
    """Return the credit note that `credit_request` asks for.

    It is `{"lines": [[ref, quantity, gross]], "amount", "reason", "unstocked"}`; `unstocked` is the list of lines whose
    pieces are not put back into stock, or True for all lines. Counts what other credit notes take back, except that of
    document `exclude_id`. Raises NotAllowedError when the original can't be credited, or not by so much.
    """
    issued_original = _original_as_issued(original, exclude_id)
    db.session.commit()
    settings, today = settings_and_today(account)
    unstocked = credit_request.get("unstocked") or []
    wanted = [
        CreditLineRequest(
            ref,
            _optional_decimal(quantity),
            _optional_decimal(gross),
            restocked=unstocked is not True and ref not in unstocked,
        )
        for ref, quantity, gross in credit_request.get("lines", [])
    ]
    return credit_note.build_credit_note(
        issued_original,
        settings,
        today,
        lines=wanted,
        amount=_optional_decimal(credit_request.get("amount")),
        reason=credit_request.get("reason", ""),
        restocked=unstocked is not True,
    )


def creditable_lines(original: Document) -> list[CreditableLine]:
    """Return what is left of each line of a document. Raises NotAllowedError when it is not issued."""
    return remaining_lines(_original_as_issued(original))


def _original_as_issued(original: Document, exclude_id: int = 0) -> OriginalDocument:
    issued_draft = original.draft
    if original.state != ISSUED or issued_draft is None:
        raise NotAllowedError("credit-without-original")
    return OriginalDocument(
        number=original.number or "",
        kind=issued_draft.kind,
        customer=issued_draft.customer,
        lines=tuple(line.as_draft_line() for line in original.lines),
        credited=(*_credited_lines(original, exclude_id), *returns.returned_lines(original)),
    )


def _credited_lines(original: Document, exclude_id: int) -> tuple[DraftLine, ...]:
    """Return the lines of the original that other credit notes have credited or are about to credit."""
    others = db.session.scalars(
        select(Document).where(
            Document.original_id == original.id,
            Document.is_credit_note,
            Document.state != VOID,
            Document.id != exclude_id,
        )
    )
    return tuple(line.as_draft_line() for other in others for line in other.lines)


def _optional_decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
