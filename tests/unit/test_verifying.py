"""After a backup was restored nothing is issued before everyone who can be asked was asked what was issued since."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete

from shopapp import issuing, opening, verifying
from shopapp.fiscal.errors import UnreachableError
from shopapp.models import Document, Hook, Pulse, Sale, db, now
from shopapp.providers.base import Once
from tests.fakes import World, an_order


def _restored(world: World, *numbers: str) -> None:
    """Yesterday's backup: the orders and their documents came after it, and none of our rows knows of them."""
    Pulse.beat("clock", pid=1)
    db.session.get_one(Pulse, "clock").beat_at = now() - timedelta(hours=20)
    world.store.installed_at = world.store.ready_at = now() - timedelta(days=40)
    for number in numbers:
        world.paid(number)
    world.work()
    db.session.execute(db.text("DELETE FROM follow_up"))
    for table in ("document_line", "attempt", "move", "document"):
        db.session.execute(db.text(f"DELETE FROM {table}"))
    db.session.execute(delete(Hook))
    db.session.execute(delete(Sale))
    db.session.commit()
    db.session.expire_all()


def test_while_it_is_held_nothing_is_issued(world: World) -> None:
    verifying.hold()
    world.paid("1001")
    world.work()
    assert (world.document().state, world.office.ledger) == ("pending", [])
    assert Document.any_due() is False
    assert verifying.verify() == []


@pytest.mark.parametrize("promise", [Once.BY_SEARCH, Once.BY_DRAFT])
def test_documents_that_the_backup_forgot_are_found_before_issuing_goes_on(
    world: World, promise: Once
) -> None:
    world.office.promise, world.office.lists = promise, True
    _restored(world, "1001", "1002")
    world.shop.orders["1003"] = an_order("1003")
    assert verifying.verify() == []
    world.work()
    assert [world.document(number).state for number in ("1001", "1002", "1003")] == ["issued"] * 3
    assert len(world.office.ledger) == 3


def test_with_a_key_the_same_document_comes_back(world: World) -> None:
    world.office.promise = Once.BY_KEY
    _restored(world, "1001")
    assert verifying.verify() == []
    world.work()
    assert (world.document().state, len(world.office.ledger)) == ("issued", 1)


@pytest.mark.parametrize("promise", [Once.BY_PERSON, Once.BY_SEARCH])
def test_where_nobody_can_tell_a_person_looks_at_each(world: World, promise: Once) -> None:
    world.office.promise = promise
    _restored(world, "1001")
    world.paid("1002")
    opening.open_hook()
    assert verifying.verify() == []
    world.work()
    for number in ("1001", "1002"):
        row = world.document(number)
        assert (row.state, row.reason) == ("review", "restored")
    assert len(world.office.ledger) == 1
    world.paid("1003")
    world.work()
    assert world.document("1003").state == "issued"


def test_what_was_blocked_in_the_backup_may_have_been_mended_and_issued_since(world: World) -> None:
    world.shop.orders["1001"] = an_order("1001", currency="USD")
    world.hook("1001")
    world.work()
    assert world.document().state == "blocked"
    assert verifying.verify() == []
    assert (world.document().state, world.document().reason) == ("review", "restored")


def test_a_store_that_could_not_be_compared_keeps_everything_held(world: World) -> None:
    world.office.promise, world.office.lists = Once.BY_SEARCH, True
    _restored(world, "1001")
    world.shop.fail["paid_orders"] = [UnreachableError("unreachable")]
    assert verifying.verify() == ["fakeshop fake: unreachable"]
    world.work()
    assert issuing.step() is False
    assert verifying.verify() == []
    world.work()
    assert len(world.office.ledger) == 1


def test_the_backup_s_last_beat_is_remembered_whenever_the_clock_beats_again(world: World) -> None:
    _restored(world)
    verifying.hold()
    Pulse.beat("clock", pid=2)
    verifying.hold()
    assert verifying._since() < now() - timedelta(hours=43)


def test_the_commands_say_what_came_of_it(app: Flask, world: World) -> None:
    run = app.test_cli_runner()
    assert "Nothing is issued" in run.invoke(args=["hold"]).output
    world.shop.fail["paid_orders"] = [UnreachableError("unreachable")]
    failed = run.invoke(args=["verify"])
    assert failed.exit_code == 1 and "fakeshop fake: unreachable" in failed.output
    assert "issuing goes on" in run.invoke(args=["verify"]).output
