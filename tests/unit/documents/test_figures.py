"""A provider that reads our figures otherwise than we think makes one wrong document, and then the merchant decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shopapp.documents import audit, merchant_actions
from shopapp.errors import RefusedError, UncertainError
from shopapp.fiscal.document import Draft, Issued, IssuedTax
from shopapp.fiscal.order import OrderLine
from shopapp.jobs import maintenance
from shopapp.models import Account, Document, FollowUp, db, document_queue, first_document, now
from shopapp.providers.base import IssueGuarantee
from tests.fakes import FakeClock, World


@pytest.fixture(autouse=True)
def _new_account(world: World) -> None:
    """Begin with an account that has proved nothing yet."""
    world.account.proved, world.account.proved_at = [], None
    db.session.commit()


ORDERS = [str(1001 + at) for at in range(6)]


def _answers(**stated: Any) -> Callable[[World], Callable[[Draft, str], Issued]]:
    """Return an answer to a document that states these values instead of the draft's."""

    def bound(world: World) -> Callable[[Draft, str], Issued]:
        def answer(draft: Draft, reference: str) -> Issued:
            issued = replace(world.provider.record_document(draft, reference), vat=draft.vat)
            return replace(issued, **{k: v(draft) if callable(v) else v for k, v in stated.items()})

        return answer

    return bound


prices_as_gross = _answers(total=lambda draft: draft.net, vat=Decimal("1.87"))
another_rate = _answers(taxes=(IssuedTax(Decimal(6)),))
a_cent_more = _answers(total=lambda draft: draft.gross + Decimal("0.01"))


def _stopped_by(world: World) -> int | None:
    db.session.rollback()
    return db.session.scalar(db.select(Account.differs_document_id).where(Account.id == world.account.id))


def _pay_all(world: World) -> None:
    for number in ORDERS:
        world.pay_order(number)


def _states(world: World) -> list[str]:
    return [world.document(number).state for number in ORDERS]


def test_equal_figures_are_proved_by_one_document_and_the_rest_follow(world: World) -> None:
    _pay_all(world)
    world.run_due_work()
    assert set(_states(world)) == {"issued"}
    db.session.refresh(world.account)
    assert world.account.proved == ["FR 2026FR", "FR 2026FR PT 23"]
    assert world.account.first_document_id == world.document("1001").id


@pytest.mark.parametrize(
    ("answer", "alarm", "reading"),
    [
        (prices_as_gross, "total-differs", "prices-with-vat"),
        (a_cent_more, "total-differs", "rounding"),
        (another_rate, "rates-differ", ""),
        (_answers(vat=Decimal("0.70")), "vat-differs", ""),
        (_answers(total=lambda draft: draft.net), "total-differs", "total-without-vat"),
    ],
)
def test_figures_that_differ_stop_the_account_after_one_document(
    world: World, answer: Any, alarm: str, reading: str
) -> None:
    world.provider.planned_issues = [answer(world) for _ in ORDERS]
    _pay_all(world)
    world.run_due_work()
    first = world.document("1001")
    assert _states(world) == ["issued"] + ["pending"] * 5
    assert (first.alarm, first.comparison.reading) == (alarm, reading)
    assert len(world.provider.ledger) == 1
    assert _stopped_by(world) == first.id


def test_the_merchant_is_told_by_mail_and_the_buyer_gets_nothing(world: World) -> None:
    world.account.settings = {**world.account.settings, "email_buyer": True}
    world.provider.planned_issues = [prices_as_gross(world)]
    world.pay_order("1001")
    world.run_due_work()
    kinds = {row.kind for row in FollowUp.query.filter_by(document_id=world.document("1001").id)}
    assert "notice" in kinds
    assert not kinds & {"email", "attach", "history"}
    assert world.shop.attachments == {}


def test_figures_declared_right_let_everything_go_on_and_are_not_asked_again(world: World) -> None:
    world.provider.planned_issues = [a_cent_more(world) for _ in ORDERS]
    _pay_all(world)
    world.run_due_work()
    merchant_actions.accept_figures(world.document("1001"))
    world.run_due_work()
    assert set(_states(world)) == {"issued"}
    assert _stopped_by(world) is None
    assert {world.document(number).alarm for number in ORDERS} == {""}
    assert world.document("1006").comparison.differences[0].code == "total-differs"
    assert sorted(world.shop.attachments) == ORDERS


def test_a_reading_that_changes_the_money_keeps_its_alarms_after_it_was_accepted(world: World) -> None:
    world.provider.planned_issues = [prices_as_gross(world) for _ in ORDERS]
    _pay_all(world)
    world.run_due_work()
    merchant_actions.accept_figures(world.document("1001"))
    world.run_due_work()
    assert set(_states(world)) == {"issued"}
    assert world.document("1006").alarm == "total-differs"


