"""Each promise keeps its word: whatever is lost on the way, the ledger holds one document and the row knows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shopapp import fault
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import CredentialsError, RefusedError, UncertainError, UnreachableError
from shopapp.models import Document, db, now
from shopapp.providers.base import Once
from tests.fakes import World

ASKED = (Once.BY_KEY, Once.BY_DRAFT, Once.BY_SEARCH)


@pytest.fixture(params=ASKED, ids=lambda once: once.value)
def promised(world: World, request: pytest.FixtureRequest) -> World:
    world.office.promise = request.param
    return world


def _kept_and_lost(world: World) -> Callable[[Draft, str], Issued | None]:
    """The document is issued and the answer never comes."""

    def answer(draft: Draft, key: str) -> Issued | None:
        if world.office.promise is Once.BY_DRAFT:
            world.office.made[key] = world.office.book(draft, world.office.drafts[key][0])
        else:
            world.office.book(draft, key)
        raise UncertainError("outcome-unknown", how="timeout")

    return answer


def _never_came(draft: Draft, key: str) -> Issued | None:
    raise UncertainError("outcome-unknown", how="cut")


def later(world: World, seconds: float = 0) -> None:
    """The doubts' time comes; with `seconds`, they began so long ago."""
    db.session.rollback()
    began: dict[str, Any] = {"not_before": now()}
    if seconds:
        began["doubted_at"] = now() - timedelta(seconds=seconds)
    db.session.execute(update(Document).where(Document.state == "in_doubt").values(**began))
    db.session.execute(update(Document).where(Document.state == "pending").values(not_before=None))
    db.session.commit()
    world.work()


def test_a_paid_order_becomes_one_document(promised: World) -> None:
    promised.paid("1001")
    promised.work()
    assert (promised.document().state, len(promised.office.ledger)) == ("issued", 1)


def test_a_lost_answer_is_found_and_never_sent_twice(promised: World) -> None:
    promised.office.next = [_kept_and_lost(promised)]
    promised.paid("1001")
    promised.work()
    assert promised.document().state == "in_doubt"
    later(promised)
    row = promised.document()
    assert (row.state, row.number, row.settled_by) == ("issued", "FR 2026FR/1", "search")
    assert len(promised.office.ledger) == 1


def test_a_call_that_never_came_is_made_good(promised: World) -> None:
    promised.office.next = [_never_came]
    promised.paid("1001")
    promised.work()
    later(promised, seconds=10_000)
    promised.work()
    assert (promised.document().state, len(promised.office.ledger)) == ("issued", 1)


def test_a_worker_that_died_after_the_provider_issued_costs_nothing(promised: World) -> None:
    from shopapp import sweeping

    promised.paid("1001")
    fault.arm("before_settle=raise")
    try:
        promised.work()
    finally:
        fault.arm("")
    db.session.execute(update(Document).values(lease_until=now() - timedelta(seconds=1)))
    db.session.commit()
    sweeping.expire_leases()
    later(promised)
    assert (promised.document().state, len(promised.office.ledger)) == ("issued", 1)


def test_a_provider_that_cannot_be_asked_now_is_asked_again(promised: World) -> None:
    promised.office.next = [_kept_and_lost(promised)]
    promised.paid("1001")
    promised.work()
    down = UnreachableError("unreachable")
    if promised.office.promise is Once.BY_KEY:
        promised.office.next = [lambda draft, key: (_ for _ in ()).throw(down)]
    else:
        promised.office.searches = [down]
    if promised.office.promise is Once.BY_DRAFT:
        promised.office.searches = []
    later(promised)
    later(promised)
    assert (promised.document().state, len(promised.office.ledger)) == ("issued", 1)


# by search


@pytest.fixture
def searched(world: World) -> World:
    world.office.promise = Once.BY_SEARCH
    return world


def test_not_found_proves_nothing_before_the_settle_window_is_over(searched: World) -> None:
    searched.office.next = [_kept_and_lost(searched)]
    searched.paid("1001")
    searched.work()
    searched.office.hidden.add(searched.document().reference)
    later(searched, seconds=200)
    assert searched.document().state == "in_doubt"
    searched.office.hidden.clear()
    later(searched)
    assert (searched.document().state, len(searched.office.ledger)) == ("issued", 1)


def test_looks_grow_apart_and_never_end_by_themselves(searched: World) -> None:
    searched.office.next = [_kept_and_lost(searched)]
    searched.paid("1001")
    searched.work()
    searched.office.searches = [UnreachableError("unreachable")] * 3
    for age in (40, 100, 5_000):
        later(searched, seconds=age)
        row = searched.document()
        assert row.state == "in_doubt"
        assert row.not_before is not None and row.not_before > now()


def test_after_the_settle_window_the_same_bytes_are_sent(searched: World) -> None:
    searched.office.next = [_never_came]
    searched.paid("1001")
    searched.work()
    before = searched.document().draft_hash
    later(searched, seconds=301)
    searched.work()
    row = searched.document()
    assert (row.state, row.draft_hash, row.attempt) == ("issued", before, 2)


def test_two_found_are_one_issued_and_an_alarm(searched: World) -> None:
    searched.office.next = [_kept_and_lost(searched)]
    searched.paid("1001")
    searched.work()
    reference, draft = searched.office.ledger[0]
    searched.office.ledger.append((reference, draft))
    later(searched)
    row = searched.document()
    assert (row.state, row.number, row.alarm) == ("issued", "FR 2026FR/1", "duplicate")


