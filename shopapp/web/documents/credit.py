"""The credit note before it is issued: the merchant's request, a preview, and its confirmation.

Nothing is written until the merchant confirms the preview. The form carries the number of the request, so that it
counts only once, and a digest of the preview, so that nothing is issued but what was shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import provider_class, provider_label
from shopapp.documents import credit_notes, merchant_actions, returns
from shopapp.documents.order_changes import CHANGED
from shopapp.documents.prepare import creditable_lines
from shopapp.documents.preview import preview_credit_note
from shopapp.errors import MerchantError, NotAllowedError
from shopapp.fiscal import creditable
from shopapp.fiscal.credit_note import REASON_LIMIT
from shopapp.fiscal.document import Draft
from shopapp.jobs.queue import notify_workers
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import StatusMessage
from shopapp.models import Document, cause, db
from shopapp.web.documents.credit_form import (
    MONEY,
    STOCK,
    CreditRequest,
    buyer_changes,
    invoiced_buyer,
    new_request,
    parse_request,
)
from shopapp.web.documents.page import may_credit, own_document_or_404, warehouse_name
from shopapp.web.documents.rows import account_of, document_kind, error_message, remedy_url
from shopapp.web.documents.views import conflict_page
from shopapp.web.form_fields import parse_euros
from shopapp.web.limits import ACTIONS
from shopapp.web.session import store_required

bp = Blueprint("credit", __name__, url_prefix="/documents")
bp.register_error_handler(merchant_actions.StateConflictError, conflict_page)


@dataclass(frozen=True, slots=True)
class CreditableLine:
    """A line of which pieces may still come back, or money may still be given back."""

    ref: str
    description: str
    sku: str
    rates: tuple[Decimal, ...]
    quantity: Decimal
    gross: Decimal
    has_stock: bool
    """Whether its pieces are products that can be put back into stock."""


@bp.get("/<int:number>/credit")
@store_required
def show(number: int) -> ResponseReturnValue:
    """Show the preview of the request in the URL.

    `what` is all, lines or again; of lines, `way` is goods, money or stock, and `amount` is the money.
    """
    document = own_document_or_404(number)
    credit_request = new_request(document, request.args)
    if credit_request.way == MONEY:
        credit_request.amount = (
            "" if parse_euros(amount := request.args.get("amount", "")) is None else amount
        )
    credit_request.tax_id, credit_request.name = invoiced_buyer(document)
    return _render_review(document, credit_request)


@bp.post("/<int:number>/credit")
@store_required
@ACTIONS
def submit(number: int) -> ResponseReturnValue:
    """Request the note, once, when its preview was confirmed and is still valid; else show it again. Commits.

    Pieces that come back without money are requested without a preview.
    """
    document = own_document_or_404(number)
    credit_request = parse_request(document, request.form)
    if request.form.get("do") not in ("issue", "return"):
        return _render_review(document, credit_request, 422 if credit_request.errors else 200)
    if credit_request.mode == "lines" and credit_request.way == STOCK:
        return _submit_return(document, credit_request)
    request_number = _parse_request_number(request.form.get("act", ""))
    done = Document.find(document.store_id, document.order_id, cause.credit(request_number))
    if done is not None:
        flash(gettext("Esta nota de crédito já tinha sido pedida; nada se repetiu."), "warn")
        return redirect(url_for("documents.one", number=done.id), 303)
    draft, refusal = _draft_note(document, credit_request)
    if draft is None or credit_request.errors or refusal:
        return _render_review(document, credit_request, 422)
    if request.form.get("seen") != preview_digest(draft):
        return _render_review(document, credit_request, 422, changed=True)
    if request_number != credit_notes.next_cause_number(document, cause.CREDIT):
        raise merchant_actions.StateConflictError
    return _request_note(document, credit_request, request_number)


def _request_note(
    document: Document, credit_request: CreditRequest, request_number: int
) -> ResponseReturnValue:
    changes = buyer_changes(document, credit_request) if credit_request.mode == "again" else None
    try:
        note = merchant_actions.credit_document(document, request_number, credit_request.to_detail(), changes)
    except MerchantError as error:
        db.session.rollback()
        return _render_review(document, credit_request, 422, error_message(error, document))
    notify_workers()
    if changes is None:
        flash(gettext("Pedido feito: a nota de crédito sai dentro de segundos."))
    else:
        flash(gettext("Pedido feito: saem a nota de crédito e, depois dela, o documento corrigido."))
    return redirect(url_for("documents.one", number=note.id), 303)


def _submit_return(document: Document, credit_request: CreditRequest) -> ResponseReturnValue:
    if credit_request.errors:
        return _render_review(document, credit_request, 422)
    number = _parse_request_number(request.form.get("return-act", ""))
    if 0 < number < returns.next_return_number(document):
        flash(gettext("Este regresso já tinha sido registado; nada se repetiu."), "warn")
        return redirect(url_for("documents.one", number=document.id), 303)
    try:
        merchant_actions.return_pieces(document, number, credit_request.pieces)
    except MerchantError as error:
        db.session.rollback()
        return _render_review(document, credit_request, 422, error_message(error, document))
    notify_workers()
    flash(gettext("Pedido feito: os artigos voltam ao stock dentro de segundos."))
    return redirect(url_for("documents.one", number=document.id), 303)


def _parse_request_number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0


def preview_digest(draft: Draft) -> str:
    """Return the digest of a preview without its reason, which can be edited beside the button."""
    return replace(draft, references=()).digest()


# the preview


def _draft_note(
    document: Document, credit_request: CreditRequest
) -> tuple[Draft | None, StatusMessage | None]:
    """Return the requested draft, or the message that says why there is none; neither while nothing is chosen."""
    is_return = credit_request.mode == "lines" and credit_request.way == STOCK
    if is_return or credit_request.errors.keys() - {"tax_id", "name"}:
        return None, None
    try:
        left = credit_notes.creditable_amount(document)
        if credit_request.mode == "again" and left and not merchant_actions.may_credit_and_reissue(document):
            raise NotAllowedError("credit-not-whole")
        if credit_request.is_empty:
            preview_credit_note(document, {})
            return None, None
        return preview_credit_note(document, credit_request.to_detail()), None
    except MerchantError as error:
        db.session.rollback()
        return None, error_message(error, document)


def _creditable_lines(document: Document) -> list[CreditableLine]:
    """Return the lines of which something is left; one that was split over several rates counts once."""
    if not may_credit(document):
        return []
    try:
        lines = creditable_lines(document)
    except NotAllowedError:
        return []
    by_ref: dict[str, list[creditable.CreditableLine]] = {}
    for line in lines:
        if line.gross or line.quantity:
            by_ref.setdefault(line.ref, []).append(line)
    return [
        CreditableLine(
            ref, same[0].description, same[0].parts[0].sku, tuple(line.parts[0].vat_rate for line in same),
            same[0].quantity, sum((line.gross for line in same), Decimal(0)),
            same[0].parts[0].kind == "goods" and bool(same[0].parts[0].sku),
        )
        for ref, same in by_ref.items()
    ]  # fmt: skip


def _stock_context(document: Document, draft: Draft | None) -> dict[str, Any]:
    """Return what the page says about stock: nothing where neither documents nor the app move it."""
    account = account_of(document)
    moves = account is not None and (
        bool(account.stock_direction)
        or bool(account.facts.get("stock_moves_on_issue"))
        or account.fiscal_settings("line").moves_stock
    )
    has_pieces = draft is not None and any(line.kind in ("goods", "unstocked") for line in draft.lines)
    return {
        "moves_stock": moves,
        "asks_restock": moves and has_pieces,
        "can_return": may_credit(document) and returns.can_return(document),
        "return_number": returns.next_return_number(document),
    }


def _render_review(
    document: Document,
    credit_request: CreditRequest,
    status: int = 200,
    refusal: StatusMessage | None = None,
    changed: bool = False,
) -> tuple[str, int]:
    draft, draft_refusal = _draft_note(document, credit_request)
    refusal = refusal or draft_refusal
    creditable_amount = credit_notes.creditable_amount(document)
    account = account_of(document)
    page = render_template(
        "credit.html",
        document=document,
        credit_request=credit_request,
        typed={ref: (q, v) for ref, q, v in credit_request.lines},
        draft=draft,
        refusal=refusal,
        remedy_url=remedy_url(document, refusal.remedy_page) if refusal else "",
        creditable_lines=_creditable_lines(document) if credit_request.mode == "lines" else [],
        creditable_amount=creditable_amount,
        creditable_after=creditable_amount - draft.gross if draft else creditable_amount,
        request_number=credit_notes.next_cause_number(document, cause.CREDIT),
        preview_digest=preview_digest(draft) if draft else "",
        is_edited=document.alarm == CHANGED,
        total_in_shop=document.alarm_detail.get("theirs") if document.alarm == CHANGED else None,
        changed=changed,
        kind=document_kind(document),
        buyer=draft.customer.as_buyer() if draft else document.buyer or {},
        warehouse=warehouse_name(document, draft),
        max_reason_length=REASON_LIMIT,
        provider=provider_class(account.provider) if account is not None else None,
        provider_name=provider_label(account),
        **_stock_context(document, draft),
    )
    return page, 422 if refusal and request.method == "POST" else status
