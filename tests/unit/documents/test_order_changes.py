from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shopapp.documents import credit_notes, merchant_actions, order_changes
from shopapp.errors import OrderError, RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.order import Order
from shopapp.jobs import maintenance
from shopapp.models import Document, Sale, db
from shopapp.models.document import ISSUED, VOID
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World, paid_order


def _choose(world: World, **chosen: Any) -> None:
    series = {"FR": "2026FR", "NC": "2026NC"}
    world.account.settings = {**world.account.settings, "series": series, **chosen}
    db.session.commit()


def _pay(world: World, number: str = "1001", **changes: Any) -> None:
    """Pay the order, again if it was cancelled, and do what is due."""
    world.shop.orders[number] = paid_order(number, **changes)
    world.receive_webhook(number, more=str(len(world.shop.calls)))
    world.run_due_work()


def _cancel(world: World) -> None:
    world.cancel_order(more=str(len(world.shop.calls)))
    world.run_due_work()


def _edit(world: World, event: str = "order_updated", **changes: Any) -> None:
    world.shop.orders["1001"] = replace(world.shop.orders["1001"], **changes)
    world.receive_webhook("1001", event, more=str(len(world.shop.calls)))
    world.run_due_work()


def _poll(world: World) -> None:
    world.store.reconciled_at = world.store.reconcile_lease_until = None
    db.session.commit()
    maintenance.poll_due_stores(0)
    world.run_due_work()


def _kinds(world: World) -> list[str]:
    return [draft.kind for _, draft in world.provider.ledger]


def _cancelled_at(world: World) -> Any:
    db.session.expire_all()
    return Sale.get_or_create(world.store.id, "1001").cancelled_at


# paid, cancelled, paid again


def test_an_order_credited_after_its_cancellation_and_paid_again_gets_one_more_document(world: World) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    _cancel(world)
    assert _kinds(world) == ["FR", "NC"]
    for _ in range(3):
        _pay(world)
        _poll(world)
    assert _kinds(world) == ["FR", "NC", "FR"]
    again = Document.find(world.store.id, "1001", "reissue:1")
    assert again is not None and (again.state, again.total) == (ISSUED, Decimal("12.30"))
    assert _cancelled_at(world) is None and Sale.get_or_create(world.store.id, "1001").status == "paid"


def test_it_goes_on_so_however_often_it_is_cancelled_and_paid(world: World) -> None:
    _choose(world, credit_cancelled=True)
    for _ in range(3):
        _pay(world)
        _cancel(world)
    assert _kinds(world) == ["FR", "NC"] * 3
    assert len(set(world.issued_references())) == 6


def test_a_second_payment_that_no_webhook_announced_is_found_in_the_list(world: World) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    _cancel(world)
    world.shop.orders["1001"] = paid_order("1001")
    _poll(world)
    assert _kinds(world) == ["FR", "NC", "FR"]


def test_the_document_of_an_order_that_was_not_credited_stands_when_it_is_paid_again(world: World) -> None:
    _pay(world)
    _cancel(world)
    assert world.document().alarm == "cancelled-after"
    _pay(world)
    assert (world.document().alarm, _kinds(world), _cancelled_at(world)) == ("", ["FR"], None)
    _cancel(world)
    assert world.document().alarm == "cancelled-after"


@pytest.mark.parametrize("when", ["pending", "blocked"])
def test_a_credit_note_that_was_not_sent_is_not_needed_when_the_order_is_paid_again(
    world: World, when: str
) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    error = (
        UnreachableError("unreachable") if when == "pending" else RefusedError("provider-refused", answer="")
    )
    world.provider.planned_issues = [_raising(error)]
    _cancel(world)
    assert Document.find(world.store.id, "1001", "credit:1").state == when  # type: ignore[union-attr]
    _pay(world)
    note = Document.find(world.store.id, "1001", "credit:1")
    assert note is not None and (note.state, note.reason) == (VOID, "repaid")
    assert (_kinds(world), world.document().alarm, _cancelled_at(world)) == (["FR"], "", None)


