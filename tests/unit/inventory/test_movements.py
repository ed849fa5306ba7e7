"""What a document takes off where it moves nothing by itself: one movement for each SKU, under a reference, once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shopapp import failpoints
from shopapp.documents import credit_notes, merchant_actions
from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.order import OrderLine
from shopapp.inventory import movements
from shopapp.models import FollowUp, StockChange, StockReservation, db
from shopapp.providers.stock import StockMovement
from tests.fakes import FakeClock, World


@pytest.fixture(autouse=True)
def _disarmed() -> Any:
    yield
    failpoints.arm("")


@pytest.fixture
def mug(world: World, clock: FakeClock) -> World:
    """Ten mugs on both sides; the program's documents move nothing."""
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    return world


def sold(world: World) -> None:
    world.pay_order("1001")
    for _ in range(3):
        world.run_due_work()


def moved(world: World) -> list[tuple[str, int]]:
    return [
        (move.reference.rpartition("-")[2], int(move.quantity)) for move in world.provider.stock.movements
    ]


def lost(move: StockMovement) -> bool:
    raise UncertainError("outcome-unknown", how="timeout")


def made_and_lost(world: World) -> Callable[[StockMovement], bool]:
    def answer(move: StockMovement) -> bool:
        world.provider.stock.record_movement(world.provider.article_by_code(move.code), move)
        return lost(move)

    return answer


def owed(world: World) -> FollowUp:
    db.session.rollback()
    db.session.expire_all()
    return FollowUp.query.filter_by(kind="stock").order_by(FollowUp.id.desc()).first()


def reserved(world: World) -> dict[str, dict[str, Decimal]]:
    return StockReservation.reserved_quantities(world.store.id, ["CAN-1", "LIV-1"])


def test_each_sku_of_a_document_is_moved_once_under_the_documents_reference(
    mug: World, clock: FakeClock
) -> None:
    mug.add_synced_product("LIV-1", 5, 5)
    mug.run_full_sync(clock)
    lines = tuple(
        OrderLine(ref=str(at), description="Artigo", quantity=Decimal(pieces), unit_price=Decimal("12.30"), sku=sku,
             charged=Decimal(23))
        for at, (sku, pieces) in enumerate([("LIV-1", 1), ("CAN-1", 2), ("LIV-1", 1)], 1)
    )  # fmt: skip
    mug.pay_order("1001", lines=lines, total=Decimal("49.20"))
    mug.run_until_idle(clock)
    assert moved(mug) == [("S1", -2), ("S2", -2)]
    assert mug.document("1001").reference in mug.provider.stock.movements[0].reference
    assert (mug.stock_levels("CAN-1"), mug.stock_levels("LIV-1")) == ((8, 8), (3, 3))
    assert [row[4:] for row in mug.stock_changes()] == [("sale", "done")] * 2


def test_what_is_not_moved_yet_stays_put_aside(mug: World, clock: FakeClock) -> None:
    mug.provider.stock.planned_movements = [lost]
    sold(mug)
    assert mug.document("1001").state == "issued"
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}
    mug.run_until_idle(clock)
    assert (reserved(mug), mug.stock_levels("CAN-1")) == ({}, (9, 9))


@pytest.mark.parametrize("arrived", [True, False], ids=["it-arrived", "it-never-did"])
def test_a_lost_answer_is_asked_after_before_anything_is_sent_again(
    mug: World, clock: FakeClock, arrived: bool
) -> None:
    mug.provider.stock.planned_movements = [made_and_lost(mug) if arrived else lost]
    sold(mug)
    mug.run_until_idle(clock)
    clock.advance(3600)
    mug.run_until_idle(clock)
    assert (moved(mug), mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))
    assert owed(mug).state == "done"


def test_where_it_cannot_be_asked_it_is_never_sent_again(mug: World, clock: FakeClock) -> None:
    mug.provider.stock.finds_movements = False
    mug.provider.stock.planned_movements = [made_and_lost(mug)]
    sold(mug)
    mug.run_until_idle(clock)
    clock.advance(3600)
    mug.run_until_idle(clock)
    assert (moved(mug), mug.stock_changes()[0][-1]) == ([("S1", -1)], "unsure")


