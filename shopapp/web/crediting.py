"""The credit note before it is issued: what the merchant asks for, shown as it will be, and then owed by one act.

Browsers with a session only. Nothing is written until the note that was looked at is confirmed; the form carries the
act's number, so that it counts once, and a mark of what was shown, so that nothing else is issued than that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shopapp import checking, connect, correcting, deciding, jobs
from shopapp.fiscal.crediting import REASON_LIMIT
from shopapp.fiscal.document import Draft, DraftLine
from shopapp.fiscal.errors import MerchantError, NotAllowedError
from shopapp.fiscal.party import tax_id_in
from shopapp.models import Document, db
from shopapp.web.documents import too_late
from shopapp.web.forms import euros_in, typed_in
from shopapp.web.session import store_required
from shopapp.web.sheet import may_credit, mine, warehouse_of
from shopapp.web.showing import address, kind_of, provider_label
from shopapp.web.tongue import gettext
from shopapp.web.wording import Said, say

bp = Blueprint("crediting", __name__, url_prefix="/documents")
bp.register_error_handler(deciding.AlreadyMoved, too_late)

Answer = Response | str | tuple[str, int]
WAYS = ("all", "lines", "again")
REASONS = {
    "all": "Devolução do cliente",
    "lines": "Devolução parcial",
    "again": "Correção dos dados do cliente",
}
"""What stands on the note when nothing else was typed: words of the document, so in Portuguese always."""
CANCELLED = "Venda cancelada"
NOBODY = "Consumidor final"
_QUANTITY = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,6})?")


@dataclass(slots=True)
class Wish:
    """What the merchant asks for, as he typed it, and what is wrong with it by field."""

    way: str
    reason: str
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    """Reference, quantity and amount of each line that was chosen."""
    amount: str = ""
    tax_id: str = ""
    name: str = ""
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True while lines are to be chosen and none is."""
        return self.way == "lines" and not self.lines and not self.amount

    def asked(self) -> dict[str, Any]:
        """The same in the words of `deciding.credit`."""
        asked: dict[str, Any] = {"reason": self.reason}
        if self.way == "lines":
            asked["lines"] = [
                [ref, quantity.replace(",", "."), _plain(gross)] for ref, quantity, gross in self.lines
            ]
            asked["amount"] = _plain(self.amount)
        return asked


@dataclass(frozen=True, slots=True)
class Offer:
    """A line of which something is left; without a quantity where one thing stands in several lines."""

    ref: str
    description: str
    sku: str
    rates: tuple[Decimal, ...]
    quantity: Decimal | None
    gross: Decimal


def _plain(text: str) -> str:
    amount = euros_in(text) if text else None
    return "" if amount is None else str(amount)


@bp.get("/<int:number>/credit")
@store_required
def choose(number: int) -> Answer:
    """The credit note as it would be, for what the address asks for (`what` is all, lines or again)."""
    document = mine(number)
    way = request.args.get("what", "")
    wish = Wish(way if way in WAYS else "all", _reason(request.args.get("why", "")))
    wish.reason = wish.reason or _usual(document, wish.way)
    wish.tax_id, wish.name = _known(document)
    _check_reason(wish)
    return _review(document, wish)


@bp.post("/<int:number>/credit")
@store_required
def credit(number: int) -> Answer:
    """The note shown anew for what was typed; owed, once, when it is the one that was shown and is confirmed."""
    document = mine(number)
    wish = _posted(document, request.form)
    if request.form.get("do") != "issue":
        return _review(document, wish, 422 if wish.wrong else 200)
    act = _act(request.form.get("act", ""))
    done = Document.of(document.store_id, document.order_id, f"credit:{act}")
    if done is not None:
        flash(gettext("Esta nota de crédito já tinha sido pedida; nada se repetiu."), "warn")
        return redirect(url_for("documents.one", number=done.id), 303)
    draft, refusal = _drafted(document, wish)
    if draft is None or wish.wrong or refusal:
        return _review(document, wish, 422)
    if request.form.get("seen") != mark_of(draft):
        return _review(document, wish, 422, changed=True)
    if act != correcting.next_number(document, "credit"):
        raise deciding.AlreadyMoved
    return _owed(document, wish, act)


def _owed(document: Document, wish: Wish, act: int) -> Answer:
    again = _corrections(document, wish) if wish.way == "again" else None
    try:
        note = deciding.credit(document, act, wish.asked(), again)
    except MerchantError as error:
        db.session.rollback()
        return _review(document, wish, 422, say(error.code, error.detail, provider_label(document)))
    jobs.ring()
    if again is None:
        flash(gettext("Pedido feito: a nota de crédito sai dentro de segundos."))
    else:
        flash(gettext("Pedido feito: saem a nota de crédito e, depois dela, o documento corrigido."))
    return redirect(url_for("documents.one", number=note.id), 303)