def _raising(error: Exception) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise error

    return act


def test_an_order_paid_again_while_its_credit_note_is_in_doubt_is_issued_again_once_it_is_known(
    world: World,
) -> None:
    _choose(world, credit_cancelled=True)
    world.provider.guarantee = IssueGuarantee.MANUAL
    _pay(world)

    def lost(draft: Any, reference: str) -> None:
        world.provider.record_document(draft, reference)
        raise UncertainError("outcome-unknown", how="timeout")

    world.provider.planned_issues = [lost]
    _cancel(world)
    _pay(world)
    assert _kinds(world) == ["FR", "NC"]
    note = Document.find(world.store.id, "1001", "credit:1")
    assert note is not None and note.state == "review"
    merchant_actions.confirm_issued(note, "NC 2026NC/2", Decimal("12.30"), "JFX4RT2K-2")
    world.run_due_work()
    assert _kinds(world) == ["FR", "NC", "FR"]


def test_an_order_credited_by_hand_that_stays_paid_is_not_issued_again(world: World) -> None:
    _choose(world)
    _pay(world)
    merchant_actions.credit_document(world.document(), 1, {"reason": "Devolução"})
    for _ in range(2):
        _pay(world)
        _poll(world)
        world.receive_webhook("1001", "order_canceled", more="late")
        world.run_due_work()
    assert _kinds(world) == ["FR", "NC"]


def test_a_cancellation_that_comes_late_credits_nothing_of_an_order_that_is_paid(world: World) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    world.receive_webhook("1001", "order_canceled")
    world.run_due_work()
    assert (_kinds(world), world.document().alarm) == (["FR"], "")


def test_an_order_credited_in_part_before_it_was_cancelled_and_paid_again_is_asked_about(
    world: World,
) -> None:
    _choose(world)
    _pay(world)
    merchant_actions.credit_document(world.document(), 1, {"amount": "5.00", "reason": "Devolução"})
    world.run_due_work()
    _cancel(world)
    _pay(world)
    assert (world.document().alarm, _kinds(world)) == ("paid-again", ["FR", "NC"])
    merchant_actions.credit_document(world.document(), 2, {"reason": "Encomenda cancelada"})
    world.run_due_work()
    _poll(world)
    assert _kinds(world) == ["FR", "NC", "NC", "FR"]
    assert (world.document().alarm, _cancelled_at(world)) == ("", None)


@pytest.mark.parametrize("was_credited", [True, False])
def test_an_order_perhaps_credited_elsewhere_and_paid_again_is_asked_about(
    world: World, was_credited: bool
) -> None:
    _pay(world)
    _cancel(world)
    merchant_actions.dismiss_alarm(world.document())
    _pay(world)
    assert (world.document().alarm, _kinds(world)) == ("paid-again", ["FR"])
    if was_credited:
        merchant_actions.reissue_document(world.document())
    else:
        merchant_actions.dismiss_alarm(world.document())
    for _ in range(2):
        _pay(world)
        _poll(world)
    assert (world.document().alarm, _kinds(world)) == ("", ["FR"] * (1 + was_credited))


