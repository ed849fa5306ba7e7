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

from shopapp import connect, vies
from shopapp.fiscal import crediting, drafting, moving, place
from shopapp.fiscal.crediting import Original, Wanted
from shopapp.fiscal.document import Draft, DraftLine, Settings, Transport
from shopapp.fiscal.errors import NotAllowedError
from shopapp.fiscal.order import Order
from shopapp.fiscal.party import Address
from shopapp.models import Account, Document, DocumentLine, Sale, db, now
from shopapp.models.states import ISSUED, VOID, WAITING

NOTE, GUIDE = "dossier", "transport"
"""The causes of an order note and of a transport guide."""
LEAVES_AT = "18:00"


def order_now(document: Document) -> Order:
    """The order as the platform has it now, with the merchant's corrections and VIES's answer in it."""
    corrections, store = document.corrections, document.store
    sale = Sale.seen(document.store_id, document.order_id)
    first_hook = sale.first_paid_hook_at
    db.session.commit()
    order = connect.platform_of(store).order(document.order_id)
    if corrections:
        order = replace(order, buyer=replace(order.buyer, **corrections))
    if order.status == "paid" and first_hook and order.paid_source not in ("platform", "history"):
        order = replace(order, paid_at=first_hook, paid_source="hook")
    number = drafting.number_for_vies(order)
    if number:
        answer = vies.ask(number, connect.setting("VIES_URL"), connect.wire())
        order = replace(order, buyer=replace(order.buyer, vies=answer))
    return order


def settings_of(account: Account) -> tuple[Settings, date]:
    """What the merchant chose, and today in the zone of the place that he ships from."""
    provider = connect.provider_class(account.provider)
    settings = account.fiscal_settings(provider.capabilities.level)
    today = now().astimezone(ZoneInfo(place.zone(settings.ship_from))).date()
    db.session.commit()
    return settings, today


def invoice(order: Order, account: Account, document: Document) -> Draft:
    """The draft for the order as it was just read: with its transport, made out of its order note, where wanted."""
    draft = drafting.invoice(order, *settings_of(account))
    if draft.kind in moving.MOVED_BY and account.settings.get("transport") and moving.travels(draft, order):
        draft = replace(draft, transport=_transport(order, account))
    return replace(draft, follows=_followed(document, account, draft))


def order_note(order: Order, account: Account) -> Draft:
    """The draft of the order's note, whether it is paid or not."""
    settings, today = settings_of(account)
    return moving.order_note(drafting.invoice(as_if_paid(order), settings, today), settings)


def as_if_paid(order: Order) -> Order:
    """The order as it would be if it were paid this moment: so drafted, its draft can be signed when it is."""
    return order if order.status == "paid" else replace(order, status="paid", paid_at=now(), paid_source="")


def guide(document: Document, account: Account) -> Draft:
    """The transport guide of an issued document. NotAllowedError when there is none."""
    sale = db.session.get_one(Document, document.original_id).draft
    db.session.commit()
    if sale is None:
        raise NotAllowedError("credit-without-original")
    settings, today = settings_of(account)
    order = order_now(document)
    return moving.guide(sale, settings, today, _transport(order, account))


def _transport(order: Order, account: Account) -> Transport:
    """Where the goods are loaded and unloaded, and when they leave, by the merchant's clock."""
    chosen = account.settings
    at, zone = chosen.get("loading", {}), ZoneInfo(place.zone(chosen.get("ship_from") or "PT"))
    loading = Address(at.get("street", ""), at.get("postal_code", ""), at.get("city", ""), "PT")
    leaves = time.fromisoformat(chosen.get("leaves_at") or LEAVES_AT)
    moment = now().astimezone(zone)
    db.session.commit()
    return moving.transport(loading, order.ship_to or order.buyer.address, leaves, moment)


def _followed(document: Document, account: Account, draft: Draft) -> str:
    """The provider's id of the order note that the sale is made out of; empty when there is none of this content."""
    note = Document.of(document.store_id, document.order_id, NOTE) if document.cause == "sale" else None
    followed = ""
    if note is not None and not note.alarm and note.draft is not None:
        known = {
            ISSUED: (note.account_id, note.provider_id),
            WAITING: (note.draft_account_id, note.draft_id),
        }
        at, found = known.get(note.state, (None, None))
        if at == account.id and found and moving.same_content(note.draft, draft):
            followed = found
    db.session.commit()
    return followed


def credit(document: Document, account: Account) -> Draft:
    """The draft of a credit note as it was asked for, from the issued lines and what is left of them."""
    asked = document.asked_for or {}
    original = db.session.get_one(Document, document.original_id)
    return credit_of(original, account, asked, without=document.id)


def credit_of(original: Document, account: Account, asked: dict[str, Any], without: int = 0) -> Draft:
    """The credit note that `asked` ({"lines": [[ref, quantity, gross]], "amount", "reason"}) would be.

    NotAllowedError when the original can't be credited, or not by so much.
    """
    known = _known(original, without)
    db.session.commit()
    settings, today = settings_of(account)
    wanted = [
        Wanted(ref, _decimal(quantity), _decimal(gross)) for ref, quantity, gross in asked.get("lines", [])
    ]
    return drafting.credit_note(
        known,
        settings,
        today,
        lines=wanted,
        amount=_decimal(asked.get("amount")),
        reason=asked.get("reason", ""),
    )


def lines_left(original: Document) -> tuple[DraftLine, ...]:
    """What may still be credited of an issued document, line by line. NotAllowedError when there is none."""
    return crediting.left(_known(original))


def _known(original: Document, without: int = 0) -> Original:
    """The document as it was issued, and what other credit notes took back of it."""
    former = original.draft
    if original.state != ISSUED or former is None:
        raise NotAllowedError("credit-without-original")
    return Original(
        number=original.number or "",
        kind=former.kind,
        customer=former.customer,
        lines=tuple(_line(line) for line in original.lines),
        credited=_credited(original, without),
    )


def _credited(original: Document, without: int) -> tuple[DraftLine, ...]:
    """The lines that other credit notes took back of the original, or are about to."""
    others = db.session.scalars(
        select(Document).where(
            Document.original_id == original.id,
            Document.cause.startswith("credit:"),
            Document.state != VOID,
            Document.id != without,
        )
    )
    return tuple(_line(line) for other in others for line in other.lines)


def _line(line: DocumentLine) -> DraftLine:
    return DraftLine(
        **{field.name: getattr(line, field.name) for field in fields(DraftLine) if hasattr(line, field.name)}
    )


def _decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
