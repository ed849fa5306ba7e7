"""Under each guarantee, after any lost answer, the ledger has one document and our row records it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shopapp import failpoints
from shopapp.errors import CredentialsError, RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.models import Document, db, now
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World

ASKED = (IssueGuarantee.IDEMPOTENT, IssueGuarantee.DRAFT_FIRST, IssueGuarantee.SEARCHABLE)


@pytest.fixture(params=ASKED, ids=lambda once: once.value)
def promised(world: World, request: pytest.FixtureRequest) -> World:
    world.provider.guarantee = request.param
    return world


def _kept_and_lost(world: World) -> Callable[[Draft, str], Issued | None]:
    """Return a planned answer that issues the document and loses the answer."""

    def answer(draft: Draft, key: str) -> Issued | None:
        if world.provider.guarantee is IssueGuarantee.DRAFT_FIRST:
            world.provider.issued[key] = world.provider.record_document(draft, world.provider.drafts[key][0])
        else:
            world.provider.record_document(draft, key)
        raise UncertainError("outcome-unknown", how="timeout")

    return answer


def _never_came(draft: Draft, key: str) -> Issued | None:
    raise UncertainError("outcome-unknown", how="cut")


def later(world: World, seconds: float = 0) -> None:
    """Make documents in doubt due and do the work; with `seconds`, they have been in doubt for that long."""
    db.session.rollback()
    began: dict[str, Any] = {"not_before": now()}
    if seconds:
        began["doubted_at"] = now() - timedelta(seconds=seconds)
    db.session.execute(update(Document).where(Document.state == "in_doubt").values(**began))
    db.session.execute(update(Document).where(Document.state == "pending").values(not_before=None))
    db.session.commit()
    world.run_due_work()


def test_a_paid_order_becomes_one_document(promised: World) -> None:
    promised.pay_order("1001")
    promised.run_due_work()
    assert (promised.document().state, len(promised.provider.ledger)) == ("issued", 1)


def test_a_lost_answer_is_found_and_never_sent_twice(promised: World) -> None:
    promised.provider.planned_issues = [_kept_and_lost(promised)]
    promised.pay_order("1001")
    promised.run_due_work()
    assert promised.document().state == "in_doubt"
    later(promised)
    row = promised.document()
    assert (row.state, row.number, row.settled_by) == ("issued", "FR 2026FR/1", "search")
    assert len(promised.provider.ledger) == 1


def test_a_call_that_never_arrived_is_sent_again(promised: World) -> None:
    promised.provider.planned_issues = [_never_came]
    promised.pay_order("1001")
    promised.run_due_work()
    later(promised, seconds=10_000)
    promised.run_due_work()
    assert (promised.document().state, len(promised.provider.ledger)) == ("issued", 1)


def test_a_worker_that_died_after_the_provider_issued_loses_nothing(promised: World) -> None:
    from shopapp.jobs import maintenance

    promised.pay_order("1001")
    failpoints.arm("before_settle=raise")
    try:
        promised.run_due_work()
    finally:
        failpoints.arm("")
    db.session.execute(update(Document).values(lease_until=now() - timedelta(seconds=1)))
    db.session.commit()
    maintenance.expire_leases()
    later(promised)
    assert (promised.document().state, len(promised.provider.ledger)) == ("issued", 1)


def test_a_provider_that_cannot_be_asked_now_is_asked_again(promised: World) -> None:
    promised.provider.planned_issues = [_kept_and_lost(promised)]
    promised.pay_order("1001")
    promised.run_due_work()
    down = UnreachableError("unreachable")
    if promised.provider.guarantee is IssueGuarantee.IDEMPOTENT:
        promised.provider.planned_issues = [lambda draft, key: (_ for _ in ()).throw(down)]
    else:
        promised.provider.search_errors = [down]
    if promised.provider.guarantee is IssueGuarantee.DRAFT_FIRST:
        promised.provider.search_errors = []
    later(promised)
    later(promised)
    assert (promised.document().state, len(promised.provider.ledger)) == ("issued", 1)


# SEARCHABLE


@pytest.fixture
def searched(world: World) -> World:
    world.provider.guarantee = IssueGuarantee.SEARCHABLE
    return world


def test_not_found_proves_nothing_before_the_settle_window_is_over(searched: World) -> None:
    searched.provider.planned_issues = [_kept_and_lost(searched)]
    searched.pay_order("1001")
    searched.run_due_work()
    searched.provider.hidden_references.add(searched.document().reference)
    later(searched, seconds=200)
    assert searched.document().state == "in_doubt"
    searched.provider.hidden_references.clear()
    later(searched)
    assert (searched.document().state, len(searched.provider.ledger)) == ("issued", 1)


def test_look_ups_become_rarer_and_never_end(searched: World) -> None:
    searched.provider.planned_issues = [_kept_and_lost(searched)]
    searched.pay_order("1001")
    searched.run_due_work()
    searched.provider.search_errors = [UnreachableError("unreachable")] * 3
    for age in (40, 100, 5_000):
        later(searched, seconds=age)
        row = searched.document()
        assert row.state == "in_doubt"
        assert row.not_before is not None and row.not_before > now()


def test_after_the_settle_window_the_same_bytes_are_sent(searched: World) -> None:
    searched.provider.planned_issues = [_never_came]
    searched.pay_order("1001")
    searched.run_due_work()
    before = searched.document().draft_hash
    later(searched, seconds=301)
    searched.run_due_work()
    row = searched.document()
    assert (row.state, row.draft_hash, row.attempt) == ("issued", before, 2)


def test_two_documents_found_are_one_issued_and_an_alarm(searched: World) -> None:
    searched.provider.planned_issues = [_kept_and_lost(searched)]
    searched.pay_order("1001")
    searched.run_due_work()
    reference, draft = searched.provider.ledger[0]
    searched.provider.ledger.append((reference, draft))
    later(searched)
    row = searched.document()
    assert (row.state, row.number, row.alarm) == ("issued", "FR 2026FR/1", "duplicate")


def test_a_similar_reference_is_not_ours(searched: World) -> None:
    searched.pay_order("12")
    searched.run_due_work()
    searched.provider.planned_issues = [_never_came]
    searched.pay_order("120")
    searched.run_due_work()
    later(searched)
    assert searched.document("120").state == "in_doubt"


# DRAFT_FIRST


@pytest.fixture
def drafted(world: World) -> World:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    return world


def test_a_draft_whose_answer_was_lost_is_opened_again_and_the_orphan_deleted(drafted: World) -> None:
    def lost(draft: Draft, reference: str) -> None:
        raise UncertainError("outcome-unknown", how="timeout")

    drafted.provider.planned_drafts = [lost]
    drafted.pay_order("1001")
    drafted.run_due_work()
    assert drafted.document().state == "pending"
    later(drafted)
    assert (drafted.document().state, len(drafted.provider.ledger)) == ("issued", 1)
    assert set(drafted.provider.drafts) == {"draft-2"}


@pytest.mark.parametrize("point", ["draft_before_record", "draft_after_record"])
def test_a_worker_that_died_between_draft_and_record_leaves_one_document(drafted: World, point: str) -> None:
    drafted.pay_order("1001")
    failpoints.arm(f"{point}=raise")
    try:
        drafted.run_due_work()
    finally:
        failpoints.arm("")
    later(drafted)
    later(drafted)
    assert (drafted.document().state, len(drafted.provider.ledger)) == ("issued", 1)


def test_only_the_recorded_draft_is_finalised(drafted: World) -> None:
    drafted.provider.planned_issues = [_never_came]
    drafted.pay_order("1001")
    drafted.run_due_work()
    recorded = drafted.document().draft_id
    later(drafted)
    assert (drafted.document().draft_id, list(drafted.provider.issued)[-1]) == (recorded, recorded)


def test_a_draft_that_somebody_deleted_is_left_to_a_person(drafted: World) -> None:
    drafted.provider.planned_issues = [_never_came]
    drafted.pay_order("1001")
    drafted.run_due_work()
    drafted.provider.drafts.clear()
    later(drafted, seconds=10_000)
    row = drafted.document()
    assert (row.state, row.reason, len(drafted.provider.ledger)) == ("review", "draft-gone", 0)


def test_a_draft_refused_while_the_lost_call_finalises_it_is_read_again(
    drafted: World,
) -> None:
    """The provider still shows a draft for a moment; the merchant is not asked about a document that exists."""
    drafted.provider.planned_issues = [_never_came]
    drafted.pay_order("1001")
    drafted.run_due_work()
    stamp = str(drafted.document().draft_id)
    number = drafted.provider.finalise(stamp).number
    signed = drafted.provider.issued.pop(stamp)

    def refuses(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="O documento já está assinado.")

    drafted.provider.planned_issues = [refuses]
    later(drafted)
    assert drafted.document().state == "in_doubt"
    drafted.provider.issued[stamp] = signed
    later(drafted)
    row = drafted.document()
    assert (row.state, row.number, len(drafted.provider.ledger)) == ("issued", number, 1)


def test_a_draft_still_refused_after_the_settle_window_is_left_to_a_person(drafted: World) -> None:
    def refuses(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="A série está fechada.")

    drafted.provider.planned_issues = [_never_came, refuses, refuses]
    drafted.pay_order("1001")
    drafted.run_due_work()
    later(drafted)
    assert drafted.document().state == "in_doubt"
    later(drafted, seconds=10_000)
    row = drafted.document()
    assert (row.state, row.reason, len(drafted.provider.ledger)) == ("review", "provider-refused", 0)


def test_a_draft_that_somebody_finalised_by_hand_is_recorded(drafted: World) -> None:
    drafted.provider.planned_issues = [_never_came]
    drafted.pay_order("1001")
    drafted.run_due_work()
    by_hand = drafted.provider.finalise(str(drafted.document().draft_id))
    later(drafted)
    row = drafted.document()
    assert (row.state, row.number, len(drafted.provider.ledger)) == ("issued", by_hand.number, 1)


def test_a_draft_with_another_total_is_never_finalised(
    drafted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from decimal import Decimal

    from shopapp.providers.drafts import ProviderDraft

    monkeypatch.setattr(
        "tests.fakes.FakeProvider.open_draft", lambda *_: ProviderDraft("draft-1", Decimal("12.31"))
    )
    drafted.pay_order("1001")
    drafted.run_due_work()
    assert (drafted.document().state, drafted.document().reason) == ("blocked", "draft-total-differs")
    assert drafted.provider.ledger == []


# IDEMPOTENT


def test_a_refusal_under_the_same_key_is_shown_to_the_merchant(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.IDEMPOTENT

    def refuses(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="Série fechada.")

    world.provider.planned_issues = [_never_came, refuses, refuses]
    world.pay_order("1001")
    world.run_due_work()
    later(world)
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("blocked", "provider-refused")
    assert world.provider.ledger == []


def test_refused_keys_leave_a_document_in_doubt(promised: World) -> None:
    promised.provider.planned_issues = [_kept_and_lost(promised)]
    promised.pay_order("1001")
    promised.run_due_work()

    def refuses(*_: Any) -> Any:
        raise CredentialsError("keys-refused")

    with pytest.MonkeyPatch.context() as patch:
        for verb in ("issue", "find_by_reference", "finalised_document"):
            patch.setattr(f"tests.fakes.FakeProvider.{verb}", refuses)
        later(promised)
    assert promised.document().state == "in_doubt"
    db.session.refresh(promised.account)
    assert promised.account.refused_at is not None