def test_an_order_credited_in_part_here_and_for_the_rest_elsewhere_can_be_issued_again(world: World) -> None:
    _choose(world)
    _pay(world)
    merchant_actions.credit_document(world.document(), 1, {"amount": "5.00", "reason": "Devolução"})
    world.run_due_work()
    _cancel(world)
    assert not merchant_actions.may_reissue(world.document())
    merchant_actions.dismiss_alarm(world.document())
    _pay(world)
    assert world.document().alarm == "paid-again" and merchant_actions.may_reissue(world.document())
    merchant_actions.reissue_document(world.document())
    world.run_due_work()
    assert (world.document().alarm, _kinds(world)) == ("", ["FR", "NC", "FR"])


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("status", "alarm"), [("open", "unpaid-after"), ("cancelled", "cancelled-after")])
def test_an_order_paid_again_and_given_up_again_before_anybody_answered_is_asked_about_as_that(
    world: World, status: str, alarm: str, announced: bool
) -> None:
    _choose(world)
    _pay(world)
    _cancel(world)
    merchant_actions.dismiss_alarm(world.document())
    _pay(world)
    assert world.document().alarm == "paid-again"
    world.shop.orders["1001"] = paid_order("1001", status=status)
    if announced:
        event = "order_canceled" if status == "cancelled" else "order_updated"
        world.receive_webhook("1001", event, more="again")
        world.run_due_work()
    else:
        _poll(world)
    assert (world.document().alarm, _kinds(world)) == (alarm, ["FR"])
    _pay(world)
    assert world.document().alarm == "paid-again", "it may have been credited elsewhere all the same"


def test_what_the_merchant_has_dealt_with_while_unpaid_is_not_credited_when_it_is_cancelled_too(
    world: World,
) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    _edit(world, status="open")
    merchant_actions.dismiss_alarm(world.document())
    _cancel(world)
    assert (world.document().alarm, _kinds(world)) == ("cancelled-after", ["FR"])
    merchant_actions.dismiss_alarm(world.document())
    assert world.document().alarm == ""


def test_a_document_annulled_at_the_provider_can_be_issued_again(world: World) -> None:
    _pay(world)
    row = world.document()
    row.alarm = row.provider_state = "annulled"
    db.session.commit()
    merchant_actions.reissue_document(row)
    world.run_due_work()
    assert (world.document().alarm, _kinds(world)) == ("", ["FR", "FR"])
    with pytest.raises(merchant_actions.StateConflictError):
        merchant_actions.reissue_document(world.document())


def test_an_order_cancelled_before_its_second_document_has_none(world: World) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    _cancel(world)
    world.provider.planned_issues = [_raising(UnreachableError("unreachable"))]
    _pay(world)
    _cancel(world)
    again = Document.find(world.store.id, "1001", "reissue:1")
    assert again is not None and (again.state, again.reason) == (VOID, "cancelled")
    _pay(world)
    assert _kinds(world) == ["FR", "NC", "FR"]


# never issued: blocked, waiting or with a provider draft


def test_a_blocked_order_that_is_cancelled_and_paid_again_is_read_and_drafted_again(world: World) -> None:
    wrong = replace(paid_order().buyer, tax_id="123456788")
    _pay(world, buyer=wrong)
    assert world.document().state == "blocked"
    _cancel(world)
    assert (world.document().state, world.document().reason) == (VOID, "cancelled")
    _pay(world, buyer=wrong)
    assert world.document().state == "blocked"
    _pay(world, buyer=replace(wrong, tax_id="123456789"))
    merchant_actions.request_issue(world.document())
    world.run_due_work()
    assert (world.document().state, _kinds(world)) == (ISSUED, ["FR"])


def test_a_blocked_order_that_can_not_be_read_is_void_when_it_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.shop.errors["order"] = [OrderError("two-taxes", line="Taça", rates=["6", "23"])] * 2
    _pay(world)
    assert world.document().state == "blocked"
    _cancel(world)
    assert (world.document().state, world.document().reason) == (VOID, "cancelled")


@pytest.mark.parametrize("announced", [True, False])
def test_an_order_cancelled_by_the_time_limit_and_paid_late_is_issued(world: World, announced: bool) -> None:
    world.provider.guarantee = IssueGuarantee.DRAFT_FIRST
    _choose(world, drafts=True)
    world.shop.orders["1001"] = paid_order("1001", status="open")
    world.receive_webhook("1001", "order_pending_payment")
    world.run_due_work()
    assert world.document().draft_id
    _cancel(world)
    assert (world.document().state, world.provider.drafts) == (VOID, {})
    if announced:
        _pay(world)
    else:
        world.shop.orders["1001"] = paid_order("1001")
        _poll(world)
    assert (world.document().state, _kinds(world)) == (ISSUED, ["FR"])


