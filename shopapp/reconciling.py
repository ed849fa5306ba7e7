"""The shop's orders against our rows: what was paid, or cancelled, and no hook said so.

Called by `sweeping`, store by store. The platform's lists can't be asked for what changed lately, so three things are
looked at: the newest orders, those known to be unpaid one by one, and once a day all of thirty days. Issues nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from sqlalchemy import or_, select

from shopapp import connect, opening
from shopapp.fiscal.errors import OrderError
from shopapp.models import Document, Hook, Sale, Store, db, now
from shopapp.models.states import ISSUED
from shopapp.platforms.base import Platform, SaleSummary

OVERLAP = timedelta(days=3)
LONGEST = timedelta(days=30)
DAILY = timedelta(days=1)
ANEW = timedelta(hours=1)
"""An order whose total in the list is not the one that we know is read no more often than this."""
UNPAID_DAYS = 60
"""How long an order may stay unpaid and still be looked at."""
TOGETHER = 100
"""How many orders of the list are held against our rows by one question."""
MOST_OPEN, MOST_ABANDONED = 100, 20
"""How many known unpaid orders are read at a time, the one read longest ago first; a shop allows 800 calls a minute."""


def compare(store: Store) -> int:
    """How many orders are owed a document that no hook asked for. Commits; raises what the shop answers."""
    began = now()
    whole = store.combed_at is None or store.combed_at < began - DAILY
    since = max(store.reconciled_at or store.installed_at, store.installed_at) - OVERLAP
    since = min(since, began - LONGEST) if whole and store.combed_at else since
    db.session.commit()
    shop = connect.platform_of(store)
    found = _paid(store, shop, since)
    _others(store, shop, since)
    found += _unpaid(store, shop)
    store.reconciled_at = began
    store.combed_at = began if whole else store.combed_at
    store.reconcile_lease_until = None
    db.session.commit()
    return found


def _paid(store: Store, shop: Platform, since: datetime) -> int:
    """How many paid orders of the list had no row, or one that waited for payment. Commits."""
    found, listed = 0, shop.paid_orders(since)
    while some := list(islice(listed, TOGETHER)):
        _changed(store, shop, {summary.order_id: summary.total for summary in some})
        answered = _answered(store, [summary.order_id for summary in some])
        for summary in some:
            if summary.order_id not in answered:
                found += _owed(store, summary)
                db.session.commit()
    return found


def _answered(store: Store, orders: list[str]) -> set[str]:
    """Of these orders, those with a row that does not wait for payment: nearly all, so they are asked for together."""
    known = select(Document.order_id).where(
        Document.store_id == store.id,
        Document.order_id.in_(orders),
        Document.cause == "sale",
        Document.reason != "unpaid",
    )
    answered = set(db.session.scalars(known))
    db.session.commit()
    return answered


def _changed(store: Store, shop: Platform, totals: dict[str, Decimal]) -> None:
    """Nothing; where an order seems to be worth another amount than was invoiced, it is read and told of. Commits."""
    issued = (
        select(Document, Sale)
        .join(Sale, (Sale.store_id == Document.store_id) & (Sale.order_id == Document.order_id))
        .where(Document.store_id == store.id, Document.order_id.in_(totals), Document.cause == "sale")
        .where(Document.state == ISSUED, Document.alarm == "")
        .where(or_(Sale.checked_at.is_(None), Sale.checked_at < now() - ANEW))
    )
    seen = [(document, sale) for document, sale in db.session.execute(issued)]
    for document, sale in seen:
        if sale.total is None or sale.total == totals[sale.order_id]:
            continue
        sale.checked_at = now()
        db.session.commit()
        try:
            # the list leaves out what was paid by gift card
            total = shop.order(sale.order_id).paid_total
        except OrderError:
            continue
        if total != sale.total:
            opening.changed(document, total)
        db.session.commit()
    db.session.commit()


def _owed(store: Store, summary: SaleSummary) -> bool:
    """True when the order's document is now owed; not committed."""
    if not opening.owe(store, summary.order_id):
        return False
    if _should_have_been_told(store, summary):
        store.unheard, store.unheard_at = (store.unheard or 0) + 1, store.unheard_at or now()
    return True


def _should_have_been_told(store: Store, summary: SaleSummary) -> bool:
    """True when our hooks were there before the order was, and none came for it."""
    listening = max(store.installed_at, store.hooks_problem_at or store.installed_at)
    return summary.created_at > listening and not Hook.any_of(store.id, summary.order_id)


def _others(store: Store, shop: Platform, since: datetime) -> None:
    """Nothing; orders that may yet be paid are known from now on, cancelled ones are acted on. Commits."""
    for summary in shop.other_orders(since):
        opening.put_aside(store, summary.order_id, summary.status == "open")
        if summary.status == "cancelled":
            _cancelled(store, summary)
        else:
            _noted(Sale.seen(store.id, summary.order_id), summary)
            placed = (
                summary.status == "open"
                and store.ready_at is not None
                and summary.created_at >= store.ready_at
            )
            if placed and Document.of(store.id, summary.order_id) is None:
                opening.look_early(store, summary.order_id, True)
        db.session.commit()


def _cancelled(store: Store, summary: SaleSummary) -> None:
    """Nothing; documents of an order whose cancelling no hook told are treated as if one had. Not committed."""
    documents = Document.answering(store.id, summary.order_id)
    if not documents or Sale.seen(store.id, summary.order_id).cancelled_at is not None:
        return
    for document in documents:
        opening.cancelled(document)


def _noted(sale: Sale, summary: SaleSummary) -> None:
    if sale.status in ("", "open", "abandoned"):
        sale.status, sale.total = summary.status, summary.total
        sale.ordered_at = summary.created_at


def _unpaid(store: Store, shop: Platform) -> int:
    """How many orders known as unpaid are paid by now. Commits."""
    known = Sale.unpaid(
        store.id, UNPAID_DAYS, {"open": MOST_OPEN, "": MOST_OPEN, "abandoned": MOST_ABANDONED}
    )
    db.session.commit()
    return sum(_read_again(store, shop, sale) for sale in known)


def _read_again(store: Store, shop: Platform, sale: Sale) -> bool:
    try:
        summary = shop.sale(sale.order_id)
    except OrderError as error:
        # gone from the shop, or not to be understood: its document says so, if it has one
        sale.status, sale.checked_at = error.code.removeprefix("order-")[:12], now()
        opening.put_aside(store, sale.order_id, False)
        db.session.commit()
        return False
    sale.checked_at = now()
    opening.put_aside(store, sale.order_id, summary.status in ("open", "paid"))
    _noted(sale, summary)
    if summary.status == "cancelled":
        _cancelled(store, summary)
    owed = summary.status == "paid" and _owed(store, summary)
    db.session.commit()
    return owed
