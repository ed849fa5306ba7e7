"""The invoicing program's SAF-T file held against our documents: only there, only here, and what differs.

The file is read while it is answered, and nothing of it is kept.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from shopapp.connections.provider import provider_label
from shopapp.fiscal.money import round_to_cents
from shopapp.messages.formats import day, midnight, money, spaced_tax_id
from shopapp.messages.i18n import N_, gettext
from shopapp.models import Document, db
from shopapp.models.document import ISSUED
from shopapp.models.queries import reports
from shopapp.models.queries.reconciliation import NOT_INVOICES, NOT_STANDING, ZERO, euros
from shopapp.models.queries.reports import Period, TaxKey
from shopapp.web.limits import EXPORTS
from shopapp.web.reports.labels import region_label, tax_label
from shopapp.web.reports.saft_file import SaftDocument, SaftFile, UnreadableSaft, read_saft
from shopapp.web.session import accountant_allowed, store_required

bp = Blueprint("report_saft", __name__, url_prefix="/reports/saft")

MAX_UPLOAD_BYTES = 5 * 1024 * 1024
"""As much as the web server accepts; a SAF-T file of a year is less than that in a ZIP."""
SHOWN = 200
ANNULLED = "A"
SENTENCES = {
    "empty": N_("Escolha o ficheiro SAF-T."),
    "too-large": N_("O ficheiro é maior do que conseguimos ler. Exporte um mês de cada vez."),
    "not-xml": N_("Este ficheiro não é um XML completo. Exporte-o de novo no programa de faturação."),
    "bomb": N_("Este ficheiro tem definições que um SAF-T não tem, por isso não o lemos."),
    "not-saft": N_("Este ficheiro não é um SAF-T (PT) de faturação."),
    "zip": N_("O ZIP tem de ter um só ficheiro XML, sem palavra-passe."),
}


@dataclass(frozen=True, slots=True)
class Ours:
    """One of our documents, as far as it is compared."""

    id: int
    number: str
    atcud: str
    kind: str
    day: Any
    gross: Decimal
    vat: Decimal
    is_annulled: bool


@dataclass(slots=True)
class Comparison:
    """What the file and our documents have in common, and what not."""

    same: int = 0
    only_there: list[SaftDocument] = field(default_factory=list)
    only_here: list[Ours] = field(default_factory=list)
    different: list[tuple[Ours, list[str]]] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.only_there or self.only_here or self.different)


@bp.url_value_preprocessor
def _allow_larger_body(endpoint: str | None, _: dict[str, Any] | None) -> None:
    if endpoint == "report_saft.compare" and "key" in session:
        request.max_content_length = MAX_UPLOAD_BYTES


@bp.get("")
@accountant_allowed
@store_required
def index() -> ResponseReturnValue:
    """Show the form."""
    if g.account is None:
        return redirect(url_for("setup.start"))
    return _render()


@bp.post("")
@accountant_allowed
@store_required
@EXPORTS
def compare() -> ResponseReturnValue:
    """Compare the uploaded file with our documents of its days; 422 when it can't be read. Changes nothing."""
    if g.account is None:
        return redirect(url_for("setup.start"), 303)
    uploaded = request.files.get("file")
    try:
        if uploaded is None:
            raise UnreadableSaft("empty")
        saft = read_saft(uploaded.stream)
    except UnreadableSaft as problem:
        return _render(gettext(SENTENCES[problem.code])), 422
    if g.account.nif and saft.tax_id != g.account.nif:
        other = gettext(
            "Este ficheiro é de outra empresa: NIF %(nif)s, e não %(ours)s.", nif=spaced_tax_id(saft.tax_id),
            ours=spaced_tax_id(g.account.nif),
        )  # fmt: skip
        return _render(other), 422
    found = compare_documents(saft.documents, our_documents(saft))
    return _render(saft=saft, found=found, rates=rates_of(saft))


def _render(wrong: str = "", **result: Any) -> str:
    return render_template(
        "reports/saft.html", wrong=wrong, provider_label=provider_label(g.account), shown=SHOWN, annulled=ANNULLED,
        **result,
    )  # fmt: skip


