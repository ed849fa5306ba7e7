"""What became of a document in doubt: looked up, finalised, asked again by its key, or left for a person.

Called by `jobs`. Nothing here makes a second document: each provider is asked in the way that its promise makes safe.
The settle window: "not found" proves nothing while the lost call may still be at work, so only a search after
SETTLE_SECONDS sends a row back. Specification: docs/failure-model.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from shopapp import connect
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import AppError, CredentialsError, MerchantError
from shopapp.models import Document, db, now
from shopapp.models.states import IN_DOUBT, MOST_TAKES, PENDING, REVIEW
from shopapp.providers.base import Once, Provider
from shopapp.settling import heard, moved, refuse_account, settle

log = logging.getLogger("quickinvoice.resolving")

LOOKS = (1, 2, 4, 10)
"""When a doubt is looked up, in units of LOOKUP_SECONDS after it began; the last repeats."""


def step() -> bool:
    """True when a document in doubt was looked up; False when none is due. Commits."""
    document = Document.take_doubt(float(connect.setting("TAKE_SECONDS")))
    if document is None:
        return False
    account, draft = document.account, document.draft
    db.session.commit()
    if account is None or draft is None or document.promise not in (once.value for once in _WAYS):
        moved(document, REVIEW, document.reason, dict(document.detail))
        return True
    if document.takes > MOST_TAKES:  # whoever looks it up dies over it: a person must, and the others go on
        moved(document, REVIEW, document.reason, dict(document.detail), notice=True)
        return True
    try:
        provider = connect.provider_of(account, document)
        db.session.commit()
        _WAYS[Once(document.promise)](provider, document, draft)
        heard(account, None)
    except CredentialsError as error:
        db.session.rollback()
        refuse_account(account, error)
        _again(document)
    except MerchantError as error:
        db.session.rollback()
        _refused(document, error)
    except AppError as error:
        db.session.rollback()
        log.warning("document %s: not looked up: %s", document.id, error.code)
        _again(document)
        heard(account, error)
    return True


def _refused(document: Document, error: MerchantError) -> None:
    """Nothing; what is refused under its own key does not exist, and is refused again where the merchant is told.

    A draft may be refused because the lost call has signed it by now, and be shown as signed only a moment later: the
    merchant is asked once the settle window is over. Commits.
    """
    if document.promise == Once.BY_DRAFT.value and not _settled(document):
        _again(document)
    elif document.promise == Once.BY_KEY.value:
        moved(document, PENDING, error.code, dict(error.detail))
    else:
        moved(document, REVIEW, error.code, dict(error.detail), notice=True)


def _settled(document: Document) -> bool:
    """True once no lost call can be at work any more. Leaves no transaction open."""
    began = document.doubted_at or now()
    over = (now() - began).total_seconds() > float(connect.setting("SETTLE_SECONDS"))
    db.session.commit()
    return over


def _ask_again(provider: Provider, document: Document, draft: Draft) -> None:
    """BY_KEY: the same call with the same key gives the same document."""
    settle(document, provider.issue(draft, document.reference), "search")


def _finish(provider: Provider, document: Document, draft: Draft) -> None:
    """BY_DRAFT: only the recorded draft is ever finalised; without one nothing fiscal happened."""
    if document.draft_id is None:
        moved(document, PENDING, document.reason)
        return
    issued = provider.finalised(document.draft_id) or provider.finalise(document.draft_id)
    settle(document, issued, "search")


def _search(provider: Provider, document: Document, draft: Draft) -> None:
    """BY_SEARCH: found is issued; not found sends the row back only once the settle window is over."""
    over = _settled(document)
    found = provider.find(document.reference, draft)
    if found:
        _found(document, found)
    elif over:
        moved(document, PENDING, "absent")
    else:
        _again(document)


def _found(document: Document, found: list[Issued]) -> None:
    settle(document, found[0], "search")
    if len(found) > 1:
        db.session.refresh(document)
        document.alarm = "duplicate"
        document.alarm_detail = {"number": found[1].number, "known": document.number or ""}
        document.note(document.state, document.state, "duplicate", {"number": found[1].number})
        db.session.commit()
        log.error("document %s: two at the provider", document.id)


def _again(document: Document) -> None:
    """Nothing; looked up again at the next of the times, and never given up. Commits."""
    db.session.refresh(document)
    if document.state != IN_DOUBT:
        db.session.commit()
        return
    unit = float(connect.setting("LOOKUP_SECONDS"))
    age = (now() - (document.doubted_at or now())).total_seconds()
    later = next((times * unit - age for times in LOOKS if times * unit > age), LOOKS[-1] * unit)
    document.put_off(later)


_WAYS: dict[Once, Callable[[Provider, Document, Draft], None]] = {
    Once.BY_KEY: _ask_again,
    Once.BY_DRAFT: _finish,
    Once.BY_SEARCH: _search,
}