def test_an_order_never_paid_whose_payment_is_rejected_asks_for_nothing(world: World) -> None:
    _choose(world, credit_cancelled=True)
    world.shop.orders["1001"] = paid_order("1001", status="cancelled")
    world.receive_webhook("1001", "order_canceled")
    world.run_due_work()
    _poll(world)
    assert (Document.query.count(), world.provider.ledger) == (0, [])
    _pay(world)
    assert _kinds(world) == ["FR"]


def test_an_order_dismissed_by_the_merchant_does_not_come_back(world: World) -> None:
    _choose(world, automatic=False)
    _pay(world)
    merchant_actions.dismiss_document(world.document())
    _cancel(world)
    _pay(world)
    _poll(world)
    assert (world.document().state, world.document().reason, _kinds(world)) == (VOID, "set-aside", [])


# in doubt while it was cancelled


@pytest.mark.parametrize("guarantee", IssueGuarantee, ids=lambda guarantee: guarantee.value)
def test_an_order_cancelled_while_its_document_is_in_doubt_is_void_if_it_does_not_exist(
    world: World, clock: Any, guarantee: IssueGuarantee
) -> None:
    world.provider.guarantee = guarantee
    world.provider.planned_issues = [_raising(UncertainError("outcome-unknown", how="cut"))]
    _pay(world)
    _cancel(world)
    for _ in range(12):
        clock.advance(70)
        world.run_due_work()
        if world.document().state == "review":
            merchant_actions.confirm_not_issued(world.document())
    assert (world.document().state, world.document().reason, _kinds(world)) == (VOID, "cancelled", [])
    _pay(world)
    assert (world.document().state, _kinds(world)) == (ISSUED, ["FR"])


def test_an_order_that_is_unpaid_again_while_its_document_is_in_doubt_waits_for_its_payment(
    world: World,
) -> None:
    world.provider.guarantee = IssueGuarantee.MANUAL
    world.provider.planned_issues = [_raising(UncertainError("outcome-unknown", how="cut"))]
    _pay(world)
    world.shop.orders["1001"] = paid_order("1001", status="open")
    merchant_actions.confirm_not_issued(world.document())
    world.run_due_work()
    assert (world.document().state, world.document().reason, _kinds(world)) == ("waiting", "unpaid", [])
    _pay(world)
    assert (world.document().state, _kinds(world)) == (ISSUED, ["FR"])


# unpaid again


def test_an_invoiced_order_set_back_to_unpaid_is_flagged_until_it_is_paid(world: World) -> None:
    _choose(world, credit_cancelled=True)
    _pay(world)
    _edit(world, status="open")
    assert (world.document().alarm, _kinds(world)) == ("unpaid-after", ["FR"])
    _pay(world)
    assert (world.document().alarm, _kinds(world)) == ("", ["FR"])
    world.shop.orders["1001"] = paid_order("1001", status="open")
    _poll(world)
    assert world.document().alarm == "unpaid-after"
    _cancel(world)
    assert (world.document().alarm, _kinds(world)) == ("", ["FR", "NC"])


# edited


MUG = paid_order().lines[0]
EDITS = {
    "lines": {"lines": (replace(MUG, sku="PRATO-1", description="Prato"),)},
    "quantities": {"lines": (replace(MUG, quantity=Decimal(2), unit_price=Decimal("6.15")),)},
    "rates": {"lines": (replace(MUG, charged=Decimal(6)),)},
    "buyer": {"buyer": replace(paid_order().buyer, tax_id="123456789")},
    "total": {"total": Decimal("20.00"), "lines": (replace(MUG, unit_price=Decimal("20.00")),)},
}


