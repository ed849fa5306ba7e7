"""Each call to a provider is counted for its document and for the account's month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from shopapp.connections import api_usage, circuit_breaker
from shopapp.documents.pdf import read_pdf
from shopapp.errors import ThrottledError
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

    api_usage.call_counter(world.account, "issuing")()
    with monkeypatch.context() as patched:
        patched.setattr(ApiUsage, "add", busy)
        api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 0
    rows.session.commit()
    api_usage.call_counter(world.account, "issuing")()
    api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 2


def test_calls_of_a_deleted_account_do_not_block_other_counts(world: World, clock: FakeClock) -> None:
    api_usage._unsaved_calls[world.account.id + 1000, None] += 1
    api_usage.flush_usage()
    api_usage.call_counter(world.account, "issuing")()
    api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 1


def use_plan(world: World, calls: int, allowance: str = "100") -> None:
    """Give the account a plan of which so many calls were made this month."""
    world.account.settings = {**world.account.settings, "allowance": allowance}
    ApiUsage.add(world.account.id, api_usage.current_month(), calls)
    rows.session.commit()


def test_the_last_tenth_of_a_plan_is_for_issuing_alone(world: World, clock: FakeClock) -> None:
    world.pay_order("1001")
    world.run_due_work()
    use_plan(world, 89)
    with pytest.raises(ThrottledError) as refused:
        read_pdf(world.document())
    assert refused.value.code == "plan-reserved"
    world.pay_order("1002")
    world.run_due_work()
    assert world.document("1002").state == "issued"
    clock.now = clock.now.replace(day=1, month=clock.now.month % 12 + 1, year=clock.now.year + 1)
    assert read_pdf(world.document()).startswith(b"%PDF-")


def test_a_run_that_was_opened_before_stops_where_the_last_tenth_begins(
    world: World, clock: FakeClock
) -> None:
    use_plan(world, 87)
    first, second = (api_usage.call_counter(world.account, "comfort") for _ in range(2))
    for count in (first, second, first):
        count()
    for count in (first, second, api_usage.call_counter(world.account, "comfort")):
        with pytest.raises(ThrottledError):
            count()
    api_usage.call_counter(world.account, "issuing")()
    api_usage.flush_usage()
    assert ApiUsage.calls_in_month(world.account.id, api_usage.current_month()) == 91


def test_without_a_plan_nothing_is_held_back(world: World, clock: FakeClock) -> None:
    use_plan(world, 10**6, allowance="")
    api_usage.call_counter(world.account, "comfort")()


def test_a_call_held_back_says_nothing_about_the_provider(world: World, clock: FakeClock) -> None:
    for _ in range(circuit_breaker.FAILURE_THRESHOLD + 1):
        circuit_breaker.record_failure(world.account, ThrottledError("plan-reserved"))
    assert circuit_breaker.is_closed(world.account)