def _act(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0


def mark_of(draft: Draft) -> str:
    """What the form carries of the note that was shown: all of it but the reason, which stands beside the button."""
    return replace(draft, references=()).digest()


# what was typed


def _reason(text: str) -> str:
    return " ".join(typed_in(text).split())


def _usual(document: Document, way: str) -> str:
    return CANCELLED if way == "all" and document.alarm == "cancelled-after" else REASONS[way]


def _known(document: Document) -> tuple[str, str]:
    """The tax id and the name that are on the document."""
    buyer = document.buyer or {}
    name = str(buyer.get("name") or "")
    return str(buyer.get("tax_id") or ""), "" if name == NOBODY else name


def _posted(document: Document, form: Mapping[str, str]) -> Wish:
    way = form.get("what", "")
    wish = Wish(way if way in WAYS else "all", _reason(form.get("why", "")))
    wish.reason = wish.reason or _usual(document, wish.way)
    _check_reason(wish)
    if wish.way == "lines":
        _read_lines(wish, form)
    elif wish.way == "again":
        wish.tax_id, wish.name = typed_in(form.get("tax_id", "")), typed_in(form.get("name", ""))
        _check_corrections(document, wish)
    return wish


def _check_reason(wish: Wish) -> None:
    if len(wish.reason) > REASON_LIMIT:
        wish.wrong["why"] = gettext("O motivo tem no máximo %(most)s caracteres.", most=REASON_LIMIT)


def _read_lines(wish: Wish, form: Mapping[str, str]) -> None:
    refs = [name.removeprefix("quantity-") for name in form if name.startswith("quantity-")]
    refs += [name.removeprefix("gross-") for name in form if name.startswith("gross-")]
    for ref in dict.fromkeys(refs):
        quantity, gross = typed_in(form.get(f"quantity-{ref}", "")), typed_in(form.get(f"gross-{ref}", ""))
        if quantity and not _QUANTITY.fullmatch(quantity):
            wish.wrong[f"quantity-{ref}"] = gettext("Escreva uma quantidade, por exemplo 1 ou 0,5.")
        if gross and not _is_amount(gross):
            wish.wrong[f"gross-{ref}"] = gettext("Escreva um valor em euros, por exemplo 12,50.")
        if quantity or gross:
            wish.lines.append((ref, quantity, gross))
    wish.amount = typed_in(form.get("amount", ""))
    if wish.amount and not _is_amount(wish.amount):
        wish.wrong["amount"] = gettext("Escreva um valor em euros, por exemplo 12,50.")
    if wish.is_empty:
        wish.wrong["amount"] = gettext("Escolha o que creditar: quantidades, valores por linha, ou um valor.")


def _is_amount(text: str) -> bool:
    amount = euros_in(text)
    return amount is not None and amount > 0


def _check_corrections(document: Document, wish: Wish) -> None:
    tax_id, name = _known(document)
    if wish.tax_id and not tax_id_in(wish.tax_id):
        wish.wrong["tax_id"] = gettext("Este NIF não é válido.")
    elif not wish.name and name:
        wish.wrong["name"] = gettext("Escreva o nome do cliente.")
    elif not _corrections(document, wish):
        wish.wrong["tax_id"] = gettext("Corrija o NIF ou o nome: é o que muda no novo documento.")


def _corrections(document: Document, wish: Wish) -> dict[str, str]:
    """The buyer's fields that are to be another on the new document."""
    tax_id, name = _known(document)
    changed: dict[str, str] = {}
    typed = tax_id_in(wish.tax_id)
    if typed != tax_id_in(tax_id):
        changed["tax_id"] = typed
    if wish.name != name:
        # the company's name would stand before the buyer's
        changed.update(name=wish.name, company="")
    return changed


# what is shown


def _drafted(document: Document, wish: Wish) -> tuple[Draft | None, Said | None]:
    """The note that was asked for, or the sentence that says why there is none; neither while lines are chosen."""
    if wish.wrong.keys() - {"tax_id", "name"}:
        return None, None
    try:
        if wish.way == "again" and correcting.left_of(document) not in (Decimal(0), document.total):
            raise NotAllowedError("credit-not-whole")
        if wish.is_empty:
            checking.credit_preview(document, {})
            return None, None
        return checking.credit_preview(document, wish.asked()), None
    except MerchantError as error:
        db.session.rollback()
        return None, say(error.code, error.detail, provider_label(document))


def _offers(document: Document) -> list[Offer]:
    """The lines that may still be credited; one that was split over several rates is one offer."""
    if not may_credit(document):
        return []
    try:
        lines = checking.credit_lines(document)
    except NotAllowedError:
        return []
    by_ref: dict[str, list[DraftLine]] = {}
    for line in lines:
        by_ref.setdefault(line.ref, []).append(line)
    return [
        Offer(
            ref, same[0].description, same[0].sku, tuple(line.vat_rate for line in same),
            same[0].quantity if len(same) == 1 else None, sum((line.gross for line in same), Decimal(0)),
        )
        for ref, same in by_ref.items()
    ]  # fmt: skip


def _review(
    document: Document, wish: Wish, status: int = 200, refusal: Said | None = None, changed: bool = False
) -> tuple[str, int]:
    draft, why = _drafted(document, wish)
    refusal = refusal or why
    left = correcting.left_of(document)
    page = render_template(
        "credit.html", document=document, wish=wish, typed={ref: (q, v) for ref, q, v in wish.lines},
        draft=draft, refusal=refusal, remedy=address(document, refusal.where) if refusal else "",
        offers=_offers(document) if wish.way == "lines" else [], left=left, after=left - draft.gross if draft else left,
        act=correcting.next_number(document, "credit"), seen=mark_of(draft) if draft else "", changed=changed,
        kind=kind_of(document), buyer=draft.customer.as_buyer() if draft else document.buyer or {},
        warehouse=warehouse_of(document, draft), most=REASON_LIMIT, provider=_provider(document),
    )  # fmt: skip
    return page, 422 if refusal and request.method == "POST" else status


def _provider(document: Document) -> Any:
    account = document.account or g.account
    return connect.provider_class(account.provider) if account is not None else None
