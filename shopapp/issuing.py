"""The road of a document: from a duty to a draft, from a draft to what a provider issued.

Called by `jobs` (which loops), by `sweeping` and by `deciding` (which only settle). Every move returns an outcome and
schedules nothing. No transaction is open while the network is waited for. Specification: docs/failure-model.md.
"""

from __future__ import annotations

import contextlib
import logging
import time
from datetime import datetime

from sqlalchemy.exc import OperationalError

from shopapp import catalogue, connect, early, fault, matching, preparing
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import AppError, CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.order import Order
from shopapp.models import Account, Attempt, Document, Sale, Store, db, folded, now
from shopapp.models.states import BLOCKED, MOST_TAKES, PENDING, VOID, WAITING
from shopapp.providers.base import Once, Provider
from shopapp.settling import heard, moved, not_sent, our_fault, settle, settle_error

log = logging.getLogger("quickinvoice.issuing")

SEND_WITHIN = 5.0
"""Seconds after the claim in which the call must begin: a worker that was frozen there must not wake up and post."""


def step() -> bool:
    """True when a due document was taken and moved as far as it goes now; False when nothing was due."""
    document = Document.take(float(connect.setting("TAKE_SECONDS")))
    if document is None:
        return False
    fault.point("after_take")
    try:
        _issue(document)
    except OperationalError:
        # the database went away: nobody's bug; the lease lapses, and the row is as free, or as much in doubt, as it is
        db.session.rollback()
        log.warning("a document was left where it was: the database is away")
    except Exception as error:  # our own bug: bounded, then shown; never mistaken for an outcome
        db.session.rollback()
        log.exception("document %s", document.id)
        our_fault(document, error)
    return True


def _issue(document: Document) -> None:
    if document.takes > MOST_TAKES:
        moved(document, BLOCKED, "internal", {"takes": document.takes})
        return
    account = document.account or Account.of(document.store)
    db.session.commit()
    if account is None:  # closed since it was taken: the lease lapses, and the row waits for another
        return
    try:
        draft = _frozen(document) or _drafted(document, account)
    except AppError as error:
        not_sent(document, account, error)
        return
    if draft is None:
        return
    _claim_and_send(document, account, draft)


def _claim_and_send(document: Document, account: Account, draft: Draft) -> None:
    """Nothing; the row is ours alone, its draft frozen, before anything is sent."""
    try:
        provider = connect.provider_of(account, document)
        if account.pauses:
            _knock(account, provider)
        if not document.keeps(draft, account) and not early.removed(document, account):
            return
    except AppError as error:
        not_sent(document, account, error)
        return
    db.session.commit()
    fault.point("before_claim")
    promise = provider.once_of(draft.kind)
    number = document.claim(draft, account, promise.value, float(connect.setting("LEASE_SECONDS")))
    claimed = time.monotonic()
    if number is None:
        return
    fault.point("after_claim")
    _send(document, account, provider, draft, claimed)


def _knock(account: Account, provider: Provider) -> None:
    """Nothing; a provider that was down answers again. Raises what it says when it does not.

    Asked by what changes nothing, before anything is claimed: a document sent into the dark may be one too many, or a
    merchant's question.
    """
    db.session.commit()
    try:
        provider.check()
    except (TransientError, CredentialsError) as error:
        db.session.rollback()
        heard(account, error)
        raise


# reading and drafting: nothing is sent yet, all of it may fail freely


def _frozen(document: Document) -> Draft | None:
    """The draft of an attempt that may have arrived: these bytes are sent again, or nothing."""
    return document.draft if document.frozen else None


def _drafted(document: Document, account: Account) -> Draft | None:
    """The draft of the duty as it is now with its articles, or None when the row moved instead (unpaid, too old)."""
    draft = _written(document, account)
    return None if draft is None else matching.matched(draft, account, document)


def _written(document: Document, account: Account) -> Draft | None:
    if document.cause.startswith("credit:"):
        return preparing.credit(document, account)
    if document.cause == preparing.GUIDE:
        return preparing.guide(document, account)
    began = now()
    db.session.commit()
    order = preparing.order_now(document)
    _remember(document, order)
    catalogue.remember(account, order, began)
    is_note = document.cause == preparing.NOTE
    if not (early.note_wanted if is_note else _wanted)(document, account, order):
        return None
    draft = preparing.order_note(order, account) if is_note else preparing.invoice(order, account, document)
    _name_buyer(document, draft)
    return draft


