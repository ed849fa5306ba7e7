"""The credit note before it is issued: the merchant's request, a preview, and its confirmation.

Nothing is written until the merchant confirms the preview. The form carries the number of the request, so that it
counts only once, and a digest of the preview, so that nothing is issued but what was shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import provider_class
from shopapp.documents import credit_notes, merchant_actions
from shopapp.documents.prepare import creditable_lines
from shopapp.documents.preview import preview_credit_note
from shopapp.errors import MerchantError, NotAllowedError
from shopapp.fiscal import creditable
from shopapp.fiscal.credit_note import REASON_LIMIT
from shopapp.fiscal.document import Draft
from shopapp.fiscal.party import parse_tax_id
from shopapp.jobs.queue import notify_workers
from shopapp.messages.i18n import gettext
from shopapp.messages.wording import StatusMessage
from shopapp.models import Document, cause, db
from shopapp.web.documents.page import may_credit, own_document_or_404, warehouse_name
from shopapp.web.documents.rows import account_of, document_kind, error_message, remedy_url
from shopapp.web.documents.views import conflict_page
from shopapp.web.form_fields import clean_text, parse_euros
from shopapp.web.session import store_required

bp = Blueprint("credit", __name__, url_prefix="/documents")
bp.register_error_handler(merchant_actions.StateConflictError, conflict_page)

CREDIT_MODES = ("all", "lines", "again")
DEFAULT_REASONS = {
    "all": "Devolução do cliente",
    "lines": "Devolução parcial",
    "again": "Correção dos dados do cliente",
}
"""The reasons to use when none was typed; they are printed on the document, so always in Portuguese."""
CANCELLED_REASON = "Venda cancelada"
FINAL_CONSUMER = "Consumidor final"
_QUANTITY = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,6})?")


@dataclass(slots=True)
class CreditRequest:
    """The merchant's request as they typed it, and the errors in it by field."""

    mode: str
    reason: str
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    """Reference, quantity and amount of each line that was chosen, as typed."""
    amount: str = ""
    tax_id: str = ""
    name: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether lines must be chosen and none is."""
        return self.mode == "lines" and not self.lines and not self.amount

    def to_detail(self) -> dict[str, Any]:
        """Return the request as `merchant_actions.credit_document` takes it."""
        detail: dict[str, Any] = {"reason": self.reason}
        if self.mode == "lines":
            detail["lines"] = [
                [ref, quantity.replace(",", "."), _decimal_text(gross)] for ref, quantity, gross in self.lines
            ]
            detail["amount"] = _decimal_text(self.amount)
        return detail


@dataclass(frozen=True, slots=True)
class CreditableLine:
    """A line of which pieces may still come back, or money may still be given back."""

    ref: str
    description: str
    sku: str
    rates: tuple[Decimal, ...]
    quantity: Decimal
    gross: Decimal
    is_goods: bool


def _decimal_text(text: str) -> str:
    amount = parse_euros(text) if text else None
    return "" if amount is None else str(amount)


@bp.get("/<int:number>/credit")
@store_required
def show(number: int) -> ResponseReturnValue:
    """Show the preview of the request in the URL (`what` is all, lines or again)."""
    document = own_document_or_404(number)
    mode = request.args.get("what", "")
    credit_request = CreditRequest(
        mode if mode in CREDIT_MODES else "all", _reason(request.args.get("why", ""))
    )
    credit_request.reason = credit_request.reason or _default_reason(document, credit_request.mode)
    credit_request.tax_id, credit_request.name = _invoiced_buyer(document)
    _check_reason(credit_request)
    return _render_review(document, credit_request)


@bp.post("/<int:number>/credit")
@store_required
def submit(number: int) -> ResponseReturnValue:
    """Request the note, once, when the preview was confirmed and is still valid; else show it again. Commits."""
    document = own_document_or_404(number)
    credit_request = _parse_request(document, request.form)
    if request.form.get("do") != "issue":
        return _render_review(document, credit_request, 422 if credit_request.errors else 200)
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
    buyer_changes = _buyer_changes(document, credit_request) if credit_request.mode == "again" else None
    try:
        note = merchant_actions.credit_document(
            document, request_number, credit_request.to_detail(), buyer_changes
        )
    except MerchantError as error:
        db.session.rollback()
        return _render_review(
            document,
            credit_request,
            422,
            error_message(error, document),
        )
    notify_workers()
    if buyer_changes is None:
        flash(gettext("Pedido feito: a nota de crédito sai dentro de segundos."))
    else:
        flash(gettext("Pedido feito: saem a nota de crédito e, depois dela, o documento corrigido."))
    return redirect(url_for("documents.one", number=note.id), 303)


def _parse_request_number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0


def preview_digest(draft: Draft) -> str:
    """Return the digest of a preview without its reason, which can be edited beside the button."""
    return replace(draft, references=()).digest()


# reading the form


def _reason(text: str) -> str:
    return " ".join(clean_text(text).split())


def _default_reason(document: Document, mode: str) -> str:
    return (
        CANCELLED_REASON if mode == "all" and document.alarm == "cancelled-after" else DEFAULT_REASONS[mode]
    )


def _invoiced_buyer(document: Document) -> tuple[str, str]:
    """Return the tax id and the name on the document."""
    buyer = document.buyer or {}
    name = str(buyer.get("name") or "")
    return str(buyer.get("tax_id") or ""), "" if name == FINAL_CONSUMER else name


def _parse_request(document: Document, form: Mapping[str, str]) -> CreditRequest:
    mode = form.get("what", "")
    credit_request = CreditRequest(mode if mode in CREDIT_MODES else "all", _reason(form.get("why", "")))
    credit_request.reason = credit_request.reason or _default_reason(document, credit_request.mode)
    _check_reason(credit_request)
    if credit_request.mode == "lines":
        _parse_lines(credit_request, form)
    elif credit_request.mode == "again":
        credit_request.tax_id, credit_request.name = (
            clean_text(form.get("tax_id", "")),
            clean_text(form.get("name", "")),
        )
        _check_buyer_changes(document, credit_request)
    return credit_request


def _check_reason(credit_request: CreditRequest) -> None:
    if len(credit_request.reason) > REASON_LIMIT:
        credit_request.errors["why"] = gettext(
            "O motivo tem no máximo %(most)s caracteres.", most=REASON_LIMIT
        )


def _parse_lines(credit_request: CreditRequest, form: Mapping[str, str]) -> None:
    refs = [name.removeprefix("quantity-") for name in form if name.startswith("quantity-")]
    refs += [name.removeprefix("gross-") for name in form if name.startswith("gross-")]
    for ref in dict.fromkeys(refs):
        quantity, gross = (
            clean_text(form.get(f"quantity-{ref}", "")),
            clean_text(form.get(f"gross-{ref}", "")),
        )
        if quantity and not _QUANTITY.fullmatch(quantity):
            credit_request.errors[f"quantity-{ref}"] = gettext(
                "Escreva uma quantidade, por exemplo 1 ou 0,5."
            )
        if gross and not _is_amount(gross):
            credit_request.errors[f"gross-{ref}"] = gettext("Escreva um valor em euros, por exemplo 12,50.")
        if quantity or gross:
            credit_request.lines.append((ref, quantity, gross))
    credit_request.amount = clean_text(form.get("amount", ""))
    if credit_request.amount and not _is_amount(credit_request.amount):
        credit_request.errors["amount"] = gettext("Escreva um valor em euros, por exemplo 12,50.")
    if credit_request.is_empty:
        credit_request.errors["amount"] = gettext(
            "Escolha o que creditar: quantidades, valores por linha, ou um valor."
        )


def _is_amount(text: str) -> bool:
    amount = parse_euros(text)
    return amount is not None and amount > 0


def _check_buyer_changes(document: Document, credit_request: CreditRequest) -> None:
    tax_id, name = _invoiced_buyer(document)
    if credit_request.tax_id and not parse_tax_id(credit_request.tax_id):
        credit_request.errors["tax_id"] = gettext("Este NIF não é válido.")
    elif not credit_request.name and name:
        credit_request.errors["name"] = gettext("Escreva o nome do cliente.")
    elif not _buyer_changes(document, credit_request):
        credit_request.errors["tax_id"] = gettext("Corrija o NIF ou o nome: é o que muda no novo documento.")


def _buyer_changes(document: Document, credit_request: CreditRequest) -> dict[str, str]:
    """Return the buyer's fields that change on the new document."""
    tax_id, name = _invoiced_buyer(document)
    changed: dict[str, str] = {}
    typed = parse_tax_id(credit_request.tax_id)
    if typed != parse_tax_id(tax_id):
        changed["tax_id"] = typed
    if credit_request.name != name:
        # the company's name would be printed instead of the corrected one
        changed.update(name=credit_request.name, company="")
    return changed


# the preview


def _draft_note(
    document: Document, credit_request: CreditRequest
) -> tuple[Draft | None, StatusMessage | None]:
    """Return the requested draft, or the message that says why there is none; neither while no line is chosen."""
    if credit_request.errors.keys() - {"tax_id", "name"}:
        return None, None
    try:
        if credit_request.mode == "again" and credit_notes.creditable_amount(document) not in (
            Decimal(0),
            document.total,
        ):
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
            same[0].quantity, sum((line.gross for line in same), Decimal(0)), same[0].parts[0].kind == "goods",
        )
        for ref, same in by_ref.items()
    ]  # fmt: skip


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
        changed=changed,
        kind=document_kind(document),
        buyer=draft.customer.as_buyer() if draft else document.buyer or {},
        warehouse=warehouse_name(document, draft),
        max_reason_length=REASON_LIMIT,
        provider=provider_class(account.provider) if account is not None else None,
    )
    return page, 422 if refusal and request.method == "POST" else status
