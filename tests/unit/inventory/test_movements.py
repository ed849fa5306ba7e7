"""The stock movements of a document that moves no stock itself: one for each SKU, made once, under a reference."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shopapp import failpoints
from shopapp.documents import credit_notes, merchant_actions
from shopapp.errors import NotAllowedError, RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.order import OrderLine
from shopapp.inventory import movements
from shopapp.models import Document, FollowUp, StockChange, StockReservation, db
from shopapp.providers.stock import StockMovement
from tests.fakes import FakeClock, World


@pytest.fixture(autouse=True)
def _disarm_failpoints() -> Any:
    yield
    failpoints.arm("")


@pytest.fixture
def world_with_mug(world: World, clock: FakeClock) -> World:
    """Return a world with ten mugs on both sides, where the provider's documents move no stock."""
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    return world


def pay_order(world: World) -> None:
    world.pay_order("1001")
    for _ in range(3):
        world.run_due_work()


def sent_movements(world: World) -> list[tuple[str, int]]:
    return [
        (move.reference.rpartition("-")[2], int(move.quantity)) for move in world.provider.stock.movements
    ]


def lose_answer(move: StockMovement) -> bool:
    raise UncertainError("outcome-unknown", how="timeout")


def move_and_lose_answer(world: World) -> Callable[[StockMovement], bool]:
    def answer(move: StockMovement) -> bool:
        world.provider.stock.record_movement(world.provider.article_by_code(move.code), move)
        return lose_answer(move)

    return answer


def stock_followup(world: World) -> FollowUp:
    db.session.rollback()
    db.session.expire_all()
    return FollowUp.query.filter_by(kind="stock").order_by(FollowUp.id.desc()).first()


def reserved(world: World) -> dict[str, dict[str, Decimal]]:
    return StockReservation.reserved_quantities(world.store.id, ["CAN-1", "LIV-1"])


def test_each_sku_of_a_document_is_moved_once_under_its_reference(
    world_with_mug: World, clock: FakeClock
) -> None:
    world_with_mug.add_synced_product("LIV-1", 5, 5)
    world_with_mug.run_full_sync(clock)
    lines = tuple(
        OrderLine(ref=str(at), description="Artigo", quantity=Decimal(pieces), unit_price=Decimal("12.30"), sku=sku,
             charged=Decimal(23))
        for at, (sku, pieces) in enumerate([("LIV-1", 1), ("CAN-1", 2), ("LIV-1", 1)], 1)
    )  # fmt: skip
    world_with_mug.pay_order("1001", lines=lines, total=Decimal("49.20"))
    world_with_mug.run_until_idle(clock)
    assert sent_movements(world_with_mug) == [("S1", -2), ("S2", -2)]
    assert world_with_mug.document("1001").reference in world_with_mug.provider.stock.movements[0].reference
    assert (world_with_mug.stock_levels("CAN-1"), world_with_mug.stock_levels("LIV-1")) == ((8, 8), (3, 3))
    assert [row[4:] for row in world_with_mug.stock_changes()] == [("sale", "done")] * 2


def test_pieces_not_moved_yet_stay_reserved(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.provider.stock.planned_movements = [lose_answer]
    pay_order(world_with_mug)
    assert world_with_mug.document("1001").state == "issued"
    assert reserved(world_with_mug) == {"CAN-1": {"1001": Decimal(1)}}
    world_with_mug.run_until_idle(clock)
    assert (reserved(world_with_mug), world_with_mug.stock_levels("CAN-1")) == ({}, (9, 9))


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "never-arrived"])
def test_after_a_lost_answer_the_movement_is_looked_up_before_it_is_sent_again(
    world_with_mug: World, clock: FakeClock, arrived: bool
) -> None:
    world_with_mug.provider.stock.planned_movements = [
        move_and_lose_answer(world_with_mug) if arrived else lose_answer
    ]
    pay_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    clock.advance(3600)
    world_with_mug.run_until_idle(clock)
    assert (sent_movements(world_with_mug), world_with_mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))
    assert stock_followup(world_with_mug).state == "done"


def test_a_movement_that_cannot_be_looked_up_is_never_sent_again(
    world_with_mug: World, clock: FakeClock
) -> None:
    world_with_mug.provider.stock.finds_movements = False
    world_with_mug.provider.stock.planned_movements = [move_and_lose_answer(world_with_mug)]
    pay_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    clock.advance(3600)
    world_with_mug.run_until_idle(clock)
    assert (sent_movements(world_with_mug), world_with_mug.stock_changes()[0][-1]) == ([("S1", -1)], "unsure")


