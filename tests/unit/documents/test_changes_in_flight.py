"""What a worker has in hand while the order of an unpaid sale is cancelled or paid: its draft, note and guide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import current_app

from shopapp.errors import UncertainError, UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.order import Order
from shopapp.jobs import maintenance
from shopapp.models import Document, db
from tests.fakes import FakePlatform
from tests.unit.documents.test_provider_drafts import LOADING, NOTES_AS_DRAFTS, Early, early, note_of

__all__ = ["early"]


def cancel(early: Early) -> None:
    """Cancel the order in another worker, which does all that is due with a session of its own."""
    db.session.commit()
    with current_app.app_context():
        early.edited(event="order_canceled", status="cancelled")


def while_note_is_read(early: Early, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Have another worker act while the worker that holds the note has just read its order as open."""
    real, acted = FakePlatform.read_order, []

    def read(self: FakePlatform, order_id: str) -> Order:
        order = real(self, order_id)
        note = note_of(early)
        if note is not None and note.state == "pending" and note.lease_until and not acted:
            acted.append(True)
            act(early)
        return order

    monkeypatch.setattr(FakePlatform, "read_order", read)


@pytest.mark.parametrize("kept_as_draft", [True, False])
def test_a_note_whose_order_is_cancelled_while_it_is_read_is_void(
    early: Early, monkeypatch: pytest.MonkeyPatch, kept_as_draft: bool
) -> None:
    NOTES_AS_DRAFTS.extend([True] * kept_as_draft)
    early.choose(notes=True, note_drafts=kept_as_draft)
    while_note_is_read(early, monkeypatch, cancel)
    early.placed()
    early.follow()
    note = note_of(early)
    assert note is not None and (note.state, note.reason) == ("void", "cancelled")
    assert (early.kept(), early.provider.ledger) == ([], [])


def test_a_note_kept_as_draft_whose_order_is_cancelled_while_it_is_created_is_deleted(early: Early) -> None:
    NOTES_AS_DRAFTS.append(True)
    early.choose(drafts=False, notes=True, note_drafts=True)
    early.provider.planned_drafts.append(lambda draft, reference: cancel(early))
    early.placed()
    early.follow()
    note = note_of(early)
    assert note is not None and (note.state, note.draft_id) == ("void", None)
    assert early.kept() == []


def test_a_note_whose_order_is_cancelled_while_it_is_issued_is_flagged(early: Early) -> None:
    early.choose(drafts=False, notes=True)
    early.provider.planned_issues.append(lambda draft, reference: cancel(early))
    early.placed()
    maintenance.flag_cancelled()
    note = note_of(early)
    assert note is not None and (note.state, note.alarm) == ("issued", "note-cancelled")


def doubt_then(early: Early, act: Any) -> None:
    def lost(draft: Draft, reference: str) -> Issued:
        raise UncertainError("outcome-unknown", how="cut")

    early.provider.planned_issues.append(lost)
    early.placed()
    assert note_of(early).state == "in_doubt"  # type: ignore[union-attr]
    act(early)
    note = note_of(early)
    assert note is not None
    note.not_before = note.doubted_at
    db.session.commit()
    early.run_due_work()


@pytest.mark.parametrize("act", [cancel, Early.now_paid])
def test_the_draft_of_a_note_in_doubt_is_not_finalised_once_it_is_not_needed(early: Early, act: Any) -> None:
    NOTES_AS_DRAFTS.append(True)
    early.choose(drafts=False, notes=True)
    doubt_then(early, act)
    early.follow()
    note = note_of(early)
    assert note is not None and (note.state, note.draft_id) == ("void", None)
    assert "NE" not in [draft.kind for _, draft in early.provider.ledger]
    assert early.kept() == []


def guide_that_waits(early: Early) -> Document:
    """Issue the sale's document, and have the provider not answer for its transport guide."""

    def silent(draft: Draft, reference: str) -> None:
        raise UnreachableError("unreachable")

    early.choose(drafts=False, guide=True, transport=True, loading=LOADING, kind="FS")
    early.provider.planned_drafts.extend([lambda draft, reference: None, silent])
    early.pay_order()
    early.run_due_work()
    guide = guide_of(early)
    assert guide.state == "pending"
    return guide


def guide_of(early: Early) -> Document:
    db.session.expire_all()
    guide = Document.find(early.store.id, "1001", "transport")
    assert guide is not None
    return guide


def test_the_guide_of_an_order_cancelled_meanwhile_is_void_until_it_is_paid_again(early: Early) -> None:
    guide_that_waits(early)
    cancel(early)
    assert (guide_of(early).state, guide_of(early).reason) == ("void", "cancelled")
    early.now_paid()
    assert guide_of(early).state == "issued"
    assert [draft.kind for _, draft in early.provider.ledger] == ["FS", "GT"]


def test_a_guide_whose_order_is_found_cancelled_is_not_issued(early: Early) -> None:
    guide = guide_that_waits(early)
    early.shop.orders["1001"] = replace(early.shop.orders["1001"], status="cancelled")
    guide.not_before = None
    db.session.commit()
    early.run_due_work()
    assert (guide_of(early).state, guide_of(early).reason) == ("void", "cancelled")