def test_after_changed_settings_one_document_goes_alone_and_the_rest_follow(world: World) -> None:
    world.provider.planned_issues = [prices_as_gross(world)]
    _pay_all(world)
    world.run_due_work()
    merchant_actions.prove_figures_again(world.document("1001"))
    world.run_due_work()
    assert set(_states(world)) == {"issued"}
    assert world.document("1001").alarm == "total-differs"
    assert {world.document(number).alarm for number in ORDERS[1:]} == {""}


def test_settings_that_were_not_changed_stop_the_account_again_after_one_document(world: World) -> None:
    world.provider.planned_issues = [prices_as_gross(world) for _ in ORDERS]
    _pay_all(world)
    world.run_due_work()
    merchant_actions.prove_figures_again(world.document("1001"))
    world.run_due_work()
    assert _states(world) == ["issued"] * 2 + ["pending"] * 4
    assert _stopped_by(world) == world.document("1002").id


def test_a_decision_is_taken_once(world: World) -> None:
    world.provider.planned_issues = [a_cent_more(world)]
    world.pay_order("1001")
    world.run_due_work()
    merchant_actions.accept_figures(world.document("1001"))
    for action in (merchant_actions.accept_figures, merchant_actions.prove_figures_again):
        with pytest.raises(merchant_actions.StateConflictError):
            action(world.document("1001"))


def test_another_difference_than_the_accepted_one_stops_the_account_again(world: World) -> None:
    world.provider.planned_issues = [a_cent_more(world), prices_as_gross(world)]
    world.pay_order("1001")
    world.run_due_work()
    merchant_actions.accept_figures(world.document("1001"))
    world.pay_order("1002")
    world.run_due_work()
    assert _stopped_by(world) == world.document("1002").id


def test_two_workers_do_not_both_send_a_first_document(world: World) -> None:
    _pay_all(world)
    seen: list[list[str]] = []

    def another_worker_runs(draft: Draft, reference: str) -> None:
        world.run_due_work()
        seen.append(_states(world))

    world.provider.planned_issues = [another_worker_runs]  # type: ignore[list-item]
    world.run_due_work()
    assert seen == [["issuing"] + ["pending"] * 5]
    assert set(_states(world)) == {"issued"}


def test_a_document_taken_before_the_first_one_was_claimed_waits_too(world: World) -> None:
    for number in ("1001", "1002"):
        world.pay_order(number)

    def overtaken(draft: Draft, reference: str) -> None:
        # both were taken at the same moment: the second one comes to its claim while the first is being sent
        second = world.document("1002")
        second.lease_until = None
        assert document_queue.claim(second, draft, world.account) is None
        assert (second.state, second.reason) == ("pending", "first-alone")

    world.provider.planned_issues = [overtaken]  # type: ignore[list-item]
    world.run_due_work()
    assert [world.document(number).state for number in ("1001", "1002")] == ["issued", "issued"]


