"""The documents behind a figure of a report, page by page, with what each adds to it. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select

from shopapp.models.attempt import DocumentLine
from shopapp.models.base import db
from shopapp.models.document import ISSUED, Document
from shopapp.models.document_facts import DocumentPayment, DocumentWarning
from shopapp.models.store import Store

from .paging import PAGE_SIZE, Page, read_page
from .reconciliation import cents, euros, standing
from .reports import (
    GROSS,
    VAT,
    Period,
    Sums,
    TaxKey,
    documents_of,
    has_lines_of,
    is_stated_otherwise,
    lines_of,
    within,
)
from .reports_abroad import OSS_TAX_CODE
from .reports_checks import has_alarm, is_annulled, is_late, is_missing

MISSING, ANNULLED, ALARMED, DIFFERING, LATE, OSS = "faltam", "anulados", "alarme", "diferem", "tarde", "oss"
GROUPS = (MISSING, ANNULLED, ALARMED, DIFFERING, LATE, OSS)
"""Groups of documents that a report names, by their word in its addresses."""


@dataclass(frozen=True, slots=True)
class BehindFilters:
    """Which documents of the period a figure counts; empty means all."""

    kind: str = ""
    tax: TaxKey | None = None
    payment: str = ""
    group: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class BehindRow:
    """One document, and what it adds to the figure."""

    document: Document
    sums: Sums


def list_behind(
    store: Store, period: Period, filters: BehindFilters, older_than: int = 0, newer_than: int = 0
) -> Page[BehindRow]:
    """Return a page of the documents behind the figure, newest first."""
    page: Page[Document] = read_page(
        select(Document).where(*_conditions(store, period, filters)),
        [Document.id],
        after=[older_than] if older_than else None,
        before=[newer_than] if newer_than else None,
        most=PAGE_SIZE,
        descending=True,
    )
    amounts = _amounts([document.id for document in page.rows], filters)
    rows = [BehindRow(one, _signed(one.kind, amounts.get(one.id, Sums()))) for one in page.rows]
    return Page(rows, page.before, page.after)


def sum_behind(store: Store, period: Period, filters: BehindFilters) -> Sums:
    """Return what all documents behind the figure add up to."""
    found = Sums()
    for kind, sums in _amounts_by_kind(store, period, filters):
        found += _signed(kind, sums)
    return found


def _conditions(store: Store, period: Period, filters: BehindFilters) -> list[ColumnElement[bool]]:
    if filters.group == MISSING:
        return [
            Document.store_id == store.id, Document.paid_at >= period.begins, Document.paid_at < period.ends,
            is_missing(),
        ]  # fmt: skip
    found = [within(store, period)]
    if filters.group == ANNULLED:
        return [*found, is_annulled()]
    found += standing()
    if filters.group == ALARMED:
        found += [Document.state == ISSUED, has_alarm()]
    elif filters.group == DIFFERING:
        found.append(is_stated_otherwise())
    elif filters.group == LATE:
        found.append(is_late(documents_of(store, period), period))
    if filters.kind:
        found.append(Document.kind == filters.kind)
    if filters.tax is not None:
        found.append(has_lines_of(filters.tax, *_oss_alone(filters)))
    if filters.payment:
        found.append(_has(DocumentPayment, DocumentPayment.mechanism == filters.payment))
    if filters.warning:
        found.append(_has(DocumentWarning, DocumentWarning.code == filters.warning))
    return found


def _oss_alone(filters: BehindFilters) -> Sequence[ColumnElement[bool]]:
    return (DocumentLine.tax_code == OSS_TAX_CODE,) if filters.group == OSS else ()


def _has(facts: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = select(facts.id).where(facts.document_id == Document.id, condition)
    return mine.correlate(Document).exists()


def _sums(filters: BehindFilters) -> Select[Any]:
    """Return the kind, a count and the net, VAT and gross in cents, not yet grouped or narrowed."""
    if filters.payment:
        paid: Any = func.sum(cents(DocumentPayment.amount))
        columns: list[Any] = [Document.kind, func.count(), paid, literal(0), paid]
        of_it = and_(DocumentPayment.document_id == Document.id, DocumentPayment.mechanism == filters.payment)
        return select(*columns).join(DocumentPayment, of_it)
    if filters.tax is None:
        columns = [Document.kind, func.count(), func.sum(GROSS - VAT), func.sum(VAT), func.sum(GROSS)]
        return select(*columns).select_from(Document)
    parts = (DocumentLine.net, DocumentLine.vat, DocumentLine.gross)
    columns = [Document.kind, func.count(Document.id.distinct()), *(func.sum(cents(one)) for one in parts)]
    lines = and_(DocumentLine.document_id == Document.id, *lines_of(filters.tax), *_oss_alone(filters))
    return select(*columns).join(DocumentLine, lines)


def _amounts_by_kind(store: Store, period: Period, filters: BehindFilters) -> list[tuple[str, Sums]]:
    rows = db.session.execute(
        _sums(filters).where(*_conditions(store, period, filters)).group_by(Document.kind)
    )
    return [
        (kind, Sums(count, euros(net), euros(vat), euros(gross))) for kind, count, net, vat, gross in rows
    ]


def _amounts(ids: Sequence[int], filters: BehindFilters) -> dict[int, Sums]:
    rows = db.session.execute(
        _sums(filters)
        .add_columns(Document.id)
        .where(Document.id.in_(ids))
        .group_by(Document.id, Document.kind)
    )
    return {number: Sums(1, euros(net), euros(vat), euros(gross)) for _, _, net, vat, gross, number in rows}


def _signed(kind: str, sums: Sums) -> Sums:
    return -sums if kind == "NC" else sums