@pytest.mark.parametrize("point", ["stock_before_send", "stock_after_send", "follow_after_send"])
def test_a_worker_that_died_over_it_neither_loses_nor_repeats_it(
    mug: World, clock: FakeClock, point: str
) -> None:
    failpoints.arm(f"{point}=raise")
    sold(mug)
    for _ in range(4):
        mug.run_until_idle(clock)
        clock.advance(400)
    mug.run_until_idle(clock)
    assert (moved(mug), mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))


def test_a_worker_that_stood_still_sends_nothing_and_another_may(
    mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as still:
        still.setattr(movements, "is_too_late_to_send", lambda claimed_at: True)
        sold(mug)
    assert moved(mug) == []
    change = StockChange.query.one()
    assert (change.state, change.sent_at) == ("planned", None)
    mug.run_until_idle(clock)
    assert (moved(mug), mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))


def test_only_one_of_two_workers_sends_it(mug: World, clock: FakeClock) -> None:
    mug.provider.stock.planned_movements = [
        lambda move: (_ for _ in ()).throw(UnreachableError("unreachable"))
    ]  # type: ignore[list-item]
    sold(mug)
    change = StockChange.query.one()
    stale = change.sent_at
    assert change.claim()
    change.sent_at = stale
    db.session.expunge(change)
    assert not change.claim()


def test_a_refused_movement_is_shown_and_what_was_sold_stays_put_aside(mug: World, clock: FakeClock) -> None:
    def refused(move: StockMovement) -> bool:
        raise RefusedError("stock-refused", answer="Fechado.")

    mug.provider.stock.planned_movements = [refused]
    sold(mug)
    mug.run_until_idle(clock)
    assert (owed(mug).state, owed(mug).reason) == ("failed", "stock-refused")
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}
    assert mug.stock_levels("CAN-1") == (9, 10)


def test_of_a_document_that_is_moved_in_part_only_the_rest_stays_put_aside(
    mug: World, clock: FakeClock
) -> None:
    mug.add_synced_product("LIV-1", 5, 5)
    mug.run_full_sync(clock)

    def refused(move: StockMovement) -> bool:
        if move.code == "LIV-1":
            raise RefusedError("stock-refused", answer="Fechado.")
        return True

    mug.provider.stock.planned_movements = [refused, refused]
    one = OrderLine(ref="1", description="Caneca", quantity=Decimal(1), unit_price=Decimal("12.30"), sku="CAN-1",
               charged=Decimal(23))  # fmt: skip
    mug.pay_order(
        "1001", lines=(one, OrderLine(**{**_fields(one), "ref": "2", "sku": "LIV-1"})), total=Decimal("24.60")
    )
    mug.run_until_idle(clock)
    assert reserved(mug) == {"LIV-1": {"1001": Decimal(1)}}
    assert (mug.stock_levels("CAN-1"), mug.stock_levels("LIV-1")) == ((9, 9), (4, 5))


def _fields(line: OrderLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in OrderLine.__dataclass_fields__}


def test_a_credit_note_brings_the_goods_back(mug: World, clock: FakeClock) -> None:
    mug.account.settings = {**mug.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}}
    sold(mug)
    mug.run_until_idle(clock)
    row = mug.document("1001")
    merchant_actions.credit_document(
        row, credit_notes.next_cause_number(row, "credit"), {"reason": "Devolução"}
    )
    mug.run_until_idle(clock)
    assert [quantity for _, quantity in moved(mug)] == [-1, 1]
    assert mug.stock_levels("CAN-1") == (10, 10)


def test_a_credit_note_of_money_alone_brings_nothing_back(mug: World, clock: FakeClock) -> None:
    mug.account.settings = {**mug.account.settings, "series": {"FR": "2026FR", "NC": "2026NC"}}
    sold(mug)
    mug.run_until_idle(clock)
    row = mug.document("1001")
    merchant_actions.credit_document(
        row, credit_notes.next_cause_number(row, "credit"), {"reason": "Desconto", "amount": "3.00"}
    )
    mug.run_until_idle(clock)
    assert (moved(mug), mug.stock_levels("CAN-1")) == ([("S1", -1)], (9, 9))


def test_an_order_set_aside_gives_free_what_it_held(mug: World, clock: FakeClock) -> None:
    mug.account.settings = {**mug.account.settings, "automatic": False}
    db.session.commit()
    sold(mug)
    mug.run_until_idle(clock)
    assert mug.stock_levels("CAN-1") == (9, 10)
    merchant_actions.dismiss_document(mug.document("1001"), "FT 1/1")
    mug.run_until_idle(clock)
    assert mug.stock_levels("CAN-1") == (10, 10)