def test_a_tax_that_no_document_had_yet_goes_alone_while_proved_ones_go_on(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    seen: list[tuple[str, str, str]] = []

    def meanwhile(draft: Draft, reference: str) -> None:
        world.pay_order("1003")
        world.pay_order("1004", lines=(_book(),), total=Decimal("12.30"))
        world.run_due_work()
        seen.append(tuple(world.document(number).state for number in ("1002", "1003", "1004")))  # type: ignore[arg-type]

    world.provider.planned_issues = [meanwhile]  # type: ignore[list-item]
    world.pay_order("1002", lines=(_book(),), total=Decimal("12.30"))
    world.run_due_work()
    assert seen == [("issuing", "issued", "pending")]
    assert world.document("1004").state == "issued"


def _book() -> OrderLine:
    return OrderLine(ref="1", description="Livro", quantity=Decimal(1), unit_price=Decimal("12.30"), sku="LIV-1",
                     charged=Decimal(6))  # fmt: skip


def test_a_refused_first_document_hands_over_to_the_next(world: World) -> None:
    def refused(draft: Draft, reference: str) -> Issued:
        raise RefusedError("provider-refused", answer="não")

    world.provider.planned_issues = [refused]
    _pay_all(world)
    world.run_due_work()
    assert _states(world) == ["blocked"] + ["issued"] * 5


def _lost(world: World, issued: bool) -> Callable[[Draft, str], Issued]:
    def answer(draft: Draft, reference: str) -> Issued:
        if issued:
            world.provider.record_document(draft, reference)
        raise UncertainError("outcome-unknown", how="cut")

    return answer


def test_the_rest_wait_for_the_answer_about_a_first_document_that_nobody_could_read(world: World) -> None:
    world.provider.planned_issues = [_lost(world, issued=True)]
    _pay_all(world)
    world.run_due_work()
    assert _states(world) == ["review"] + ["pending"] * 5
    merchant_actions.confirm_issued(world.document("1001"), "FR 2026FR/1", Decimal("12.30"), "JFX4RT2K-1")
    world.run_due_work()
    assert set(_states(world)) == {"issued"}


def test_a_first_document_that_does_not_exist_is_sent_again_alone(world: World) -> None:
    world.provider.planned_issues = [_lost(world, issued=False)]
    _pay_all(world)
    world.run_due_work()
    merchant_actions.confirm_not_issued(world.document("1001"))
    world.run_due_work()
    assert set(_states(world)) == {"issued"}
    assert len(world.provider.ledger) == len(ORDERS)


def test_a_doubt_in_another_series_holds_back_nobody_once_something_is_proved(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.provider.planned_issues = [_lost(world, issued=True)]
    world.pay_order("1002", lines=(_book(),))
    world.run_due_work()
    for number in ("1003", "1004"):
        world.pay_order(number, lines=(_book(),))
    world.run_due_work()
    assert [world.document(n).state for n in ("1002", "1003", "1004")] == ["review", "issued", "issued"]


def test_a_first_document_in_doubt_is_looked_up_before_the_rest_go(world: World, clock: FakeClock) -> None:
    world.provider.guarantee = IssueGuarantee.SEARCHABLE
    world.provider.planned_issues = [_lost(world, issued=True)]
    _pay_all(world)
    world.run_due_work()
    assert _states(world) == ["in_doubt"] + ["pending"] * 5
    clock.advance(31)
    world.run_due_work()
    assert set(_states(world)) == {"issued"}


def test_a_worker_that_dies_with_the_first_document_leaves_no_lock(world: World, clock: FakeClock) -> None:
    world.provider.guarantee = IssueGuarantee.SEARCHABLE
    world.pay_order("1001")
    world.pay_order("1002")
    document_queue_claimed = _claimed_by_a_dead_worker(world)
    assert document_queue_claimed.state == "issuing"
    world.run_due_work()
    assert world.document("1002").state == "pending"
    clock.advance(121)
    maintenance.expire_leases()
    for _ in range(15):
        clock.advance(60)
        world.run_due_work()
    assert [world.document(number).state for number in ("1001", "1002")] == ["issued", "issued"]


def _claimed_by_a_dead_worker(world: World) -> Document:
    def dies(draft: Draft, reference: str) -> Issued:
        raise KeyboardInterrupt

    world.provider.planned_issues = [dies]
    with pytest.raises(KeyboardInterrupt):
        world.run_due_work()
    return world.document("1001")


def test_a_provider_that_states_nothing_does_not_block_for_ever(world: World) -> None:
    world.provider.planned_issues = [_answers(total=None, vat=None)(world) for _ in ORDERS]
    _pay_all(world)
    world.run_due_work()
    assert set(_states(world)) == {"issued"}
    assert world.document("1001").comparison.told == ()


def test_a_credit_note_is_the_first_of_its_own_series(world: World) -> None:
    world.account.settings = {**world.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}}
    world.pay_order("1001")
    world.run_due_work()
    world.provider.planned_issues = [a_cent_more(world)]
    merchant_actions.credit_document(world.document("1001"), 1, {"lines": [], "reason": "engano"})
    world.run_due_work()
    note = Document.find(world.store.id, "1001", "credit:1")
    assert note is not None
    assert (note.state, note.alarm) == ("issued", "total-differs")
    assert _stopped_by(world) == note.id


def test_a_stopped_account_issues_nothing_of_what_was_proved_before(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.provider.planned_issues = [a_cent_more(world)]
    world.pay_order("1002")
    world.run_due_work()
    world.pay_order("1003")
    world.run_due_work()
    assert world.document("1003").state == "pending"


def test_what_the_daily_audit_reads_is_compared_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.provider.lists_documents = True
    world.pay_order("1001")
    world.run_due_work()
    row = world.document("1001")
    listed = [(row.reference, Issued(row.provider_id, row.number or "", total=Decimal("10.00")))]
    monkeypatch.setattr(world.provider, "listed_documents", lambda: listed)
    audit.audit_account(world.account, now())
    assert (world.document("1001").alarm, _stopped_by(world)) == ("total-differs", row.id)


def test_a_new_connection_proves_its_figures_again(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    Account.connect(world.store, "fakebooks", "another")
    back = Account.connect(world.store, "fakebooks", "fake-fake")
    db.session.commit()
    assert (back.id, back.proved, back.proved_at) == (world.account.id, [], None)


def test_a_reading_taken_back_lets_one_document_go_alone_and_stops_again(world: World) -> None:
    world.provider.planned_issues = [a_cent_more(world) for _ in ORDERS]
    world.pay_order(ORDERS[0])
    world.run_due_work()
    merchant_actions.accept_figures(world.document(ORDERS[0]))
    assert first_document.take_back_reading(world.account.id, "rounding")
    db.session.commit()
    for number in ORDERS[1:]:
        world.pay_order(number)
    world.run_due_work()
    assert _states(world) == ["issued", "issued"] + ["pending"] * 4
    assert _stopped_by(world) == world.document(ORDERS[1]).id
