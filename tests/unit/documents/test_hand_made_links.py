"""What proves a document that the merchant found by hand, and how a wrong link is taken back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from shopapp.documents import hand_made_links, merchant_actions
from shopapp.errors import MerchantError, UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.models import Document, FollowUp, db
from tests.fakes import World

TOTAL = Decimal("12.30")


def _never_arrives(draft: Draft, reference: str) -> Issued:
    raise UncertainError("outcome-unknown", how="cut")


def _in_review(world: World, number: str = "1001") -> Document:
    world.provider.planned_issues.append(_never_arrives)
    world.pay_order(number)
    world.run_due_work()
    return world.document(number)


def _linked_by_mistake(world: World) -> Document:
    """Return an order that was linked to the next number, which no document has yet."""
    document = _in_review(world)
    merchant_actions.confirm_issued(document, "FR 2026FR/1", TOTAL, "JFX4RT2K-1")
    world.run_due_work()
    return world.document("1001")


@pytest.mark.parametrize(
    ("atcud", "code"),
    [
        ("", "proof-missing"),
        ("79", "atcud-shape"),
        ("JFX4RT2K", "atcud-shape"),
        ("JFX4RT2K-80", "atcud-not-of-number"),
        ("AAAA1111-79", "atcud-of-other-series"),
    ],
)
def test_a_number_without_what_only_the_document_shows_is_refused(
    world: World, atcud: str, code: str
) -> None:
    world.pay_order("1000")
    world.run_due_work()
    known = world.document("1000")
    known.atcud = "JFX4RT2K-1"
    db.session.commit()
    document = _in_review(world)
    with pytest.raises(MerchantError) as refused:
        merchant_actions.confirm_issued(document, "FR 2026FR/79", TOTAL, atcud)
    assert refused.value.code == code
    assert world.document("1001").state == "review"


def test_an_atcud_is_read_as_people_copy_it(world: World) -> None:
    document = _in_review(world)
    merchant_actions.confirm_issued(document, "FR 2026FR/79", TOTAL, " atcud: jfx4rt2k-79 ")
    assert world.document("1001").atcud == "JFX4RT2K-79"


@pytest.mark.parametrize(("minutes", "fits"), [(0, True), (30, True), (-5, True), (-25, False), (180, False)])
def test_an_hour_proves_a_document_that_was_made_when_we_sent_it(
    world: World, minutes: int, fits: bool
) -> None:
    document = _in_review(world)
    shown = hand_made_links.sent_at(document).astimezone(ZoneInfo(document.store.timezone))
    hour = f"{shown + timedelta(minutes=minutes):%H:%M}"
    if fits:
        merchant_actions.confirm_issued(document, "FR 2026FR/79", TOTAL, hour=hour)
        assert world.document("1001").state == "issued"
    else:
        with pytest.raises(MerchantError) as refused:
            merchant_actions.confirm_issued(document, "FR 2026FR/79", TOTAL, hour=hour)
        assert refused.value.code == "hour-not-ours"


def test_a_document_proved_by_its_atcud_is_recorded_with_the_total_that_it_has(world: World) -> None:
    document = _in_review(world)
    merchant_actions.confirm_issued(document, "FR 2026FR/79", Decimal("10.00"), "JFX4RT2K-79")
    assert (world.document("1001").state, world.document("1001").alarm) == ("issued", "total-differs")


def test_the_time_of_a_document_found_by_hand_is_that_of_its_sending(world: World) -> None:
    document = _linked_by_mistake(world)
    attempt = document.attempts[0]
    assert document.issued_at == attempt.started_at
    assert attempt.outcome == "unknown"


def test_the_order_whose_number_was_taken_gets_it_and_the_wrong_link_goes(world: World) -> None:
    _linked_by_mistake(world)
    world.pay_order("1002")
    world.run_due_work()
    wrong, right = world.document("1001"), world.document("1002")
    assert (right.state, right.number, right.alarm) == ("issued", "FR 2026FR/1", "")
    assert (wrong.state, wrong.reason, wrong.number, wrong.alarm) == ("review", "number-of-other", None, "")
    assert wrong.lines == []
    assert len(world.provider.ledger) == 1


def test_after_its_wrong_link_went_an_order_gets_its_own_document_once(world: World) -> None:
    _linked_by_mistake(world)
    world.pay_order("1002")
    world.run_due_work()
    merchant_actions.confirm_not_issued(world.document("1001"))
    world.run_due_work()
    assert [world.document(n).number for n in ("1001", "1002")] == ["FR 2026FR/2", "FR 2026FR/1"]
    assert len(world.provider.ledger) == 2
    shown = [one.number for one in world.shop.attachments["1001"]]
    assert shown == ["FR 2026FR/1", "FR 2026FR/2"]


def test_the_merchant_takes_a_wrong_link_back(world: World) -> None:
    merchant_actions.take_back_link(_linked_by_mistake(world))
    row = world.document("1001")
    assert (row.state, row.reason, row.number) == ("review", "link-undone", None)
    merchant_actions.confirm_not_issued(row)
    world.run_due_work()
    assert (world.document("1001").state, len(world.provider.ledger)) == ("issued", 1)


def test_a_number_that_the_provider_gave_is_never_taken_back(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    with pytest.raises(merchant_actions.StateConflictError):
        merchant_actions.take_back_link(world.document("1001"))


def test_a_link_with_a_credit_note_stays_and_its_owner_says_who_holds_the_number(world: World) -> None:
    world.account.settings = {**world.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}}
    held = _linked_by_mistake(world)
    merchant_actions.credit_document(held, 1, {"lines": [], "reason": "engano"})
    note = Document.find(world.store.id, "1001", "credit:1")
    assert note is not None
    world.pay_order("1002")
    world.provider.planned_issues = [
        lambda draft, reference: Issued("x", "FR 2026FR/1", total=draft.gross, pdf_url="http://x/1")
    ]
    note.transition("blocked", "internal")
    db.session.commit()
    world.run_due_work()
    owner = world.document("1002")
    assert (owner.state, owner.alarm, owner.alarm_detail["order"]) == ("review", "number-held", "1001")
    note.transition("void", "set-aside")
    db.session.commit()
    merchant_actions.take_back_link(world.document("1001"))
    owner = world.document("1002")
    assert (owner.state, owner.number, owner.alarm, owner.pdf_url) == (
        "issued",
        "FR 2026FR/1",
        "",
        "http://x/1",
    )


def test_a_document_recorded_by_hand_waits_for_no_pdf(world: World) -> None:
    world.account.settings = {**world.account.settings, "email_buyer": True}
    document = _linked_by_mistake(world)
    kinds = [row.kind for row in FollowUp.query.filter_by(document_id=document.id)]
    assert "email" not in kinds
    assert not document.has_pdf
    with pytest.raises(merchant_actions.StateConflictError):
        merchant_actions.resend_email(document, "ana@example.pt")
    merchant_actions.mark_as_sent(document)
    assert merchant_actions.was_sent_by_hand(world.document("1001"))
