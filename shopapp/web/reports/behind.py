"""The documents behind a figure of a report, and one of them to read.

The merchant alone may change something here: the proof that exported goods left the Union.
"""

from __future__ import annotations

import re
from decimal import Decimal

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shopapp.connections.provider import provider_label
from shopapp.messages.fiscal_rules import payment_means_label
from shopapp.messages.i18n import N_, gettext
from shopapp.messages.wording import warning_text
from shopapp.models import Document, ExportProof, db
from shopapp.models.export_proof import MAX_REFERENCE_LENGTH
from shopapp.models.queries import documents as documents_queries
from shopapp.models.queries import reports_behind
from shopapp.models.queries.reports import TaxKey
from shopapp.models.queries.reports_abroad import EXPORT
from shopapp.models.queries.reports_behind import BehindFilters
from shopapp.web.documents.page import own_document_or_404
from shopapp.web.documents.rows import document_rows, document_state_label, warning_texts
from shopapp.web.form_fields import clean_text, parse_row_id
from shopapp.web.reports import period as periods
from shopapp.web.reports.labels import kind_label, region_label, tax_label
from shopapp.web.session import accountant_allowed, store_required

bp = Blueprint("report_documents", __name__, url_prefix="/reports/documents")

_FILTERS = ("tipo", "regiao", "taxa", "motivo", "meio", "so", "aviso")
_GROUP_TITLES = {
    reports_behind.MISSING: N_("Encomendas pagas sem documento"),
    reports_behind.ANNULLED: N_("Documentos anulados no programa de faturação"),
    reports_behind.ALARMED: N_("Documentos que esperam por uma decisão"),
    reports_behind.DIFFERING: N_("Documentos em que o programa indica outros valores"),
    reports_behind.LATE: N_("Faturas com data posterior à do pagamento"),
}


@bp.get("")
@accountant_allowed
@store_required
def index() -> ResponseReturnValue:
    """Show the documents behind a figure, and their sum."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    period, filters = periods.requested_period(), _requested_filters()
    found = reports_behind.list_behind(
        g.store, period, filters, parse_row_id(request.args.get("antes", "")),
        parse_row_id(request.args.get("depois", "")),
    )  # fmt: skip
    rows = document_rows([row.document for row in found.rows])
    return render_template(
        "reports/behind.html",
        found=found,
        rows=list(zip(found.rows, rows, strict=True)),
        sums=reports_behind.sum_behind(g.store, period, filters),
        title=_title(filters),
        is_part=filters.tax is not None or bool(filters.payment),
        is_payment=bool(filters.payment),
        month=periods.title(period),
        month_url=periods.period_url("reports.index", period),
        page_url=lambda **edge: periods.period_url("report_documents.index", period, **_kept(), **edge),
    )


def _kept() -> dict[str, str]:
    return {name: request.args.get(name, "") for name in _FILTERS}


def _requested_filters() -> BehindFilters:
    """Return the filters in the address; invalid ones are left out."""
    args, tax = request.args, None
    rate = args.get("taxa", "")
    if args.get("regiao") and re.fullmatch(r"\d{1,2}(\.\d{1,2})?", rate, re.ASCII):
        tax = TaxKey(args["regiao"][:6], Decimal(rate), args.get("motivo", "")[:3])
    group = args.get("so", "")
    return BehindFilters(
        kind=args.get("tipo", "")[:2],
        tax=tax,
        payment=args.get("meio", "")[:2],
        group=group if group in reports_behind.GROUPS else "",
        warning=args.get("aviso", "")[:40],
    )


def _title(filters: BehindFilters) -> str:
    """Return the figure in words, such as `Faturas-recibo · Continente · 23%`."""
    parts = []
    if filters.group in _GROUP_TITLES:
        parts.append(gettext(_GROUP_TITLES[filters.group]))
    if filters.kind:
        parts.append(kind_label(filters.kind))
    if filters.tax is not None:
        parts += [region_label(filters.tax.region), tax_label(filters.tax)]
    if filters.payment:
        parts.append(payment_means_label(filters.payment))
    if filters.warning:
        parts.append(warning_text(filters.warning))
    return " · ".join(part for part in parts if part) or gettext("Todos os documentos")


@bp.get("/<int:number>")
@accountant_allowed
@store_required
def one(number: int) -> ResponseReturnValue:
    """Show an issued document as it was issued."""
    document = _issued_or_404(number)
    draft = document.draft
    original = documents_queries.find_document(g.store, document.original_id or 0)
    state_class, state_label = document_state_label(document)
    return render_template(
        "reports/document.html",
        document=document,
        draft=draft,
        buyer=document.buyer or {},
        original=original,
        state_class=state_class,
        state_label=state_label,
        provider_label=provider_label(document.account),
        warnings=warning_texts(draft.warnings if draft else ()),
        notes=document_rows(documents_queries.credit_notes_of(document)),
        is_export=any(line.exemption_code == EXPORT for line in document.lines),
        proof=db.session.get(ExportProof, document.id),
        max_proof=MAX_REFERENCE_LENGTH,
    )


def _issued_or_404(number: int) -> Document:
    document = own_document_or_404(number)
    if document.number is None:
        abort(404)
    return document


@bp.post("/<int:number>/proof")
@store_required
def record_proof(number: int) -> ResponseReturnValue:
    """Record the proof that the exported goods left the Union, or that there is none yet. Commits."""
    document = _issued_or_404(number)
    ExportProof.record(document.id, clean_text(request.form.get("reference", ""), MAX_REFERENCE_LENGTH))
    flash(gettext("Prova de saída guardada."))
    return redirect(url_for("report_documents.one", number=document.id), 303)
