"""A document as a merchant reads it: title, buyer, the mark and word of its state, cause, and where the remedy is.

Called by the pages that list or show documents. Turns rows into words; decides and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import g, url_for

from shopapp import connect
from shopapp.models import Document, listing
from shopapp.models.followup import FollowUp
from shopapp.models.states import BLOCKED, IN_DOUBT, ISSUED, ISSUING, REVIEW, VOID, WAITING
from shopapp.web.formats import ago, clock, grouped
from shopapp.web.sentences import AUTHORISE, CHECK, CREDIT, DOCUMENT, KEYS, SETTINGS
from shopapp.web.tongue import gettext
from shopapp.web.wording import Said, kind_title, say, state_words


@dataclass(frozen=True, slots=True)
class Shown:
    """One document for a list: every text ready, nothing of the row left to ask."""

    id: int
    order: str
    title: str
    under: str
    name: str
    tax_id: str
    total: Decimal | None
    credits: bool
    at: datetime | None
    mark: str
    word: str
    cause: str
    button: str
    address: str
    busy: bool
    version: str
    state: str


def provider_label(document: Document | None = None) -> str:
    """The name of the document's provider, or of the store's present one."""
    account = (document.account if document is not None else None) or g.account
    return connect.provider_class(account.provider).label if account is not None else ""


def rows_of(documents: Sequence[Document]) -> list[Shown]:
    """The documents for a list."""
    failed = listing.failed_follow_ups(documents)
    corrected = _corrected(documents)
    return [row_of(document, failed.get(document.id), corrected) for document in documents]


def _corrected(documents: Sequence[Document]) -> dict[int, str]:
    """The numbers of the invoices that the credit notes among them correct."""
    ids = [document.original_id for document in documents if document.kind == "NC" and document.original_id]
    return listing.numbers_of(g.store, ids)


def row_of(
    document: Document, failed: FollowUp | None = None, corrected: Mapping[int, str] | None = None
) -> Shown:
    """One document for a list; `corrected` are the numbers of invoices by row, asked for when not given."""
    known = _corrected([document]) if corrected is None else corrected
    buyer: Mapping[str, Any] = document.buyer or {}
    said = told(document, failed)
    mark, word = mark_of(document)
    order = gettext("Encomenda #%(order)s", order=document.order_id)
    return Shown(
        id=document.id,
        order=document.order_id,
        title=document.number or order,
        under=_under(document, order, known.get(document.original_id or 0, "")),
        name=buyer.get("name") or ("" if not buyer else gettext("Consumidor final")),
        tax_id=grouped(buyer.get("tax_id") or ""),
        total=document.total,
        credits=document.kind == "NC",
        at=document.paid_at,
        mark=mark,
        word=word,
        cause=said.cause,
        button=said.button or gettext("Ver o documento"),
        address=address(document, said.where),
        busy=document.state == ISSUING,
        version=f"{document.changed_at.timestamp():.6f}-{failed.id if failed else 0}",
        state=document.state,
    )


def _under(document: Document, order: str, corrected: str) -> str:
    """The line beneath the title: what a credit note corrects, the order, or what has no number yet."""
    if not document.number:
        return unnumbered(document)
    if document.kind == "NC" and corrected:
        return gettext("Corrige %(number)s", number=corrected)
    return order


def kind_of(document: Document) -> str:
    """The kind that the document has, or will have by the store's choice."""
    account = document.account or g.account
    chosen = account.settings.get("kind", "") if account is not None else ""
    return document.kind or str(chosen)


def unnumbered(document: Document) -> str:
    """`Fatura-recibo sem número`."""
    return gettext("%(kind)s sem número", kind=kind_title(kind_of(document)))


def mark_of(document: Document) -> tuple[str, str]:
    """(class, word) of the state; an issued document with something wrong is the merchant's to decide."""
    if document.state == ISSUED and document.alarm:
        return state_words(REVIEW)
    return state_words(document.state)


def told(document: Document, failed: FollowUp | None = None) -> Said:
    """Why the document is where it is; empty where there is nothing to say."""
    label = provider_label(document)
    nothing = Said("", "", "", DOCUMENT)
    if document.alarm:
        return say(f"alarm-{document.alarm}", document.alarm_detail, label)
    if document.state == ISSUED:
        if failed is not None and failed.reason:
            return say(failed.reason, {"to": _to(document, failed), **failed.detail}, label)
        return nothing
    if document.state == ISSUING:
        text = gettext("Enviado ao %(provider)s %(ago)s", provider=label, ago=ago(document.changed_at))
        return Said(text, "", "", DOCUMENT)
    if document.state == IN_DOUBT:
        said = say(document.reason or "outcome-unknown", document.detail, label)
        return Said(said.cause, gettext("Estamos a confirmar; não é preciso fazer nada."), "", said.where)
    if document.state in (BLOCKED, REVIEW, WAITING, VOID):
        return say(document.reason or "internal", document.detail, label) if document.reason else nothing
    return _pending(document, label)


def _to(document: Document, owed: FollowUp) -> str:
    return str(owed.detail.get("to") or (document.buyer or {}).get("email", ""))


def _pending(document: Document, label: str) -> Said:
    """What a document on its way waits for."""
    account = g.account
    if account is not None and account.refused_at is not None:
        return say(account.refused_code, account.refused_detail, label)
    if not document.reason or document.reason == "absent":
        return Said("", "", "", DOCUMENT)
    said = say(document.reason, document.detail, label)
    again = document.not_before
    if account is not None and account.paused_until is not None:
        again = max(again, account.paused_until) if again else account.paused_until
    remedy = gettext("Tentamos de novo às %(time)s.", time=clock(again)) if again else said.remedy
    return Said(said.cause, remedy, said.button, said.where)


def address(document: Document, where: str) -> str:
    """The page on which the remedy is."""
    if where == KEYS and g.account is not None:
        return url_for("setup.keys", name=g.account.provider)
    if where == SETTINGS:
        return url_for("choosing.choices")
    if where == CHECK:
        return url_for("setup.check")
    if where == CREDIT:
        return url_for("crediting.choose", number=document.id)
    if where == AUTHORISE:
        return url_for("session.authorise")
    return url_for("documents.one", number=document.id)