@pytest.mark.parametrize("what", EDITS)
def test_an_order_edited_after_its_document_is_flagged_until_it_is_as_before(world: World, what: str) -> None:
    _pay(world)
    original = world.shop.orders["1001"]
    _edit(world)
    assert world.document().alarm == ""
    _edit(world, **EDITS[what])
    assert world.document().alarm == "changed-after"
    parts = world.document().alarm_detail["parts"]
    assert parts == {"total": ["rates"], "quantities": ["lines"]}.get(what, [what])
    merchant_actions.dismiss_alarm(world.document())
    _edit(world)
    assert world.document().alarm == "", "it is flagged once"
    _edit(world, **{name: getattr(original, name) for name in EDITS[what]})
    _edit(world, **EDITS[what])
    assert world.document().alarm == "changed-after"
    _edit(world, **{name: getattr(original, name) for name in EDITS[what]})
    assert (world.document().alarm, _kinds(world)) == ("", ["FR"])


def test_an_order_credited_in_full_that_grows_is_asked_about_and_may_be_issued_again(world: World) -> None:
    _choose(world)
    _pay(world)
    merchant_actions.credit_document(world.document(), 1, {"reason": "Devolução"})
    world.run_due_work()
    _edit(world, **EDITS["lines"])
    assert world.document().alarm == ""
    _edit(world, **EDITS["total"])
    assert world.document().alarm == "changed-after"
    merchant_actions.reissue_document(world.document())
    world.run_due_work()
    assert (world.document().alarm, _kinds(world)) == ("", ["FR", "NC", "FR"])


def test_an_edited_order_is_flagged_again_after_its_cancellation_is_taken_back(world: World) -> None:
    _pay(world)
    _edit(world, **EDITS["total"])
    _edit(world, status="open")
    assert world.document().alarm == "unpaid-after"
    _edit(world, "order_paid", status="paid")
    assert world.document().alarm == "changed-after"


def test_an_exchange_is_answered_by_a_credit_and_another_document(world: World) -> None:
    _choose(world)
    _pay(world)
    _edit(world, **EDITS["lines"])
    merchant_actions.credit_document(world.document(), 1, {"reason": "Troca"}, {})
    world.run_due_work()
    assert (_kinds(world), world.document().alarm) == (["FR", "NC", "FR"], "")
    assert world.provider.ledger[2][1].lines[0].description == "Prato"
    _edit(world)
    again = Document.find(world.store.id, "1001", "reissue:1")
    assert again is not None and again.alarm == ""


def test_a_refund_that_the_shop_shows_as_a_lower_total_is_answered_by_its_amount(world: World) -> None:
    _choose(world)
    _pay(world)
    _edit(world, total=Decimal("9.30"), lines=(replace(MUG, discount=Decimal("3.00")),))
    assert credit_notes.refund_of_shop(world.document()) == Decimal("3.00")
    merchant_actions.credit_document(world.document(), 1, {"amount": "1.00"})
    world.run_due_work()
    assert (world.document().alarm, credit_notes.refund_of_shop(world.document())) == (
        "changed-after", Decimal("2.00"),
    )  # fmt: skip
    merchant_actions.credit_document(world.document(), 2, {"amount": "2.00"})
    world.run_due_work()
    assert (world.document().alarm, _kinds(world)) == ("", ["FR", "NC", "NC"])


@pytest.mark.parametrize("what", ["lines", "rates", "buyer"])
def test_other_changes_are_no_refund(world: World, what: str) -> None:
    _pay(world)
    _edit(world, **EDITS[what])
    assert credit_notes.refund_of_shop(world.document()) == 0


def test_a_reissued_order_that_is_edited_is_flagged_on_its_last_document(world: World) -> None:
    _choose(world)
    _pay(world)
    merchant_actions.credit_document(world.document(), 1, {"reason": "NIF"}, {"tax_id": "123456789"})
    world.run_due_work()
    _edit(world, **EDITS["lines"])
    again = Document.find(world.store.id, "1001", "reissue:1")
    assert again is not None and (again.alarm, world.document().alarm) == ("changed-after", "")


