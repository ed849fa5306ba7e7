"""The tables of an export: their columns, and their rows read some hundred documents at a time.

Amounts of credit notes are negative. A cell is a text, a number, a date or nothing; a number is never written as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import defer

from shopapp.messages.fiscal_rules import payment_means_label
from shopapp.messages.formats import country_name, zone
from shopapp.messages.i18n import N_
from shopapp.messages.wording import kind_title
from shopapp.models import Document, DocumentLine, DocumentPayment, ExportProof, Store, db
from shopapp.models.queries import documents as documents_queries
from shopapp.models.queries import reports
from shopapp.models.queries.reconciliation import standing
from shopapp.models.queries.reports import Period, Sums, TaxKey
from shopapp.web.reports.labels import region_label

Cell = str | Decimal | int | date | None
Form = Literal["text", "money", "number", "date"]
BATCH = 500


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its title, and its columns with their forms; titles are message ids."""

    title: str
    columns: Sequence[tuple[str, Form]]
    rows: Callable[[Store, Period], Iterator[Sequence[Cell]]]


def _documents(store: Store, period: Period) -> Iterator[Sequence[Cell]]:
    for batch in _batches(store, period):
        ids = [one.id for one in batch]
        paid, proofs = _payments(ids), _proofs(ids)
        originals = documents_queries.document_numbers(
            store, [one.original_id for one in batch if one.original_id]
        )
        for one in batch:
            yield _document_row(
                one, paid.get(one.id, ""), originals.get(one.original_id or 0, ""), proofs.get(one.id, "")
            )


def _document_row(document: Document, paid: str, original: str, proof: str) -> Sequence[Cell]:
    buyer, checked = document.buyer or {}, document.vat_check or {}
    address = buyer.get("address") or ["", "", ""]
    gross = _amount(document.provider_total, document.total)
    vat = _amount(document.provider_vat, document.vat)
    sign = -1 if document.kind == "NC" else 1
    return (
        document.number, kind_title(document.kind), document.series, document.atcud, document.issued_on,
        document.paid_at.astimezone(zone()).date() if document.paid_at else None, document.order_id,
        buyer.get("name", ""), buyer.get("tax_id", ""), country_name(address[2]) if address[2] else "",
        sign * (gross - vat), sign * vat, sign * gross, paid, original, checked.get("number", ""),
        checked.get("consultation", ""), proof,
    )  # fmt: skip


def _amount(stated: Decimal | None, ours: Decimal | None) -> Decimal:
    return next((one for one in (stated, ours) if one is not None), Decimal(0))


def _lines(store: Store, period: Period) -> Iterator[Sequence[Cell]]:
    for batch in _batches(store, period):
        known = {one.id: one for one in batch}
        mine = select(DocumentLine).where(DocumentLine.document_id.in_(known))
        lines = db.session.scalars(mine.order_by(DocumentLine.document_id, DocumentLine.position)).all()
        of_document: dict[int, list[DocumentLine]] = {}
        for line in lines:
            of_document.setdefault(line.document_id, []).append(line)
        for document in batch:
            for line in of_document.get(document.id, ()):
                yield _line_row(document, line)


def _line_row(document: Document, line: DocumentLine) -> Sequence[Cell]:
    sign = -1 if document.kind == "NC" else 1
    return (
        document.number, document.issued_on, line.sku, line.description, line.quantity, line.unit_price_net,
        line.discount_percent, region_label(line.region), line.vat_rate, line.exemption_code, line.exemption_mention,
        sign * line.net, sign * line.vat, sign * line.gross,
    )  # fmt: skip


def _summary(store: Store, period: Period) -> Iterator[Sequence[Cell]]:
    by_tax = reports.sums_by_tax(store, period)
    for (kind, key), sums in by_tax.items():
        yield _summary_row(kind_title(kind), key, sums)
    rest = reports.not_in_lines(reports.documents_of(store, period), by_tax)
    if not rest.is_zero:
        yield ("", "", None, "", 0, rest.net, rest.vat, rest.gross)


def _summary_row(kind: str, key: TaxKey, sums: Sums) -> Sequence[Cell]:
    return (
        kind, region_label(key.region), key.rate, key.exemption, sums.documents, sums.net, sums.vat, sums.gross
    )  # fmt: skip


def _batches(store: Store, period: Period) -> Iterator[Sequence[Document]]:
    """Yield the documents that count in the period, oldest first, some hundred at a time."""
    order = (Document.issued_on, Document.id)
    ids = db.session.scalars(
        select(Document.id).where(reports.within(store, period), *standing()).order_by(*order)
    ).all()
    for first in range(0, len(ids), BATCH):
        some = select(Document).where(Document.id.in_(ids[first : first + BATCH])).order_by(*order)
        yield db.session.scalars(some.options(defer(Document.draft_text_sealed))).all()


def _payments(ids: Sequence[int]) -> Mapping[int, str]:
    """Return by document how it was paid, in words; several means with their amounts."""
    rows = db.session.scalars(select(DocumentPayment).where(DocumentPayment.document_id.in_(ids)))
    found: dict[int, list[DocumentPayment]] = {}
    for row in rows:
        found.setdefault(row.document_id, []).append(row)
    return {
        document_id: payment_means_label(paid[0].mechanism)
        if len(paid) == 1
        else ", ".join(f"{payment_means_label(one.mechanism)} {one.amount}" for one in paid)
        for document_id, paid in found.items()
    }


def _proofs(ids: Sequence[int]) -> Mapping[int, str]:
    rows = db.session.scalars(select(ExportProof).where(ExportProof.document_id.in_(ids)))
    return {row.document_id: row.reference for row in rows}


TABLES: dict[str, Table] = {
    "resumo": Table(N_("Resumo"), (
        (N_("Tipo"), "text"), (N_("Região"), "text"), (N_("Taxa"), "number"), (N_("Motivo de isenção"), "text"),
        (N_("Documentos"), "number"), (N_("Sem IVA"), "money"), (N_("IVA"), "money"), (N_("Total"), "money"),
    ), _summary),
    "documentos": Table(N_("Documentos"), (
        (N_("Número"), "text"), (N_("Tipo"), "text"), (N_("Série"), "text"), (N_("ATCUD"), "text"),
        (N_("Data"), "date"), (N_("Paga em"), "date"), (N_("Encomenda"), "text"), (N_("Cliente"), "text"),
        (N_("NIF"), "text"), (N_("País"), "text"), (N_("Sem IVA"), "money"), (N_("IVA"), "money"),
        (N_("Total"), "money"), (N_("Pagamento"), "text"), (N_("Corrige"), "text"), (N_("Número de IVA"), "text"),
        (N_("Consulta ao VIES"), "text"), (N_("Prova de saída"), "text"),
    ), _documents),
    "linhas": Table(N_("Linhas"), (
        (N_("Número"), "text"), (N_("Data"), "date"), (N_("SKU"), "text"), (N_("Artigo"), "text"),
        (N_("Quantidade"), "number"), (N_("Preço sem IVA"), "number"), (N_("Desconto (percentagem)"), "number"),
        (N_("Região"), "text"), (N_("Taxa"), "number"), (N_("Motivo de isenção"), "text"), (N_("Menção"), "text"),
        (N_("Sem IVA"), "money"), (N_("IVA"), "money"), (N_("Total"), "money"),
    ), _lines),
}  # fmt: skip
"""The tables of an export by their word in its address."""
