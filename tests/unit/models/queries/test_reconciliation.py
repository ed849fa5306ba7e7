"""The count of a period: what the shop says is paid, by payment; what was issued and credited, by its own date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from dev.factories import make_account, make_credit_note, make_document, make_store
from shopapp.models import Sale, Store, UnreadableOrder, now
from shopapp.models.document import BLOCKED, ISSUED, PENDING, VOID, WAITING
from shopapp.models.queries import reconciliation
from shopapp.models.queries.discrepancies import Discrepancy, list_discrepancies

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)
DAY = timedelta(days=1)


@pytest.fixture
def store(db: SQLAlchemy) -> Store:
    store = make_store()
    make_account(store)
    return store


def totals(store: Store, begins: datetime = MIDNIGHT, days: int = 1) -> tuple[Any, ...]:
    found = reconciliation.period_totals(store, begins, begins + days * DAY)
    sums = [str(one) for one in (found.paid_total, found.issued_total, found.credited_total)]
    return (found.paid, found.issued, found.credited, *sums)


def gaps(store: Store, begins: datetime = MIDNIGHT, days: int = 1) -> list[Discrepancy]:
    """Return the discrepancies, which always add up to the difference."""
    found = list_discrepancies(store, begins, begins + days * DAY)
    difference = reconciliation.period_totals(store, begins, begins + days * DAY).difference
    assert sum((gap.amount for gap in found), Decimal(0)) == difference
    return found


def explained(store: Store, begins: datetime = MIDNIGHT, days: int = 1) -> list[tuple[str, str, str]]:
    return [(gap.order_id, gap.cause, str(gap.amount)) for gap in gaps(store, begins, days)]


def sell(store: Store, order_id: str, total: str | None, **values: Any) -> Sale:
    sale = Sale.get_or_create(store.id, order_id)
    sale.status, sale.paid_at, sale.currency = "paid", NOON, "EUR"
    sale.total = None if total is None else Decimal(total)
    for name, value in values.items():
        setattr(sale, name, value)
    return sale


def test_every_paid_order_is_counted_and_each_difference_has_its_cause(store: Store) -> None:
    make_document(store, order_id="1", total="100.10", at=NOON)
    make_document(store, BLOCKED, order_id="2", total="64.90", at=NOON)
    make_document(store, PENDING, order_id="3", total="10.00", at=NOON)
    make_document(store, VOID, order_id="4", total="11.00", at=NOON)
    make_document(store, WAITING, order_id="5", total="13.00", reason="older", at=NOON)
    make_document(store, WAITING, order_id="6", total="7.00", at=NOON)
    make_document(store, WAITING, order_id="7", total="0.00", reason="free", at=NOON)
    make_document(store, VOID, order_id="8", total="12.00", reason="cancelled", at=NOON)
    assert totals(store) == (7, 1, 0, "206.00", "100.10", "0.00")
    assert explained(store) == [
        ("2", "stopped", "64.90"),
        ("6", "by-hand", "7.00"),
        ("3", "under-way", "10.00"),
        ("4", "set-aside", "11.00"),
        ("5", "older", "13.00"),
        ("7", "free", "0.00"),
    ]


def test_an_order_that_could_not_be_read_counts_with_what_the_shop_says(store: Store) -> None:
    sell(store, "1", "24.60")
    make_document(store, BLOCKED, order_id="1", total="24.60", reason="order-unreadable", at=NOON)
    sell(store, "2", None)
    row = {"order_id": "", "status": "paid", "total": Decimal("3.00"), "fields": "id", "created_at": NOON}
    UnreadableOrder.record(store.id, "row-1", row)
    UnreadableOrder.record(store.id, "row-2", {**row, "status": "cancelled"})
    assert totals(store) == (3, 0, 0, "27.60", "0.00", "0.00")
    assert explained(store) == [("", "unread", "3.00"), ("2", "unread", "0.00"), ("1", "stopped", "24.60")]


def test_a_paid_order_without_any_document_explains_nothing(store: Store) -> None:
    sell(store, "1", "5.00")
    make_document(store, VOID, order_id="2", total="8.00", reason="cancelled", at=NOON)
    sell(store, "2", "8.00")
    sell(store, "3", "2.00", ordered_at=store.ready_at - DAY if store.ready_at else None)
    assert explained(store) == [
        ("1", "unexplained", "5.00"),
        ("2", "unexplained", "8.00"),
        ("3", "older", "2.00"),
    ]


def test_a_document_of_another_day_than_the_payment_is_explained_on_both(store: Store) -> None:
    document = make_document(store, order_id="1", total="10.00", at=NOON)
    document.issued_on = NOON.date() + DAY
    assert totals(store) == (1, 0, 0, "10.00", "0.00", "0.00")
    assert explained(store) == [("1", "other-period", "10.00")]
    assert totals(store, MIDNIGHT + DAY) == (0, 1, 0, "0.00", "10.00", "0.00")
    assert explained(store, MIDNIGHT + DAY) == [("1", "other-period", "-10.00")]
    assert explained(store, days=2) == []


def test_credit_notes_are_subtracted_on_their_own(store: Store) -> None:
    note = make_credit_note(make_document(store, order_id="1", total="20.00", at=NOON), "3.00")
    note.issued_on = NOON.date()
    note.issued_at = NOON
    sell(store, "1", "20.00")
    assert totals(store) == (1, 1, 1, "20.00", "20.00", "3.00")
    assert explained(store) == [("1", "credited", "3.00")]


def test_a_cancelled_order_needs_its_credit_note(store: Store) -> None:
    document = make_document(store, order_id="1", total="20.00", at=NOON)
    sell(store, "1", "20.00", status="cancelled")
    assert totals(store) == (0, 1, 0, "0.00", "20.00", "0.00")
    assert explained(store) == [("1", "cancelled", "-20.00")]
    note = make_credit_note(document, "20.00")
    note.issued_on, note.issued_at = NOON.date(), NOON
    sell(store, "1", "20.00", status="cancelled")
    assert totals(store) == (0, 1, 1, "0.00", "20.00", "20.00")
    assert explained(store) == []
    # paid again: nothing stands for the new payment
    sell(store, "1", "20.00")
    assert explained(store) == [("1", "credited", "20.00")]
    document.alarm = "paid-again"
    assert explained(store) == [("1", "stopped", "20.00")]


@pytest.mark.parametrize("flag", ["cancelled-after", "unpaid-after"])
def test_an_invoiced_order_that_was_flagged_and_is_open_again_is_explained(store: Store, flag: str) -> None:
    for order_id in ("1", "2"):
        document = make_document(store, order_id=order_id, total="20.00", at=NOON)
        sell(store, order_id, "20.00", status="open")
    document.log_transition("issued", "issued", flag)
    assert explained(store) == [("1", "unexplained", "-20.00"), ("2", "cancelled", "-20.00")]


def test_a_document_issued_again_after_a_credit_at_the_provider_is_explained(store: Store) -> None:
    make_document(store, order_id="1", total="20.00", at=NOON)
    make_document(store, order_id="1", total="20.00", at=NOON, cause="reissue:1")
    assert explained(store) == [("1", "credited", "-20.00")]


def test_what_the_provider_no_longer_has_is_not_among_its_sums(store: Store) -> None:
    make_document(store, order_id="1", total="20.00", at=NOON, alarm="gone")
    make_document(store, order_id="2", total="5.00", at=NOON, provider_state="annulled")
    assert totals(store) == (2, 0, 0, "25.00", "0.00", "0.00")
    assert [cause for _, cause, _ in explained(store)] == ["annulled", "annulled"]


def test_a_cent_between_sale_and_document_is_a_difference(store: Store) -> None:
    document = make_document(store, order_id="1", total="100.00", at=NOON)
    sell(store, "1", "100.01")
    assert explained(store) == [("1", "unexplained", "0.01")]
    document.alarm = "changed-after"
    assert explained(store) == [("1", "changed", "0.01")]


def test_the_sums_are_those_that_the_provider_returned(store: Store) -> None:
    make_document(store, order_id="1", total="10.00", at=NOON, provider_total=Decimal("10.01"))
    assert totals(store)[4] == "10.01"


def test_order_notes_and_guides_invoice_nothing(store: Store) -> None:
    make_document(store, order_id="1", total="10.00", at=NOON, cause="dossier", kind="NE")
    make_document(store, PENDING, order_id="1", total="10.00", at=NOON)
    assert totals(store)[1] == 0 and explained(store) == [("1", "under-way", "10.00")]


def test_an_order_in_another_currency_counts_without_euros_until_it_is_invoiced(store: Store) -> None:
    make_document(store, BLOCKED, order_id="1", total="30.00", at=NOON)
    sell(store, "1", "30.00", currency="USD")
    assert totals(store) == (1, 0, 0, "0.00", "0.00", "0.00")
    assert explained(store) == [("1", "currency", "0.00")]
    make_document(store, order_id="2", total="25.00", at=NOON)
    sell(store, "2", "30.00", currency="USD")
    assert totals(store) == (2, 1, 0, "25.00", "25.00", "0.00")
    assert len(explained(store)) == 1


def test_another_stores_orders_are_not_counted(store: Store) -> None:
    make_document(make_store("quinta"), total="999.00", at=NOON)
    assert totals(store) == (0, 0, 0, "0.00", "0.00", "0.00") and explained(store) == []


def test_days_begin_at_midnight_of_the_store(store: Store) -> None:
    # 00:30 of the 2nd in Lisbon
    make_document(store, at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    from shopapp.messages.formats import zone_of

    first = datetime(2026, 6, 30, tzinfo=zone_of(store, None))
    counts = reconciliation.daily_counts(store, [first + n * DAY for n in range(4)])
    assert [(day.issued, day.open) for day in counts] == [(0, 0), (0, 0), (1, 0)]


def test_a_day_counts_what_is_still_open_and_no_credit_note(store: Store) -> None:
    make_document(store, BLOCKED, at=NOON)
    make_document(store, VOID, at=NOON)
    note = make_credit_note(make_document(store, at=NOON))
    note.issued_on = NOON.date()
    counts = reconciliation.daily_counts(store, [MIDNIGHT, MIDNIGHT + DAY])
    assert [(day.issued, day.open) for day in counts] == [(1, 1)]
    assert counts[0].issued == totals(store)[1]


def test_a_paid_order_always_has_a_time_of_payment(store: Store) -> None:
    sale = Sale.get_or_create(store.id, "1")
    sale.record("paid", None, "", total=Decimal(5), ordered_at=NOON)
    assert (sale.paid_at, sale.paid_source) == (NOON, "list")
    sale.record("paid", NOON + DAY, "history")
    sale.record("paid", NOON + 2 * DAY)
    sale.record("cancelled", total=None, currency="")
    assert (sale.paid_at, sale.total, sale.status) == (NOON + DAY, Decimal(5), "cancelled")
    assert now() > sale.seen_at or sale.seen_at <= now()


def test_the_document_counts_although_the_sale_is_gone(store: Store, db: SQLAlchemy) -> None:
    make_document(store, ISSUED, order_id="1", total="4.00", at=NOON)
    db.session.delete(Sale.get_or_create(store.id, "1"))
    assert explained(store) == [("1", "unexplained", "-4.00")]
