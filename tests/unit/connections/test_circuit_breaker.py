"""When a provider is down, its account pauses; one document probes it, and all are issued once it answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from shopapp.connections import circuit_breaker
from shopapp.documents import issue, outcome
from shopapp.errors import AppError, RefusedError, ThrottledError, UncertainError, UnreachableError
from shopapp.fiscal.document import Draft
from shopapp.models import Account, Document, db, document_queue, now
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World

ORDERS = [str(1000 + n) for n in range(8)]


def _fail_issues(world: World, error: AppError, times: int = 100) -> None:
    def answer(draft: Draft, key: str) -> None:
        world.shop.calls.append("attempt")
        raise error

    world.provider.planned_issues = [answer] * times


def _attempts(world: World) -> int:
    return world.shop.calls.count("attempt")


def _end_delays(account: Account, pause_over: bool = True) -> None:
    """End the delay of every document and the account's pause."""
    db.session.rollback()
    db.session.execute(update(Document).values(not_before=None))
    if pause_over:
        db.session.execute(update(Account).values(paused_until=now(), probe_until=None))
    db.session.commit()
    db.session.refresh(account)
    db.session.commit()


@pytest.mark.parametrize(
    "error", [UnreachableError("unreachable"), ThrottledError("throttled"), UncertainError("outcome-unknown")]
)
def test_after_a_few_calls_without_an_answer_the_account_pauses(world: World, error: AppError) -> None:
    _fail_issues(world, error)
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    assert _attempts(world) == circuit_breaker.FAILURE_THRESHOLD
    db.session.refresh(world.account)
    assert world.account.paused_until is not None and world.account.paused_until > now()
    assert world.account.down_since is not None
    assert issue.issue_next_document() is False


def test_with_a_provider_that_cannot_be_asked_few_documents_go_to_review(world: World) -> None:
    _fail_issues(world, UncertainError("outcome-unknown"))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    states = [world.document(order).state for order in ORDERS]
    assert (states.count("review"), states.count("pending")) == (circuit_breaker.FAILURE_THRESHOLD, 4)


def test_when_the_pause_ends_one_document_probes_and_the_others_wait(world: World) -> None:
    _fail_issues(world, UnreachableError("unreachable"))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    _end_delays(world.account)
    before = _attempts(world)
    taken = document_queue.take()
    assert taken is not None
    assert document_queue.take() is None
    issue._issue(taken)
    assert _attempts(world) == before + 1
    assert document_queue.take() is None


def test_the_probe_is_a_call_that_changes_nothing(world: World) -> None:
    _fail_issues(world, UncertainError("outcome-unknown"))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    for _ in range(6):
        world.provider.check_errors = [UnreachableError("unreachable")]
        _end_delays(world.account)
        world.run_due_work()
    assert _attempts(world) == circuit_breaker.FAILURE_THRESHOLD
    assert [world.document(order).state for order in ORDERS].count(
        "review"
    ) == circuit_breaker.FAILURE_THRESHOLD
    db.session.refresh(world.account)
    assert world.account.pauses == 7
    world.provider.planned_issues = []
    _end_delays(world.account)
    world.run_due_work()
    assert [world.document(order).state for order in ORDERS].count("issued") == 4


def test_each_failed_probe_doubles_the_pause_up_to_sixty_times_the_first(world: World) -> None:
    _fail_issues(world, UnreachableError("unreachable"))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    pauses = []
    for _ in range(9):
        db.session.refresh(world.account)
        assert world.account.paused_until is not None
        pauses.append((world.account.paused_until - now()).total_seconds())
        _end_delays(world.account)
        world.run_due_work()
    for wanted, seen in zip([30 * 2**n for n in range(6)] + [1800] * 3, pauses, strict=True):
        assert wanted * 0.8 - 5 < seen < wanted * 1.2 + 5


def test_the_first_answer_closes_the_breaker_and_all_is_issued(world: World) -> None:
    _fail_issues(world, UnreachableError("unreachable"))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    world.provider.planned_issues = []
    _end_delays(world.account)
    world.run_due_work()
    assert {world.document(order).state for order in ORDERS} == {"issued"}
    assert len(world.provider.ledger) == len(ORDERS)
    db.session.refresh(world.account)
    found = (
        world.account.failures,
        world.account.pauses,
        world.account.paused_until,
        world.account.down_since,
    )
    assert found == (0, 0, None, None)


def test_a_refusal_counts_as_an_answer(world: World) -> None:
    _fail_issues(world, UnreachableError("unreachable"), circuit_breaker.FAILURE_THRESHOLD - 1)
    world.provider.planned_issues.append(
        lambda draft, key: (_ for _ in ()).throw(RefusedError("provider-refused", answer=""))
    )
    for order in ORDERS[: circuit_breaker.FAILURE_THRESHOLD]:
        world.pay_order(order)
    world.run_due_work()
    db.session.refresh(world.account)
    assert (world.account.failures, world.account.paused_until) == (0, None)


def test_a_429_sets_the_length_of_the_pause(world: World) -> None:
    _fail_issues(world, ThrottledError("throttled", retry_after=7200))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    db.session.refresh(world.account)
    assert world.account.paused_until is not None
    assert world.account.paused_until > now() + timedelta(seconds=7100)


def test_a_pause_does_not_affect_other_stores(world: World) -> None:
    other = world.add_store("other")
    world.add_account(other)
    _fail_issues(world, UnreachableError("unreachable"), circuit_breaker.FAILURE_THRESHOLD)
    for order in ORDERS[: circuit_breaker.FAILURE_THRESHOLD + 1]:
        world.pay_order(order)
    world.run_due_work()
    assert world.provider.planned_issues == []
    world.pay_order("2001", store=other)
    world.run_due_work()
    assert world.document("2001", other).state == "issued"
    assert len(world.provider.ledger) == 1


def test_documents_in_doubt_are_not_looked_up_during_the_pause(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.SEARCHABLE
    _fail_issues(world, UncertainError("outcome-unknown"), circuit_breaker.FAILURE_THRESHOLD)
    for order in ORDERS[: circuit_breaker.FAILURE_THRESHOLD]:
        world.pay_order(order)
    world.run_due_work()
    _end_delays(world.account, pause_over=False)
    db.session.execute(update(Document).values(not_before=now()))
    db.session.commit()
    assert document_queue.take_uncertain() is None
    _end_delays(world.account)
    db.session.execute(update(Document).values(not_before=now()))
    db.session.commit()
    assert document_queue.take_uncertain() is not None


def test_a_bug_of_ours_never_changes_another_workers_attempt(world: World) -> None:
    world.pay_order("1001")
    from shopapp.orders import webhooks

    webhooks.process_next_webhook()
    mine = document_queue.take()
    assert mine is not None
    db.session.execute(update(Document).values(state="issuing", attempt=7, lease_until=now() + timedelta(60)))
    db.session.commit()
    outcome.record_bug(mine, RuntimeError("late"))
    row = world.document()
    assert (row.state, row.attempt) == ("issuing", 7)


def test_a_call_that_was_not_made_because_of_the_pause_is_not_counted(world: World) -> None:
    _fail_issues(world, UnreachableError("unreachable"))
    for order in ORDERS:
        world.pay_order(order)
    world.run_due_work()
    db.session.refresh(world.account)
    with pytest.raises(circuit_breaker.BreakerOpenError) as caught:
        circuit_breaker.open_provider(world.account, "issuing")
    circuit_breaker.record_failure(world.account, caught.value)
    db.session.refresh(world.account)
    assert world.account.failures == circuit_breaker.FAILURE_THRESHOLD
