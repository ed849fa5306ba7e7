"""What the order shows of its documents, on platforms that keep files, one document, or a transport code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shopapp.documents import merchant_actions
from shopapp.documents.followups import document_url
from shopapp.errors import UnreachableError
from shopapp.fiscal.document import Draft, Issued
from shopapp.models import Document, FollowUp, db, now
from tests.fakes import FakePlatform, FakeProvider, World


@pytest.fixture
def one_place(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose platform has room for one document on an order, and keeps files."""
    monkeypatch.setattr(FakePlatform, "shows_every_document", False)
    monkeypatch.setattr(FakePlatform, "stores_files", True)
    series = {"FR": "2026FR", "NC": "2026NC"}
    world.account.settings = {**world.account.settings, "series": series}
    db.session.commit()
    return world


def _issued_with(world: World, **changes: Any) -> None:
    """Have the provider's next document differ in this."""

    def answer(draft: Draft, reference: str) -> Issued:
        return replace(world.provider.record_document(draft, reference), **changes)

    world.provider.planned_issues.append(answer)


def test_the_file_is_given_where_the_provider_has_no_public_link(one_place: World) -> None:
    _issued_with(one_place, pdf_url="")
    one_place.pay_order("1001")
    one_place.pay_order("1002")
    one_place.run_due_work()
    (with_file,), (with_link,) = one_place.shop.attachments["1001"], one_place.shop.attachments["1002"]
    assert with_file.pdf.startswith(b"%PDF") and with_link.pdf == b""
    assert with_link.url == document_url(one_place.document("1002"))


def test_no_file_is_fetched_for_a_platform_that_keeps_none(world: World) -> None:
    _issued_with(world, pdf_url="")
    world.pay_order()
    world.run_due_work()
    assert world.shop.attachments["1001"][0].pdf == b""


def test_the_link_is_shown_while_the_file_cannot_be_read(
    one_place: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any) -> bytes:
        raise UnreachableError("unreachable")

    monkeypatch.setattr(FakeProvider, "pdf", refuses)
    _issued_with(one_place, pdf_url="")
    one_place.pay_order()
    one_place.run_due_work()
    (shown,) = one_place.shop.attachments["1001"]
    assert (shown.pdf, shown.url) == (b"", document_url(one_place.document()))


def test_a_credit_note_without_a_place_of_its_own_is_said_in_the_history_with_its_link(
    one_place: World,
) -> None:
    one_place.pay_order()
    one_place.run_due_work()
    merchant_actions.credit_document(one_place.document(), 1, {"reason": "Devolução"})
    one_place.run_due_work()
    note = Document.query.filter_by(kind="NC").one()
    assert [shown.kind for shown in one_place.shop.attachments["1001"]] == ["FR"]
    said = [text for order, text in one_place.shop.notes if order == "1001"]
    assert said == [
        f"Quick Invoice: {one_place.document().number} (12,30 €)",
        f"Quick Invoice: {note.number} (12,30 €) {document_url(note)}",
    ]


def test_the_invoice_that_is_issued_again_takes_the_place_of_the_credited_one(one_place: World) -> None:
    one_place.pay_order()
    one_place.run_due_work()
    merchant_actions.credit_document(one_place.document(), 1, {"reason": "NIF"}, {"tax_id": "123456789"})
    one_place.run_due_work()
    again = Document.query.filter_by(cause="reissue:1").one()
    assert one_place.shop.attachments["1001"][-1].number == again.number


def test_the_transport_code_is_written_on_the_order_once_the_provider_tells_it(world: World) -> None:
    _issued_with(world, at_code="88123456789")
    world.pay_order("1001")
    world.pay_order("1002")
    world.run_due_work()
    assert world.shop.transport_codes == {"1001": "88123456789"}
    assert FollowUp.query.filter_by(kind="at-code").one().state == "done"


def test_two_workers_never_write_on_one_order_at_once_where_all_is_one_text(one_place: World) -> None:
    one_place.pay_order()
    one_place.shop.errors["attach"] = [UnreachableError("unreachable")]
    one_place.run_due_work()
    attach = FollowUp.query.filter_by(kind="attach").one()
    # as if another worker had just taken it and the history were to be written again
    db.session.execute(db.update(FollowUp).values(state="due", takes=0, not_before=now()))
    attach.takes, attach.not_before = 1, now() + timedelta(seconds=50)
    db.session.commit()
    one_place.shop.calls.clear()
    one_place.run_due_work()
    db.session.expire_all()
    waiting = FollowUp.query.filter_by(kind="history").one()
    assert (waiting.state, waiting.reason, "note" in one_place.shop.calls) == ("due", "order-busy", False)