def test_a_buyer_whose_data_the_shop_has_deleted_is_no_change(world: World) -> None:
    _pay(world, buyer=replace(paid_order().buyer, tax_id="123456789"))
    nobody = replace(paid_order().buyer, name="", tax_id="", email="", company="")
    _edit(world, buyer=nobody)
    assert world.document().alarm == ""


def test_a_correction_by_the_merchant_that_the_shop_makes_too_is_no_change(world: World) -> None:
    _pay(world, buyer=replace(paid_order().buyer, tax_id="123456788"))
    merchant_actions.request_issue(world.document(), {"tax_id": "123456789"})
    world.run_due_work()
    _edit(world, buyer=replace(paid_order().buyer, tax_id="123 456 789"))
    assert (world.document().state, world.document().alarm) == (ISSUED, "")


def test_a_row_of_an_earlier_release_is_compared_by_its_total_alone(world: World) -> None:
    _pay(world)
    world.document().order_digest = Sale.get_or_create(world.store.id, "1001").order_digest = ""
    db.session.commit()
    _edit(world, **EDITS["lines"])
    assert world.document().alarm == ""
    _edit(world, **EDITS["total"])
    assert world.document().alarm == "changed-after"


def test_a_cancellation_shows_when_the_alarm_that_hid_it_is_dismissed(world: World) -> None:
    _pay(world)
    world.document().alarm = "total-differs"
    db.session.commit()
    _cancel(world)
    assert world.document().alarm == "total-differs"
    merchant_actions.dismiss_alarm(world.document())
    assert world.document().alarm == "cancelled-after"
    merchant_actions.dismiss_alarm(world.document())
    assert world.document().alarm == ""


def test_an_order_read_before_it_was_cancelled_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pay(world)
    _cancel(world)
    read = order_changes.prepare.read_order

    def slow(document: Document) -> Order:
        order = read(document)
        if len(reads) == 1:
            sale = Sale.get_or_create(world.store.id, "1001")
            sale.cancelled_at = None
            db.session.commit()
        reads.append(order.status)
        return order

    reads = ["begin"]
    monkeypatch.setattr(order_changes.prepare, "read_order", slow)
    order_changes.request_check(world.document())
    world.run_due_work()
    assert reads == ["begin", "cancelled", "cancelled"] and _cancelled_at(world) is not None


def test_nothing_is_left_to_credit_of_an_order_that_goes_round(world: World) -> None:
    _choose(world, credit_cancelled=True)
    for _ in range(2):
        _pay(world)
        _cancel(world)
    rows = Document.query.filter(Document.state == ISSUED, Document.kind != "NC").all()
    assert [credit_notes.creditable_amount(row) for row in rows] == [Decimal(0), Decimal(0)]


def test_an_order_in_dollars_has_no_total_in_euros_before_its_document(world: World) -> None:
    _pay(world, currency="USD")
    document = world.document()
    assert (document.state, document.reason, document.total) == ("blocked", "currency", None)
    assert Sale.get_or_create(world.store.id, "1001").total == Decimal("12.30")


def test_dollars_are_never_compared_with_the_euros_of_the_document(world: World) -> None:
    _pay(world, currency="USD", exchange_rate=Decimal("1.25"))
    assert (world.document().state, world.document().total) == (ISSUED, Decimal("9.84"))
    _edit(world)
    assert world.document().alarm == ""
    _edit(world, total=Decimal("9.84"), lines=(replace(paid_order().lines[0], unit_price=Decimal("9.84")),))
    document = world.document()
    assert document.alarm == "changed-after" and "theirs" not in document.alarm_detail
    assert credit_notes.refund_of_shop(document) == 0
