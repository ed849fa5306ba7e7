"""The listing of documents, and one document's page with its remedies.

Browsers with a session, each for its own store alone: a foreign number is 404, as an unknown one is. Every remedy is
one move of the row (`deciding`); nothing here sends anything to a provider but the question for a PDF.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from shopapp import comparing, deciding, followups, jobs
from shopapp.fiscal.errors import MerchantError
from shopapp.fiscal.party import tax_id_in
from shopapp.models import Document, db, listing, now
from shopapp.models.states import BLOCKED
from shopapp.web.choosing import choose_law
from shopapp.web.errors import page
from shopapp.web.formats import month, zone
from shopapp.web.forms import email_in, euros_in, number_in, typed_in
from shopapp.web.home import midnight
from shopapp.web.public import pdf_answer
from shopapp.web.session import store_required, writes
from shopapp.web.sheet import mine, page_of, version_of
from shopapp.web.showing import provider_label, rows_of
from shopapp.web.tongue import gettext
from shopapp.web.wording import kind_title, say

bp = Blueprint("documents", __name__, url_prefix="/documents")

Answer = AnyResponse | str | tuple[str, int]
LISTED_KINDS = ("FT", "FR", "FS", "NC")
BESIDE = ("NE", "GT")
"""Kinds beside a sale's document: offered to a merchant who chose a series for them."""


# the listing


def asked() -> listing.Filters:
    """What the address asks to see; what it cannot mean is left out."""
    args = request.args
    since, until = _period(args.get("p", ""))
    kind = args.get("t", "")
    tab = args.get("estado", "")
    return listing.Filters(
        tab=tab if tab in listing.TABS else "",
        text="".join(c for c in args.get("q", "") if c.isprintable()).strip()[:100],
        kind=kind if kind in (*LISTED_KINDS, *BESIDE) else "",
        since=since,
        until=until,
        older_than=number_in(args.get("antes", "")),
        newer_than=number_in(args.get("depois", "")),
    )


def _period(text: str) -> tuple[datetime | None, datetime | None]:
    """The instants between which a period lies: `7d`, `30d`, or a month as `2026-11`."""
    today = now().astimezone(zone()).date()
    if text in ("1d", "7d", "30d"):
        return midnight(today - timedelta(days=int(text[:-1]) - 1)), None
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None, None
    return midnight(first), midnight(_next_month(first))


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _periods() -> list[tuple[str, str]]:
    """The periods on offer: the last days, and the last twelve months."""
    found = [
        ("", gettext("Todos")), ("1d", gettext("Hoje")), ("7d", gettext("Últimos 7 dias")),
        ("30d", gettext("Últimos 30 dias")),
    ]  # fmt: skip
    first = now().astimezone(zone()).date().replace(day=1)
    for _ in range(12):
        found.append((f"{first:%Y-%m}", month(midnight(first))))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


@bp.get("")
@store_required
def index() -> Answer:
    """The store's documents, newest first."""
    filters = asked()
    found = listing.page(g.store, filters)
    if not found.rows and not filters.narrowed and not filters.tab and not listing.any_at_all(g.store):
        return render_template("documents_empty.html")
    return render_template(
        "documents.html", rows=rows_of(found.rows), found=found, filters=filters, periods=_periods(),
        kinds=_kinds(filters.kind), waiting=listing.count_waiting(g.store),
        period=request.args.get("p", ""), here=_here, choose_all=request.args.get("escolher") == "pagina",
    )  # fmt: skip


def _kinds(asked_for: str) -> list[tuple[str, str]]:
    """The kinds on offer, each with its name."""
    chosen = g.account.settings.get("series", {}) if g.account is not None else {}
    beside = [code for code in BESIDE if chosen.get(code) or code == asked_for]
    return [(code, kind_title(code)) for code in (*LISTED_KINDS, *beside)]


def _here(**changes: str) -> str:
    """The listing's address with these parameters changed, paging forgotten."""
    kept = {k: v for k, v in request.args.items() if k in ("estado", "q", "p", "t") and v}
    wanted: dict[str, Any] = {k: v for k, v in {**kept, **changes}.items() if v}
    return url_for("documents.index", **wanted)


@bp.get("/rows")
@store_required
def rows() -> Answer:
    """The rows of the same page as they are now, for the script that keeps the listing fresh; 304 when none changed."""
    shown = rows_of(listing.page(g.store, asked()).rows)
    versions = " ".join(f"{row.id}:{row.version}" for row in shown)
    answer = make_response(render_template("_rows.html", rows=shown))
    answer.set_etag(hashlib.sha256(versions.encode()).hexdigest()[:24])
    return answer.make_conditional(request)


# one document


@bp.get("/<int:number>")
@store_required
@writes
def one(number: int) -> Answer:
    """The document's page: what it is, why it stands where it stands, what to do, and its whole story."""
    document = mine(number)
    if comparing.wanted(document):
        jobs.ring()
    return page_of(document)


@bp.get("/<int:number>/version")
@store_required
def version(number: int) -> Answer:
    """A word that changes when the document's page does, for the script that keeps it fresh."""
    return make_response(version_of(mine(number)), 200, {"Content-Type": "text/plain; charset=utf-8"})


