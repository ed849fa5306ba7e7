"""One document's page: its content, its state and why, the possible actions, related documents and its timeline."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from flask import abort, g, render_template

from shopapp.connections.provider import provider_class, provider_label
from shopapp.connections.shop import platform_without_store
from shopapp.documents import credit_notes, decisions, followups, hand_made_links, merchant_actions, returns
from shopapp.documents.after_issue import is_linked_in_history
from shopapp.documents.prepare import creditable_lines
from shopapp.fiscal import tax_tables
from shopapp.fiscal.comparison import DIFFERENCES
from shopapp.fiscal.document import INVOICE_KINDS, Draft
from shopapp.messages.decisions import question_text
from shopapp.messages.fiscal_rules import rules_by_subject
from shopapp.messages.formats import moment
from shopapp.messages.i18n import current_locale, gettext
from shopapp.models import Account, Document
from shopapp.models.base import fold_for_search
from shopapp.models.document import BLOCKED, ISSUED, ORDER_ALARMS, REVIEW, VOID, WAITING
from shopapp.models.followup import DONE, DUE
from shopapp.models.queries import documents
from shopapp.web.documents.figures import figures_of
from shopapp.web.documents.rows import (
    account_of,
    document_kind,
    document_row,
    document_rows,
    status_message,
    warning_texts,
)
from shopapp.web.documents.timeline import build_timeline
from shopapp.web.form_fields import MAX_ROW_ID

COUNTRY_REASONS = ("country-missing", "country-unreadable", "customer-erased")
"""Reasons of a blocked document for which the merchant chooses the buyer's country."""


def own_document_or_404(number: int) -> Document:
    """Return the store's own document with that id; 404 for any other."""
    document = documents.find_document(g.store, number) if number < MAX_ROW_ID else None
    if document is None:
        abort(404)
    return document


def render_page(document: Document, status: int = 200, **more: Any) -> tuple[str, int]:
    """Return the document's page; `more` is the context that a refused action adds."""
    label = provider_label(account_of(document))
    failed = documents.failed_follow_ups([document]).get(document.id)
    account = account_of(document)
    draft = document.draft
    question = decisions.question_of(document)
    context: dict[str, Any] = {
        "document": document,
        "row": document_row(document, failed),
        "message": status_message(document, failed),
        "draft_notice": draft_notice(document, label),
        "kind": document_kind(document),
        "draft": draft,
        "buyer": document.buyer or {},
        "events": build_timeline(document, label),
        "provider": provider_class(account.provider) if account is not None else None,
        "order_url": platform_without_store(g.store.platform).order_admin_url(
            g.store.code, document.order_id
        ),
        "version": page_version(document),
        "sibling_rows": document_rows(documents.other_documents_of_order(document)),
        "buyer_link": _buyer_link(document),
        "warnings": warning_texts(draft.warnings if draft else ()),
        "warehouse": warehouse_name(document, draft),
        "figures": figures_of(document, label),
        "rules": rules_by_subject(draft.rules if draft else ()),
        "question": question_text(question, document.detail) if question else None,
        "errors": {},
        "typed": {},
        "countries": country_choices() if document.reason in COUNTRY_REASONS else [],
        **_order_context(document),
        "can_unlink": hand_made_links.can_take_back(document),
        "sent_by_hand": not document.has_pdf and merchant_actions.was_sent_by_hand(document),
        "held_by": _holder(document),
        **_credit_context(document),
        **more,
    }
    names = {ISSUED: "document_issued.html", REVIEW: "document_review.html", BLOCKED: "document_blocked.html"}
    return render_template(names.get(document.state, "document_waiting.html"), **context), status


@dataclass(frozen=True, slots=True)
class BuyerLink:
    """What the buyer finds on the order in the shop, in words; `url` is empty where they can't open a PDF."""

    text: str
    url: str = ""
    can_close: bool = True


def _buyer_link(document: Document) -> BuyerLink | None:
    """Return what has become of the link to the document; None when it was never to be shown on the order."""
    place = "history" if is_linked_in_history(document) else "attach"
    shown = next((one for one in reversed(documents.follow_ups_of(document)) if one.kind == place), None)
    if document.link_revoked_at is not None:
        closed = gettext("Fechada %(moment)s", moment=moment(document.link_revoked_at))
        return BuyerLink(closed, can_close=False)
    if shown is None:
        is_held = document.state == ISSUED and document.alarm in DIFFERENCES
        return BuyerLink(gettext("Espera pela sua decisão"), can_close=False) if is_held else None
    if shown.state == DUE:
        return BuyerLink(gettext("Por juntar à encomenda"))
    if shown.state != DONE:
        return BuyerLink(gettext("Não ficou na encomenda"), can_close=False)
    if not document.has_pdf:
        return BuyerLink(gettext("Sem PDF: diz ao cliente que lho peça"))
    return BuyerLink(gettext("Aberta"), followups.document_url(document))


