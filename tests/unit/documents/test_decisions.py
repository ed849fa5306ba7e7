"""A question is asked once: its answer issues the orders that asked it, and can be taken back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shopapp.documents import decisions
from shopapp.documents.merchant_actions import StateConflictError
from shopapp.fiscal.order import OrderLine
from shopapp.models import Decision, Document, db
from tests.fakes import World


def pay_vase(world: World, number: str, sku: str = "VASO") -> None:
    """Pay an order of one vase on which the shop charged 22 % instead of 23 %."""
    line = OrderLine("1", "Vaso", Decimal(1), Decimal("12.20"), sku=sku, charged=Decimal(22))
    world.pay_order(number, lines=(line,), total=Decimal("12.20"))


def blocked(world: World, skus: dict[str, str]) -> list[Document]:
    for number, sku in skus.items():
        pay_vase(world, number, sku)
    world.run_due_work()
    documents = [world.document(number) for number in skus]
    assert {(each.state, each.reason) for each in documents} == {("blocked", "tax-differs")}
    return documents


def test_an_answer_for_all_products_issues_every_order_that_asked_the_same(world: World) -> None:
    first, second = blocked(world, {"1001": "VASO", "1002": "JARRO"})
    decisions.answer_question(first, world.account, "22>23", "follow-law")
    world.run_due_work()
    assert [world.document(number).state for number in ("1001", "1002")] == ["issued", "issued"]
    assert {draft.vat for _, draft in world.provider.ledger} == {Decimal("2.28")}
    pay_vase(world, "1003", "PRATO")
    world.run_due_work()
    assert world.document("1003").state == "issued"


def test_an_answer_for_one_product_leaves_the_others_waiting(world: World) -> None:
    first, _ = blocked(world, {"1001": "VASO", "1002": "JARRO"})
    decisions.answer_question(first, world.account, "22>23 VASO", "follow-law")
    world.run_due_work()
    assert [world.document(number).state for number in ("1001", "1002")] == ["issued", "blocked"]


def test_a_decision_that_was_taken_back_is_asked_again_and_changes_no_document(world: World) -> None:
    (document,) = blocked(world, {"1001": "VASO"})
    decisions.answer_question(document, world.account, "22>23", "follow-law")
    world.run_due_work()
    issued = world.document("1001")
    row = db.session.query(Decision).filter_by(kind="tax-difference").one()
    assert (row.kind, row.subject, row.answer, row.decided_by) == (
        "tax-difference",
        "22>23",
        "follow-law",
        "merchant",
    )
    assert row.document_id == issued.id and row.facts["vat"] == "2.28" and row.decided_at is not None
    assert Decision.revoke(world.account.id, row.id)
    db.session.commit()
    assert not Decision.revoke(world.account.id, row.id)
    db.session.commit()
    blocked(world, {"1002": "VASO"})
    assert world.document("1001").state == "issued" and len(world.provider.ledger) == 1


@pytest.mark.parametrize(
    ("subject", "answer"), [("22>23 JARRO", "follow-law"), ("22>23", "stop"), ("22>23", "")]
)
def test_only_what_the_document_asks_can_be_answered(world: World, subject: str, answer: str) -> None:
    (document,) = blocked(world, {"1001": "VASO"})
    with pytest.raises(StateConflictError):
        decisions.answer_question(document, world.account, subject, answer)
    assert db.session.query(Decision).filter_by(kind="tax-difference").count() == 0
    assert world.document("1001").state == "blocked"


def test_a_new_answer_replaces_the_one_before(world: World) -> None:
    Decision.record(world.account.id, "product-tax", "CAN-1", "M07", "settings")
    Decision.record(world.account.id, "product-tax", "CAN-1", "reduced", "settings")
    db.session.commit()
    assert Decision.in_force(world.account.id).find("product-tax", "CAN-1") == "reduced"
    rows = db.session.query(Decision).filter_by(kind="product-tax").order_by(Decision.id)
    assert [row.revoked_at is None for row in rows] == [False, True]
