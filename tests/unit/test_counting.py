"""Each call to a provider is counted: of the document that it was made for, and of the account's month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from shopapp import counting
from shopapp.models import Usage
from tests.fakes import Clock, World
from tests.fakes import db as rows


def test_a_document_knows_what_it_cost_and_the_month_what_all_of_them_did(world: World, clock: Clock) -> None:
    world.paid("1001")
    world.paid("1002")
    world.work()
    assert [world.document(number).calls for number in ("1001", "1002")] == [1, 1]
    assert Usage.of(world.account.id, counting.month()) == 2


def test_each_month_begins_anew_by_the_clock_of_lisbon(world: World, clock: Clock) -> None:
    clock.now = datetime(2026, 6, 30, 22, 59, tzinfo=UTC)
    assert counting.month() == "2026-06"
    clock.passes(120)
    assert counting.month() == "2026-07"


def test_a_busy_database_is_told_later(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise OperationalError("", {}, Exception("locked"))

    counting.counter(world.account.id, None)()
    with monkeypatch.context() as patched:
        patched.setattr(Usage, "add", busy)
        counting.tell()
    assert Usage.of(world.account.id, counting.month()) == 0
    rows.session.commit()
    counting.counter(world.account.id, None)()
    counting.tell()
    assert Usage.of(world.account.id, counting.month()) == 2


def test_calls_of_an_account_that_is_gone_are_not_in_the_way_of_others(world: World, clock: Clock) -> None:
    counting.counter(world.account.id + 1000, None)()
    counting.tell()
    counting.counter(world.account.id, None)()
    counting.tell()
    assert Usage.of(world.account.id, counting.month()) == 1
