"""What an order that waits is owed meanwhile: the provider's draft that follows it, and its order note.

`watch` is called by `issuing` when a row waits, `removed` before a claim, `draft` and `close_note` by `followups`.
Never signs anything and never writes a draft anew: one is known to be gone before another is opened. Decision 0005.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from shopapp import connect, fault, matching, preparing, settling
from shopapp.fiscal import moving
from shopapp.fiscal.document import Draft
from shopapp.fiscal.errors import AppError, CredentialsError, RefusedError, TransientError, UncertainError
from shopapp.fiscal.order import Order
from shopapp.models import Account, Document, FollowUp, db, drafts, now
from shopapp.models.states import BLOCKED, ISSUED, ISSUING, PENDING, VOID, WAITING
from shopapp.preparing import NOTE
from shopapp.providers.base import Once, Provider

log = logging.getLogger("quickinvoice.early")

NOTE_TRIES = 3
"""How often a draft waits for the order note that it is to be made out of."""
KEPT_AS_DRAFT = "kept-as-draft"
"""Why an order note waits that the merchant wants as a draft only."""
DRAFTED = ("unpaid", "automatic-off")
"""What a sale waits for that may have a draft meanwhile."""


def watch(document: Document, account: Account, order: Order) -> None:
    """Nothing; the order waits for payment or for the merchant: its draft and its note are owed. Commits."""
    chosen, ready_at = account.settings, document.store.ready_at
    young = ready_at is not None and order.created_at >= ready_at
    if chosen.get("notes") and order.status == "open" and young and document.cause == "sale":
        Document.begin(document.store, order.id, NOTE, kind="NE", total=order.paid_total)
        note = Document.of(document.store_id, order.id, NOTE)
        if note is not None and note.state == WAITING:
            FollowUp.again(note, "draft")
        elif note is not None and note.state == ISSUED:
            _compare(note, account, order)
    if document.draft_id or (chosen.get("drafts") and (young or order.status == "paid")):
        FollowUp.again(document, "draft")
    db.session.commit()


# the draft


def draft(document: Document, owed: FollowUp) -> None:
    """Nothing; the provider's draft of a row that waits is now what the order is: made, made anew, or removed."""
    account = Account.of(document.store)
    db.session.commit()
    if document.state not in (WAITING, VOID) or document.frozen:
        return
    wanted: Draft | None = None
    problem: AppError | None = None
    if account is not None and document.state == WAITING:
        _after_its_note(document, owed)
        try:
            wanted = _wanted(document, account)
        except (TransientError, CredentialsError):
            raise
        except AppError as why:
            problem = why
    if wanted is not None and account is not None and _stands(document, wanted, account):
        return
    if not removed(document, account):
        return
    if wanted is not None and account is not None:
        _make(document, account, wanted)
    if document.state == VOID and (at := document.account or account) is not None:
        _sweep(document, at)
    if problem is not None:
        raise problem


def _wanted(document: Document, account: Account) -> Draft | None:
    """The draft that ought to stand at the provider now, by the merchant's choice and the order's state."""
    chosen = account.settings
    is_note = document.cause == NOTE
    if not (chosen.get("notes") and chosen.get("note_drafts") if is_note else chosen.get("drafts")):
        return None
    order = preparing.order_now(document)
    if order.status not in ("open", "paid"):
        return None
    if is_note:
        return matching.matched(preparing.order_note(order, account), account, document)
    if document.reason not in DRAFTED:
        return None
    return matching.matched(
        preparing.invoice(preparing.as_if_paid(order), account, document), account, document
    )


def _stands(document: Document, wanted: Draft, account: Account) -> bool:
    """True when the draft over there says this already; the day alone is no reason to make it anew."""
    former = document.draft
    if document.draft_id is None or former is None:
        return False
    timed = former.transport if wanted.transport else None
    return document.keeps(replace(wanted, date=former.date, transport=timed), account)


def removed(document: Document, account: Account | None) -> bool:
    """True when the draft that the row knew is gone over there and forgotten here; no other is opened before.

    Where somebody signed it by hand meanwhile it is a document: recorded as this row's, and False. One at another
    account than `account` holds nobody up: what cannot be removed there now is owed.
    """
    former, at = document.draft_id, document.draft_account_id or document.account_id
    if former is None:
        return True
    holder = db.session.get(Account, at) if at else account
    db.session.commit()
    if holder is None:
        return True
    try:
        found = _provider(holder, document).drop_draft(former)
    except AppError as error:
        _heard(holder, error)
        if holder is account:
            raise _not_now(error) from error
        FollowUp.owe(document, "spare", number=holder.id, account=holder.id, draft=former)
        return drafts.forget(document, former)
    fault.point("early_after_drop")
    if found is not None:
        settling.settle(document, found, "search")
        return False
    return drafts.forget(document, former)


def spare(document: Document, owed: FollowUp) -> None:
    """Nothing; a draft that was left at a former account is gone; one that became a document raises the alarm."""
    holder = db.session.get_one(Account, owed.detail["account"])
    db.session.commit()
    found = _provider(holder, document).drop_draft(owed.detail["draft"])
    if found is not None:
        settling.settle(document, found, "search")


