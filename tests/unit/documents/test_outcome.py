"""A success that arrives late is recorded, and a late worker never changes another worker's attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import current_app
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from shopapp import failpoints
from shopapp.documents import followups, issue, merchant_actions, outcome, recover
from shopapp.errors import RefusedError, UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import maintenance
from shopapp.models import Document, db, document_queue, now
from shopapp.orders import webhooks
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World, paid_order


def in_another_worker(*acts: Callable[[], object]) -> None:
    """Run these functions in another worker's session."""
    with current_app._get_current_object().app_context():  # type: ignore[attr-defined]
        for act in acts:
            act()
            db.session.rollback()


def expire_lease() -> None:
    db.session.execute(update(Document).values(lease_until=now() - timedelta(seconds=1)))
    db.session.commit()
    maintenance.expire_leases()
    db.session.execute(update(Document).where(Document.state == "in_doubt").values(not_before=now()))
    db.session.commit()


def confirm_not_issued() -> None:
    merchant_actions.confirm_not_issued(db.session.query(Document).one())


def run_all_followups() -> None:
    while followups.run_next_followup():
        pass


def test_a_late_success_of_a_document_that_waits_to_be_sent_again_is_recorded(world: World) -> None:
    def late(draft: Draft, key: str) -> Issued | None:
        in_another_worker(expire_lease, confirm_not_issued)
        return None

    world.provider.planned_issues = [late]
    world.pay_order("1001")
    world.run_due_work()
    world.run_due_work()
    row = world.document()
    assert (row.state, row.number, row.alarm) == ("issued", "FR 2026FR/1", "")
    assert len(world.provider.ledger) == 1


@pytest.mark.parametrize("state", ["blocked", "void", "waiting"])
def test_a_late_success_is_recorded_whatever_state_the_row_has_now(world: World, state: str) -> None:
    def late(draft: Draft, key: str) -> Issued | None:
        def gone() -> None:
            db.session.execute(update(Document).values(state=state, reason="", lease_until=None))
            db.session.commit()

        in_another_worker(gone)
        return None

    world.provider.planned_issues = [late]
    world.pay_order("1001")
    world.run_due_work()
    assert (world.document().state, world.document().number) == ("issued", "FR 2026FR/1")
    assert world.document().account_id == world.account.id


