"""The road of a document: one duty, one attempt, one document, whatever goes wrong on the way."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp import fault, issuing
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import (
    CredentialsError,
    OrderError,
    RefusedError,
    ThrottledError,
    UncertainError,
    UnreachableError,
)
from shopapp.fiscal.party import Party
from shopapp.models import Document, Sale, db, now
from tests.fakes import World, an_order


def test_a_paid_order_becomes_one_document_shown_on_the_order(world: World) -> None:
    world.paid("1001")
    world.work()
    row = world.document("1001")
    assert (row.state, row.number, row.total) == ("issued", "FR 2026FR/1", Decimal("12.30"))
    assert world.references() == [row.reference]
    assert [shown.number for shown in world.shop.shown["1001"]] == ["FR 2026FR/1"]
    assert world.shop.notes == [("1001", "Quick Invoice: FR 2026FR/1 (12,30 €)")]
    assert [line.gross for line in row.lines] == [Decimal("12.30")]
    assert [(move.old, move.new) for move in row.moves] == [
        ("", "pending"),
        ("pending", "issuing"),
        ("issuing", "issued"),
    ]


def test_the_same_hook_twice_makes_one_document(world: World) -> None:
    world.paid("1001")
    world.hook("1001")
    world.work()
    world.hook("1001", more="another body")
    world.work()
    assert len(world.office.ledger) == 1


def test_the_order_is_read_again_and_not_taken_from_the_hook(world: World) -> None:
    world.paid("1001")
    world.shop.orders["1001"] = an_order("1001", status="open")
    world.work()
    assert (world.document().state, world.document().reason) == ("waiting", "unpaid")
    assert world.office.ledger == []


def test_an_order_paid_later_is_issued_when_its_hook_comes(world: World) -> None:
    world.paid("1001", status="open")
    world.work()
    world.paid("1001")
    world.work()
    assert world.document().state == "issued"


def test_a_cancelled_order_that_was_not_issued_becomes_void(world: World) -> None:
    world.paid("1001", status="cancelled")
    world.work()
    assert (world.document().state, world.document().reason) == ("void", "cancelled")


def test_an_order_cancelled_after_its_document_is_flagged_for_a_credit_note(world: World) -> None:
    world.paid("1001")
    world.work()
    world.hook("1001", "order_canceled")
    world.work()
    assert (world.document().state, world.document().alarm) == ("issued", "cancelled-after")


def test_an_order_older_than_the_start_waits(world: World) -> None:
    world.paid("1001", created_at=now() - timedelta(days=300))
    world.work()
    assert (world.document().state, world.document().reason) == ("waiting", "older")


def test_an_older_order_whose_payment_is_proved_to_be_new_is_issued(world: World) -> None:
    world.paid("1001", created_at=now() - timedelta(days=3), paid_at=now(), paid_source="history")
    world.work()
    assert world.document().state == "issued"


def test_nothing_is_issued_by_itself_in_manual_mode(world: World) -> None:
    world.account.settings = {**world.account.settings, "automatic": False}
    db.session.commit()
    world.paid("1001")
    world.work()
    assert (world.document().state, world.document().reason) == ("waiting", "automatic-off")


def test_an_order_that_cannot_be_drafted_is_blocked_with_its_reason(world: World) -> None:
    world.paid("1001", buyer=Party(name="Rui", tax_id="123456780"))
    world.work()
    row = world.document()
    assert (row.state, row.reason) == ("blocked", "nif-invalid")
    assert world.office.ledger == []


def test_a_vanished_order_is_blocked(world: World) -> None:
    world.hook("1001")
    world.work()
    assert (world.document().state, world.document().reason) == ("blocked", "order-missing")


def _fails(error: Exception) -> Any:
    def answer(draft: Draft, reference: str) -> Issued | None:
        raise error

    return answer


def test_a_refusal_blocks_and_keeps_the_providers_words(world: World) -> None:
    world.office.next = [_fails(RefusedError("provider-refused", answer="Série fechada."))]
    world.paid("1001")
    world.work()
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
def test_what_never_arrived_is_tried_again_later(world: World, error: Exception) -> None:
    world.office.next = [_fails(error)]
    world.paid("1001")
    world.work()
    row = world.document()
    assert (row.state, row.tries) == ("pending", 1)
    assert row.not_before is not None and row.not_before > now()
    row.not_before = None
    db.session.commit()
    world.work()
    assert (world.document().state, len(world.office.ledger)) == ("issued", 1)


def _lost(world: World, error: Exception) -> Any:
    def answer(draft: Draft, reference: str) -> Issued | None:
        world.office.book(draft, reference)
        raise error

    return answer


@pytest.mark.parametrize(
    "error", [UncertainError("outcome-unknown", how="timeout"), RuntimeError("a bug while reading")]
)
def test_a_lost_answer_waits_for_a_person_and_is_never_sent_again_by_itself(
    world: World, error: Exception
) -> None:
    world.office.next = [_lost(world, error)]
    world.paid("1001")
    world.work()
    world.hook("1001", more="again")
    world.work()
    row = world.document()
    assert (row.state, row.frozen) == ("review", True)
    assert len(world.office.ledger) == 1
    assert [one.outcome for one in row.attempts] == ["unknown"]


def test_refused_keys_stop_the_account_and_not_only_the_document(world: World) -> None:
    world.office.next = [_fails(CredentialsError("keys-refused", answer="Integração inativa."))]
    world.paid("1001")
    world.paid("1002")
    world.work()
    states = {world.document(number).state for number in ("1001", "1002")}
    assert states == {"blocked", "pending"}
    assert world.office.ledger == []
    db.session.refresh(world.account)
    assert world.account.refused_at is not None


def test_a_total_that_differs_is_recorded_with_an_alarm_and_not_sent_again(world: World) -> None:
    def wrong(draft: Draft, reference: str) -> Issued | None:
        issued = world.office.book(draft, reference)
        return Issued(issued.provider_id, issued.number, total=draft.gross + Decimal("0.01"))

    world.office.next = [wrong]
    world.paid("1001")
    world.work()
    row = world.document()
    assert (row.state, row.alarm) == ("issued", "total-differs")
    assert row.alarm_detail == {"ours": "12.30", "theirs": "12.31"}
    assert len(world.office.ledger) == 1


def test_a_number_that_another_order_has_raises_the_alarm(world: World) -> None:
    world.paid("1001")
    world.work()
    world.office.next = [lambda draft, reference: Issued("x", "FR 2026FR/1", total=draft.gross)]
    world.paid("1002")
    world.work()
    row = world.document("1002")
    assert (row.state, row.alarm) == ("review", "duplicate")


def test_a_platform_that_refuses_us_stops_the_store_and_loses_nothing(world: World) -> None:
    world.shop.fail["order"] = [CredentialsError("store-access")]
    world.paid("1001")
    world.work()
    db.session.refresh(world.store)
    assert (world.store.state, world.document().state) == ("reauthorise", "pending")
    world.store.state = "installed"
    db.session.commit()
    world.work()
    assert world.document().state == "issued"


def test_a_worker_that_slept_after_the_claim_does_not_send(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.paid("1001")
    monkeypatch.setattr(issuing, "SEND_WITHIN", -1.0)
    from shopapp import opening

    opening.open_hook()
    issuing.step()
    assert world.office.ledger == []
    assert (world.document().state, world.document().attempts[0].outcome) == ("pending", "not-sent")


def test_a_bug_of_ours_is_bounded_and_then_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.shop.fail["order"] = [ZeroDivisionError()] * 9
    world.paid("1001")
    world.work()
    for _ in range(6):
        db.session.execute(db.update(Document).values(not_before=None))
        db.session.commit()
        world.work()
    assert (world.document().state, world.document().reason) == ("blocked", "internal")


def test_two_stores_take_turns(world: World) -> None:
    other = world.add_store("other")
    world.add_account(other)
    for number in ("1", "2", "3"):
        world.paid(number)
    world.paid("9", store=other)
    world.work()
    assert "QI-" in world.references()[0]
    order_of_other = world.references().index(world.document("9", other).reference)
    assert order_of_other <= 1


def test_the_paid_total_is_kept_with_the_sale(world: World) -> None:
    world.paid("1001", gift_cards=Decimal("2.00"), total=Decimal("10.30"))
    world.work()
    sale = Sale.seen(world.store.id, "1001")
    assert (sale.status, sale.total) == ("paid", Decimal("12.30"))


def test_a_kill_point_between_claim_and_send_leaves_a_row_that_says_so(world: World) -> None:
    world.paid("1001")
    fault.arm("before_settle=raise")
    try:
        world.work()
    finally:
        fault.arm("")
    row = world.document()
    assert (row.state, row.reason, len(world.office.ledger)) == ("review", "internal", 1)


def test_a_transient_failure_of_the_platform_does_not_touch_the_provider(world: World) -> None:
    world.shop.fail["order"] = [UnreachableError("unreachable"), OrderError("order-missing")]
    world.paid("1001")
    world.work()
    assert world.document().state == "pending"
    assert world.office.ledger == []


@pytest.mark.parametrize(
    ("told", "kept"), [("12.3049", "12.30"), ("12.305", "12.31"), ("1e30", None), ("-1e30", None)]
)
def test_a_total_that_no_column_holds_never_keeps_a_document_from_being_recorded(
    world: World, told: str, kept: str | None
) -> None:
    world.office.next = [lambda draft, reference: Issued("id-1", "FR 2026FR/1", total=Decimal(told))]
    world.paid("1001")
    world.work()
    row = world.document()
    assert (row.state, row.number, row.alarm) == ("issued", "FR 2026FR/1", "total-differs")
    assert row.provider_total == (Decimal(kept) if kept else None)
    assert row.alarm_detail == {"ours": "12.30", "theirs": str(Decimal(told))}
