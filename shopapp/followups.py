"""What comes after `issued`: shown on the order, a line in its history, mail to the buyer; and mail to the merchant.

Called by `jobs`. Each is a row with its own retries; a failure here never touches the document. Tried for 24 hours,
or until five in a row died over it, then shown as failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from shopapp import comparing, connect, early, fault, movements, notices
from shopapp.fiscal.document import Issued
from shopapp.fiscal.errors import AppError, CredentialsError, MerchantError
from shopapp.models import Document, FollowUp, db, now
from shopapp.models.followup import DONE, DUE, FAILED
from shopapp.models.states import MOST_TAKES
from shopapp.platforms.base import Attachment

log = logging.getLogger("quickinvoice.followups")

GIVE_UP = timedelta(hours=24)
REFUSED_SECONDS = 600.0
"""How long one waits at least whose keys were refused: trying them in a row could lock the merchant's account."""

Sentences = Callable[[str, Document], tuple[str, str]]
"""(subject, text) of a mail of the given kind about a document; set by `web`, where the wording lives."""

_sentences: Sentences | None = None


def speak_with(sentences: Sentences) -> None:
    """Nothing; mail is worded by this from now on."""
    global _sentences
    _sentences = sentences


_last = 0
"""The store whose follow-up this process did last: the next one's turn comes, however slow that one's shop is."""


def step() -> bool:
    """True when a due follow-up was tried; False when none is due. Commits."""
    global _last
    owed = FollowUp.take(after=_last)
    if owed is None:
        return False
    _last = owed.store_id
    document = owed.document
    store = document.store
    db.session.commit()
    if owed.takes > MOST_TAKES:
        log.error("follow-up %s is given up: it kills whoever does it", owed.id)
        owed.end(FAILED, "internal")
        return True
    try:
        fault.point("follow_before_send")
        _ACTS[owed.kind](document, owed)
        fault.point("follow_after_send")
    except AppError as error:
        db.session.rollback()
        ours = isinstance(error, CredentialsError)
        keys = ours and error.code != "store-access"
        _failed(
            owed, error.code, isinstance(error, MerchantError) and not ours, REFUSED_SECONDS if keys else 0.0
        )
        if ours and not keys:
            connect.lost_access(store)
    except Exception:
        db.session.rollback()
        log.exception("follow-up %s", owed.id)
        _failed(owed, "internal", False)
    else:
        owed.end(DONE)
    return True


def _failed(owed: FollowUp, code: str, final: bool, least: float = 0.0) -> None:
    if final or now() - owed.owed_at > GIVE_UP:
        owed.end(FAILED, code)
    else:
        first = float(connect.setting("RETRY_SECONDS"))
        # as long again as it has been owed: what is owed anew begins anew, however often it was tried before
        after = min(max(first, (now() - owed.owed_at).total_seconds()), first * 60)
        owed.end(DUE, code, after=max(after, least))


def link(document: Document) -> str:
    """Our address under which the buyer opens the document; unguessable, revocable."""
    return f"{connect.setting('APP_URL')}/d/{document.link_token}"


def _attach(document: Document, owed: FollowUp) -> None:
    shown = Attachment(
        kind=document.kind,  # type: ignore[arg-type]
        external_id=document.reference,
        number=document.number or "",
        url=link(document),
    )
    connect.platform_of(document.store).attach(document.order_id, shown)


def _history(document: Document, owed: FollowUp) -> None:
    text = f"Quick Invoice: {document.number} ({document.total} €)".replace(".", ",")
    connect.platform_of(document.store).note(document.order_id, text)


def _email(document: Document, owed: FollowUp) -> None:
    to = owed.detail.get("to") or (document.buyer or {}).get("email", "")
    account = document.account
    if account is not None and connect.provider_class(account.provider).capabilities.emails:
        provider = connect.provider_of(account, document)
        db.session.commit()
        provider.email(document.provider_id, to)
        return
    subject, text = _worded("buyer", document)
    content = pdf(document)
    name = (document.number or document.reference).replace("/", "-").replace(" ", "-") + ".pdf"
    notices.send(to, subject, text, (name, content))


def _notice(document: Document, owed: FollowUp) -> None:
    account = document.account
    chosen = account.settings if account else {}
    to = chosen.get("alert_email") or ""
    db.session.commit()
    if to and chosen.get("alert", True) and connect.setting("SMTP_URL"):
        notices.send(to, *_worded("merchant", document))


def _worded(kind: str, document: Document) -> tuple[str, str]:
    if _sentences is None:
        raise AppError("internal")
    worded = _sentences(kind, document)
    db.session.commit()
    return worded


def pdf(document: Document) -> bytes:
    """The provider's own PDF of an issued document. AppError when it cannot be had (now)."""
    account = document.account
    if account is None or document.number is None:
        raise MerchantError("pdf-none")
    known = Issued(
        provider_id=document.provider_id,
        number=document.number,
        pdf_url=document.pdf_url,
        total=document.total,
    )
    provider = connect.provider_of(account, document)
    db.session.commit()
    return provider.pdf(known)


def _tidy(document: Document, owed: FollowUp) -> None:
    if document.account is not None:
        provider = connect.provider_of(document.account, document)
        db.session.commit()
        provider.drop_drafts(document.reference)


def _state(document: Document, owed: FollowUp) -> None:
    """The provider's own word for the document, asked because somebody looks at it."""
    comparing.look_again(document)


def _stock(document: Document, owed: FollowUp) -> None:
    """What the document took off is taken off at the provider, which does not do so by itself."""
    movements.follow(document)


_ACTS: dict[str, Callable[[Document, FollowUp], None]] = {
    "attach": _attach,
    "history": _history,
    "email": _email,
    "notice": _notice,
    "tidy": _tidy,
    "draft": early.draft,
    "note": early.close_note,
    "spare": early.spare,
    "state": _state,
    "stock": _stock,
}
