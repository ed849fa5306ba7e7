"""The merchant asks for an invoice in the shop's back office."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shopapp.documents import merchant_actions
from shopapp.models import Document, Sale, Transition, db, now
from shopapp.web.documents.timeline import build_timeline
from tests.fakes import World, paid_order


@pytest.fixture
def manual(world: World) -> World:
    """A world whose merchant issues by hand."""
    world.account.settings = {**world.account.settings, "automatic": False}
    db.session.commit()
    return world


def test_an_invoice_asked_for_in_the_shop_is_issued_although_automatic_issue_is_off(manual: World) -> None:
    manual.pay_order()
    manual.run_due_work()
    assert manual.document().reason == "automatic-off"
    manual.request_invoice()
    manual.run_due_work()
    assert manual.document().state == "issued" and len(manual.provider.ledger) == 1
    lines = [event.text for event in build_timeline(manual.document(), "Fake")]
    assert "Pediu a fatura no painel da loja." in lines


def test_the_request_counts_once_however_often_it_comes_and_whatever_comes_first(manual: World) -> None:
    manual.shop.orders["1001"] = paid_order()
    for _ in range(3):
        manual.request_invoice()
        manual.receive_webhook("1001")
        manual.run_due_work()
    assert len(manual.provider.ledger) == 1 and manual.document().state == "issued"


def test_a_request_that_comes_before_the_order_was_read_is_not_lost(manual: World) -> None:
    manual.pay_order()
    manual.request_invoice()
    manual.run_due_work()
    assert manual.document().state == "issued"


def test_a_request_changes_nothing_where_the_invoice_is_issued_automatically(world: World) -> None:
    world.pay_order()
    world.run_due_work()
    before = db.session.query(Transition).count()
    world.request_invoice()
    world.run_due_work()
    assert (len(world.provider.ledger), db.session.query(Transition).count()) == (1, before)


def test_an_older_order_is_issued_when_it_is_asked_for(world: World) -> None:
    world.pay_order(created_at=now() - timedelta(days=300))
    world.run_due_work()
    world.request_invoice()
    world.run_due_work()
    assert world.document().state == "issued"


@pytest.mark.parametrize(
    ("status", "state", "reason"), [("open", "waiting", "unpaid"), ("cancelled", "void", "cancelled")]
)
def test_an_order_that_is_not_paid_is_not_invoiced_when_it_is_asked_for(
    world: World, status: str, state: str, reason: str
) -> None:
    world.shop.orders["1001"] = replace(paid_order(), status=status, paid_at=None)
    world.request_invoice()
    world.run_due_work()
    assert (world.document().state, world.document().reason) == (state, reason)
    assert world.provider.ledger == []


def test_a_document_that_the_merchant_dismissed_stays_dismissed(manual: World) -> None:
    manual.pay_order()
    manual.run_due_work()
    merchant_actions.dismiss_document(manual.document(), "FT 1/7")
    manual.request_invoice()
    manual.run_due_work()
    assert (manual.document().state, manual.provider.ledger) == ("void", [])


def test_a_test_that_names_a_real_order_issues_nothing(manual: World) -> None:
    manual.pay_order()
    manual.run_due_work()
    manual.request_invoice(placed=now() - timedelta(days=2000))
    manual.run_due_work()
    row = manual.document()
    assert (row.state, row.reason, row.alarm) == ("waiting", "automatic-off", "")
    manual.receive_webhook("1001", "order_invoice")
    manual.run_due_work()
    assert manual.document().reason == "automatic-off", "a body without a date proves nothing"
    merchant_actions.request_issue(manual.document())
    manual.run_due_work()
    assert manual.document().state == "issued"


@pytest.mark.parametrize("event", ["order_paid", "order_invoice", "order_updated", "order_canceled"])
def test_a_test_that_names_no_order_leaves_nothing_to_do(world: World, event: str) -> None:
    world.receive_webhook("42", event, created_at=now().isoformat())
    world.run_due_work()
    row = Document.find(world.store.id, "42")
    assert row is None or (row.state, row.reason, row.alarm) == ("void", "not-in-shop", "")
    assert Sale.get_or_create(world.store.id, "42").status in ("missing", "cancelled", "")
    assert world.provider.ledger == []


def test_an_order_that_the_shop_shows_later_is_issued_all_the_same(world: World) -> None:
    world.receive_webhook("1001")
    world.run_due_work()
    assert world.document().reason == "not-in-shop"
    world.pay_order()
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_test_of_a_payment_does_not_date_the_payment_of_a_real_order(world: World) -> None:
    world.pay_order()
    world.run_due_work()
    sale = Sale.get_or_create(world.store.id, "1001")
    sale.first_paid_hook_at = None
    db.session.commit()
    world.receive_webhook("1001", more="test", created_at=(now() - timedelta(days=2000)).isoformat())
    world.run_due_work()
    db.session.expire_all()
    assert Sale.get_or_create(world.store.id, "1001").first_paid_hook_at is None