def _make(document: Document, account: Account, wanted: Draft) -> None:
    """Nothing; a new draft at the provider, recorded as the row's only one; otherwise it is spare and removed."""
    provider = _provider(account, document)
    if provider.once_of(wanted.kind) is not Once.BY_DRAFT:
        return
    try:
        opened = provider.open_draft(wanted, document.reference)
    except AppError as error:
        # one of which we never learned is spare: it goes with the others when the row is settled
        _heard(account, error)
        matching.doubt(wanted, account, error)
        raise _not_now(error) from error
    fault.point("early_before_record")
    if opened.total is not None and opened.total != wanted.gross:
        provider.drop_draft(opened.draft_id)
        raise RefusedError("draft-total-differs", ours=str(wanted.gross), theirs=str(opened.total))
    if not drafts.hold(document, wanted, opened.draft_id, account, Once.BY_DRAFT.value):
        provider.drop_draft(opened.draft_id)
        raise TransientError("draft-not-ours")
    fault.point("early_after_record")
    if document.cause == NOTE:
        _tell_sale(document)


def _sweep(document: Document, account: Account) -> None:
    """Nothing; drafts of which we never learned are gone too, now that the row is given up."""
    provider = _provider(account, document)
    if provider.once_of(document.draft.kind if document.draft else "FR") is Once.BY_DRAFT:
        provider.drop_drafts(document.reference)


def _provider(account: Account, document: Document) -> Provider:
    """The provider, unless it is known to refuse this account or not to answer. Leaves no transaction open."""
    paused = account.paused_until is not None and account.paused_until > now()
    if account.refused_at is not None or paused:
        raise TransientError("unreachable")
    provider = connect.provider_of(account, document)
    db.session.commit()
    return provider


def _heard(account: Account, error: AppError) -> None:
    db.session.rollback()
    if isinstance(error, CredentialsError):
        settling.refuse_account(account, error)
    else:
        settling.heard(account, error)


def _not_now(error: AppError) -> AppError:
    """The failure as a call that issues nothing means it: unknown is only a matter of asking again."""
    if isinstance(error, UncertainError):
        return TransientError("draft-unsure", **error.detail)
    return error


# the order note


def note_wanted(note: Document, account: Account, order: Order) -> bool:
    """True when the order's note is to be issued now; otherwise its row has moved. Commits."""
    chosen = account.settings
    if order.status in ("cancelled", "abandoned"):
        settling.moved(note, VOID, "cancelled")
    elif order.status == "paid" or not chosen.get("notes"):
        settling.moved(note, VOID, "note-needless")
    elif chosen.get("note_drafts"):
        if settling.moved(note, WAITING, KEPT_AS_DRAFT):
            FollowUp.again(note, "draft")
            db.session.commit()
    else:
        return True
    return False


def _after_its_note(document: Document, owed: FollowUp) -> None:
    """Nothing, unless the order's note is on its way: then TransientError, a few times, as the draft follows it."""
    note = Document.of(document.store_id, document.order_id, NOTE) if document.cause == "sale" else None
    db.session.commit()
    if note is None or owed.tries > NOTE_TRIES:
        return
    if note.state in (PENDING, ISSUING) or (note.reason == KEPT_AS_DRAFT and note.draft_id is None):
        raise TransientError("note-first")


def _tell_sale(note: Document) -> None:
    sale = Document.of(note.store_id, note.order_id)
    if sale is not None and sale.state == WAITING:
        FollowUp.again(sale, "draft")
    db.session.commit()


def close_note(document: Document, owed: FollowUp) -> None:
    """Nothing; the sale has its document: a note that was not issued by then is given up, a draft of it too.

    The one that the document was made out of stays where it is.
    """
    note = Document.of(document.store_id, document.order_id, NOTE)
    if note is not None and note.state in (WAITING, PENDING, BLOCKED):
        used = document.draft is not None and note.draft_id == document.draft.follows
        if note.move(VOID, "note-used" if used else "note-needless") and not used:
            settling.leave(note)
    elif note is not None and note.state == ISSUED:
        left_open(note, "note-changed")
    db.session.commit()


def _compare(note: Document, account: Account, order: Order) -> None:
    """Nothing; an issued note of which the order is no longer what it says is told of."""
    try:
        wanted = preparing.order_note(order, account)
    except AppError:
        # what is wrong with the order its own document says
        return
    if note.draft is not None and not moving.same_content(note.draft, wanted):
        left_open(note, "note-changed")


def left_open(note: Document, code: str) -> bool:
    """True when it is an issued order note of which no invoice was made: the merchant is told, once for each code.

    No program is known to let us close or annul one: it stands open there until he does. Not committed.
    """
    if note.cause != NOTE:
        return False
    sale = Document.of(note.store_id, note.order_id)
    invoice = sale.draft if sale is not None and sale.state == ISSUED else None
    if invoice is not None and invoice.follows and invoice.follows == note.provider_id:
        return False
    if not any(move.reason == code for move in note.moves):
        note.note(ISSUED, ISSUED, code)
        if note.alarm in ("", "note-changed") and note.provider_state != "annulled":
            note.alarm, note.alarm_detail = code, {}
        note.changed_at = now()
    return True


def unusable(document: Document, error: AppError) -> AppError:
    """The failure that sends the sale on without its order note: the note is marked, so that nothing follows it."""
    note = Document.of(document.store_id, document.order_id, NOTE)
    if note is not None:
        note.alarm, note.alarm_detail, note.changed_at = "note-unusable", dict(error.detail), now()
    db.session.commit()
    return TransientError("note-unusable")


def cancelled(store_id: int, order_id: str) -> None:
    """Nothing; the order was cancelled: its note is given up as far as it is none yet. Not committed."""
    note = Document.of(store_id, order_id, NOTE)
    if note is not None and note.state in (WAITING, BLOCKED) and note.move(VOID, "cancelled"):
        settling.leave(note)
