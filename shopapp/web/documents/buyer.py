"""What the shop does not say about a buyer, and the merchant does: the country, or that they are a business."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from shopapp.documents import decisions, merchant_actions
from shopapp.fiscal.countries import country_code
from shopapp.fiscal.party import parse_tax_id
from shopapp.messages.i18n import gettext
from shopapp.models import Document
from shopapp.models.document import BLOCKED
from shopapp.web.documents.page import own_document_or_404, render_page
from shopapp.web.documents.views import conflict_page, redirect_to_document
from shopapp.web.form_fields import clean_text
from shopapp.web.limits import ACTIONS
from shopapp.web.session import store_required

bp = Blueprint("buyer", __name__, url_prefix="/documents")
bp.register_error_handler(merchant_actions.StateConflictError, conflict_page)


@bp.post("/<int:number>/country")
@store_required
@ACTIONS
def choose_country(number: int) -> ResponseReturnValue:
    """Issue with that country where the order names none; 422 when none was chosen. Commits.

    The merchant may say that it is the country of all orders that have no address.
    """
    document = _blocked_document(number, "country-missing", "country-unreadable")
    country, question = country_code(request.form.get("country", "")), decisions.question_of(document)
    if country and question and g.account and request.form.get("always") == "yes":
        decisions.answer_question(document, g.account, question.subjects[0], country)
        return redirect_to_document(
            document,
            gettext("Decisão guardada: o documento sai dentro de segundos. Pode retirá-la em Decisões."),
        )
    return _issue_with(document, {})


@bp.post("/<int:number>/erased")
@store_required
@ACTIONS
def confirm_erased(number: int) -> ResponseReturnValue:
    """Issue although the shop deleted the buyer's data, with the tax id and the country that the merchant has. Commits.

    422 when no country was chosen or the tax id is not valid.
    """
    document = _blocked_document(number, "customer-erased")
    typed = clean_text(request.form.get("nif", ""))
    tax_id = parse_tax_id(typed)
    if typed and not tax_id:
        return render_page(
            document, 422, errors={"nif": gettext("Este NIF não é válido.")}, typed=request.form.to_dict()
        )
    return _issue_with(document, {"is_erased": False, "tax_id": tax_id})


@bp.post("/<int:number>/business")
@store_required
@ACTIONS
def confirm_business(number: int) -> ResponseReturnValue:
    """Issue to a business outside the Union, because the merchant has proof that it is one. Commits."""
    document = _blocked_document(number, "business-unproven")
    merchant_actions.request_issue(document, {"is_confirmed_business": True})
    return redirect_to_document(document, gettext("O documento sai como a uma empresa, dentro de segundos."))


def _blocked_document(number: int, *reasons: str) -> Document:
    document = own_document_or_404(number)
    if document.state != BLOCKED or document.reason not in reasons:
        raise merchant_actions.StateConflictError
    return document


def _issue_with(document: Document, corrections: dict[str, Any]) -> ResponseReturnValue:
    country = country_code(request.form.get("country", ""))
    if not country:
        return render_page(
            document, 422, errors={"country": gettext("Escolha o país.")}, typed=request.form.to_dict()
        )
    merchant_actions.request_issue(document, {**corrections, "country": country})
    return redirect_to_document(document, gettext("Guardado: o documento sai dentro de segundos."))
