"""What a month sold abroad, and its vouchers: OSS, the recapitulative statement, exports. Nothing is changed.

Sources: Directive 2006/112/EC art. 369-G (OSS return by quarter and member state, corrections of earlier quarters
apart); CIVA art. 29 n.º 1 i) and RITI art. 23 (recapitulative statement); CIVA art. 29 n.º 8 (proof of export).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from shopapp.models.attempt import DocumentLine
from shopapp.models.base import db
from shopapp.models.document import Document
from shopapp.models.document_facts import DocumentPayment
from shopapp.models.export_proof import ExportProof
from shopapp.models.store import Store

from .reconciliation import ZERO, cents, euros, standing
from .reports import Period, Sums, within

OSS_TAX_CODE = "OUT"
GOODS_TO_BUSINESS, SERVICES_TO_BUSINESS, EXPORT = "M16", "M40", "M05"
VOUCHER_MEANS = "CO"


@dataclass(frozen=True, slots=True, order=True)
class OssKey:
    """A row of the OSS return: the member state, the rate, and the quarter that is corrected (empty: this one)."""

    corrects: str
    country: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class RecapitulativeRow:
    """What was sold to one VAT number under one exemption, and what VIES said of the number."""

    number: str
    """Empty where the document has none."""
    exemption: str
    sums: Sums
    answer: str
    """What VIES answered: valid, invalid, or empty where it was not asked."""
    asked_at: str
    consultation: str


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One document of goods that left the Union, with the proof that they did."""

    document: Document
    net: Decimal
    proof: str


@dataclass(frozen=True, slots=True)
class Vouchers:
    """Multi-purpose vouchers, in euros: sold less credited, and used."""

    sold: Decimal = ZERO
    used: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """What may still be used."""
        return self.sold - self.used


def quarter_of(day: date) -> str:
    """Return the day's quarter, such as `2026-4`."""
    return f"{day.year}-{(day.month + 2) // 3}"


def oss_rows(store: Store, quarter: Period) -> dict[OssKey, Sums]:
    """Return the sums at the rates of other member states, of a quarter by the documents' dates.

    Credit notes of documents of the same quarter are subtracted; those of earlier quarters are corrections.
    """
    original = aliased(Document)
    is_note = Document.kind == "NC"
    corrected = case((is_note, original.issued_on), else_=None)
    columns = (is_note, corrected, DocumentLine.region, DocumentLine.vat_rate)
    amounts = [func.sum(cents(one)) for one in (DocumentLine.net, DocumentLine.vat, DocumentLine.gross)]
    rows = db.session.execute(
        select(*columns, func.count(Document.id.distinct()), *amounts)
        .select_from(Document)
        .join(DocumentLine, DocumentLine.document_id == Document.id)
        .outerjoin(original, original.id == Document.original_id)
        .where(within(store, quarter), *standing(), DocumentLine.tax_code == OSS_TAX_CODE)
        .group_by(*columns)
    )
    found: dict[OssKey, Sums] = defaultdict(Sums)
    for note, sold_on, country, rate, count, net, vat, gross in rows:
        earlier = quarter_of(sold_on) if sold_on is not None and sold_on < quarter.first else ""
        sums = Sums(count, euros(net), euros(vat), euros(gross))
        found[OssKey(earlier, country, rate)] += -sums if note else sums
    return dict(sorted(found.items()))


def recapitulative_rows(store: Store, period: Period) -> list[RecapitulativeRow]:
    """Return the sales to VAT numbers of other member states (M16, and M40 where VIES knows the number), by number."""
    sums: dict[tuple[str, str], Sums] = defaultdict(Sums)
    proofs: dict[str, Mapping[str, Any]] = {}
    for document, original, exemption, net in _exempt(store, period, GOODS_TO_BUSINESS, SERVICES_TO_BUSINESS):
        proof = document.vat_check or (original.vat_check if original is not None else None) or {}
        if exemption == SERVICES_TO_BUSINESS and not proof:
            continue  # a business outside the Union
        number = str(proof.get("number") or (document.buyer or {}).get("tax_id") or "")
        signed = -net if document.kind == "NC" else net
        sums[number, exemption] += Sums(1, signed, ZERO, signed)
        if proof.get("asked_at", "") >= proofs.get(number, {}).get("asked_at", ""):
            proofs[number] = proof
    return [
        RecapitulativeRow(
            number, exemption, of_it, str(proofs[number].get("answer", "")),
            str(proofs[number].get("asked_at", "")), str(proofs[number].get("consultation", "")),
        )
        for (number, exemption), of_it in sorted(sums.items())
    ]  # fmt: skip


def export_rows(store: Store, period: Period) -> list[ExportRow]:
    """Return the documents with goods that left the Union (M05), oldest first; credit notes are negative."""
    rows = [(document, net) for document, _, _, net in _exempt(store, period, EXPORT)]
    ids = [document.id for document, _ in rows]
    proofs: dict[int, str] = {}
    for first in range(0, len(ids), 500):
        known = select(ExportProof).where(ExportProof.document_id.in_(ids[first : first + 500]))
        proofs |= {one.document_id: one.reference for one in db.session.scalars(known)}
    return [
        ExportRow(document, -net if document.kind == "NC" else net, proofs.get(document.id, ""))
        for document, net in rows
    ]


def _exempt(
    store: Store, period: Period, *exemptions: str
) -> list[tuple[Document, Document | None, str, Decimal]]:
    """Return the documents with lines of these exemptions, their originals, and the sum of those lines."""
    original = aliased(Document)
    by_line = (
        select(
            DocumentLine.document_id,
            DocumentLine.exemption_code,
            func.sum(cents(DocumentLine.net)).label("net"),
        )
        .join(Document, Document.id == DocumentLine.document_id)
        .where(within(store, period), *standing(), DocumentLine.exemption_code.in_(exemptions))
        .group_by(DocumentLine.document_id, DocumentLine.exemption_code)
        .subquery()
    )
    rows = db.session.execute(
        select(Document, original, by_line.c.exemption_code, by_line.c.net)
        .join(by_line, by_line.c.document_id == Document.id)
        .outerjoin(original, original.id == Document.original_id)
        .order_by(Document.issued_on, Document.id)
    )
    return [(document, of_note, exemption, euros(net)) for document, of_note, exemption, net in rows]


def vouchers(store: Store, period: Period | None = None) -> Vouchers:
    """Return the multi-purpose vouchers sold and used in the period; of all time without one."""
    mine = (Document.store_id == store.id if period is None else within(store, period), *standing())
    gross = cents(DocumentLine.gross)
    sold = (
        select(func.sum(case((Document.kind == "NC", -gross), else_=gross)))
        .join(Document, Document.id == DocumentLine.document_id)
        .where(*mine, DocumentLine.kind == "giftcard", DocumentLine.exemption_code != "")
    )
    used = (
        select(func.sum(cents(DocumentPayment.amount)))
        .join(Document, Document.id == DocumentPayment.document_id)
        .where(*mine, DocumentPayment.mechanism == VOUCHER_MEANS)
    )
    return Vouchers(euros(db.session.scalar(sold)), euros(db.session.scalar(used)))
