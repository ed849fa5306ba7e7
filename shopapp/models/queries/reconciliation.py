"""Reconciliation: orders paid against documents issued, by period and by day, of one store. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from shopapp.models import document_queue
from shopapp.models.base import CENT, db, db_now
from shopapp.models.document import ISSUED, ISSUING, VOID, WAITING, Document
from shopapp.models.heartbeat import Heartbeat
from shopapp.models.sale import Sale
from shopapp.models.store import Store

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The orders paid in a period with their total, and what of it is on issued documents."""

    paid: int = 0
    paid_total: Decimal = ZERO
    issued: int = 0
    issued_total: Decimal = ZERO

    @property
    def missing(self) -> int:
        """Paid orders that have no document."""
        return self.paid - self.issued

    @property
    def difference(self) -> Decimal:
        """Euros paid that are on no document."""
        return self.paid_total - self.issued_total


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A paid order whose document is missing, or differs from what was paid."""

    order_id: str
    document: Document | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DailyCount:
    """One day: documents issued, and orders paid that day that have none yet."""

    begins: datetime
    issued: int
    open: int


def _is_sale_document(store: Store) -> ColumnElement[bool]:
    """Return the condition that a document is the sale's own, not a credit note or a reissue."""
    return and_(Document.store_id == store.id, Document.order_id == Sale.order_id, Document.is_sale)


def _invoiceable_in_period(store: Store, begins: datetime, ends: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for paid orders of the period that we invoice: dismissed and older ones are not."""
    return (
        Sale.store_id == store.id,
        Sale.paid_at >= begins,
        Sale.paid_at < ends,
        or_(Sale.status == "paid", Document.state == ISSUED),
        or_(
            Document.id.is_(None),
            ~or_(
                Document.state == VOID,
                and_(Document.state == WAITING, Document.reason.in_(("older", "free"))),
            ),
        ),
    )


def period_totals(store: Store, begins: datetime, ends: datetime) -> PeriodTotals:
    """Return the totals of the period from `begins` to just before `ends`."""
    row = db.session.execute(
        select(
            func.count(Sale.id),
            func.sum(Sale.total),
            func.count(Document.id).filter(Document.state == ISSUED),
            func.sum(Document.total).filter(Document.state == ISSUED),
        )
        .select_from(Sale)
        .outerjoin(Document, _is_sale_document(store))
        .where(*_invoiceable_in_period(store, begins, ends))
    ).one()
    return PeriodTotals(row[0], _euros(row[1]), row[2], _euros(row[3]))


def _euros(value: Any) -> Decimal:
    """Return a sum in euros; the column's type has converted it from cents."""
    return ZERO if value is None else Decimal(value).quantize(CENT)


def list_discrepancies(store: Store, begins: datetime, ends: datetime, most: int = 100) -> list[Discrepancy]:
    """Return the orders that explain the difference, oldest first."""
    rows = db.session.execute(
        select(Sale, Document)
        .select_from(Sale)
        .outerjoin(Document, _is_sale_document(store))
        .where(
            *_invoiceable_in_period(store, begins, ends),
            or_(Document.id.is_(None), Document.state != ISSUED, Document.total != Sale.total),
        )
        .order_by(Sale.paid_at)
        .limit(most)
    )
    found = []
    for sale, document in rows:
        issued = (document.total or ZERO) if document is not None and document.state == ISSUED else ZERO
        found.append(Discrepancy(sale.order_id, document, (sale.total or ZERO) - issued))
    return found


def daily_counts(store: Store, edges: Sequence[datetime]) -> list[DailyCount]:
    """Return for each day between two edges what was issued, and what was paid and has no document yet."""
    counts: list[Any] = []
    for begins, ends in zip(edges, edges[1:], strict=False):
        issued: Select[Any] = (
            select(func.count())
            .select_from(Document)
            .where(
                Document.store_id == store.id,
                Document.state == ISSUED,
                Document.issued_at >= begins,
                Document.issued_at < ends,
                # these do not invoice a sale
                Document.kind.not_in(("NE", "GT")),
            )
        )
        missing: Select[Any] = (
            select(func.count(Sale.id))
            .select_from(Sale)
            .outerjoin(Document, _is_sale_document(store))
            .where(
                *_invoiceable_in_period(store, begins, ends),
                Sale.status == "paid",
                or_(Document.id.is_(None), Document.state != ISSUED),
            )
        )
        counts += [issued.scalar_subquery(), missing.scalar_subquery()]
    row = list(db.session.execute(select(*counts)).one()) if counts else []
    return [DailyCount(edges[i], row[2 * i], row[2 * i + 1]) for i in range(len(edges) - 1)]


def is_issuing_on_hold() -> bool:
    """Return whether an operator has put all issuing on hold (from a restore until all was compared)."""
    return bool(db.session.scalar(select(Heartbeat.issuing_on_hold())))


def oldest_overdue(seconds: float) -> datetime | None:
    """Return when the oldest overdue row was due, if one is overdue by more than `seconds`."""
    due = func.coalesce(Document.not_before, Document.changed_at)
    pending = and_(Document.id.in_(document_queue.due_ids()), due < db_now(-seconds))
    sending = and_(Document.state == ISSUING, Document.lease_until < db_now(-seconds))
    return db.session.scalar(select(func.min(due)).where(or_(pending, sending)))
