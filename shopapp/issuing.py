"""The road of a document: from a duty to a draft, from a draft to what a provider issued.

Called by `jobs` (which loops), by `sweeping` and by `deciding` (which only settle). Every move returns an outcome and schedules nothing. No transaction is open while the network is waited for.
The specification is docs/failure-model.md.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError, OperationalError

from shopapp import connect, fault
from shopapp.fiscal import drafting, place
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import (
    AppError,
    CredentialsError,
    MerchantError,
    NotYet,
    ThrottledError,
    TransientError,
    UncertainError,
)
from shopapp.fiscal.order import Order
from shopapp.models import Account, Attempt, Document, DocumentLine, FollowUp, Sale, Store, db, folded, now
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, MOST_TAKES, PENDING, REVIEW, VOID, WAITING
from shopapp.providers.base import Once, Provider

log = logging.getLogger("quickinvoice.issuing")

SEND_WITHIN = 5.0
"""Seconds after the claim in which the call must begin: a worker that was frozen there must not wake up and post."""
KEYS_CODES = ("keys-refused", "keys-missing")


def step() -> bool:
    """True when a due document was taken and moved as far as it goes now; False when nothing was due."""
    document = Document.take()
    if document is None:
        return False
    fault.point("after_take")
    try:
        _issue(document)
    except Exception as error:  # our own bug: bounded, then shown; never mistaken for an outcome
        db.session.rollback()
        log.exception("document %s", document.id)
        _our_fault(document, error)
    return True


def _issue(document: Document) -> None:
    if document.takes > MOST_TAKES:
        _move(document, BLOCKED, "internal", {"takes": document.takes})
        return
    account = document.account or Account.of(document.store)
    db.session.commit()
    if account is None:
        _move(document, WAITING, "older")
        return
    try:
        draft = _frozen(document) or _drafted(document, account)
    except AppError as error:
        _not_sent(document, account, error)
        return
    if draft is None:
        return
    fault.point("before_claim")
    number = document.claim(draft, account, float(connect.setting("LEASE_SECONDS")))
    claimed = time.monotonic()
    if number is None:
        return
    fault.point("after_claim")
    _send(document, account, draft, claimed)


# reading and drafting: nothing is sent yet, all of it may fail freely


def _frozen(document: Document) -> Draft | None:
    """The draft of an attempt that may have arrived: these bytes are sent again, or nothing."""
    return document.draft if document.frozen else None


def _drafted(document: Document, account: Account) -> Draft | None:
    """The draft of the order as it is now, or None when the row moved instead (unpaid, cancelled, too old)."""
    store = document.store
    provider = connect.provider_of(account)
    db.session.commit()
    order = _corrected(connect.platform_of(store).order(document.order_id), document.corrections)
    _remember(document, order)
    if not _wanted(document, account, order):
        return None
    settings = account.fiscal_settings(provider.capabilities.level)
    today = now().astimezone(ZoneInfo(place.zone(settings.ship_from))).date()
    db.session.commit()
    draft = drafting.invoice(order, settings, today)
    _name_buyer(document, draft)
    return draft


def _corrected(order: Order, corrections: dict[str, str] | None) -> Order:
    """The order with what the merchant corrected by hand (the buyer's tax id, or none at all)."""
    if not corrections:
        return order
    return replace(order, buyer=replace(order.buyer, **corrections))


def _remember(document: Document, order: Order) -> None:
    """Nothing; the sale's figures as just read, and the buyer in the listing, also when the document is blocked."""
    sale = Sale.seen(document.store_id, document.order_id)
    sale.status, sale.total, sale.currency = order.status, order.paid_total, order.currency
    sale.ordered_at, sale.checked_at = order.created_at, now()
    if order.paid_at is not None and order.paid_source != "completed_at":
        sale.paid_at, sale.paid_source = order.paid_at, order.paid_source
    elif sale.first_paid_hook_at is not None:
        sale.paid_at, sale.paid_source = sale.first_paid_hook_at, "hook"
    else:
        sale.paid_at, sale.paid_source = order.paid_at, order.paid_source
    if order.status == "cancelled" and sale.cancelled_at is None:
        sale.cancelled_at = now()
    document.paid_at = sale.paid_at if order.status == "paid" else None
    document.total = order.paid_total
    buyer = order.buyer
    if buyer.name or buyer.company or buyer.tax_id:
        name = buyer.company or buyer.name
        document.buyer = {"name": name, "tax_id": buyer.tax_id, "address": None, "email": buyer.email}
        document.buyer_folded = folded(name)[:200]
        document.tax_id_mark = _mark(buyer.tax_id)
    db.session.commit()


def _name_buyer(document: Document, draft: Draft) -> None:
    """Nothing; the buyer as the document will name him."""
    customer = draft.customer
    address = customer.address
    document.buyer = {
        "name": customer.name,
        "tax_id": customer.tax_id if customer.print_tax_id else "",
        "address": [address.street, f"{address.postal_code} {address.city}".strip(), address.country]
        if address
        else None,
        "email": customer.email,
    }
    document.buyer_folded = folded(customer.name)[:200]
    document.tax_id_mark = _mark(customer.tax_id if customer.print_tax_id else "")
    db.session.commit()


def _mark(tax_id: str) -> str:
    plain = "".join(c for c in tax_id.upper() if c.isalnum()).removeprefix("PT")
    return Document.mark(plain) if plain else ""


def _wanted(document: Document, account: Account, order: Order) -> bool:
    """True when the order is to be invoiced now; otherwise the row has moved to where it waits."""
    if order.status == "cancelled":
        _move(document, VOID, "cancelled")
    elif order.status != "paid":
        _move(document, WAITING, "unpaid")
    elif document.asked_at is None and _older(document.store, order, document.paid_at):
        _move(document, WAITING, "older")
    elif document.asked_at is None and not account.settings.get("automatic", True):
        _move(document, WAITING, "automatic-off")
    else:
        return True
    return False


def _older(store: Store, order: Order, paid_at: datetime | None) -> bool:
    """True unless the order, or its proved payment, lies after the merchant said go (rulings section 8)."""
    if store.ready_at is None:
        return True
    if order.created_at >= store.ready_at:
        return False
    proved = order.paid_source in ("platform", "history")
    return not (proved and paid_at is not None and paid_at >= store.ready_at)


# sending


def _send(document: Document, account: Account, draft: Draft, claimed: float) -> None:
    """Nothing; the claimed document sent by the provider's promise, and its outcome settled."""
    try:
        provider = connect.provider_of(account)
    except CredentialsError as error:
        _settle_error(document, account, error)
        return
    db.session.commit()
    fault.point("before_send")
    if time.monotonic() - claimed > SEND_WITHIN:
        Attempt.end(document.id, document.attempt, "not-sent", "too-late")
        _move(document, PENDING, "", {})
        return
    try:
        issued = _ROADS[provider.once](provider, document, draft)
    except AppError as error:
        fault.point("after_send")
        _settle_error(document, account, error)
    except Exception as error:  # unknown is the default: only listed answers leave it
        fault.point("after_send")
        log.exception("document %s while sending", document.id)
        _settle_error(document, account, UncertainError("outcome-unknown", how=type(error).__name__))
    else:
        fault.point("after_send")
        settle(document, issued, "provider")


def _send_once(provider: Provider, document: Document, draft: Draft) -> Issued:
    """BY_PERSON and BY_SEARCH: one call, never repeated by itself."""
    return provider.issue(draft, document.reference)


_ROADS = {Once.BY_PERSON: _send_once, Once.BY_SEARCH: _send_once}


# settling


def settle(document: Document, issued: Issued, by: str) -> bool:
    """True when the document is now recorded as issued; numbers, totals, lines and follow-ups in one commit.

    Repeats while the database is locked: this is the one thing that must not be lost. A number that another row
    holds, or a document that was settled otherwise meanwhile, raises the duplicate alarm instead.
    """
    fault.point("before_settle")
    for delay in (0.2, 0.5, 1, 2, 4, 8, 8, 8):
        try:
            return _settle(document, issued, by)
        except OperationalError:
            db.session.rollback()
            log.warning("document %s: database busy while settling", document.id)
            time.sleep(delay)
    return _settle(document, issued, by)


def _settle(document: Document, issued: Issued, by: str) -> bool:
    draft = document.draft
    alarm, detail = _compared(draft, issued)
    try:
        moved = document.move(
            ISSUED, by="merchant" if by == "merchant" else "app", frozen=True,
            detail={"number": issued.number, "total": str(issued.total) if issued.total is not None else ""},
            provider_id=issued.provider_id, number=issued.number, atcud=issued.atcud, pdf_url=issued.pdf_url,
            series=issued.series or document.series, issued_on=issued.date or (draft.date if draft else None),
            issued_at=now(), provider_total=issued.total, provider_state=issued.provider_state, settled_by=by,
            alarm=alarm, alarm_detail=detail, tries=0,
        )  # fmt: skip
    except IntegrityError:
        db.session.rollback()
        return _duplicate(document, issued)
    if not moved:
        db.session.rollback()
        return _late(document, issued, by)
    Attempt.end(document.id, document.attempt, "issued", detail={"number": issued.number, **detail})
    if draft is not None:
        _keep_lines(document, draft)
    _owe(document)
    db.session.commit()
    fault.point("after_settle")
    return True


def _compared(draft: Draft | None, issued: Issued) -> tuple[str, dict[str, Any]]:
    """The alarm to raise when the provider's total is not ours."""
    if draft is None or issued.total is None or issued.total == draft.gross:
        return "", {}
    return "total-differs", {"ours": str(draft.gross), "theirs": str(issued.total)}


def _keep_lines(document: Document, draft: Draft) -> None:
    for position, line in enumerate(draft.lines):
        names = DocumentLine.__table__.columns.keys()
        values = {name: getattr(line, name) for name in names if hasattr(line, name)}
        db.session.add(DocumentLine(document_id=document.id, position=position, **values))


def _owe(document: Document) -> None:
    """Nothing; what is owed after issuing, by the merchant's choice."""
    FollowUp.owe(document, "attach")
    FollowUp.owe(document, "history")
    chosen = document.account.settings if document.account else {}
    if chosen.get("email_buyer") and (document.buyer or {}).get("email"):
        FollowUp.owe(document, "email")


def _late(document: Document, issued: Issued, by: str) -> bool:
    """The row moved while we sent: a late success is never dropped."""
    db.session.refresh(document)
    if document.state in (IN_DOUBT, REVIEW, ISSUING):
        return _settle(document, issued, by)
    if document.number == issued.number:
        db.session.commit()
        return True
    return _duplicate(document, issued)


def _duplicate(document: Document, issued: Issued) -> bool:
    """False; two documents answer one order, or one number two orders: the merchant is shown both numbers."""
    db.session.refresh(document)
    document.alarm, document.alarm_detail = "duplicate", {"number": issued.number, "known": document.number or ""}
    document.note(document.state, document.state, "duplicate", {"number": issued.number})
    if document.state in (ISSUING, IN_DOUBT):
        Attempt.end(document.id, document.attempt, "unknown", "duplicate", {"number": issued.number})
        if document.state == ISSUING:
            document.move(IN_DOUBT, "duplicate", {"number": issued.number})
        document.move(REVIEW, "duplicate", {"number": issued.number})
    db.session.commit()
    log.error("document %s: duplicate %s", document.id, issued.number)
    return False


def _settle_error(document: Document, account: Account, error: AppError) -> None:
    """Nothing; the attempt ended without a document, or nobody knows how."""
    detail = dict(error.detail)
    if isinstance(error, UncertainError):
        Attempt.end(document.id, document.attempt, "unknown", error.code, detail)
        doubt(document, connect.provider_class(account.provider), error.code, detail)
        return
    outcome = "refused" if isinstance(error, MerchantError) else "not-sent"
    Attempt.end(document.id, document.attempt, outcome, error.code, detail)
    _not_sent(document, account, error)


def doubt(document: Document, provider: type[Provider], code: str, detail: dict[str, Any]) -> None:
    """Nothing; the row is in doubt, its draft frozen. Where nobody but a person can look, it waits for him. Commits."""
    settle_after = float(connect.setting("SETTLE_SECONDS"))
    if not document.move(IN_DOUBT, code, detail, after=settle_after, frozen=True):
        db.session.rollback()
        return
    if not provider.capabilities.searches:
        document.move(REVIEW, code, detail)
        FollowUp.owe(document, "notice", number=document.attempt)
    db.session.commit()


def _not_sent(document: Document, account: Account, error: AppError) -> None:
    """Nothing; no document exists over there: the row waits, is tried again, or waits for the merchant. Commits."""
    detail = dict(error.detail)
    if isinstance(error, NotYet):
        _move(document, WAITING, error.code, detail)
    elif isinstance(error, CredentialsError) and error.code not in KEYS_CODES:
        connect.lost_access(document.store)
        _move(document, PENDING, "store-access", detail)
    elif isinstance(error, CredentialsError):
        _refuse_account(account, error)
        _move(document, BLOCKED, error.code, detail, notice=True)
    elif isinstance(error, MerchantError):
        _move(document, BLOCKED, error.code, detail, notice=True)
    elif isinstance(error, TransientError):
        _later(document, account, error)
    else:
        raise error


def _refuse_account(account: Account, error: CredentialsError) -> None:
    """Nothing; from now on no document of this account is tried: hammering would lock the merchant out."""
    account.refused_at, account.refused_code = account.refused_at or now(), error.code
    account.refused_detail = dict(error.detail)
    db.session.commit()


def _later(document: Document, account: Account, error: TransientError) -> None:
    """Nothing; tried again later, twice as late each time, with jitter so that rows don't come back together."""
    tries = document.tries + 1
    first = float(connect.setting("RETRY_SECONDS"))
    delay = min(first * 2 ** (tries - 1), first * 60)
    if isinstance(error, ThrottledError) and error.retry_after is not None:
        delay = max(error.retry_after, 1.0)
    delay *= random.uniform(0.8, 1.2)  # noqa: S311  (jitter, not a secret)
    _move(document, PENDING, error.code, dict(error.detail), after=delay, tries=tries)


def _our_fault(document: Document, error: Exception) -> None:
    """Nothing; a bug of ours: tried a bounded number of times, then shown with the code `internal`."""
    db.session.refresh(document)
    if document.state == ISSUING and document.account is not None:
        doubt(document, connect.provider_class(document.account.provider), "internal", {})
    elif document.state == PENDING and document.tries + 1 >= MOST_TAKES:
        _move(document, BLOCKED, "internal", {"what": type(error).__name__}, notice=True)
    elif document.state == PENDING:
        _move(document, PENDING, "internal", after=30.0 * 2**document.tries, tries=document.tries + 1)
    else:
        db.session.commit()


def _move(
    document: Document, state: str, reason: str = "", detail: dict[str, Any] | None = None, notice: bool = False,
    **values: Any,
) -> bool:
    """True when the row moved; commits either way."""
    moved = document.move(state, reason, detail, **values)
    if moved and notice:
        FollowUp.owe(document, "notice", number=document.attempt + 1)
    db.session.commit()
    return moved
