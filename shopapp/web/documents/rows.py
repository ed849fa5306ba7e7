"""A document as a row of a list: title, buyer, state label, cause, and the page of the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import g, url_for

from shopapp.connections.provider import provider_label
from shopapp.connections.shop import lost_access_code
from shopapp.errors import AppError
from shopapp.messages.formats import ago, clock, figure, midnight, spaced_tax_id, today
from shopapp.messages.i18n import gettext
from shopapp.messages.sentence import AUTHORISE, CHECK, CREDIT, DOCUMENT, FIGURES, KEYS, SETTINGS, SETUP
from shopapp.messages.wording import (
    StatusMessage,
    kind_title,
    message_for,
    state_label,
    warning_text,
)
from shopapp.models import Account, Document, first_document
from shopapp.models.document import BLOCKED, IN_DOUBT, ISSUED, ISSUING, REVIEW, VOID, WAITING
from shopapp.models.followup import FollowUp
from shopapp.models.queries import documents as queries_documents


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document of a list, with every text ready to show."""

    id: int
    order_id: str
    title: str
    subtitle: str
    name: str
    tax_id: str
    total: Decimal | None
    is_credit_note: bool
    paid_at: datetime | None
    state_class: str
    state_label: str
    cause: str
    button: str
    button_url: str
    is_issuing: bool
    version: str
    state: str
    warnings: Sequence[str] = ()
    """The sentences of what an issued document warns of."""
    foreign_total: str = ""
    """What was paid in another currency, while there is no total in euros."""
    is_late: bool = False
    """Whether it was paid before today and has no document yet."""


def account_of(document: Document) -> Account | None:
    """Return the account that issues the document; the store's current one while it has none."""
    account: Account | None = document.account or g.account
    return account


def document_rows(documents: Sequence[Document]) -> list[DocumentRow]:
    """Return the rows of these documents."""
    failed = queries_documents.failed_follow_ups(documents)
    corrected = _corrected_numbers(documents)
    foreign = queries_documents.foreign_totals(documents)
    return [document_row(document, failed.get(document.id), corrected, foreign) for document in documents]


def _corrected_numbers(documents: Sequence[Document]) -> dict[int, str]:
    """Return the numbers of the invoices that the credit notes among them correct, by row id."""
    ids = [document.original_id for document in documents if document.kind == "NC" and document.original_id]
    return queries_documents.document_numbers(g.store, ids)


def document_row(
    document: Document,
    failed: FollowUp | None = None,
    corrected: Mapping[int, str] | None = None,
    foreign: Mapping[str, tuple[Decimal, str]] | None = None,
) -> DocumentRow:
    """Return a document's row; what is not given is queried: invoice numbers by row id, foreign totals by order."""
    totals = queries_documents.foreign_totals([document]) if foreign is None else foreign
    known = _corrected_numbers([document]) if corrected is None else corrected
    buyer: Mapping[str, Any] = document.buyer or {}
    message = status_message(document, failed)
    state_class, state_label = document_state_label(document)
    order = gettext("Encomenda #%(order)s", order=document.order_id)
    return DocumentRow(
        id=document.id,
        order_id=document.order_id,
        title=document.number or order,
        subtitle=_subtitle(document, order, known.get(document.original_id or 0, "")),
        name=buyer.get("name") or ("" if not buyer else gettext("Consumidor final")),
        tax_id=spaced_tax_id(buyer.get("tax_id") or ""),
        total=document.total,
        is_credit_note=document.kind == "NC",
        paid_at=document.paid_at,
        state_class=state_class,
        state_label=state_label,
        cause=message.cause,
        button=message.button or gettext("Ver o documento"),
        button_url=remedy_url(document, message.remedy_page),
        is_issuing=document.state == ISSUING,
        version=f"{document.changed_at.timestamp():.6f}-{failed.id if failed else 0}",
        state=document.state,
        warnings=warning_texts(document.warnings) if document.state == ISSUED else (),
        foreign_total=_foreign_total(totals.get(document.order_id)),
        is_late=queries_documents.is_late(document, midnight(today())),
    )


def _foreign_total(paid: tuple[Decimal, str] | None) -> str:
    return f"{figure(paid[0])} {paid[1]}" if paid else ""


def warning_texts(codes: Sequence[str]) -> list[str]:
    """Return the sentences for the warnings of a draft."""
    return [text for text in map(warning_text, codes) if text]


def _subtitle(document: Document, order: str, corrected: str) -> str:
    """Return the line under the title: the invoice that a credit note corrects, the order, or `unnumbered_title`."""
    if not document.number:
        return unnumbered_title(document)
    if document.kind == "NC" and corrected:
        return gettext("Corrige %(number)s", number=corrected)
    return order


