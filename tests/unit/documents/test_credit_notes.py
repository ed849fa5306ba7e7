"""Credit notes credit issued lines, never more than is left, and once per request; the sale may be issued again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shopapp.documents import credit_notes, merchant_actions, prepare
from shopapp.errors import NotAllowedError
from shopapp.models import Document, db
from tests.fakes import World

WHOLE: dict[str, Any] = {"reason": "Devolução do cliente"}


def _issued(world: World, **changes: Any) -> Document:
    world.account.settings = {**world.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}}
    db.session.commit()
    world.pay_order("1001", **changes)
    world.run_due_work()
    return world.document()


def _note(world: World, number: int = 1) -> Document:
    db.session.expire_all()
    found = Document.find(world.store.id, "1001", f"credit:{number}")
    assert found is not None
    return found


def test_the_whole_document_is_credited_once(world: World) -> None:
    document = _issued(world)
    merchant_actions.credit_document(document, 1, WHOLE)
    world.run_due_work()
    note = _note(world)
    assert (note.state, note.kind, note.total) == ("issued", "NC", Decimal("12.30"))
    draft = world.provider.ledger[1][1]
    assert [(one.number, one.reason) for one in draft.references] == [("FR 2026FR/1", "Devolução do cliente")]
    assert draft.customer == world.provider.ledger[0][1].customer
    assert [shown.kind for shown in world.shop.attachments["1001"]] == ["FR", "NC"]


def test_the_same_credit_request_sent_twice_makes_one_note(world: World) -> None:
    document = _issued(world)
    merchant_actions.credit_document(document, 1, WHOLE)
    world.run_due_work()
    with pytest.raises((merchant_actions.StateConflictError, NotAllowedError)):
        merchant_actions.credit_document(world.document(), 1, WHOLE)
    world.run_due_work()
    assert len(world.provider.ledger) == 2


def test_never_more_is_credited_than_is_left(world: World) -> None:
    document = _issued(world)
    merchant_actions.credit_document(document, 1, {"amount": "10.00"})
    world.run_due_work()
    assert _note(world).total == Decimal("10.00")
    assert credit_notes.creditable_amount(world.document()) == Decimal("2.30")
    with pytest.raises(NotAllowedError) as refused:
        merchant_actions.credit_document(world.document(), 2, {"amount": "2.31"})
    assert refused.value.code == "credit-exceeds"
    merchant_actions.credit_document(world.document(), 2, {})
    world.run_due_work()
    assert _note(world, 2).total == Decimal("2.30")
    with pytest.raises(NotAllowedError):
        merchant_actions.credit_document(world.document(), 3, {"amount": "0.01"})


def test_one_line_is_credited_by_quantity(world: World) -> None:
    from shopapp.fiscal.order import OrderLine

    lines = (
        OrderLine("1", "Caneca", Decimal(3), Decimal("12.30"), sku="CAN-1", charged=Decimal(23)),
        OrderLine("2", "Livro", Decimal(1), Decimal("10.60"), sku="LIV-1", charged=Decimal(6)),
    )
    document = _issued(world, lines=lines, total=Decimal("47.50"))
    merchant_actions.credit_document(document, 1, {"lines": [["1", "2", ""]]})
    world.run_due_work()
    note = _note(world)
    assert (note.total, [(line.sku, line.quantity) for line in note.lines]) == (
        Decimal("24.60"),
        [("CAN-1", Decimal(2))],
    )


def test_a_second_credit_waits_until_the_first_is_settled(world: World) -> None:
    document = _issued(world)
    merchant_actions.credit_document(document, 1, {"amount": "1.00"})
    with pytest.raises(NotAllowedError) as refused:
        merchant_actions.credit_document(world.document(), 2, {"amount": "1.00"})
    assert refused.value.code == "credit-open"


def test_a_dismissed_credit_note_is_not_resumed_while_another_is_open(world: World) -> None:
    document = _issued(world)
    merchant_actions.credit_document(document, 1, {"amount": "9.00"})
    merchant_actions.dismiss_document(_note(world))
    merchant_actions.credit_document(world.document(), 2, {"amount": "9.00"})
    with pytest.raises(NotAllowedError) as refused:
        merchant_actions.request_issue(_note(world))
    db.session.rollback()
    assert (refused.value.code, _note(world).state) == ("credit-open", "void")

    world.run_due_work()
    merchant_actions.request_issue(_note(world))
    world.run_due_work()
    assert (_note(world).state, _note(world).reason) == ("blocked", "credit-exceeds")
    assert [draft.gross for _, draft in world.provider.ledger] == [Decimal("12.30"), Decimal("9.00")]


def test_a_wrong_nif_is_credited_and_the_sale_issued_again(world: World) -> None:
    document = _issued(world)
    merchant_actions.credit_document(document, 1, WHOLE, reissue_corrections={"tax_id": "123456789"})
    world.run_due_work()
    again = Document.find(world.store.id, "1001", "reissue:1")
    assert again is not None and again.state == "issued"
    assert [draft.kind for _, draft in world.provider.ledger] == ["FR", "NC", "FR"]
    assert world.provider.ledger[2][1].customer.tax_id == "123456789"
    assert world.provider.ledger[2][1].gross == world.provider.ledger[0][1].gross
    assert len(set(world.issued_references())) == 3


def test_nothing_is_issued_again_after_a_part_was_credited(world: World) -> None:
    document = _issued(world)
    with pytest.raises(NotAllowedError) as refused:
        merchant_actions.credit_document(
            document, 1, {"amount": "1.00"}, reissue_corrections={"tax_id": "123456789"}
        )
    assert refused.value.code == "credit-not-whole"


def test_a_credit_whose_answer_is_lost_waits_for_a_person_and_is_not_repeated(world: World) -> None:
    from shopapp.errors import UncertainError

    document = _issued(world)

    def lost(draft: Any, reference: str) -> None:
        world.provider.record_document(draft, reference)
        raise UncertainError("outcome-unknown", how="timeout")

    world.provider.planned_issues = [lost]
    merchant_actions.credit_document(document, 1, WHOLE, reissue_corrections={"tax_id": "123456789"})
    world.run_due_work()
    assert (_note(world).state, len(world.provider.ledger)) == ("review", 2)
    merchant_actions.confirm_issued(_note(world), "NC 2026NC/2", Decimal("12.30"), "JFX4RT2K-2")
    world.run_due_work()
    assert [draft.kind for _, draft in world.provider.ledger] == ["FR", "NC", "FR"]


def test_a_cancelled_order_is_credited_automatically_if_chosen(world: World) -> None:
    world.account.settings = {**world.account.settings, "credit_cancelled": True}
    document = _issued(world)
    for _ in range(2):
        world.cancel_order()
        world.run_due_work()
    assert [draft.kind for _, draft in world.provider.ledger] == ["FR", "NC"]
    assert (document.alarm, _note(world).state) == ("", "issued")


def test_a_credit_note_answers_the_alarm_of_a_cancelled_order(world: World) -> None:
    _issued(world)
    world.cancel_order()
    world.run_due_work()
    assert world.document().alarm == "cancelled-after"
    merchant_actions.credit_document(world.document(), 1, {"reason": "Encomenda cancelada"})
    world.run_due_work()
    assert world.document().alarm == ""


def test_a_preview_of_a_credit_writes_nothing(world: World) -> None:
    document = _issued(world)
    draft = prepare.draft_credit_note(document, world.account, {"amount": "5.00"})
    assert draft.gross == Decimal("5.00")
    assert Document.find(world.store.id, "1001", "credit:1") is None