@pytest.mark.parametrize("point", ["stock_before_send", "stock_after_send", "follow_after_send"])
def test_a_worker_that_dies_neither_loses_nor_repeats_a_movement(
    world_with_mug: World, clock: FakeClock, point: str
) -> None:
    failpoints.arm(f"{point}=raise")
    pay_order(world_with_mug)
    for _ in range(4):
        world_with_mug.run_until_idle(clock)
        clock.advance(400)
    world_with_mug.run_until_idle(clock)
    assert (sent_movements(world_with_mug), world_with_mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))


def test_a_worker_that_was_frozen_sends_nothing_and_another_may(
    world_with_mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as frozen:
        frozen.setattr(movements, "is_too_late_to_send", lambda claimed_at: True)
        pay_order(world_with_mug)
    assert sent_movements(world_with_mug) == []
    change = StockChange.query.one()
    assert (change.state, change.sent_at) == ("planned", None)
    world_with_mug.run_until_idle(clock)
    assert (sent_movements(world_with_mug), world_with_mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))


def test_only_one_of_two_workers_sends_a_movement(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.provider.stock.planned_movements = [
        lambda move: (_ for _ in ()).throw(UnreachableError("unreachable"))
    ]  # type: ignore[list-item]
    pay_order(world_with_mug)
    change = StockChange.query.one()
    stale = change.sent_at
    assert change.claim()
    change.sent_at = stale
    db.session.expunge(change)
    assert not change.claim()


def test_after_a_refused_movement_the_sold_pieces_stay_reserved(
    world_with_mug: World, clock: FakeClock
) -> None:
    def refuse(move: StockMovement) -> bool:
        raise RefusedError("stock-refused", answer="Fechado.")

    world_with_mug.provider.stock.planned_movements = [refuse]
    pay_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    assert (stock_followup(world_with_mug).state, stock_followup(world_with_mug).reason) == (
        "failed",
        "stock-refused",
    )
    assert reserved(world_with_mug) == {"CAN-1": {"1001": Decimal(1)}}
    assert world_with_mug.stock_levels("CAN-1") == (9, 10)


def test_of_a_partly_moved_document_only_the_rest_stays_reserved(
    world_with_mug: World, clock: FakeClock
) -> None:
    world_with_mug.add_synced_product("LIV-1", 5, 5)
    world_with_mug.run_full_sync(clock)

    def refuse(move: StockMovement) -> bool:
        if move.code == "LIV-1":
            raise RefusedError("stock-refused", answer="Fechado.")
        return True

    world_with_mug.provider.stock.planned_movements = [refuse, refuse]
    one = OrderLine(ref="1", description="Caneca", quantity=Decimal(1), unit_price=Decimal("12.30"), sku="CAN-1",
               charged=Decimal(23))  # fmt: skip
    world_with_mug.pay_order(
        "1001", lines=(one, OrderLine(**{**_fields(one), "ref": "2", "sku": "LIV-1"})), total=Decimal("24.60")
    )
    world_with_mug.run_until_idle(clock)
    assert reserved(world_with_mug) == {"LIV-1": {"1001": Decimal(1)}}
    assert (world_with_mug.stock_levels("CAN-1"), world_with_mug.stock_levels("LIV-1")) == ((9, 9), (4, 5))


def _fields(line: OrderLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in OrderLine.__dataclass_fields__}


def test_a_credit_note_brings_the_stock_back(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.account.settings = {
        **world_with_mug.account.settings,
        "series": {"FR": "2026FR", "NC": "2026NC"},
    }
    pay_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    row = world_with_mug.document("1001")
    merchant_actions.credit_document(
        row, credit_notes.next_cause_number(row, "credit"), {"reason": "Devolução"}
    )
    world_with_mug.run_until_idle(clock)
    assert [quantity for _, quantity in sent_movements(world_with_mug)] == [-1, 1]
    assert world_with_mug.stock_levels("CAN-1") == (10, 10)


@pytest.fixture
def two_mugs_sold(world_with_mug: World, clock: FakeClock) -> World:
    """Return the world after two mugs at 10.00 were sold: eight are left."""
    series = {"series": {"FR": "2026FR", "NC": "2026NC"}}
    world_with_mug.account.settings = {**world_with_mug.account.settings, **series}
    mugs = OrderLine("1", "Caneca", Decimal(2), Decimal("10.00"), sku="CAN-1", charged=Decimal(23))
    world_with_mug.pay_order("1001", lines=(mugs,), total=Decimal("20.00"))
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.stock_levels("CAN-1") == (8, 8)
    return world_with_mug


def credit(world: World, clock: FakeClock, **request: Any) -> None:
    row = world.document("1001")
    number = credit_notes.next_cause_number(row, "credit")
    merchant_actions.credit_document(row, number, {"reason": "Devolução", **request})
    world.run_until_idle(clock)


def return_pieces(world: World, clock: FakeClock, pieces: int, number: int) -> None:
    merchant_actions.return_pieces(world.document("1001"), number, {"1": Decimal(pieces)})
    world.run_until_idle(clock)


def test_stock_follows_the_pieces_that_came_back_and_never_the_money(
    two_mugs_sold: World, clock: FakeClock
) -> None:
    levels = []
    for request in ({"amount": "3.00"}, {"lines": [["1", "1", ""]]}, {"lines": [["1", "1", ""]]}):
        credit(two_mugs_sold, clock, **request)
        levels.append(two_mugs_sold.stock_levels("CAN-1"))
    assert levels == [(8, 8), (9, 9), (10, 10)]
    assert [draft.gross for _, draft in two_mugs_sold.provider.ledger] == [
        Decimal("20.00"), Decimal("3.00"), Decimal("8.50"), Decimal("8.50"),
    ]  # fmt: skip


def test_a_piece_returned_for_less_than_its_price_is_put_back(two_mugs_sold: World, clock: FakeClock) -> None:
    credit(two_mugs_sold, clock, lines=[["1", "1", ""]], amount="6.00")
    assert two_mugs_sold.stock_levels("CAN-1") == (9, 9)


@pytest.mark.parametrize("unstocked", [["1"], True])
def test_broken_pieces_are_credited_and_not_put_back(
    two_mugs_sold: World, clock: FakeClock, unstocked: Any
) -> None:
    request = {"lines": [["1", "2", ""]]} if unstocked is not True else {}
    credit(two_mugs_sold, clock, **request, unstocked=unstocked)
    assert two_mugs_sold.stock_levels("CAN-1") == (8, 8)
    assert two_mugs_sold.provider.ledger[1][1].gross == Decimal("20.00")


def test_pieces_that_came_back_without_money_are_put_back_once(
    two_mugs_sold: World, clock: FakeClock
) -> None:
    return_pieces(two_mugs_sold, clock, 1, number=1)
    assert sent_movements(two_mugs_sold)[-1] == ("1", 1) and two_mugs_sold.stock_levels("CAN-1") == (9, 9)
    with pytest.raises(merchant_actions.StateConflictError):
        return_pieces(two_mugs_sold, clock, 1, number=1)
    with pytest.raises(NotAllowedError) as refused:
        return_pieces(two_mugs_sold, clock, 2, number=2)
    assert refused.value.code == "credit-pieces"
    assert [draft.kind for _, draft in two_mugs_sold.provider.ledger] == ["FR"]


def test_money_for_a_piece_that_came_back_before_does_not_put_it_back_again(
    two_mugs_sold: World, clock: FakeClock
) -> None:
    return_pieces(two_mugs_sold, clock, 1, number=1)
    credit(two_mugs_sold, clock)
    assert two_mugs_sold.stock_levels("CAN-1") == (10, 10)
    assert two_mugs_sold.provider.ledger[1][1].gross == Decimal("20.00")


def test_a_fraction_of_a_piece_that_an_earlier_release_credited_moves_no_stock(
    two_mugs_sold: World, clock: FakeClock
) -> None:
    credit(two_mugs_sold, clock, lines=[["1", "1", ""]])
    note = Document.find(two_mugs_sold.store.id, "1001", "credit:1")
    assert note is not None and movements.moved_quantities(note) == {"CAN-1": Decimal(-1)}
    note.asked_for = {"reason": "Desconto", "amount": "3.00"}
    assert movements.moved_quantities(note) == {}


def test_a_dismissed_order_releases_what_it_reserved(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.account.settings = {**world_with_mug.account.settings, "automatic": False}
    db.session.commit()
    pay_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.stock_levels("CAN-1") == (9, 10)
    merchant_actions.dismiss_document(world_with_mug.document("1001"), "FT 1/1")
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.stock_levels("CAN-1") == (10, 10)
