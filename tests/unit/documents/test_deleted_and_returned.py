"""Orders that the merchant deletes in the shop, and goods that come back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from shopapp.documents import merchant_actions
from shopapp.models import Document, Sale, db
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World, paid_order


def _announce(world: World, event: str = "order_updated") -> None:
    world.receive_webhook("1001", event, more=str(len(world.shop.calls)))
    world.run_due_work()


def _return(world: World, **changes: Any) -> None:
    world.shop.orders["1001"] = replace(world.shop.orders["1001"], is_returned=True, has_left=True, **changes)
    _announce(world)


def _take_credit_notes(world: World) -> None:
    series = {"FR": "2026FR", "NC": "2026NC"}
    world.account.settings = {**world.account.settings, "series": series, "credit_cancelled": True}
    db.session.commit()


def test_a_return_asks_once_for_the_credit_note(world: World) -> None:
    _take_credit_notes(world)
    world.pay_order()
    world.run_due_work()
    _return(world)
    assert world.document().alarm == "returned-after" and len(world.provider.ledger) == 1
    merchant_actions.dismiss_alarm(world.document())
    _announce(world)
    assert world.document().alarm == "", "the merchant has said that it is settled"


def test_any_credit_note_answers_the_return_even_of_one_piece(world: World) -> None:
    _take_credit_notes(world)
    world.pay_order()
    world.run_due_work()
    _return(world)
    merchant_actions.credit_document(world.document(), 1, {"amount": "2.30", "reason": "Devolução"})
    world.run_due_work()
    assert world.document().alarm == ""
    assert [draft.kind for _, draft in world.provider.ledger] == ["FR", "NC"]


def test_an_order_returned_before_its_invoice_is_invoiced_and_then_asked_about(world: World) -> None:
    world.pay_order(is_returned=True)
    world.run_due_work()
    assert world.document().state == "issued"
    _announce(world)
    assert world.document().alarm == "returned-after"


def test_deleting_an_invoiced_order_asks_for_the_credit_note_and_never_makes_one(world: World) -> None:
    _take_credit_notes(world)
    world.pay_order()
    world.run_due_work()
    order = world.shop.orders.pop("1001")
    _announce(world, "order_canceled")
    document = world.document()
    assert (document.alarm, document.alarm_detail) == ("cancelled-after", {"gone": "yes"})
    assert len(world.provider.ledger) == 1
    world.shop.orders["1001"] = order
    _announce(world)
    assert world.document().alarm == "", "the shop shows it as paid again"


def test_deleting_an_unpaid_order_deletes_its_draft(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    world.account.settings = {**world.account.settings, "drafts": True}
    db.session.commit()
    world.shop.orders["1001"] = replace(paid_order(), status="open", paid_at=None)
    world.receive_webhook("1001", "order_pending_payment")
    world.run_due_work()
    assert len(world.provider.drafts) == 1
    del world.shop.orders["1001"]
    _announce(world, "order_canceled")
    document = world.document()
    assert (document.state, document.reason, world.provider.drafts) == ("void", "not-in-shop", {})


def test_an_invoice_that_waits_for_the_merchant_is_kept_when_its_paid_order_is_deleted(world: World) -> None:
    world.pay_order(total=Decimal("11.00"))
    world.run_due_work()
    assert world.document().state == "blocked"
    del world.shop.orders["1001"]
    _announce(world, "order_canceled")
    assert world.document().state == "blocked"


def test_an_order_that_the_shop_calls_unpaid_again_raises_its_alarm(world: World) -> None:
    world.pay_order()
    world.run_due_work()
    world.shop.orders["1001"] = replace(world.shop.orders["1001"], status="open", paid_at=None)
    _announce(world)
    assert world.document().alarm == "unpaid-after"
    assert Document.query.count() == 1 and Sale.get_or_create(world.store.id, "1001").cancelled_at
