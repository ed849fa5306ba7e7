"""The orders that explain the difference between what was paid and what was issued in a period, each with its cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, case, func, or_, select

from shopapp.models.base import db
from shopapp.models.document import (
    BLOCKED,
    IN_DOUBT,
    ISSUED,
    ISSUING,
    PENDING,
    REVIEW,
    VOID,
    WAITING,
    Document,
)
from shopapp.models.sale import Sale
from shopapp.models.store import Store

from .reconciliation import CURRENCY, NOT_STANDING, ZERO, amounts_by_order, cents, euros, standing

UNREAD, UNEXPLAINED = "unread", "unexplained"
CAUSES = (
    UNREAD, UNEXPLAINED, "stopped", "cancelled", "annulled", "changed", "credited", "currency", "by-hand", "under-way",
    "other-period", "set-aside", "older", "free",
)  # fmt: skip
"""Why an order's payment and its documents differ; the first two explain nothing."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An order whose payment in the period is not what was issued for it in the period, less what was credited."""

    order_id: str
    """Empty where the shop's list did not even have a readable id."""
    cause: str
    """One of CAUSES."""
    amount: Decimal
    """Euros by which the payment is more; 0 where no amount is known."""
    document: Document | None
    """The order's sale document, or its last reissue."""
    sale: Sale | None


def list_discrepancies(store: Store, begins: datetime, ends: datetime) -> list[Discrepancy]:
    """Return the orders that explain the difference of the period to the cent, by cause and then oldest first.

    The amounts add up to the difference. Orders of unknown amount and free ones are among them, with 0.
    """
    moved = amounts_by_order(store, begins, ends)
    balance = moved.c.paid - moved.c.invoiced + moved.c.credited
    odd = or_(
        balance != 0,
        moved.c.unknown > 0,
        and_(moved.c.orders > 0, moved.c.invoices == 0, moved.c.notes == 0),
    )
    rows = db.session.execute(select(moved.c.order_id, balance).where(odd)).all()
    sales = _sales(store, [row[0] for row in rows])
    documents = _last_sale_documents(store, [row[0] for row in rows])
    lifetime = _lifetime_amounts(store, list(sales))
    found = []
    for order_id, difference in rows:
        sale, document = sales.get(order_id), documents.get(order_id)
        cause = _cause(store, sale, document, lifetime.get(order_id, (ZERO, ZERO)))
        known = sale is not None or document is not None
        found.append(Discrepancy(order_id if known else "", cause, euros(difference), document, sale))
    return sorted(found, key=_explanation_order)


def _explanation_order(gap: Discrepancy) -> tuple[int, str, str]:
    paid_at = gap.sale.paid_at if gap.sale is not None else None
    return CAUSES.index(gap.cause), paid_at.isoformat() if paid_at else "", gap.order_id


def _by_chunks(orders: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the order ids in portions that fit into the parameters of one statement."""
    for first in range(0, len(orders), 500):
        yield orders[first : first + 500]


def _sales(store: Store, orders: Sequence[str]) -> dict[str, Sale]:
    found: dict[str, Sale] = {}
    for some in _by_chunks(orders):
        mine = select(Sale).where(Sale.store_id == store.id, Sale.order_id.in_(some))
        found |= {sale.order_id: sale for sale in db.session.scalars(mine)}
    return found


def _last_sale_documents(store: Store, orders: Sequence[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for some in _by_chunks(orders):
        mine = select(Document).where(
            Document.store_id == store.id, Document.order_id.in_(some), Document.is_sale | Document.is_reissue
        )
        found |= {document.order_id: document for document in db.session.scalars(mine.order_by(Document.id))}
    return found


def _lifetime_amounts(store: Store, orders: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
    """Return what was ever invoiced and credited, by order."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    amount, is_note = cents(func.coalesce(Document.provider_total, Document.total)), Document.kind == "NC"
    sums = [func.sum(case((one, amount), else_=0)) for one in (~is_note, is_note)]
    for some in _by_chunks(orders):
        mine = select(Document.order_id, *sums).where(
            Document.store_id == store.id, Document.order_id.in_(some), *standing()
        )
        for order_id, invoiced, credited in db.session.execute(mine.group_by(Document.order_id)):
            found[order_id] = euros(invoiced), euros(credited)
    return found


def _cause(store: Store, sale: Sale | None, document: Document | None, ever: tuple[Decimal, Decimal]) -> str:
    """Return why the order's payment and its documents of the period differ, one of CAUSES."""
    invoiced, credited = ever
    if sale is None:
        return UNREAD if document is None else UNEXPLAINED
    if sale.status == "paid" and sale.total is None:
        return UNREAD
    if sale.status != "paid":
        if invoiced == credited:
            return "other-period"
        is_flagged = document is not None and any(
            step.reason in ("cancelled-after", "unpaid-after") for step in document.transitions
        )
        return "cancelled" if sale.status == "cancelled" or is_flagged else UNEXPLAINED
    if invoiced or credited:
        return _cause_of_invoiced(sale, document, invoiced, credited)
    if sale.currency not in ("", CURRENCY):
        return "currency"
    if document is None:
        is_older = sale.ordered_at and store.ready_at and sale.ordered_at < store.ready_at
        return "older" if is_older else UNEXPLAINED
    if document.state == ISSUED:
        return (
            "annulled" if document.alarm in NOT_STANDING or document.provider_state == "annulled" else "free"
        )
    reasons = {"automatic-off": "by-hand", "older": "older", "free": "free", "set-aside": "set-aside"}
    if document.state in (WAITING, VOID):
        return reasons.get(document.reason, UNEXPLAINED)
    return _CAUSES_BY_STATE[document.state]


_CAUSES_BY_STATE = {
    BLOCKED: "stopped", REVIEW: "stopped",
    PENDING: "under-way", ISSUING: "under-way", IN_DOUBT: "under-way",
}  # fmt: skip


def _cause_of_invoiced(sale: Sale, document: Document | None, invoiced: Decimal, credited: Decimal) -> str:
    if invoiced - credited == sale.total or sale.currency not in ("", CURRENCY):
        return "other-period"
    if document is not None and document.state in _CAUSES_BY_STATE:
        # what was credited is being issued again
        return _CAUSES_BY_STATE[document.state]
    if document is not None and document.alarm == "paid-again":
        return "stopped"
    if credited or (document is not None and document.is_reissue):
        # here, or at the provider itself, as the merchant said when they had it issued again
        return "credited"
    flags = ("changed-after", "total-differs")
    known = document is not None and (
        document.alarm in flags or any(step.reason in flags for step in document.transitions)
    )
    return "changed" if known else UNEXPLAINED