def test_a_like_reference_is_not_ours(searched: World) -> None:
    searched.paid("12")
    searched.work()
    searched.office.next = [_never_came]
    searched.paid("120")
    searched.work()
    later(searched)
    assert searched.document("120").state == "in_doubt"


# by draft


@pytest.fixture
def drafted(world: World) -> World:
    world.office.promise = Once.BY_DRAFT
    return world


def test_a_draft_whose_answer_was_lost_is_drafted_again_and_the_spare_removed(drafted: World) -> None:
    def lost(draft: Draft, reference: str) -> None:
        raise UncertainError("outcome-unknown", how="timeout")

    drafted.office.openings = [lost]
    drafted.paid("1001")
    drafted.work()
    assert drafted.document().state == "pending"
    later(drafted)
    assert (drafted.document().state, len(drafted.office.ledger)) == ("issued", 1)
    assert set(drafted.office.drafts) == {"draft-2"}


@pytest.mark.parametrize("point", ["draft_before_record", "draft_after_record"])
def test_a_worker_that_died_between_draft_and_record_leaves_one_document(drafted: World, point: str) -> None:
    drafted.paid("1001")
    fault.arm(f"{point}=raise")
    try:
        drafted.work()
    finally:
        fault.arm("")
    later(drafted)
    later(drafted)
    assert (drafted.document().state, len(drafted.office.ledger)) == ("issued", 1)


def test_only_the_recorded_draft_is_finalised(drafted: World) -> None:
    drafted.office.next = [_never_came]
    drafted.paid("1001")
    drafted.work()
    recorded = drafted.document().draft_id
    later(drafted)
    assert (drafted.document().draft_id, list(drafted.office.made)[-1]) == (recorded, recorded)


def test_a_draft_that_somebody_deleted_is_left_to_a_person(drafted: World) -> None:
    drafted.office.next = [_never_came]
    drafted.paid("1001")
    drafted.work()
    drafted.office.drafts.clear()
    later(drafted, seconds=10_000)
    row = drafted.document()
    assert (row.state, row.reason, len(drafted.office.ledger)) == ("review", "draft-gone", 0)


def test_a_draft_that_is_refused_because_the_lost_call_signs_it_now_is_looked_at_again(
    drafted: World,
) -> None:
    """The program shows it as a draft for a moment yet: no reason to ask a person about a document that exists."""
    drafted.office.next = [_never_came]
    drafted.paid("1001")
    drafted.work()
    stamp = str(drafted.document().draft_id)
    number = drafted.office.finalise(stamp).number
    signed = drafted.office.made.pop(stamp)

    def refuses(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="O documento já está assinado.")

    drafted.office.next = [refuses]
    later(drafted)
    assert drafted.document().state == "in_doubt"
    drafted.office.made[stamp] = signed
    later(drafted)
    row = drafted.document()
    assert (row.state, row.number, len(drafted.office.ledger)) == ("issued", number, 1)


def test_a_draft_that_is_still_refused_once_nothing_is_at_work_is_left_to_a_person(drafted: World) -> None:
    def refuses(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="A série está fechada.")

    drafted.office.next = [_never_came, refuses, refuses]
    drafted.paid("1001")
    drafted.work()
    later(drafted)
    assert drafted.document().state == "in_doubt"
    later(drafted, seconds=10_000)
    row = drafted.document()
    assert (row.state, row.reason, len(drafted.office.ledger)) == ("review", "provider-refused", 0)


def test_a_draft_that_somebody_finalised_by_hand_is_recorded(drafted: World) -> None:
    drafted.office.next = [_never_came]
    drafted.paid("1001")
    drafted.work()
    by_hand = drafted.office.finalise(str(drafted.document().draft_id))
    later(drafted)
    row = drafted.document()
    assert (row.state, row.number, len(drafted.office.ledger)) == ("issued", by_hand.number, 1)


def test_a_draft_that_adds_up_to_something_else_is_never_finalised(
    drafted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from decimal import Decimal

    from shopapp.providers.base import Opened

    monkeypatch.setattr("tests.fakes.FakeBooks.open_draft", lambda *_: Opened("draft-1", Decimal("12.31")))
    drafted.paid("1001")
    drafted.work()
    assert (drafted.document().state, drafted.document().reason) == ("blocked", "draft-total-differs")
    assert drafted.office.ledger == []


# by key


def test_a_refusal_under_the_same_key_is_shown_to_the_merchant(world: World) -> None:
    world.office.promise = Once.BY_KEY

    def refuses(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="Série fechada.")

    world.office.next = [_never_came, refuses, refuses]
    world.paid("1001")
    world.work()
    later(world)
    world.work()
    assert (world.document().state, world.document().reason) == ("blocked", "provider-refused")
    assert world.office.ledger == []


def test_refused_keys_leave_a_doubt_where_it_is(promised: World) -> None:
    promised.office.next = [_kept_and_lost(promised)]
    promised.paid("1001")
    promised.work()

    def refuses(*_: Any) -> Any:
        raise CredentialsError("keys-refused")

    with pytest.MonkeyPatch.context() as patch:
        for verb in ("issue", "find", "finalised"):
            patch.setattr(f"tests.fakes.FakeBooks.{verb}", refuses)
        later(promised)
    assert promised.document().state == "in_doubt"
    db.session.refresh(promised.account)
    assert promised.account.refused_at is not None
