"""Do what follows a document: show it on the order, e-mail it, move stock, notify the merchant, keep drafts in step.

Each follow-up is a row with its own retries, and its failure never touches the document. It is tried for 24 hours, or
until five workers in a row have died doing it; then it is shown as failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from shopapp import failpoints, logs, mail
from shopapp.connections.contracts import require
from shopapp.connections.provider import provider_class, provider_of
from shopapp.connections.settings import seconds_setting, text_setting
from shopapp.connections.shop import platform_class, platform_of, record_lost_access
from shopapp.documents import after_issue, audit, order_changes, provider_drafts, returns
from shopapp.documents.pdf import read_pdf
from shopapp.errors import AppError, CredentialsError, MerchantError, StoreAccessError, ThrottledError
from shopapp.inventory import movements
from shopapp.messages import emails
from shopapp.models import Account, Document, FollowUp, db, now
from shopapp.models.account_settings import AccountSettings
from shopapp.models.document import BLOCKED, REVIEW
from shopapp.models.followup import DONE, DUE, FAILED, RETURN
from shopapp.models.lease import MAX_TAKES
from shopapp.platforms.base import (
    Attachment,
    SupportsOrderDocuments,
    SupportsOrderHistory,
    SupportsTransportCode,
)
from shopapp.providers.base import SupportsEmail
from shopapp.providers.drafts import SupportsDrafts

log = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(hours=24)
EMAIL_AGAIN_AFTER = timedelta(minutes=10)
"""How long the merchant is asked before the same document goes to the same address again."""
CREDENTIALS_RETRY_SECONDS = 600.0
"""The shortest wait after refused keys: trying them repeatedly could lock the merchant's account at the provider."""

_last_store_id = 0
"""The store that this process served last: stores take turns, so that a slow shop does not delay the others."""


def run_next_followup() -> bool:
    """Do one due follow-up. Return False when none is due. Commits."""
    global _last_store_id
    followup = FollowUp.take(after_store_id=_last_store_id)
    if followup is None:
        return False
    _last_store_id = followup.store_id
    logs.bind(store=followup.store_id, document=followup.document_id)
    document = followup.document
    store = document.store
    db.session.commit()
    if followup.takes > MAX_TAKES:
        log.error("follow-up %s is given up: every worker that does it dies", followup.id)
        followup.end(FAILED, "internal")
        return True
    try:
        failpoints.hit("follow_before_send")
        unnecessary = _HANDLERS[followup.kind](document, followup)
        failpoints.hit("follow_after_send")
    except AppError as error:
        db.session.rollback()
        is_final = isinstance(error, MerchantError) and not isinstance(error, CredentialsError)
        keys_refused = isinstance(error, CredentialsError) and not isinstance(error, StoreAccessError)
        told = error.retry_after if isinstance(error, ThrottledError) else None
        min_delay = CREDENTIALS_RETRY_SECONDS if keys_refused else 0.0
        _record_failure(followup, error.code, is_final, min_delay, told)
        if isinstance(error, StoreAccessError):
            record_lost_access(store, error.refused_token)
    except Exception:
        db.session.rollback()
        log.exception("follow-up %s", followup.id)
        _record_failure(followup, "internal", False)
    else:
        followup.end(DONE, unnecessary or "")
    return True


def _record_failure(
    followup: FollowUp, code: str, final: bool, min_delay: float = 0.0, told: float | None = None
) -> None:
    if final or now() - followup.owed_at > GIVE_UP_AFTER:
        followup.end(FAILED, code)
    else:
        first = seconds_setting("RETRY_SECONDS")
        # waits as long as it has been queued so far; enqueued again, it starts from the first delay
        after = min(max(first, (now() - followup.owed_at).total_seconds()), first * 60)
        followup.end(DUE, code, delay=max(after, min_delay) if told is None else told)


def document_url(document: Document) -> str:
    """Return our address at which the buyer opens the document; it can't be guessed and can be revoked."""
    return f"{text_setting('APP_URL')}/d/{document.link_token}"


def _show_on_order(document: Document, followup: FollowUp) -> None:
    shown = Attachment(
        kind=document.kind,  # type: ignore[arg-type]
        external_id=document.reference + (f"-{followup.number}" if followup.number > 1 else ""),
        number=document.number or "",
        url=document_url(document),
        pdf=_file_for_order(document),
    )
    _wait_for_turn(document, followup)
    platform, order_id = require(platform_of(document.store), SupportsOrderDocuments), document.order_id
    db.session.commit()
    platform.attach_document(order_id, shown)