def country_choices() -> list[tuple[str, str]]:
    """Return the countries by code and name in the reader's language: Portugal first, then by name."""
    names = current_locale().territories
    known = [row["country"] for row in tax_tables.table_rows("countries") if row["country"] in names]
    return sorted(
        ((code, names[code]) for code in known), key=lambda one: (one[0] != "PT", fold_for_search(one[1]))
    )


def _holder(document: Document) -> Document | None:
    """Return the order that holds the number which the provider gave this document; None while none does."""
    number = document.alarm_detail.get("number", "") if document.alarm == "number-held" else ""
    return hand_made_links.holder_of(document, number) if number else None


def draft_notice(document: Document, label: str) -> str:
    """Return a sentence about the draft that the provider keeps for a waiting order; empty without one."""
    if document.state != WAITING or document.draft_id is None or document.is_order_note:
        return ""
    if document.reason == "unpaid":
        return gettext(
            "Há um rascunho no %(provider)s: muda com a encomenda, é assinado quando for paga e apagado se for"
            " cancelada.", provider=label,
        )  # fmt: skip
    return gettext(
        "Há um rascunho no %(provider)s: é ele que é assinado quando carregar em Emitir.", provider=label
    )


def warehouse_name(document: Document, draft: Draft | None) -> str:
    """Return the name of the draft's warehouse in the provider's lists, or its code."""
    account = account_of(document)
    code = draft.warehouse if draft else ""
    listed = account.lists.warehouses if account else ()
    return next((str(label) for known, label, _ in listed if known == code), code)


def _order_context(document: Document) -> dict[str, Any]:
    """Return what has happened to the order since: cancelled in the shop, or which parts of it changed."""
    names = {
        "lines": gettext("os artigos ou as quantidades"),
        "rates": gettext("os valores ou as taxas de IVA"),
        "buyer": gettext("o NIF ou o país de entrega"),
    }
    parts = document.alarm_detail.get("parts", ())
    return {
        "changed_parts": [names[part] for part in parts],
        "order_alarms": ORDER_ALARMS,
        "may_email": merchant_actions.may_email(document),
        "is_cancelled": documents.is_order_cancelled(document),
        "refund": credit_notes.refund_of_shop(document),
    }


def _credit_context(document: Document) -> dict[str, Any]:
    """Return the document's credit notes and what may still be credited; for a credit note, its original."""
    corrects = document.original_id if not document.is_transport_guide else None
    original = documents.find_document(g.store, corrects) if corrects else None
    if document.state != ISSUED or document.kind not in INVOICE_KINDS:
        return {
            "credit_notes": [],
            "creditable_amount": None,
            "creditable": False,
            "returnable": False,
            "may_reissue": False,
            "original": original,
        }
    notes = documents.credit_notes_of(document)
    creditable_amount = credit_notes.creditable_amount(document)
    is_open = may_credit(document) and not any(is_unfinished(note) for note in notes)
    return {
        "credit_notes": document_rows(notes),
        "creditable_amount": creditable_amount if notes else None,
        "creditable": is_open and creditable_amount > 0,
        "may_reissue": merchant_actions.may_reissue(document),
        "returnable": is_open
        and creditable_amount == 0
        and returns.can_return(document)
        and any(line.quantity for line in creditable_lines(document)),
        "original": original,
    }


def may_credit(document: Document) -> bool:
    """Return whether the document is an invoice of a provider that issues credit notes."""
    account = document.account
    able = account is not None and provider_class(account.provider).capabilities.credit_notes
    return able and document.state == ISSUED and document.kind in INVOICE_KINDS and document.draft is not None


def is_unfinished(note: Document) -> bool:
    """Return whether the credit note is neither issued nor void yet."""
    return note.state not in (ISSUED, VOID)


def page_version(document: Document) -> str:
    """Return a digest that changes whenever anything on the page changes."""
    followups_text = [f"{one.state}{one.tries}" for one in documents.follow_ups_of(document)]
    siblings_text = [f"{one.id}{one.state}" for one in documents.other_documents_of_order(document)]
    text = (
        f"{document.changed_at} {document.state} {document.alarm} {followups_text} {siblings_text}"
        f" {len(document.transitions)} {_account_version()}"
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _account_version() -> str:
    """Return what changes when the account stops, or goes on: a waiting document says so."""
    account: Account | None = g.account
    return (
        "" if account is None else f"{account.refused_at} {account.differs_document_id} {account.proved_at}"
    )