def test_a_late_worker_with_a_draft_leaves_the_next_attempt_alone(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    seen: list[tuple[str, int]] = []

    def claimed() -> None:
        row = db.session.query(Document).one()
        assert row.draft is not None and row.account is not None
        document_queue.claim(row, row.draft, row.account, "by_draft")
        seen.append((row.state, row.attempt))

    def frozen(draft: Draft, reference: str) -> None:
        # Another worker is about to send the document again when this one continues.
        world.provider.planned_issues = [finalising]
        in_another_worker(expire_lease, recover.recover_next_document, claimed)

    def finalising(draft: Draft, key: str) -> Issued | None:
        raise AssertionError("a late worker finalised")

    world.provider.planned_drafts = [frozen]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert seen == [("issuing", 2)]
    assert (row.state, row.attempt) == ("issuing", 2)


def test_only_the_latest_draft_is_finalised(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST

    def down(draft: Draft, key: str) -> Issued | None:
        raise UnreachableError("unreachable")

    world.provider.planned_issues = [down]
    world.pay_order("1001")
    world.run_due_work()
    assert world.document().state == "pending"
    order = paid_order("1001", created_at=world.shop.orders["1001"].created_at)
    line = replace(order.lines[0], unit_price=Decimal("20.00"))
    world.shop.orders["1001"] = replace(order, lines=(line,), total=Decimal("20.00"))
    db.session.execute(update(Document).values(not_before=None))
    world.run_due_work()
    row = world.document()
    assert (row.state, row.total, row.alarm) == ("issued", Decimal("20.00"), "")
    assert [draft.gross for _, draft in world.provider.ledger] == [Decimal("20.00")]
    assert issue.issue_next_document() is False


def test_a_commit_whose_answer_was_lost_is_found_to_have_happened(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commit = db.session.commit
    lost: list[bool] = []

    def answers(draft: Draft, key: str) -> Issued | None:
        def committed() -> None:
            commit()
            if not lost and db.session.query(Document).one().state == "issued":
                lost.append(True)
                raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

        monkeypatch.setattr(db.session, "commit", committed)
        return None

    world.provider.planned_issues = [answers]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (lost, row.state, row.alarm, row.takes) == ([True], "issued", "", 0)
    assert not [one for one in caplog.records if one.exc_info]


def test_a_database_that_goes_away_blocks_no_document(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("server closed the connection"))

    world.pay_order("1001")
    with monkeypatch.context() as patch:
        patch.setattr("shopapp.documents.prepare.fetch_order", away)
        world.run_due_work()
    # It had already failed temporarily several times.
    db.session.execute(update(Document).values(tries=9, lease_until=None))
    db.session.commit()
    with monkeypatch.context() as patch:
        patch.setattr("shopapp.documents.prepare.fetch_order", away)
        issue.issue_next_document()
    assert (world.document().state, world.document().reason) == ("pending", "")
    db.session.execute(update(Document).values(lease_until=None))
    world.run_due_work()
    assert world.document().state == "issued"


def a_drafter_dies(world: World) -> None:
    """Leave a draft at the provider whose id was not recorded, with the order still pending."""
    failpoints.arm("draft_before_record=raise")
    world.pay_order("1001")
    world.run_due_work()
    failpoints.arm("")
    db.session.execute(update(Document).values(not_before=now()))
    db.session.commit()
    recover.recover_next_document()


def test_voiding_deletes_a_refused_draft_even_after_an_attempt_in_doubt(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST

    def refused(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="Série fechada.")

    a_drafter_dies(world)
    world.provider.planned_issues = [refused]
    world.run_due_work()
    row = world.document()
    assert (row.state, row.frozen, row.draft_id) == ("blocked", True, "draft-2")
    world.shop.orders["1001"] = replace(world.shop.orders["1001"], status="cancelled")
    world.receive_webhook("1001", "order_canceled")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.draft_id, world.provider.drafts) == ("void", None, {})


def test_dismissing_an_order_deletes_the_orphan_draft_of_a_dead_worker(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    a_drafter_dies(world)
    row = world.document()
    assert (row.state, row.frozen, row.draft_id, list(world.provider.drafts)) == (
        "pending",
        True,
        None,
        ["draft-1"],
    )
    merchant_actions.dismiss_document(row)
    world.run_due_work()
    assert (world.document().state, world.provider.drafts) == ("void", {})


def test_a_late_worker_deletes_its_orphan_draft(world: World) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST

    def issued_elsewhere(draft: Draft, reference: str) -> None:
        """Let another worker issue the document and delete its drafts first."""
        world.provider.drafts.pop("draft-1")
        in_another_worker(
            expire_lease, recover.recover_next_document, issue.issue_next_document, run_all_followups
        )
        world.provider.drafts["draft-1"] = (reference, draft)

    world.provider.planned_drafts = [issued_elsewhere]
    world.pay_order("1001")
    world.run_due_work()
    assert (world.document().state, list(world.provider.drafts)) == ("issued", ["draft-2"])


def test_a_draft_finalised_late_for_a_dismissed_order_is_the_document(world: World) -> None:
    """Deleting the draft shows that it became a document, which is recorded; no second one is issued."""
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST

    def lost(draft: Draft, key: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="Série fechada.")

    world.provider.planned_issues = [lost]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    signed = world.provider.finalise(str(row.draft_id))
    row.frozen = True
    merchant_actions.dismiss_document(row)
    world.run_due_work()
    row = world.document()
    assert (row.state, row.number, len(world.provider.ledger)) == ("issued", signed.number, 1)


def test_a_transition_that_is_not_in_the_table_is_refused(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    for state in ("pending", "waiting", "void", "blocked"):
        with pytest.raises(ValueError, match="no transition"):
            row.transition(state)
    db.session.rollback()
    assert world.document().state == "issued"


def test_an_answer_is_recorded_although_the_database_was_busy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, failures = outcome._record_issued_once, [True, True]

    def busy(*given: object) -> bool:
        if failures:
            failures.pop()
            raise OperationalError("update", {}, Exception("database is locked"))
        return record(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(outcome, "_record_issued_once", busy)
    monkeypatch.setattr(outcome.time, "sleep", lambda seconds: None)
    world.pay_order("1001")
    world.run_due_work()
    assert (world.document().state, world.document().number) == ("issued", "FR 2026FR/1")


def test_a_row_that_another_worker_moved_stays_where_that_worker_left_it(world: World) -> None:
    world.shop.errors["order"] = [UnreachableError("unreachable")]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert row.state == "pending"
    db.session.commit()

    def moved() -> None:
        assert db.session.query(Document).one().transition("void", "set-aside")
        db.session.commit()

    in_another_worker(moved)
    assert row.transition("waiting", "unpaid") is False
    db.session.commit()
    assert (world.document().state, world.document().reason) == ("void", "set-aside")


def test_a_draft_is_not_finalised_once_its_attempt_has_lost_the_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    record = document_queue.record_draft

    def recorded_then_lost(document: Document, draft_id: str) -> bool:
        done = record(document, draft_id)

        def lost() -> None:
            db.session.execute(update(Document).values(state="in_doubt", lease_until=None))
            db.session.commit()

        in_another_worker(lost)
        return done

    monkeypatch.setattr(document_queue, "record_draft", recorded_then_lost)
    world.pay_order("1001")
    webhooks.process_next_webhook()
    issue.issue_next_document()
    assert world.provider.drafts_opened == 1 and world.provider.ledger == []
