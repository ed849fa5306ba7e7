"""What the merchant asks for on the credit page, as they typed it: read from the form, with the errors by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shopapp.documents.order_changes import CANCELLED, CHANGED
from shopapp.fiscal.credit_note import REASON_LIMIT
from shopapp.fiscal.party import parse_tax_id
from shopapp.messages.i18n import gettext
from shopapp.models import Document
from shopapp.web.form_fields import clean_text, parse_euros

CREDIT_MODES = ("all", "lines", "again")
GOODS, MONEY, STOCK = "goods", "money", "stock"
WAYS = (GOODS, MONEY, STOCK)
"""What of some lines: pieces that came back, money without pieces, or pieces without money (no credit note)."""

DEFAULT_REASONS = {
    "all": "Devolução do cliente",
    GOODS: "Devolução parcial",
    MONEY: "Redução de preço",
    "again": "Correção dos dados do cliente",
}
"""The reasons to use when none was typed; they are printed on the document, so always in Portuguese."""
CANCELLED_REASON = "Venda cancelada"
EDITED_REASON = "Alteração da encomenda"
FINAL_CONSUMER = "Consumidor final"
_QUANTITY = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,6})?")


@dataclass(slots=True)
class CreditRequest:
    """The merchant's request as they typed it, and the errors in it by field."""

    mode: str
    way: str = GOODS
    """One of WAYS, in mode `lines`."""
    reason: str = ""
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    """Reference, quantity and amount of each line that was chosen, as typed."""
    amount: str = ""
    """The money to give back without pieces, beside that of the lines."""
    refund: str = ""
    """The money to give back for the pieces, where it is not their price."""
    unstocked: set[str] = field(default_factory=set)
    """The lines whose pieces are not put back into stock."""
    is_restocked: bool = True
    """Whether pieces are put back at all, in the modes that credit everything."""
    tax_id: str = ""
    name: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether lines must be chosen and none is."""
        return self.mode == "lines" and not self.lines and not self.amount

    @property
    def pieces(self) -> dict[str, Decimal]:
        """The pieces of each line, for a return without money; without those that are no number."""
        return {
            ref: Decimal(typed.replace(",", "."))
            for ref, typed, _ in self.lines
            if _QUANTITY.fullmatch(typed)
        }

    def to_detail(self) -> dict[str, Any]:
        """Return the request as `merchant_actions.credit_document` takes it."""
        if self.mode != "lines":
            return {"reason": self.reason, "unstocked": not self.is_restocked or []}
        return {
            "reason": self.reason,
            "lines": [
                [ref, quantity.replace(",", "."), _decimal_text(gross)] for ref, quantity, gross in self.lines
            ],
            "amount": _decimal_text(self.amount or self.refund),
            "unstocked": sorted(self.unstocked),
        }


def _decimal_text(text: str) -> str:
    amount = parse_euros(text) if text else None
    return "" if amount is None else str(amount)


def new_request(document: Document, values: Mapping[str, str]) -> CreditRequest:
    """Return the request with the mode, the way and the reason that the values name, or the usual ones."""
    mode, way = values.get("what", ""), values.get("way", "")
    request = CreditRequest(mode if mode in CREDIT_MODES else "all", way if way in WAYS else GOODS)
    request.reason = " ".join(clean_text(values.get("why", "")).split())
    usual = request.way if request.mode == "lines" else request.mode
    # a reason that nobody typed follows the way that is chosen now
    if not request.reason or (request.mode == "lines" and request.reason in DEFAULT_REASONS.values()):
        by_alarm = {("all", CANCELLED): CANCELLED_REASON, ("again", CHANGED): EDITED_REASON}
        request.reason = by_alarm.get((request.mode, document.alarm), DEFAULT_REASONS.get(usual, ""))
    if len(request.reason) > REASON_LIMIT:
        request.errors["why"] = gettext("O motivo tem no máximo %(most)s caracteres.", most=REASON_LIMIT)
    return request


def parse_request(document: Document, form: Mapping[str, str]) -> CreditRequest:
    """Return the request that the form contains."""
    request = new_request(document, form)
    request.is_restocked = "asks-restock" not in form or "restock" in form
    if request.mode == "lines":
        _parse_lines(request, form)
    elif request.mode == "again":
        request.tax_id = clean_text(form.get("tax_id", ""))
        request.name = clean_text(form.get("name", ""))
        _check_buyer_changes(document, request)
    return request


def _parse_lines(request: CreditRequest, form: Mapping[str, str]) -> None:
    """Read the fields of the chosen way; those of the others are not shown."""
    if request.way == MONEY:
        request.amount = clean_text(form.get("amount", ""))
        for name in (name for name in form if name.startswith("gross-")):
            if gross := clean_text(form[name]):
                request.lines.append((name.removeprefix("gross-"), "", gross))
    else:
        request.refund = clean_text(form.get("refund", "")) if request.way == GOODS else ""
        for name in (name for name in form if name.startswith("quantity-")):
            ref, quantity = name.removeprefix("quantity-"), clean_text(form[name])
            if quantity.strip("0,."):
                request.lines.append((ref, quantity, ""))
            if f"asks-restock-{ref}" in form and f"restock-{ref}" not in form:
                request.unstocked.add(ref)
    _check_lines(request)


def _check_lines(request: CreditRequest) -> None:
    wrong_amount = gettext("Escreva um valor em euros, por exemplo 12,50.")
    for ref, quantity, gross in request.lines:
        if quantity and not _QUANTITY.fullmatch(quantity):
            request.errors[f"quantity-{ref}"] = gettext("Escreva quantos artigos voltaram, por exemplo 1.")
        if gross and not _is_amount(gross):
            request.errors[f"gross-{ref}"] = wrong_amount
    for name in ("amount", "refund"):
        typed = getattr(request, name)
        if typed and not _is_amount(typed):
            request.errors[name] = wrong_amount
    if request.is_empty and request.way == MONEY:
        request.errors["amount"] = gettext("Escreva quanto devolve, no total ou por linha.")
    elif request.is_empty:
        request.errors["pieces"] = gettext("Diga quantos artigos voltaram.")


def _is_amount(text: str) -> bool:
    amount = parse_euros(text)
    return amount is not None and amount > 0


# the buyer of a document that is issued again


def invoiced_buyer(document: Document) -> tuple[str, str]:
    """Return the tax id and the name on the document."""
    buyer = document.buyer or {}
    name = str(buyer.get("name") or "")
    return str(buyer.get("tax_id") or ""), "" if name == FINAL_CONSUMER else name


def _check_buyer_changes(document: Document, request: CreditRequest) -> None:
    _, name = invoiced_buyer(document)
    if request.tax_id and not parse_tax_id(request.tax_id):
        request.errors["tax_id"] = gettext("Este NIF não é válido.")
    elif not request.name and name:
        request.errors["name"] = gettext("Escreva o nome do cliente.")
    elif not buyer_changes(document, request) and document.alarm != CHANGED:
        request.errors["tax_id"] = gettext("Corrija o NIF ou o nome: é o que muda no novo documento.")


def buyer_changes(document: Document, request: CreditRequest) -> dict[str, str]:
    """Return the buyer's fields that change on the new document."""
    tax_id, name = invoiced_buyer(document)
    changed: dict[str, str] = {}
    typed = parse_tax_id(request.tax_id)
    if typed.removeprefix("PT") != parse_tax_id(tax_id):
        changed["tax_id"] = typed
    if request.name != name:
        # the company's name would be printed instead of the corrected one
        changed.update(name=request.name, company="")
    return changed
