"""Reconciliation: what the shop says is paid against what was issued and credited, of one store. Nothing is changed.

Orders count by the time of their payment, whether or not we could read them; documents and credit notes by their own
date, so that their sums are those of the provider. What differs is explained order by order in `discrepancies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from shopapp.models import document_queue
from shopapp.models.base import CENT, Money, db, db_now
from shopapp.models.document import (
    ISSUED,
    ISSUING,
    VOID,
    WAITING,
    Document,
)
from shopapp.models.heartbeat import Heartbeat
from shopapp.models.sale import Sale
from shopapp.models.store import Store
from shopapp.models.unreadable_order import UnreadableOrder

ZERO = Decimal(0)
CURRENCY = "EUR"
NOT_INVOICES = ("NE", "GT", "PF")
"""Kinds of document that invoice nothing and take nothing back."""
NOT_STANDING = ("annulled", "gone")
"""Alarms of documents that the provider no longer has: they are not among its sums."""


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The orders paid in a period, and the documents and credit notes issued in it, in number and in euros."""

    paid: int = 0
    paid_total: Decimal = ZERO
    issued: int = 0
    issued_total: Decimal = ZERO
    credited: int = 0
    credited_total: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """Euros paid that are on no document, less what documents of other payments add."""
        return self.paid_total - self.issued_total + self.credited_total


@dataclass(frozen=True, slots=True)
class DailyCount:
    """One day: documents issued, and orders paid that day that have none yet."""

    begins: datetime
    issued: int
    open: int


def period_totals(store: Store, begins: datetime, ends: datetime) -> PeriodTotals:
    """Return the totals of the period from `begins` to just before `ends`, both at midnight of the store."""
    moved = amounts_by_order(store, begins, ends)
    columns = ("orders", "paid", "invoices", "invoiced", "notes", "credited")
    row = db.session.execute(select(*(func.sum(moved.c[name]) for name in columns))).one()
    return PeriodTotals(row[0] or 0, euros(row[1]), row[2] or 0, euros(row[3]), row[4] or 0, euros(row[5]))


def amounts_by_order(store: Store, begins: datetime, ends: datetime) -> Subquery:
    """Return by order what was paid, invoiced and credited in the period, in cents, and how many of each.

    `unknown` counts orders whose amount is not known in euros.
    """
    paid = _euros_paid()
    orders = _amounts(
        Sale.order_id, orders=1, paid=func.coalesce(paid, 0), unknown=case((paid.is_(None), 1), else_=0)
    ).where(Sale.store_id == store.id, Sale.status == "paid", _paid_in(begins, ends))
    amount = cents(func.coalesce(Document.provider_total, Document.total, literal(ZERO, Money)))
    is_note = Document.kind == "NC"
    documents = _amounts(
        Document.order_id,
        invoices=case((is_note, 0), else_=1),
        invoiced=case((is_note, 0), else_=amount),
        notes=case((is_note, 1), else_=0),
        credited=case((is_note, amount), else_=0),
    ).where(Document.store_id == store.id, *_stands_in_period(begins, ends))
    total = cents(UnreadableOrder.total)
    nameless = _amounts(
        UnreadableOrder.key, orders=1, paid=func.coalesce(total, 0), unknown=case((total.is_(None), 1), else_=0)
    ).where(
        UnreadableOrder.store_id == store.id, UnreadableOrder.order_id == "", UnreadableOrder.status == "paid",
        UnreadableOrder.created_at >= begins, UnreadableOrder.created_at < ends,
    )  # fmt: skip
    rows = union_all(orders, documents, nameless).subquery()
    sums = [func.sum(rows.c[name]).label(name) for name in _AMOUNTS]
    return select(rows.c.order_id, *sums).group_by(rows.c.order_id).subquery()


_AMOUNTS = ("orders", "paid", "unknown", "invoices", "invoiced", "notes", "credited")


def _amounts(order_id: Any, **values: Any) -> Select[Any]:
    columns = [type_coerce(values.get(name, 0), BigInteger).label(name) for name in _AMOUNTS]
    return select(order_id.label("order_id"), *columns)


def _euros_paid() -> ColumnElement[Any]:
    """Return the cents that were paid in euros; of another currency what its documents make of it, NULL without any."""
    converted = (
        select(func.sum(case((Document.kind == "NC", -cents(Document.total)), else_=cents(Document.total))))
        .where(Document.store_id == Sale.store_id, Document.order_id == Sale.order_id)
        .where(Document.state == ISSUED, Document.kind.not_in(NOT_INVOICES))
        .correlate(Sale)
        .scalar_subquery()
    )
    return case((Sale.currency.in_(("", CURRENCY)), cents(Sale.total)), else_=converted)


def cents(amount: Any) -> ColumnElement[Any]:
    """Return an amount as the whole cents that are stored, which may be added in SQL."""
    return type_coerce(amount, BigInteger)


def euros(cents: Any) -> Decimal:
    """Return a number of cents, or NULL, as an amount."""
    return (Decimal(cents or 0) * CENT).quantize(CENT)


def _paid_in(begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """Return the condition that an order was paid in the period, as well as we know."""
    about = func.coalesce(Sale.first_paid_hook_at, Sale.ordered_at, Sale.seen_at)
    return or_(
        and_(Sale.paid_at >= begins, Sale.paid_at < ends),
        and_(Sale.paid_at.is_(None), about >= begins, about < ends),
    )


def _stands_in_period(begins: datetime, ends: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for invoices and credit notes dated in the period that the provider still has.

    The date is that on the document: we may have heard of it later.
    """
    first, last = begins.date(), (ends - timedelta(microseconds=1)).date()
    dated = and_(Document.issued_on >= first, Document.issued_on <= last)
    undated = and_(Document.issued_on.is_(None), Document.issued_at >= begins, Document.issued_at < ends)
    # the index is on `issued_at`, which is at most hours from the date
    return (*standing(), Document.issued_at >= begins - timedelta(days=1), or_(dated, undated))


def standing() -> Sequence[ColumnElement[bool]]:
    """Return the conditions for invoices and credit notes that the provider has and has not annulled."""
    return (
        Document.state == ISSUED,
        Document.kind.not_in(NOT_INVOICES),
        Document.alarm.not_in(NOT_STANDING),
        Document.provider_state != "annulled",
    )


def daily_counts(store: Store, edges: Sequence[datetime]) -> list[DailyCount]:
    """Return for each day between two edges what was issued, and what was paid and has no document yet.

    The edges are midnights of the store. Credit notes are not counted, nor orders that will get no document.
    """
    counts: list[Any] = []
    never = and_(
        Document.state.in_((WAITING, VOID)), Document.reason.in_(("older", "free", "set-aside", "cancelled"))
    )
    for begins, ends in zip(edges, edges[1:], strict=False):
        issued: Select[Any] = (
            select(func.count())
            .select_from(Document)
            .where(Document.store_id == store.id, Document.kind != "NC", *_stands_in_period(begins, ends))
        )
        answered = (
            select(Document.id)
            .where(Document.store_id == store.id, Document.order_id == Sale.order_id)
            .where(Document.is_sale | Document.is_reissue, or_(Document.state == ISSUED, never))
        )
        missing: Select[Any] = (
            select(func.count(Sale.id))
            .where(Sale.store_id == store.id, Sale.status == "paid", _paid_in(begins, ends))
            .where(~answered.exists())
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
