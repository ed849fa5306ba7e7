"""The audit compares the provider's documents with our rows; a difference is recorded or flagged once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from shopapp.documents import audit
from shopapp.errors import UnreachableError
from shopapp.models import Account, Attempt, Document, FollowUp, db, now
from shopapp.models.cause import SALE
from shopapp.providers import PROVIDERS
from shopapp.providers.base import IssueGuarantee
from tests.fakes import FakeProvider, FakeReadableProvider, World, paid_order


@pytest.fixture
def listing(world: World) -> World:
    """Return a world whose provider lists all of its documents."""
    world.provider.lists_documents, world.provider.guarantee = True, IssueGuarantee.SEARCHABLE
    return world


def _compare(world: World) -> None:
    db.session.rollback()
    db.session.execute(update(Account).values(compared_at=None))
    db.session.execute(
        update(Document).values(issued_at=now() - timedelta(hours=2)).where(Document.number != "")
    )
    db.session.commit()
    db.session.expire_all()
    assert audit.audit_due_account() == 1
    db.session.expire_all()


def _issued(world: World, number: str = "1001") -> Document:
    world.pay_order(number)
    world.run_due_work()
    return world.document(number)


def test_when_both_sides_agree_no_alarm_is_raised(listing: World) -> None:
    _issued(listing)
    _compare(listing)
    row = listing.document()
    assert (row.state, row.alarm) == ("issued", "")
    assert row.provider_state_at is not None


def test_a_document_missing_from_a_backup_is_recorded_and_not_issued_again(
    listing: World,
) -> None:
    number = _issued(listing).number
    db.session.execute(db.delete(FollowUp))
    for table in ("document_payment", "document_warning", "document_line", "attempt", "move", "document"):
        db.session.execute(db.text(f"DELETE FROM {table}"))
    db.session.commit()
    _compare(listing)
    row = listing.document()
    assert (row.state, row.number, row.settled_by, row.kind) == ("issued", number, "search", "FR")
    listing.receive_webhook("1001", more="again")
    listing.run_due_work()
    assert len(listing.provider.ledger) == 1


@pytest.mark.parametrize("state", ["pending", "blocked", "waiting", "void", "in_doubt", "review"])
def test_a_document_that_we_know_as_not_issued_is_recorded(listing: World, state: str) -> None:
    _issued(listing)
    db.session.execute(update(Document).values(state=state, number=None, provider_id="", issued_at=None))
    db.session.execute(db.text("DELETE FROM document_line"))
    db.session.commit()
    _compare(listing)
    row = listing.document()
    assert (row.state, row.number, len(listing.provider.ledger)) == ("issued", "FR 2026FR/1", 1)


@pytest.mark.parametrize("stated", [Decimal("12.30"), None])
def test_a_document_found_before_its_order_was_read_raises_no_false_alarm(
    listing: World, monkeypatch: pytest.MonkeyPatch, stated: Decimal | None
) -> None:
    reference = _issued(listing).reference
    _, issued = next(iter(listing.provider.listed_documents()))
    found = [(reference, replace(issued, total=stated))]
    monkeypatch.setattr(listing.provider, "listed_documents", lambda: found)
    for table in (
        "document_payment",
        "document_warning",
        "document_line",
        "attempt",
        "move",
        "follow_up",
        "document",
    ):
        db.session.execute(db.text(f"DELETE FROM {table}"))
    Document.create_if_absent(listing.store, "1001", SALE)
    db.session.commit()
    _compare(listing)
    listing.receive_webhook("1001", more="again")
    listing.run_due_work()
    assert (listing.document().total, listing.document().alarm) == (stated, "")
    listing.cancel_order(more="given up")
    listing.run_due_work()
    assert listing.document().alarm == "cancelled-after"
    listing.shop.orders["1001"] = paid_order("1001")
    listing.receive_webhook("1001", more="paid again")
    listing.run_due_work()
    assert len(listing.provider.ledger) == 1
    assert listing.document().alarm == ("" if stated else "paid-again")


def test_a_second_document_of_one_order_raises_the_alarm_once(listing: World) -> None:
    row = _issued(listing)
    reference, draft = listing.provider.ledger[0]
    listing.provider.record_document(draft, reference)
    _compare(listing)
    row = listing.document()
    assert (row.alarm, row.alarm_detail["number"]) == ("duplicate", "FR 2026FR/2")
    row.alarm = ""
    db.session.commit()
    _compare(listing)
    assert listing.document().alarm == ""


def test_a_document_annulled_at_the_provider_is_flagged_and_notified_once(
    listing: World,
) -> None:
    _issued(listing)
    listing.provider.provider_states["FR 2026FR/1"] = "annulled"
    _compare(listing)
    row = listing.document()
    assert (row.state, row.alarm, row.provider_state) == ("issued", "annulled", "annulled")
    assert db.session.scalar(db.select(FollowUp).where(FollowUp.kind == "notice")) is not None
    row.alarm = ""
    db.session.commit()
    _compare(listing)
    assert listing.document().alarm == ""


def test_a_document_gone_from_the_provider_is_flagged(listing: World) -> None:
    _issued(listing)
    listing.provider.deleted_numbers.add("FR 2026FR/1")
    _compare(listing)
    assert listing.document().alarm == "gone"


def test_a_document_that_was_sent_before_the_list_begins_is_not_missed(listing: World) -> None:
    _issued(listing)
    listing.provider.deleted_numbers.add("FR 2026FR/1")
    db.session.execute(update(Attempt).values(started_at=now() - timedelta(days=31)))
    db.session.commit()
    _compare(listing)
    assert listing.document().alarm == ""


def test_a_document_issued_just_now_may_be_missing_from_the_list(listing: World) -> None:
    _issued(listing)
    listing.provider.deleted_numbers.add("FR 2026FR/1")
    assert audit.audit_due_account() == 1
    assert listing.document().alarm == ""


def test_documents_of_others_are_left_alone(listing: World) -> None:
    row = _issued(listing)
    _, draft = listing.provider.ledger[0]
    for reference in ("QI-99-1001", "QI-1x-7", "another program", f"QI-{row.store_id}-1002-strange"):
        listing.provider.record_document(draft, reference)
    _compare(listing)
    assert db.session.scalar(db.select(db.func.count(Document.id))) == 1


def test_an_account_is_audited_daily_and_again_within_the_hour_after_a_failure(
    listing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audit.audit_due_account() == 1
    assert audit.audit_due_account() == 0

    def down(*_: object) -> None:
        raise UnreachableError("unreachable")

    monkeypatch.setattr(FakeProvider, "list_by_reference_prefix", down)
    _compare(listing)
    account = db.session.get_one(Account, listing.account.id)
    assert account.compared_at is not None and account.compared_at < now() - timedelta(hours=22)


def test_a_provider_that_can_neither_list_nor_read_is_not_asked(world: World) -> None:
    _issued(world)
    _compare(world)
    assert (world.document().alarm, world.document().provider_state_at) == ("", None)


# Documents read one by one, and when their page is opened


@pytest.fixture
def reading(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(PROVIDERS, "fakebooks", FakeReadableProvider)
    return world


def test_where_there_is_no_list_documents_are_read_one_by_one(reading: World) -> None:
    _issued(reading, "1001")
    _issued(reading, "1002")
    reading.provider.provider_states["FR 2026FR/1"] = "paid"
    reading.provider.deleted_numbers.add("FR 2026FR/2")
    _compare(reading)
    assert (reading.document("1001").provider_state, reading.document("1001").alarm) == ("paid", "")
    assert reading.document("1002").alarm == "gone"


def test_opening_a_document_asks_for_its_state_but_not_at_every_click(reading: World) -> None:
    row = _issued(reading)
    reading.provider.provider_states["FR 2026FR/1"] = "annulled"
    assert audit.request_state_refresh(row) is True
    reading.run_due_work()
    assert reading.document().alarm == "annulled"
    assert audit.request_state_refresh(reading.document()) is False
    assert reading.shop.calls.count("read") == 1


def test_opening_a_document_asks_nothing_of_a_provider_that_cannot_read(world: World) -> None:
    assert audit.request_state_refresh(_issued(world)) is False


def test_a_provider_that_does_not_answer_changes_nothing(
    reading: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = _issued(reading)

    def down(*_: object) -> None:
        raise UnreachableError("unreachable")

    monkeypatch.setattr(FakeReadableProvider, "read_document", down)
    assert audit.request_state_refresh(row) is True
    reading.run_due_work()
    assert (reading.document().state, reading.document().alarm) == ("issued", "")
