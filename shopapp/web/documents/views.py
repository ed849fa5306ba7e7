"""The list of documents, and one document's page with its actions.

A document of another store is 404, like an unknown one. Every action is one transition of the row
(`merchant_actions`); nothing here asks a provider.
"""

from __future__ import annotations

import hashlib

from flask import (
    Blueprint,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from shopapp.documents import audit, decisions, merchant_actions
from shopapp.errors import MerchantError
from shopapp.fiscal.party import parse_tax_id
from shopapp.jobs.queue import notify_workers
from shopapp.messages.i18n import gettext
from shopapp.models import Document, db
from shopapp.models.queries import documents
from shopapp.web.documents.filters import (
    SEARCH,
    current_url,
    is_search_over,
    kind_choices,
    period_choices,
    requested_filters,
    search_url,
)
from shopapp.web.documents.page import own_document_or_404, page_version, render_page
from shopapp.web.documents.rows import document_rows, error_message
from shopapp.web.errors import error_page
from shopapp.web.form_fields import clean_text, parse_euros, parse_exchange_rate
from shopapp.web.limits import ACTIONS
from shopapp.web.session import polled, store_required, writes_database

bp = Blueprint("documents", __name__, url_prefix="/documents")

# the list


@bp.get("")
@store_required
def index() -> ResponseReturnValue:
    """Show the store's documents, newest first."""
    if is_search_over():
        flash(gettext("A procura já não está guardada. Escreva-a de novo."), "warn")
        return redirect(current_url(**{SEARCH: ""}))
    filters = requested_filters()
    found = documents.list_documents(g.store, filters)
    if not found.rows and not filters.narrowed and not filters.tab and not documents.has_documents(g.store):
        return render_template("documents_empty.html")
    return render_template(
        "documents.html", rows=document_rows(found.rows), found=found, filters=filters, periods=period_choices(),
        kinds=kind_choices(filters.kind), waiting=documents.count_needing_merchant(g.store),
        period=request.args.get("p", ""), current_url=current_url, choose_all=request.args.get("escolher") == "pagina",
    )  # fmt: skip


@bp.post("")
@store_required
def search() -> ResponseReturnValue:
    """Redirect to the list with what was searched for, sealed: a name or a tax id is in no address."""
    return redirect(search_url(request.form), 303)


@bp.get("/rows")
@polled
@store_required
def rows() -> ResponseReturnValue:
    """Send the rows of the same list as they are now, for listing.js; 304 when none changed."""
    if is_search_over():
        return "", 401
    shown = document_rows(documents.list_documents(g.store, requested_filters()).rows)
    versions = " ".join(f"{row.id}:{row.version}" for row in shown)
    answer = make_response(render_template("_document_rows.html", rows=shown))
    answer.set_etag(hashlib.sha256(versions.encode()).hexdigest()[:24])
    return answer.make_conditional(request)


# one document


@bp.get("/<int:number>")
@store_required
@writes_database
def one(number: int) -> ResponseReturnValue:
    """Show the document's page; queue a new reading of its state at the provider when the last one is old."""
    document = own_document_or_404(number)
    if audit.request_state_refresh(document):
        notify_workers()
    return render_page(document)


@bp.get("/<int:number>/version")
@polled
@store_required
def version(number: int) -> ResponseReturnValue:
    """Send a digest that changes when the document's page does, for document.js."""
    return make_response(
        page_version(own_document_or_404(number)), 200, {"Content-Type": "text/plain; charset=utf-8"}
    )


# actions: one transition each


def redirect_to_document(document: Document, text: str) -> AnyResponse:
    """Notify the workers and redirect to the document's page, which shows the text."""
    notify_workers()
    flash(text)
    return redirect(url_for("documents.one", number=document.id), 303)


@bp.app_errorhandler(merchant_actions.StateConflictError)
def conflict_page(error: merchant_actions.StateConflictError) -> tuple[str, int]:
    """Return 409: the document changed before this action, and nothing was done."""
    number = (request.view_args or {}).get("number")
    return error_page(
        409, gettext("O documento já não está onde o viu"),
        gettext("Mudou entretanto, noutra janela ou por si só. Nada foi feito; veja como está agora."),
        back_url=url_for("documents.one", number=number) if number else url_for("documents.index"),
    )  # fmt: skip


@bp.post("/<int:number>/issue")
@store_required
@ACTIONS
def issue(number: int) -> ResponseReturnValue:
    """Make the document due for issue. Commits."""
    document = own_document_or_404(number)
    merchant_actions.request_issue(document)
    return redirect_to_document(document, gettext("Pedido feito: o documento sai dentro de segundos."))


@bp.post("/<int:number>/tax-id")
@store_required
@ACTIONS
def correct_tax_id(number: int) -> ResponseReturnValue:
    """Issue with the tax id that the merchant typed; 422 when it is not valid. Commits."""
    document = own_document_or_404(number)
    text = clean_text(request.form.get("nif", ""))
    plain = parse_tax_id(text)
    if not plain:
        return render_page(
            document, 422, errors={"nif": gettext("Este NIF não é válido.")}, typed={"nif": text}
        )
    merchant_actions.request_issue(document, {"tax_id": plain})
    return redirect_to_document(document, gettext("NIF corrigido: o documento sai dentro de segundos."))


@bp.post("/<int:number>/no-tax-id")
@store_required
@ACTIONS
def without_tax_id(number: int) -> ResponseReturnValue:
    """Issue to a final consumer. Commits."""
    document = own_document_or_404(number)
    merchant_actions.request_issue(document, {"tax_id": ""})
    return redirect_to_document(document, gettext("O documento sai sem NIF dentro de segundos."))


@bp.post("/<int:number>/answer")
@store_required
@ACTIONS
def answer(number: int) -> ResponseReturnValue:
    """Store the answer to the question that blocks the document, and retry those that it blocked. Commits."""
    document = own_document_or_404(number)
    question = decisions.question_of(document)
    scope = request.form.get("scope", "0")
    if question is None or g.account is None or not scope.isascii() or not scope.isdigit():
        raise merchant_actions.StateConflictError
    chosen = request.form.get("answer", "")
    if not question.answers:
        typed = {name: clean_text(request.form.get(name, ""), 100) for name in ("rate", "source")}
        rate = parse_exchange_rate(typed["rate"])
        if rate is None or not typed["source"]:
            wrong = {} if rate else {"rate": gettext("Escreva o câmbio assim: 1,0834.")}
            if not typed["source"]:
                wrong["source"] = gettext("Escreva de onde vem o câmbio.")
            return render_page(document, 422, errors=wrong, typed=typed)
        chosen = f"{rate} {typed['source']}"
    if not chosen:
        return render_page(document, 422, errors={"answer": gettext("Escolha primeiro uma resposta.")})
    decisions.answer_question(
        document, g.account, question.subjects[min(int(scope), len(question.subjects) - 1)], chosen
    )
    return redirect_to_document(
        document, gettext("Decisão guardada: o documento sai dentro de segundos. Pode retirá-la em Decisões.")
    )


@bp.post("/<int:number>/aside")
@store_required
@ACTIONS
def dismiss(number: int) -> ResponseReturnValue:
    """Dismiss the order: it was invoiced elsewhere and no longer counts as missing; 422 for a taken number. Commits."""
    document = own_document_or_404(number)
    other = clean_text(request.form.get("other", ""))
    try:
        merchant_actions.dismiss_document(document, other)
    except MerchantError as error:
        return _refused_page(document, error, "other", {"other": other})
    return redirect_to_document(document, gettext("Encomenda posta de parte."))


def _refused_page(
    document: Document, error: MerchantError, field: str, typed: dict[str, str]
) -> tuple[str, int]:
    db.session.rollback()
    message = error_message(error, document)
    return render_page(document, 422, errors={field: f"{message.cause} {message.remedy}"}, typed=typed)


_CONFIRMATION_FIELDS = {
    "total-not-ours": "total", "proof-missing": "atcud", "atcud-shape": "atcud", "atcud-not-of-number": "atcud",
    "atcud-of-other-series": "atcud", "hour-shape": "hour", "hour-not-ours": "hour",
}  # fmt: skip
"""The field of the form that each refusal is about; the others are about the number."""


@bp.post("/<int:number>/exists")
@store_required
@ACTIONS
def confirm_issued(number: int) -> ResponseReturnValue:
    """Record the number of a document that the merchant found at the provider. Commits."""
    document = own_document_or_404(number)
    typed = {name: clean_text(request.form.get(name, "")) for name in ("number", "total", "atcud", "hour")}
    total = parse_euros(typed["total"])
    if total is None:
        wrong = {"total": gettext("Escreva o total como aparece no documento, por exemplo 89,35.")}
        return render_page(document, 422, errors=wrong, typed=typed)
    try:
        merchant_actions.confirm_issued(document, typed["number"], total, typed["atcud"], typed["hour"])
    except MerchantError as error:
        return _refused_page(document, error, _CONFIRMATION_FIELDS.get(error.code, "number"), typed)
    return redirect_to_document(
        document, gettext("Número guardado. Nada mais é emitido para esta encomenda.")
    )


@bp.post("/<int:number>/absent")
@store_required
@ACTIONS
def confirm_not_issued(number: int) -> ResponseReturnValue:
    """Send the same draft again, because the merchant looked and found no document. Commits."""
    document = own_document_or_404(number)
    if request.form.get("sure") != "yes":
        wrong = {"sure": gettext("Marque primeiro que procurou e não encontrou.")}
        return render_page(document, 422, errors=wrong)
    merchant_actions.confirm_not_issued(document)
    if documents.is_order_cancelled(document):
        return redirect_to_document(document, gettext("Fica sem efeito assim que confirmarmos na loja."))
    return redirect_to_document(document, gettext("Vamos emitir o documento agora."))


@bp.post("/<int:number>/acknowledge")
@store_required
@ACTIONS
def acknowledge(number: int) -> ResponseReturnValue:
    """Clear the alarm, because the merchant handles it. Commits."""
    document = own_document_or_404(number)
    merchant_actions.dismiss_alarm(document, deliver=request.form.get("deliver") != "no")
    return redirect_to_document(document, gettext("Marcado como tratado."))


@bp.post("/<int:number>/reissue")
@store_required
@ACTIONS
def reissue(number: int) -> ResponseReturnValue:
    """Have the order issued again, as its document counts no more. Commits."""
    document = own_document_or_404(number)
    merchant_actions.reissue_document(document)
    return redirect_to_document(document, gettext("Vamos emitir outro documento agora."))
