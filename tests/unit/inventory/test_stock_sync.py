"""One followed SKU: what level it gets, what leaves it alone, and what a lost answer or a death makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shopapp import failpoints
from shopapp.connections import send_window
from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.inventory import stock_runs
from shopapp.models import Article, SyncedSku, db
from shopapp.platforms.base import Location
from shopapp.providers.stock import StockMovement
from tests.fakes import PLATFORM_STATE, FakeClock, World


@pytest.fixture(autouse=True)
def _disarmed() -> Any:
    yield
    failpoints.arm("")


def following(
    world: World, clock: FakeClock, direction: str, ours: int | None = 10, theirs: int = 10
) -> None:
    """One mug that follows, both sides equal or brought there."""
    world.add_synced_product("CAN-1", ours, theirs)
    world.enable_stock_sync(direction)
    world.run_full_sync(clock)


def differs(world: World, theirs: int | str, cause: str = "hook") -> None:
    """The program has another level by now, and the mug is to be looked at."""
    world.provider.stock.set_level(world.provider.article_by_code("CAN-1"), theirs)  # type: ignore[arg-type]
    SyncedSku.mark_due(world.account.id, ["CAN-1"], cause)
    db.session.commit()


def lost(move: StockMovement) -> bool:
    raise UncertainError("outcome-unknown", how="timeout")


def made_and_lost(world: World) -> Callable[[StockMovement], bool]:
    def answer(move: StockMovement) -> bool:
        world.provider.stock.record_movement(world.provider.article_by_code(move.code), move)
        return lost(move)

    return answer


def test_the_shop_is_not_emptied_because_of_an_article_that_we_made_and_nobody_counted(
    world: World, clock: FakeClock
) -> None:
    following(world, clock, "to-shop", theirs=0, ours=0)
    row = db.session.query(Article).one()
    row.state = "made"
    PLATFORM_STATE.stock.set_level("CAN-1", 6)
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    db.session.commit()
    world.run_until_idle(clock)
    assert (world.stock_levels("CAN-1")[0], db.session.query(SyncedSku).one().reason) == (6, "uncounted")
    differs(world, 4)
    world.run_until_idle(clock)
    differs(world, 0)
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1")[0] == 0, "once it was counted it follows, down to none as well"


@pytest.mark.parametrize(("theirs", "ours"), [("7.9", 7), ("-3", 0), ("0", 0)])
def test_the_shop_has_whole_pieces_and_never_less_than_none(
    world: World, clock: FakeClock, theirs: str, ours: int
) -> None:
    following(world, clock, "to-shop")
    differs(world, theirs)
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1")[0] == ours


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"stock": None}, "unlimited"), ({"kind": "service"}, "no-stock"), ({"kind": "giftcard"}, "no-stock")],
)
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_what_keeps_no_stock_is_left_alone(
    world: World, clock: FakeClock, how: dict[str, Any], reason: str, direction: str
) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.shop.stock.edit("CAN-1", **how)
    world.enable_stock_sync(direction)
    world.run_full_sync(clock)
    assert (world.synced_sku("CAN-1").reason, world.stock_changes()) == (reason, [])


def test_a_sku_that_the_shop_has_twice_is_left_alone_until_it_has_it_once(
    world: World, clock: FakeClock
) -> None:
    world.shop.stock.page_size = 1
    world.add_synced_product("CAN-1", 3, 10)
    twin = world.shop.stock.add_item("CAN-1", 5)
    world.enable_stock_sync("to-shop")
    world.receive_product_webhook("CAN-1")
    world.run_full_sync(clock)
    assert (world.synced_sku("CAN-1").reason, world.stock_changes()) == ("duplicate", [])
    del world.shop.stock.items[twin.product_id, ""]
    world.run_full_sync(clock)
    assert world.stock_levels("CAN-1") == (10, 10)


def test_stock_that_is_counted_again_follows_again(world: World, clock: FakeClock) -> None:
    following(world, clock, "to-shop")
    world.shop.stock.edit("CAN-1", stock=None)
    differs(world, 7)
    world.run_until_idle(clock)
    assert world.synced_sku("CAN-1").reason == "unlimited"
    world.shop.stock.edit("CAN-1", stock=10)
    world.receive_product_webhook("CAN-1")
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (7, 7)


def test_a_renamed_article_does_not_empty_the_shop(world: World, clock: FakeClock) -> None:
    following(world, clock, "to-shop")
    (number, mug) = next(iter(world.provider.articles.items()))
    world.provider.articles[number] = replace(mug, code="CANECA")
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_until_idle(clock)
    assert world.shop.stock.writes == []
    assert Article.find_by_sku(world.account.id, ["CAN-1"])["CAN-1"].code == "CANECA"
    world.provider.stock.set_level(mug, 6)
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_until_idle(clock)
    assert world.shop.stock.level("CAN-1") == 6


def test_an_article_that_is_gone_does_not_empty_the_shop(world: World, clock: FakeClock) -> None:
    following(world, clock, "to-shop")
    world.provider.articles.clear()
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_until_idle(clock)
    assert (world.synced_sku("CAN-1").reason, world.shop.stock.writes) == ("no-article", [])


@pytest.mark.parametrize("verb", ["levels", "articles"])
def test_a_failed_look_up_is_no_absence(world: World, clock: FakeClock, verb: str) -> None:
    following(world, clock, "to-shop")
    world.provider.stock.quantities.clear()
    world.provider.errors[verb] = [UnreachableError("unreachable")]
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_due_work()
    assert world.shop.stock.writes == []
    assert world.synced_sku("CAN-1").due_at is not None
    world.run_until_idle(clock)
    assert world.shop.stock.level("CAN-1") == 0


def test_one_that_fails_holds_up_no_other(world: World, clock: FakeClock) -> None:
    following(world, clock, "to-shop")
    world.add_synced_product("LIV-1", 3, 8)
    differs(world, 7)
    world.shop.errors["set_stock"] = [UncertainError("outcome-unknown", how="500")]
    world.run_full_sync(clock)
    assert (world.stock_levels("CAN-1"), world.stock_levels("LIV-1")) == ((7, 7), (8, 8))


@pytest.mark.parametrize("point", ["stock_before_send", "stock_after_send"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_worker_that_died_over_it_neither_loses_nor_repeats_it(
    world: World, clock: FakeClock, direction: str, point: str
) -> None:
    following(world, clock, direction)
    if direction == "to-shop":
        differs(world, 7)
    else:
        world.shop.stock.set_level("CAN-1", 7)
        world.receive_product_webhook("CAN-1")
        clock.advance(20)
    failpoints.arm(f"{point}=raise")
    for _ in range(3):
        world.run_due_work()
        clock.advance(20)
    assert "planned" in [row[-1] for row in world.stock_changes()]
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (7, 7)
    done = [row for row in world.stock_changes() if row[-1] == "done"]
    assert len(done) == 1
    assert len(world.shop.stock.writes) + len(world.provider.stock.movements) == 1


def test_a_movement_whose_answer_was_lost_is_asked_after_and_not_repeated(
    world: World, clock: FakeClock
) -> None:
    world.provider.stock.planned_movements = [made_and_lost(world)]
    following(world, clock, "to-provider", ours=4)
    assert world.stock_changes() == [("CAN-1", "provider", 10, 4, "run", "done")]
    assert len(world.provider.stock.movements) == 1


def test_a_movement_that_never_arrived_is_made_anew_once_it_can_arrive_no_more(
    world: World, clock: FakeClock
) -> None:
    world.provider.stock.planned_movements = [lost]
    following(world, clock, "to-provider", ours=4)
    assert [row[-1] for row in world.stock_changes()] == ["lost", "done"]
    assert (world.stock_levels("CAN-1"), len(world.provider.stock.movements)) == ((4, 4), 1)


def test_where_a_movement_cannot_be_asked_for_the_level_tells(world: World, clock: FakeClock) -> None:
    world.provider.stock.finds_movements = False
    world.provider.stock.planned_movements = [made_and_lost(world)]
    following(world, clock, "to-provider", ours=4)
    assert world.stock_changes() == [("CAN-1", "provider", 10, 4, "run", "done")]


def test_one_that_arrives_between_two_questions_is_not_made_twice(world: World, clock: FakeClock) -> None:
    mine = world.provider
    late: list[StockMovement] = []

    def keeps(move: StockMovement) -> bool:
        late.append(move)
        return lost(move)

    def arrives(reference: str) -> bool | None:
        if late:
            mine.stock.record_movement(mine.article_by_code("CAN-1"), late.pop())
        return any(one.reference == reference for one in mine.stock.movements)

    mine.stock.planned_movements = [keeps]
    mine.stock.has_movement = arrives  # type: ignore[method-assign]
    following(world, clock, "to-provider", ours=4)
    assert (world.stock_levels("CAN-1"), len(mine.stock.movements)) == ((4, 4), 1)


def test_a_worker_that_stood_still_sends_nothing(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    following(world, clock, "to-shop")
    differs(world, 7)
    with monkeypatch.context() as still:
        still.setattr(send_window, "SEND_WITHIN_SECONDS", -1.0)
        world.run_due_work()
    assert world.shop.stock.writes == []
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (7, 7)


def test_a_refused_movement_waits_for_the_merchant(world: World, clock: FakeClock) -> None:
    def refused(move: StockMovement) -> bool:
        raise RefusedError("stock-refused", answer="Fechado.")

    world.provider.stock.planned_movements = [refused]
    following(world, clock, "to-provider", ours=4)
    assert (world.synced_sku("CAN-1").reason, world.stock_levels("CAN-1")) == ("refused", (4, 10))
    stock_runs.resync(world.synced_sku("CAN-1"))
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (4, 4)


def test_a_level_that_somebody_puts_back_each_time_is_left_to_the_merchant(
    world: World, clock: FakeClock
) -> None:
    following(world, clock, "to-shop")
    for at in range(5):
        world.shop.stock.set_level("CAN-1", 3)
        world.receive_product_webhook("CAN-1", str(at))
        world.run_until_idle(clock)
    assert world.synced_sku("CAN-1").reason == "contested"
    assert (world.stock_levels("CAN-1"), len(world.shop.stock.writes)) == ((3, 10), 3)
    stock_runs.resync(world.synced_sku("CAN-1"))
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (10, 10)


def test_our_own_echo_finds_nothing_to_do(world: World, clock: FakeClock) -> None:
    following(world, clock, "to-shop", ours=3)
    world.receive_product_webhook("CAN-1")
    world.run_until_idle(clock)
    assert len(world.stock_changes()) == 1


def test_a_run_reads_of_the_shop_only_what_differs(world: World, clock: FakeClock) -> None:
    world.add_synced_product("LIV-1", 10, 10)
    following(world, clock, "to-shop", ours=3)
    assert world.shop.calls.count("goods_of") == 1


def test_each_pair_of_places_has_its_own_level(world: World, clock: FakeClock) -> None:
    world.shop.stock.locations = (Location("l1", "Loja", True), Location("l2", "Porto"))
    world.provider.stock.warehouses, world.provider.stock.documents_move = ("w1", "w2"), True
    mug = world.add_synced_product("CAN-1", 3, 10)
    world.provider.stock.set_level(mug, 5, "w2")
    world.enable_stock_sync("to-shop", warehouse="w1", stock_places=[["w1", "l1"], ["w2", "l2"]])
    world.run_full_sync(clock)
    world.pay_order("1001")
    world.run_until_idle(clock)
    at = world.shop.stock.level
    assert (at("CAN-1"), at("CAN-1", "l1"), at("CAN-1", "l2")) == (14, 9, 5)
    assert world.provider.stock.level(mug, "w1") == 9


def test_a_sku_is_left_alone_while_its_document_is_in_doubt(world: World, clock: FakeClock) -> None:
    world.provider.stock.documents_move = True
    following(world, clock, "to-shop")
    world.provider.planned_issues = [lambda draft, reference: lost(None)]  # type: ignore[arg-type,list-item]
    world.pay_order("1001")
    for _ in range(5):
        world.run_due_work()
        clock.advance(60)
    assert world.document("1001").state == "review"
    assert world.synced_sku("CAN-1").reason == "held"
    assert world.stock_levels("CAN-1") == (9, 10)
