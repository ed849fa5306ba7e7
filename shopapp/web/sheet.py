"""One document's page: what it is, why it stands where it stands, what to do, what belongs to it, its whole story.

Called by the pages that show a document or refuse a remedy on it. Reads rows only; asks nobody, decides nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import abort, g, render_template

from shopapp import connect, correcting, followups
from shopapp.fiscal.document import Draft
from shopapp.models import Document, listing
from shopapp.models.states import BLOCKED, ISSUED, REVIEW, VOID, WAITING
from shopapp.web.reasons import deciding_rules
from shopapp.web.showing import kind_of, provider_label, row_of, rows_of, told
from shopapp.web.story import story_of
from shopapp.web.tongue import gettext
from shopapp.web.wording import warned

LARGEST = 2**62
INVOICES = ("FT", "FR", "FS")


def mine(number: int) -> Document:
    """The store's own document of that number; 404 for anybody else's."""
    document = listing.of_store(g.store, number) if number < LARGEST else None
    if document is None:
        abort(404)
    return document


def page_of(document: Document, status: int = 200, **more: Any) -> tuple[str, int]:
    """The document's page; `more` is what a refused remedy adds to it."""
    label = provider_label(document)
    failed = listing.failed_follow_ups([document]).get(document.id)
    account = document.account or g.account
    draft = document.draft
    context: dict[str, Any] = {
        "document": document,
        "shown": row_of(document, failed),
        "said": told(document, failed),
        "drafted": drafted(document, label),
        "kind": kind_of(document),
        "draft": draft,
        "buyer": document.buyer or {},
        "events": story_of(document, label),
        "provider": connect.provider_class(account.provider) if account is not None else None,
        "order_url": connect.platform(g.store.platform).order_admin_url(g.store.code, document.order_id),
        "version": version_of(document),
        "others": rows_of(listing.siblings(document)),
        "link": followups.link(document),
        "warnings": warnings_of(draft),
        "warehouse": warehouse_of(document, draft),
        "rules": deciding_rules(draft.rules if draft else ()),
        "wrong": {},
        "typed": {},
        "hints": [],
        **_credits(document),
        **more,
    }
    if document.state == REVIEW and draft is not None:
        context["hints"] = listing.unknown_numbers(document, draft.series)
    names = {ISSUED: "document_issued.html", REVIEW: "document_review.html", BLOCKED: "document_blocked.html"}
    return render_template(names.get(document.state, "document_waiting.html"), **context), status


def drafted(document: Document, label: str) -> str:
    """What the program keeps for an order that waits; empty when it keeps nothing."""
    if document.state != WAITING or document.draft_id is None or document.cause == "dossier":
        return ""
    if document.reason == "unpaid":
        return gettext(
            "Há um rascunho no %(provider)s: muda com a encomenda, é assinado quando for paga e apagado se for"
            " cancelada.", provider=label,
        )  # fmt: skip
    return gettext(
        "Há um rascunho no %(provider)s: é ele que é assinado quando carregar em Emitir.", provider=label
    )


def warnings_of(draft: Draft | None) -> list[str]:
    """The sentences for what the merchant should know of the draft."""
    return [text for text in map(warned, draft.warnings if draft else ()) if text]


def warehouse_of(document: Document, draft: Draft | None) -> str:
    """The name of the warehouse on the draft, as the account's lists have it."""
    account = document.account or g.account
    code = draft.warehouse if draft else ""
    listed = (account.choices or {}).get("warehouses", []) if account else []
    return next((str(label) for known, label, _ in listed if known == code), code)


def _credits(document: Document) -> dict[str, Any]:
    """The credit notes of a document and what they leave of it; of a credit note, what it corrects."""
    corrects = document.original_id if document.cause != "transport" else None
    original = listing.of_store(g.store, corrects) if corrects else None
    if document.state != ISSUED or document.kind not in INVOICES:
        return {"notes": [], "left": None, "creditable": False, "original": original}
    notes = listing.credits_of(document)
    left = correcting.left_of(document)
    return {
        "notes": rows_of(notes),
        "left": left if notes else None,
        "creditable": may_credit(document) and left > 0 and not any(is_open(note) for note in notes),
        "original": original,
    }


def may_credit(document: Document) -> bool:
    """True when the document is an invoice of a program that issues credit notes."""
    account = document.account
    able = account is not None and connect.provider_class(account.provider).capabilities.credit_notes
    return able and document.state == ISSUED and document.kind in INVOICES and document.draft is not None


def is_open(note: Document) -> bool:
    """True while nobody knows how the credit note will end."""
    return note.state not in (ISSUED, VOID)


def version_of(document: Document) -> str:
    """Changes whenever anything that the page tells has changed."""
    owed = [f"{one.state}{one.tries}" for one in listing.follow_ups_of(document)]
    around = [f"{one.id}{one.state}" for one in listing.siblings(document)]
    text = f"{document.changed_at} {document.state} {document.alarm} {owed} {around} {len(document.moves)}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]