def _file_for_order(document: Document) -> bytes:
    """Return the PDF that the shop is to keep; empty where the link alone is shown. Commits.

    A provider without public links would be asked each time that a buyer opens ours.
    """
    platform = platform_class(document.store.platform)
    stores_files = issubclass(platform, SupportsOrderDocuments) and platform.stores_files
    if not stores_files or document.pdf_url or not document.has_pdf:
        return b""
    try:
        return read_pdf(document)
    except AppError as error:
        db.session.rollback()
        log.warning("document %s: its link is shown instead of its file: %s", document.id, error.code)
        return b""


def _wait_for_turn(document: Document, followup: FollowUp) -> None:
    """Raise ThrottledError while another worker writes on the order: where all is one text, one would be lost."""
    platform = platform_class(document.store.platform)
    is_one_text = issubclass(platform, SupportsOrderDocuments) and not platform.shows_every_document
    if is_one_text and followup.is_after_another(("attach", "history")):
        raise ThrottledError("order-busy", retry_after=1.0)
    db.session.commit()


def _add_order_history(document: Document, followup: FollowUp) -> None:
    _wait_for_turn(document, followup)
    text = f"Quick Invoice: {document.number} ({document.total} €)".replace(".", ",")
    if after_issue.is_linked_in_history(document):
        text += f" {document_url(document)}"
    require(platform_of(document.store), SupportsOrderHistory).add_history_entry(document.order_id, text)


def _write_transport_code(document: Document, followup: FollowUp) -> None:
    code = followup.detail["code"]
    require(platform_of(document.store), SupportsTransportCode).set_transport_code(document.order_id, code)


def _email_buyer(document: Document, followup: FollowUp) -> None:
    to = followup.detail.get("to") or (document.buyer or {}).get("email", "")
    account = document.account
    if account is not None and issubclass(provider_class(account.provider), SupportsEmail):
        provider = require(provider_of(account, "comfort", document), SupportsEmail)
        db.session.commit()
        provider.email(document.provider_id, to)
        return
    subject, text = _compose_email("buyer", document)
    content = read_pdf(document)
    mail.send(to, subject, text, (f"{document.number or document.reference}.pdf", content))


def was_just_emailed(document: Document, to: str) -> bool:
    """Return whether an e-mail of the document to that address was asked for within ten minutes."""
    recent = select(FollowUp).where(
        FollowUp.document_id == document.id,
        FollowUp.kind == "email",
        FollowUp.owed_at > now() - EMAIL_AGAIN_AFTER,
    )
    to_buyer = (document.buyer or {}).get("email", "")
    addresses = {one.detail.get("to") or to_buyer for one in db.session.scalars(recent)}
    return to.casefold() in {address.casefold() for address in addresses}


def _email_merchant(document: Document, followup: FollowUp) -> str:
    """Tell the merchant by e-mail; return the reason when they are told on the pages alone."""
    if not document.alarm and document.state not in (BLOCKED, REVIEW):
        return "settled"  # the document has moved on since this e-mail was queued
    # a document that was stopped before its first attempt belongs to no account yet
    account = document.account or Account.find_current(document.store)
    chosen = account.chosen if account else AccountSettings()
    to = chosen.alert_email
    db.session.commit()
    if not to or not chosen.alert or not text_setting("SMTP_URL"):
        return "mail-off"
    mail.send(to, *_compose_email("merchant", document))
    return ""


def _compose_email(kind: str, document: Document) -> tuple[str, str]:
    subject, text = emails.compose_email(kind, document)
    db.session.commit()
    return subject, text


def _delete_leftover_drafts(document: Document, followup: FollowUp) -> None:
    if document.account is not None:
        provider = require(provider_of(document.account, "issuing", document), SupportsDrafts)
        db.session.commit()
        provider.drop_drafts(document.reference)


def _refresh_provider_state(document: Document, followup: FollowUp) -> None:
    audit.refresh_state(document)


def _apply_to_stock(document: Document, followup: FollowUp) -> None:
    movements.apply_document(document)


def _return_to_stock(document: Document, followup: FollowUp) -> None:
    quantities = returns.quantities_of_return(document, followup)
    movements.move_quantities(document, quantities, f"{document.reference}-R{followup.number}-")


_HANDLERS: dict[str, Callable[[Document, FollowUp], str | None]] = {
    "attach": _show_on_order,
    "history": _add_order_history,
    "at-code": _write_transport_code,
    "email": _email_buyer,
    "notice": _email_merchant,
    "tidy": _delete_leftover_drafts,
    "draft": provider_drafts.sync_draft,
    "note": provider_drafts.close_order_note,
    "spare": provider_drafts.delete_orphan_draft,
    "state": _refresh_provider_state,
    "order": order_changes.check_order,
    "stock": _apply_to_stock,
    RETURN: _return_to_stock,
}