def document_kind(document: Document) -> str:
    """Return the kind that the document has, or will have according to the account's settings."""
    account = account_of(document)
    chosen = account.chosen.kind if account is not None else ""
    return document.kind or str(chosen)


def unnumbered_title(document: Document) -> str:
    """Return the title of a document without a number, such as `Fatura-recibo sem número`."""
    return gettext("%(kind)s sem número", kind=kind_title(document_kind(document)))


def document_state_label(document: Document) -> tuple[str, str]:
    """Return CSS class and word of the state; an issued document with an alarm is shown as in review."""
    if document.state == ISSUED and document.alarm:
        return state_label(REVIEW)
    return state_label(document.state)


def status_message(document: Document, failed: FollowUp | None = None) -> StatusMessage:
    """Return the reason for the document's state; an empty message when there is nothing to say."""
    label = provider_label(account_of(document))
    nothing = StatusMessage("", "", "", DOCUMENT)
    if document.alarm:
        return message_for(f"alarm-{document.alarm}", document.alarm_detail, label)
    if document.state == ISSUED:
        if failed is not None and failed.reason:
            return message_for(
                failed.reason, {"to": _email_recipient(document, failed), **failed.detail}, label
            )
        return nothing
    if document.state == ISSUING:
        text = gettext("Enviado ao %(provider)s %(ago)s", provider=label, ago=ago(document.changed_at))
        return StatusMessage(text, "", "", DOCUMENT)
    if document.state == IN_DOUBT:
        message = message_for(document.reason or "outcome-unknown", document.detail, label)
        return StatusMessage(
            message.cause, gettext("Estamos a confirmar; não é preciso fazer nada."), "", message.remedy_page
        )
    if document.state in (BLOCKED, REVIEW, WAITING, VOID):
        return (
            message_for(document.reason or "internal", document.detail, label) if document.reason else nothing
        )
    return _pending_message(document, label)


def error_message(error: AppError, document: Document) -> StatusMessage:
    """Return the words for an error of this document."""
    return message_for(error.code, error.detail, provider_label(account_of(document)))


def _email_recipient(document: Document, followup: FollowUp) -> str:
    return str(followup.detail.get("to") or (document.buyer or {}).get("email", ""))


def _pending_message(document: Document, label: str) -> StatusMessage:
    """Return the reason why a pending document waits."""
    account = g.account
    if account is None:
        return message_for("not-connected")
    if g.store.state == "reauthorise":
        return message_for(lost_access_code(g.store))
    if account.refused_at is not None:
        return message_for(account.refused_code, account.refused_detail, label)
    if account.differs_document_id is not None:
        return message_for("figures-undecided", {}, label)
    if code := _first_document_code(document, account):
        return message_for(code, {}, label)
    if not document.reason or document.reason == "absent":
        return StatusMessage("", "", "", DOCUMENT)
    message = message_for(document.reason, document.detail, label)
    next_try_at = document.not_before
    if account is not None and account.paused_until is not None:
        next_try_at = max(next_try_at, account.paused_until) if next_try_at else account.paused_until
    remedy = (
        gettext("Tentamos de novo às %(time)s.", time=clock(next_try_at)) if next_try_at else message.remedy
    )
    return StatusMessage(message.cause, remedy, message.button, message.remedy_page)


def _first_document_code(document: Document, account: Account) -> str:
    """Return the code that says that the document waits for another one's figures, or for an answer about it."""
    first = first_document.holder(account)
    if first is None or first.id == document.id:
        return ""
    if first.state == REVIEW:
        return "first-unsettled"
    waits = account.proved_at is None or document.reason == first_document.WAITS_FOR_FIRST
    return first_document.WAITS_FOR_FIRST if waits else ""


def remedy_url(document: Document, remedy_page: str) -> str:
    """Return the address of the page on which the remedy is."""
    if remedy_page == KEYS and g.account is not None:
        return url_for("setup.keys", name=g.account.provider)
    if remedy_page == SETTINGS:
        return url_for("settings.edit")
    if remedy_page == CHECK:
        return url_for("setup.check")
    if remedy_page == CREDIT:
        return url_for("credit.show", number=document.id)
    if remedy_page == FIGURES and g.account is not None:
        holder = g.account.differs_document_id or g.account.first_document_id
        return url_for("documents.one", number=holder or document.id)
    if remedy_page == SETUP:
        return url_for("setup.start")
    if remedy_page == AUTHORISE:
        return url_for("session.authorise")
    return url_for("documents.one", number=document.id)