@bp.get("/<int:number>/pdf")
@store_required
def pdf(number: int) -> Response:
    """The provider's PDF."""
    document = mine(number)
    return pdf_answer(document, followups.pdf(document))


# remedies: one move each


def _moved(document: Document, text: str) -> AnyResponse:
    jobs.ring()
    flash(text)
    return redirect(url_for("documents.one", number=document.id), 303)


@bp.errorhandler(deciding.AlreadyMoved)
def too_late(error: deciding.AlreadyMoved) -> tuple[str, int]:
    """409: someone or something was faster; nothing was done."""
    number = (request.view_args or {}).get("number")
    return page(
        409, gettext("O documento já não está onde o viu"),
        gettext("Mudou entretanto, noutra janela ou por si só. Nada foi feito; veja como está agora."),
        back=url_for("documents.one", number=number) if number else url_for("documents.index"),
    )  # fmt: skip


@bp.post("/<int:number>/issue")
@store_required
def issue(number: int) -> Answer:
    """The document goes on as soon as a worker is free."""
    document = mine(number)
    deciding.issue(document)
    return _moved(document, gettext("Pedido feito: o documento sai dentro de segundos."))


@bp.post("/<int:number>/tax-id")
@store_required
def correct(number: int) -> Answer:
    """The same with the tax id that the merchant typed; refused here already when it cannot be one."""
    document = mine(number)
    text = typed_in(request.form.get("nif", ""))
    plain = tax_id_in(text)
    if not plain:
        return page_of(document, 422, wrong={"nif": gettext("Este NIF não é válido.")}, typed={"nif": text})
    deciding.issue(document, {"tax_id": plain})
    return _moved(document, gettext("NIF corrigido: o documento sai dentro de segundos."))


@bp.post("/<int:number>/no-tax-id")
@store_required
def without_tax_id(number: int) -> Answer:
    """The same for a final consumer."""
    document = mine(number)
    deciding.issue(document, {"tax_id": ""})
    return _moved(document, gettext("O documento sai sem NIF dentro de segundos."))


@bp.post("/<int:number>/follow-law")
@store_required
def follow_law(number: int) -> Answer:
    """The merchant's choice for this difference of tax, kept for its cause; what waited for it goes on."""
    document = mine(number)
    cause = str((document.detail or {}).get("cause", ""))
    if document.state != BLOCKED or document.reason != "tax-differs" or not cause or g.account is None:
        raise deciding.AlreadyMoved
    choose_law(cause)
    return _moved(document, gettext("Escolha guardada: o documento segue a lei, com o mesmo total."))


@bp.post("/<int:number>/aside")
@store_required
def aside(number: int) -> Answer:
    """The order is answered elsewhere and no longer counts as missing."""
    document = mine(number)
    deciding.set_aside(document, typed_in(request.form.get("other", "")))
    return _moved(document, gettext("Encomenda posta de parte."))


@bp.post("/<int:number>/exists")
@store_required
def exists(number: int) -> Answer:
    """The document was found in the invoicing program: its number is kept, nothing more is issued."""
    document = mine(number)
    typed = {name: typed_in(request.form.get(name, "")) for name in ("number", "total")}
    total = euros_in(typed["total"])
    if total is None:
        wrong = {"total": gettext("Escreva o total como aparece no documento, por exemplo 89,35.")}
        return page_of(document, 422, wrong=wrong, typed=typed)
    try:
        deciding.exists(document, typed["number"], total)
    except MerchantError as error:
        db.session.rollback()
        said = say(error.code, error.detail, provider_label(document))
        field = "total" if error.code == "total-not-ours" else "number"
        return page_of(document, 422, wrong={field: f"{said.cause} {said.remedy}"}, typed=typed)
    return _moved(document, gettext("Número guardado. Nada mais é emitido para esta encomenda."))


@bp.post("/<int:number>/absent")
@store_required
def absent(number: int) -> Answer:
    """The merchant looked and it is not there: the same draft is sent once more."""
    document = mine(number)
    if request.form.get("sure") != "yes":
        wrong = {"sure": gettext("Marque primeiro que procurou e não encontrou.")}
        return page_of(document, 422, wrong=wrong)
    deciding.absent(document)
    return _moved(document, gettext("Vamos emitir o documento agora."))


@bp.post("/<int:number>/mail")
@store_required
def mail(number: int) -> Answer:
    """The document is mailed to that address, as a follow-up of its own."""
    document = mine(number)
    text = typed_in(request.form.get("to", ""))
    if not email_in(text):
        return page_of(
            document, 422, wrong={"to": gettext("Este endereço não é um e-mail.")}, typed={"to": text}
        )
    deciding.mail_again(document, email_in(text))
    return _moved(document, gettext("O e-mail sai dentro de segundos."))


@bp.post("/<int:number>/acknowledge")
@store_required
def acknowledge(number: int) -> Answer:
    """The merchant has seen the alarm and deals with it himself."""
    document = mine(number)
    deciding.acknowledge(document)
    return _moved(document, gettext("Marcado como tratado."))


@bp.post("/<int:number>/revoke")
@store_required
def revoke(number: int) -> Answer:
    """The buyer's link opens nothing any more."""
    document = mine(number)
    document.link_revoked_at = document.link_revoked_at or now()
    db.session.commit()
    return _moved(document, gettext("A ligação do cliente foi fechada."))