def our_documents(saft: SaftFile) -> list[Ours]:
    """Return our numbered documents of the file's days, also those that were annulled."""
    gross, vat = reports.GROSS, reports.VAT
    rows = db.session.execute(
        select(
            Document.id, Document.number, Document.atcud, Document.kind, Document.issued_on, gross, vat,
            Document.alarm, Document.provider_state,
        )
        .where(Document.store_id == g.store.id, Document.state == ISSUED, Document.number.is_not(None))
        .where(Document.issued_on >= saft.first, Document.issued_on <= saft.last)
        .where(Document.kind.not_in(NOT_INVOICES))
        .order_by(Document.issued_on, Document.id)
    )  # fmt: skip
    return [
        Ours(
            number, name or "", atcud, kind, issued_on, euros(total), euros(tax),
            alarm in NOT_STANDING or state == "annulled",
        )
        for number, name, atcud, kind, issued_on, total, tax, alarm, state in rows
    ]  # fmt: skip


def compare_documents(theirs: list[SaftDocument], ours: list[Ours]) -> Comparison:
    """Match the documents by number, the rest by ATCUD, and compare each pair."""
    found = Comparison()
    by_number = {_plain(one.number): one for one in ours}
    by_atcud = {one.atcud: one for one in ours if one.atcud}
    matched: set[int] = set()
    for document in theirs:
        mine = by_number.get(_plain(document.number)) or by_atcud.get(document.atcud)
        if mine is None:
            found.only_there.append(document)
            continue
        differences = differences_of(document, mine)
        if mine.id in matched:
            differences.append(gettext("está duas vezes no ficheiro"))
        matched.add(mine.id)
        if differences:
            found.different.append((mine, differences))
        else:
            found.same += 1
    found.only_here = [one for one in ours if one.id not in matched]
    return found


def _plain(number: str) -> str:
    return " ".join(number.split()).upper()


def differences_of(document: SaftDocument, ours: Ours) -> list[str]:
    """Return what differs between the file's document and ours, in words."""
    found = []
    if _plain(document.number) != _plain(ours.number):
        found.append(gettext("número %(theirs)s", theirs=document.number))
    if document.atcud and ours.atcud and document.atcud != ours.atcud:
        found.append(gettext("ATCUD %(theirs)s, aqui %(ours)s", theirs=document.atcud, ours=ours.atcud))
    if document.date and ours.day and document.date != ours.day:
        found.append(gettext("data %(theirs)s, aqui %(ours)s", theirs=day(document.date), ours=day(ours.day)))
    for text, theirs, mine in (
        (N_("total %(theirs)s, aqui %(ours)s"), document.gross, ours.gross),
        (N_("IVA %(theirs)s, aqui %(ours)s"), document.vat, ours.vat),
    ):
        if round_to_cents(theirs) != mine:
            found.append(gettext(text, theirs=money(theirs), ours=money(mine)))
    if document.status == ANNULLED and not ours.is_annulled:
        found.append(gettext("anulado no ficheiro, aqui não"))
    elif ours.is_annulled and document.status != ANNULLED:
        found.append(gettext("anulado aqui, no ficheiro não"))
    return found


def rates_of(saft: SaftFile) -> list[tuple[str, str, Decimal, Decimal]]:
    """Return by region and rate the net of the file and ours, credit notes subtracted, without what was annulled."""
    theirs: dict[TaxKey, Decimal] = defaultdict(Decimal)
    for document in saft.documents:
        if document.status != ANNULLED:
            for key, net in document.nets.items():
                theirs[key] += -net if document.kind == "NC" else net
    assert saft.first is not None and saft.last is not None
    period = Period(saft.first, saft.last, midnight(saft.first), midnight(saft.last))
    ours: dict[TaxKey, Decimal] = defaultdict(Decimal)
    for (_, key), sums in reports.sums_by_tax(g.store, period).items():
        ours[TaxKey(key.region, key.rate.normalize() + 0, key.exemption)] += sums.net
    return [
        (tax_label(key), region_label(key.region), round_to_cents(theirs.get(key, ZERO)), ours.get(key, ZERO))
        for key in sorted({*theirs, *ours}, key=lambda one: (one.region, -one.rate, one.exemption))
    ]
