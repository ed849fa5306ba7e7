"""Each call to a provider is counted for its document and for the account's month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from shopapp.connections import api_usage
from shopapp.models import ApiUsage
from tests.fakes import FakeClock, World
from tests.fakes import db as rows


def test_calls_are_counted_by_document_and_by_month(world: World, clock: FakeClock) -> None:
    world.pay_order("1001")
    world.pay_order("1002")
    world.run_due_work()
    assert [world.document(number).calls for number in ("1001", "1002")] == [1, 1]
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 2


def test_months_are_those_of_lisbon(world: World, clock: FakeClock) -> None:
    clock.now = datetime(2026, 6, 30, 22, 59, tzinfo=UTC)
    assert api_usage.current_month() == "2026-06"
    clock.advance(120)
    assert api_usage.current_month() == "2026-07"


def test_counts_are_written_later_when_the_database_is_busy(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise OperationalError("", {}, Exception("locked"))

    api_usage.call_counter(world.account.id, None)()
    with monkeypatch.context() as patched:
        patched.setattr(ApiUsage, "add", busy)
        api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 0
    rows.session.commit()
    api_usage.call_counter(world.account.id, None)()
    api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 2


def test_calls_of_a_deleted_account_do_not_block_other_counts(world: World, clock: FakeClock) -> None:
    api_usage.call_counter(world.account.id + 1000, None)()
    api_usage.flush_usage()
    api_usage.call_counter(world.account.id, None)()
    api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 1
