"""One order makes one attempt and one document, whatever goes wrong while it is issued."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp import failpoints
from shopapp.connections import send_window
from shopapp.documents import issue, merchant_actions
from shopapp.errors import (
    CredentialsError,
    OrderError,
    RefusedError,
    StoreAccessError,
    ThrottledError,
    UncertainError,
    UnreachableError,
)
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.party import Address, Party
from shopapp.http_client import HttpClient, HttpResponse
from shopapp.models import Document, Sale, db, now
from tests.fakes import World, paid_order


def test_a_paid_order_becomes_one_document_shown_on_the_order(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    row = world.document("1001")
    assert (row.state, row.number, row.total) == ("issued", "FR 2026FR/1", Decimal("12.30"))
    assert world.issued_references() == [row.reference]
    assert [shown.number for shown in world.shop.attachments["1001"]] == ["FR 2026FR/1"]
    assert world.shop.notes == [("1001", "Quick Invoice: FR 2026FR/1 (12,30 €)")]
    assert [line.gross for line in row.lines] == [Decimal("12.30")]
    assert [(move.old, move.new) for move in row.transitions] == [
        ("", "pending"),
        ("pending", "issuing"),
        ("issuing", "issued"),
    ]


def test_the_same_webhook_twice_makes_one_document(world: World) -> None:
    world.pay_order("1001")
    world.receive_webhook("1001")
    world.run_due_work()
    world.receive_webhook("1001", more="another body")
    world.run_due_work()
    assert len(world.provider.ledger) == 1


def test_the_order_is_read_again_and_not_taken_from_the_webhook(world: World) -> None:
    world.pay_order("1001")
    world.shop.orders["1001"] = paid_order("1001", status="open")
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("waiting", "unpaid")
    assert world.provider.ledger == []


def test_an_order_paid_later_is_issued_when_its_webhook_comes(world: World) -> None:
    world.pay_order("1001", status="open")
    world.run_due_work()
    world.pay_order("1001")
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_cancelled_order_that_was_not_issued_becomes_void(world: World) -> None:
    world.pay_order("1001", status="cancelled")
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("void", "cancelled")


def test_an_order_cancelled_after_its_document_is_flagged_for_a_credit_note(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.cancel_order()
    world.run_due_work()
    assert (world.document().state, world.document().alarm) == ("issued", "cancelled-after")


def test_an_order_older_than_the_start_waits(world: World) -> None:
    world.pay_order("1001", created_at=now() - timedelta(days=300))
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("waiting", "older")


def test_an_older_order_whose_payment_is_proved_to_be_new_is_issued(world: World) -> None:
    world.pay_order("1001", created_at=now() - timedelta(days=3), paid_at=now(), paid_source="history")
    world.run_due_work()
    assert world.document().state == "issued"


def test_nothing_is_issued_automatically_in_manual_mode(world: World) -> None:
    world.account.settings = {**world.account.settings, "automatic": False}
    db.session.commit()
    world.pay_order("1001")
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("waiting", "automatic-off")


def test_an_order_that_cannot_be_drafted_is_blocked_with_its_reason(world: World) -> None:
    world.pay_order("1001", buyer=Party(name="Rui", tax_id="123456780"))
    world.run_due_work()
    row = world.document()
    assert (row.state, row.reason) == ("blocked", "nif-invalid")
    assert world.provider.ledger == []


def test_an_order_that_shows_somebody_elses_invoice_is_not_invoiced_again(world: World) -> None:
    world.shop.orders["1001"] = replace(paid_order(), shown_invoice="https://other.test/invoice/1")
    world.receive_webhook("1001")
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("blocked", "invoiced-elsewhere")
    assert world.provider.ledger == []
    world.shop.orders["1001"] = paid_order()
    merchant_actions.request_issue(world.document())
    world.run_due_work()
    assert len(world.provider.ledger) == 1


def test_an_order_that_vanished_after_it_was_read_as_paid_is_blocked(world: World) -> None:
    world.pay_order("1001", buyer=Party(name="Rui", tax_id="123456780"))
    world.run_due_work()
    del world.shop.orders["1001"]
    merchant_actions.request_issue(world.document())
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("blocked", "order-missing")


def _fails(error: Exception) -> Any:
    def answer(draft: Draft, reference: str) -> Issued | None:
        raise error

    return answer


def test_a_refusal_blocks_and_keeps_the_providers_words(world: World) -> None:
    world.provider.planned_issues = [_fails(RefusedError("provider-refused", answer="Série fechada."))]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.reason, row.detail) == (
        "blocked",
        "provider-refused",
        {"answer": "Série fechada."},
    )
    assert [(one.outcome, one.code) for one in row.attempts] == [("refused", "provider-refused")]


@pytest.mark.parametrize(
    "error", [UnreachableError("unreachable", how="cut"), ThrottledError("throttled", 7)]
)
def test_a_call_that_never_arrived_is_repeated_later(world: World, error: Exception) -> None:
    world.provider.planned_issues = [_fails(error)]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.tries) == ("pending", 1)
    assert row.not_before is not None and row.not_before > now()
    row.not_before = None
    db.session.commit()
    world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


def _lost(world: World, error: Exception) -> Any:
    def answer(draft: Draft, reference: str) -> Issued | None:
        world.provider.record_document(draft, reference)
        raise error

    return answer


@pytest.mark.parametrize(
    "error", [UncertainError("outcome-unknown", how="timeout"), RuntimeError("a bug while reading")]
)
def test_a_lost_answer_waits_for_a_person_and_is_not_sent_again_automatically(
    world: World, error: Exception
) -> None:
    world.provider.planned_issues = [_lost(world, error)]
    world.pay_order("1001")
    world.run_due_work()
    world.receive_webhook("1001", more="again")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.frozen) == ("review", True)
    assert len(world.provider.ledger) == 1
    assert [one.outcome for one in row.attempts] == ["unknown"]


def test_refused_keys_stop_the_account_and_not_only_the_document(world: World) -> None:
    world.provider.planned_issues = [_fails(CredentialsError("keys-refused", answer="Integração inativa."))]
    world.pay_order("1001")
    world.pay_order("1002")
    world.run_due_work()
    states = {world.document(number).state for number in ("1001", "1002")}
    assert states == {"blocked", "pending"}
    assert world.provider.ledger == []
    db.session.refresh(world.account)
    assert world.account.refused_at is not None


def test_a_total_that_differs_is_recorded_with_an_alarm_and_not_sent_again(world: World) -> None:
    def wrong(draft: Draft, reference: str) -> Issued | None:
        issued = world.provider.record_document(draft, reference)
        return Issued(issued.provider_id, issued.number, total=draft.gross + Decimal("0.01"))

    world.provider.planned_issues = [wrong]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.alarm) == ("issued", "total-differs")
    assert row.alarm_detail == {"ours": "12.30", "theirs": "12.31"}
    assert len(world.provider.ledger) == 1


def test_a_number_that_another_order_has_raises_the_alarm(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.provider.planned_issues = [lambda draft, reference: Issued("x", "FR 2026FR/1", total=draft.gross)]
    world.pay_order("1002")
    world.run_due_work()
    row = world.document("1002")
    assert (row.state, row.alarm, row.alarm_detail["order"]) == ("review", "number-held", "1001")


def test_a_platform_that_refuses_us_stops_the_store_and_loses_nothing(world: World) -> None:
    world.shop.errors["order"] = [StoreAccessError("access")]
    world.pay_order("1001")
    world.run_due_work()
    db.session.refresh(world.store)
    assert (world.store.state, world.document().state) == ("reauthorise", "pending")
    world.store.state = "installed"
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_worker_frozen_after_the_claim_does_not_send(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.pay_order("1001")
    monkeypatch.setattr(send_window, "SEND_WITHIN_SECONDS", -1.0)
    from shopapp.orders import webhooks

    webhooks.process_next_webhook()
    issue.issue_next_document()
    assert world.provider.ledger == []
    assert (world.document().state, world.document().attempts[0].outcome) == ("pending", "not-sent")


def test_a_bug_of_ours_is_retried_a_few_times_and_then_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.shop.errors["order"] = [ZeroDivisionError()] * 9
    world.pay_order("1001")
    world.run_due_work()
    for _ in range(6):
        db.session.execute(db.update(Document).values(not_before=None))
        db.session.commit()
        world.run_due_work()
    assert (world.document().state, world.document().reason) == ("blocked", "internal")


def test_a_bug_while_sending_leaves_the_document_in_doubt(world: World) -> None:
    def broken(draft: Draft, key: str) -> Issued | None:
        raise ZeroDivisionError

    world.provider.planned_issues = [broken]
    world.pay_order("1001")
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("review", "outcome-unknown")
    world.run_due_work()
    assert world.document().attempt == 1


def test_two_stores_take_turns(world: World) -> None:
    other = world.add_store("other")
    world.add_account(other)
    for number in ("1", "2", "3"):
        world.pay_order(number)
    world.pay_order("9", store=other)
    world.run_due_work()
    assert "QI-" in world.issued_references()[0]
    order_of_other = world.issued_references().index(world.document("9", other).reference)
    assert order_of_other <= 1


def test_the_paid_total_is_kept_with_the_sale(world: World) -> None:
    world.pay_order("1001", gift_cards=Decimal("2.00"), total=Decimal("10.30"))
    world.run_due_work()
    sale = Sale.get_or_create(world.store.id, "1001")
    assert (sale.status, sale.total) == ("paid", Decimal("12.30"))


def test_a_death_between_claim_and_send_leaves_the_row_issuing(world: World) -> None:
    world.pay_order("1001")
    failpoints.arm("before_settle=raise")
    try:
        world.run_due_work()
    finally:
        failpoints.arm("")
    row = world.document()
    assert (row.state, row.reason, len(world.provider.ledger)) == ("review", "internal", 1)


def test_a_transient_failure_of_the_platform_does_not_touch_the_provider(world: World) -> None:
    world.shop.errors["order"] = [UnreachableError("unreachable"), OrderError("order-missing")]
    world.pay_order("1001")
    world.run_due_work()
    assert world.document().state == "pending"
    assert world.provider.ledger == []


@pytest.mark.parametrize(
    ("told", "kept"), [("12.3049", "12.30"), ("12.305", "12.31"), ("1e30", None), ("-1e30", None)]
)
def test_a_total_too_large_for_its_column_does_not_prevent_recording(
    world: World, told: str, kept: str | None
) -> None:
    world.provider.planned_issues = [
        lambda draft, reference: Issued("id-1", "FR 2026FR/1", total=Decimal(told))
    ]
    world.pay_order("1001")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.number, row.alarm) == ("issued", "FR 2026FR/1", "total-differs")
    assert row.provider_total == (Decimal(kept) if kept else None)
    assert row.alarm_detail == {"ours": "12.30", "theirs": str(Decimal(told))}


def test_the_answer_of_vies_is_kept_with_the_document_that_relies_on_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def read(client: HttpClient, method: str, url: str, **more: Any) -> HttpResponse:
        asked.append(more["json"])
        return HttpResponse(200, {}, b'{"valid": true, "requestIdentifier": "WAPI1"}')

    monkeypatch.setattr(HttpClient, "read", read)
    world.account.nif = "599980125"
    berlin = Address("Beispielweg 5", "10115", "Berlin", "DE")
    buyer = Party(name="Beispiel", company="Beispiel GmbH", tax_id="DE136695976", address=berlin)
    line = replace(paid_order().lines[0], charged=None)
    world.pay_order("1001", buyer=buyer, ship_to=berlin, lines=(line,))
    world.run_due_work()
    document = world.document()
    assert document.state == "issued"
    assert asked == [
        {"countryCode": "DE", "vatNumber": "136695976", "requesterMemberStateCode": "PT",
         "requesterNumber": "599980125"}
    ]  # fmt: skip
    proof = document.vat_check
    assert (proof["number"], proof["answer"], proof["consultation"]) == ("DE136695976", "valid", "WAPI1")
    world.pay_order("1002")
    world.run_due_work()
    assert world.document("1002").vat_check is None and len(asked) == 1


def test_sales_to_consumers_of_other_member_states_are_marked(world: World) -> None:
    berlin = Address("Beispielweg 5", "10115", "Berlin", "DE")
    world.pay_order("1001", ship_to=berlin)
    world.pay_order("1002")
    world.run_due_work()
    assert [world.document(number).is_distance_sale for number in ("1001", "1002")] == [True, False]
