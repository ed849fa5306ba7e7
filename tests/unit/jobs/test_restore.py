"""After a restore nothing is issued until every shop and every provider has been compared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete

from shopapp.documents import issue
from shopapp.errors import UnreachableError
from shopapp.jobs import restore
from shopapp.models import Heartbeat, Sale, Webhook, db, document_queue, now
from shopapp.orders import webhooks
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World, paid_order


def _restored(world: World, *numbers: str) -> None:
    """Restore a backup that is older than the orders and their documents, so that no row knows of them."""
    Heartbeat.beat("clock", pid=1)
    db.session.get_one(Heartbeat, "clock").beat_at = now() - timedelta(hours=20)
    world.store.installed_at = world.store.ready_at = now() - timedelta(days=40)
    for number in numbers:
        world.pay_order(number)
    world.run_due_work()
    db.session.execute(db.text("DELETE FROM follow_up"))
    for table in ("document_payment", "document_warning", "document_line", "attempt", "move", "document"):
        db.session.execute(db.text(f"DELETE FROM {table}"))
    db.session.execute(delete(Webhook))
    db.session.execute(delete(Sale))
    db.session.commit()
    db.session.expire_all()


def test_while_issuing_is_on_hold_nothing_is_issued(world: World) -> None:
    restore.hold_issuing()
    world.pay_order("1001")
    world.run_due_work()
    assert (world.document().state, world.provider.ledger) == ("pending", [])
    assert document_queue.any_due() is False
    assert restore.verify_restore() == []


@pytest.mark.parametrize("promise", [IssueGuarantee.SEARCHABLE, IssueGuarantee.DRAFT_FIRST])
def test_documents_missing_from_the_backup_are_found_before_issuing_goes_on(
    world: World, promise: IssueGuarantee
) -> None:
    world.provider.guarantee, world.provider.lists_documents = promise, True
    _restored(world, "1001", "1002")
    world.shop.orders["1003"] = paid_order("1003")
    assert restore.verify_restore() == []
    world.run_due_work()
    assert [world.document(number).state for number in ("1001", "1002", "1003")] == ["issued"] * 3
    assert len(world.provider.ledger) == 3


def test_with_an_idempotency_key_the_same_document_comes_back(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.IDEMPOTENT
    _restored(world, "1001")
    assert restore.verify_restore() == []
    world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


@pytest.mark.parametrize("promise", [IssueGuarantee.MANUAL, IssueGuarantee.SEARCHABLE])
def test_documents_of_a_provider_without_a_list_go_to_review(world: World, promise: IssueGuarantee) -> None:
    world.provider.guarantee = promise
    _restored(world, "1001")
    world.pay_order("1002")
    webhooks.process_next_webhook()
    assert restore.verify_restore() == []
    world.run_due_work()
    for number in ("1001", "1002"):
        row = world.document(number)
        assert (row.state, row.reason) == ("review", "restored")
    assert len(world.provider.ledger) == 1
    world.pay_order("1003")
    world.run_due_work()
    assert world.document("1003").state == "issued"


def test_a_blocked_document_of_the_backup_may_have_been_issued_since(world: World) -> None:
    world.shop.orders["1001"] = paid_order("1001", currency="USD")
    world.receive_webhook("1001")
    world.run_due_work()
    assert world.document().state == "blocked"
    assert restore.verify_restore() == []
    assert (world.document().state, world.document().reason) == ("review", "restored")


def test_a_store_that_could_not_be_compared_keeps_everything_held(world: World) -> None:
    world.provider.guarantee, world.provider.lists_documents = IssueGuarantee.SEARCHABLE, True
    _restored(world, "1001")
    world.shop.errors["paid_orders"] = [UnreachableError("unreachable")]
    assert restore.verify_restore() == ["fakeshop fake: unreachable"]
    world.run_due_work()
    assert issue.issue_next_document() is False
    assert restore.verify_restore() == []
    world.run_due_work()
    assert len(world.provider.ledger) == 1


def test_the_last_tick_of_the_backup_survives_later_ticks(world: World) -> None:
    _restored(world)
    restore.hold_issuing()
    Heartbeat.beat("clock", pid=2)
    restore.hold_issuing()
    assert restore._audit_since() < now() - timedelta(hours=43)


def test_the_hold_and_verify_commands_report_their_result(app: Flask, world: World) -> None:
    run = app.test_cli_runner()
    assert "Nothing is issued" in run.invoke(args=["hold"]).output
    world.shop.errors["paid_orders"] = [UnreachableError("unreachable")]
    failed = run.invoke(args=["verify"])
    assert failed.exit_code == 1 and "fakeshop fake: unreachable" in failed.output
    assert "issuing goes on" in run.invoke(args=["verify"]).output