def _remember(document: Document, order: Order) -> None:
    """Nothing; the sale's figures as just read, and the buyer in the listing, also when the document is blocked."""
    sale = Sale.seen(document.store_id, document.order_id)
    sale.status, sale.total, sale.currency = order.status, order.paid_total, order.currency[:3]
    sale.ordered_at, sale.checked_at = order.created_at, now()
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
    buyer = draft.customer.as_buyer()
    document.buyer = buyer
    document.buyer_folded = folded(buyer["name"])[:200]
    document.tax_id_mark = _mark(buyer["tax_id"])
    db.session.commit()


def _mark(tax_id: str) -> str:
    plain = "".join(c for c in tax_id.upper() if c.isalnum()).removeprefix("PT")
    return Document.mark(plain) if plain else ""


def _wanted(document: Document, account: Account, order: Order) -> bool:
    """True when the order is to be invoiced now; otherwise the row has moved to where it waits."""
    if order.status == "cancelled":
        moved(document, VOID, "cancelled")
    elif order.status != "paid":
        _wait(document, account, order, "unpaid")
    elif document.asked_at is None and _older(document.store, order, document.paid_at):
        moved(document, WAITING, "older")
    elif document.asked_at is None and not account.settings.get("automatic", True):
        _wait(document, account, order, "automatic-off")
    else:
        return True
    return False


def _wait(document: Document, account: Account, order: Order, reason: str) -> None:
    """Nothing; the row waits, and what its order is owed meanwhile is owed."""
    if moved(document, WAITING, reason):
        early.watch(document, account, order)


def _older(store: Store, order: Order, paid_at: datetime | None) -> bool:
    """True unless the order, or its proved payment, lies after the merchant said go (rulings section 8)."""
    if store.ready_at is None:
        return True
    if order.created_at >= store.ready_at:
        return False
    proved = order.paid_source in ("platform", "history")
    return not (proved and paid_at is not None and paid_at >= store.ready_at)


# sending


def _send(document: Document, account: Account, provider: Provider, draft: Draft, claimed: float) -> None:
    """Nothing; the claimed document sent by the provider's promise, and its outcome settled."""
    fault.point("before_send")
    if time.monotonic() - claimed > SEND_WITHIN:
        Attempt.end(document.id, document.attempt, "not-sent", "too-late")
        moved(document, PENDING, "", {})
        return
    try:
        issued = _ROADS[Once(document.promise)](provider, document, draft)
    except AppError as error:
        fault.point("after_send")
        if error.code == "note-unusable":
            error = early.unusable(document, error)
        settle_error(document, account, error)
        matching.doubt(draft, account, error)
    except Exception as error:  # unknown is the default: only listed answers leave it
        fault.point("after_send")
        log.exception("document %s while sending", document.id)
        settle_error(document, account, UncertainError("outcome-unknown", how=type(error).__name__))
    else:
        fault.point("after_send")
        settle(document, issued, "provider")


def _send_once(provider: Provider, document: Document, draft: Draft) -> Issued:
    """One call, never repeated here; whether it may be repeated after a doubt is for `resolving`."""
    return provider.issue(draft, document.reference)


def _send_draft(provider: Provider, document: Document, draft: Draft) -> Issued:
    """BY_DRAFT: a draft is made, its id recorded as the only one, compared, and that one finalised.

    Whatever freezes in between, a late worker has only made a spare draft, and removes it.
    """
    if document.draft_id is None:
        try:
            opened = provider.open_draft(draft, document.reference)
        except UncertainError as unsure:
            # at worst a spare draft: drafting again is safe
            raise TransientError("draft-unsure", **unsure.detail) from unsure
        fault.point("draft_before_record")
        if not document.record_draft(opened.draft_id):
            return _spare(provider, opened.draft_id)
        fault.point("draft_after_record")
        if opened.total is not None and opened.total != draft.gross:
            raise RefusedError("draft-total-differs", ours=str(draft.gross), theirs=str(opened.total))
    if not document.renew(float(connect.setting("LEASE_SECONDS"))):
        raise TransientError("draft-not-ours")
    return provider.finalise(str(document.draft_id))


def _spare(provider: Provider, draft_id: str) -> Issued:
    """The document, where somebody signed the draft that the row does not know; else it is removed, and raises."""
    signed = None
    with contextlib.suppress(AppError):  # whatever it is, the row is another's by now
        signed = provider.drop_draft(draft_id)
    if signed is None:
        raise TransientError("draft-not-ours")
    return signed


_ROADS = {
    Once.BY_KEY: _send_once,
    Once.BY_DRAFT: _send_draft,
    Once.BY_SEARCH: _send_once,
    Once.BY_PERSON: _send_once,
}
