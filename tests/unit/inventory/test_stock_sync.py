"""One synced SKU: its quantity, why it is left alone, and the recovery from a lost answer or a killed worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shopapp import failpoints
from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.inventory import movements, stock_runs
from shopapp.models import Article, SyncedSku, db
from shopapp.platforms.base import Location
from shopapp.providers.stock import StockMovement
from tests.fakes import PLATFORM_STATE, FakeClock, World


@pytest.fixture(autouse=True)
def _disarm_failpoints() -> Any:
    yield
    failpoints.arm("")


def start_sync(
    world: World,
    clock: FakeClock,
    direction: str,
    shop_quantity: int | None = 10,
    provider_quantity: int = 10,
) -> None:
    """Sync one mug until both sides are equal."""
    world.add_synced_product("CAN-1", shop_quantity, provider_quantity)
    world.enable_stock_sync(direction)
    world.run_full_sync(clock)


def set_provider_quantity(world: World, provider_quantity: int | str, cause: str = "hook") -> None:
    """Set the mug's quantity at the provider and mark it due."""
    world.provider.stock.set_level(world.provider.article_by_code("CAN-1"), provider_quantity)  # type: ignore[arg-type]
    SyncedSku.mark_due(world.account.id, ["CAN-1"], cause)
    db.session.commit()


def lose_answer(move: StockMovement) -> bool:
    raise UncertainError("outcome-unknown", how="timeout")


def move_and_lose_answer(world: World) -> Callable[[StockMovement], bool]:
    def answer(move: StockMovement) -> bool:
        world.provider.stock.record_movement(world.provider.article_by_code(move.code), move)
        return lose_answer(move)

    return answer


def test_an_article_that_we_created_does_not_empty_the_shop_until_it_is_counted(
    world: World, clock: FakeClock
) -> None:
    start_sync(world, clock, "to-shop", provider_quantity=0, shop_quantity=0)
    row = db.session.query(Article).one()
    row.state = "made"
    PLATFORM_STATE.stock.set_level("CAN-1", 6)
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    db.session.commit()
    world.run_until_idle(clock)
    assert (world.stock_levels("CAN-1")[0], db.session.query(SyncedSku).one().reason) == (6, "uncounted")
    set_provider_quantity(world, 4)
    world.run_until_idle(clock)
    set_provider_quantity(world, 0)
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1")[0] == 0, "once it was counted it is synced, down to zero as well"


@pytest.mark.parametrize(("provider_quantity", "shop_quantity"), [("7.9", 7), ("-3", 0), ("0", 0)])
def test_the_shop_gets_whole_pieces_and_never_less_than_zero(
    world: World, clock: FakeClock, provider_quantity: str, shop_quantity: int
) -> None:
    start_sync(world, clock, "to-shop")
    set_provider_quantity(world, provider_quantity)
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1")[0] == shop_quantity


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"stock": None}, "unlimited"), ({"kind": "service"}, "no-stock"), ({"kind": "giftcard"}, "no-stock")],
)
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_sku_without_stock_is_left_alone(
    world: World, clock: FakeClock, how: dict[str, Any], reason: str, direction: str
) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.shop.stock.edit("CAN-1", **how)
    world.enable_stock_sync(direction)
    world.run_full_sync(clock)
    assert (world.synced_sku("CAN-1").reason, world.stock_changes()) == (reason, [])


def test_a_sku_used_twice_in_the_shop_is_left_alone_until_it_is_used_once(
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


def test_a_product_that_is_no_longer_unlimited_is_synced_again(world: World, clock: FakeClock) -> None:
    start_sync(world, clock, "to-shop")
    world.shop.stock.edit("CAN-1", stock=None)
    set_provider_quantity(world, 7)
    world.run_until_idle(clock)
    assert world.synced_sku("CAN-1").reason == "unlimited"
    world.shop.stock.edit("CAN-1", stock=10)
    world.receive_product_webhook("CAN-1")
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (7, 7)


def test_a_renamed_article_does_not_empty_the_shop(world: World, clock: FakeClock) -> None:
    start_sync(world, clock, "to-shop")
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


def test_a_deleted_article_does_not_empty_the_shop(world: World, clock: FakeClock) -> None:
    start_sync(world, clock, "to-shop")
    world.provider.articles.clear()
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_until_idle(clock)
    assert (world.synced_sku("CAN-1").reason, world.shop.stock.writes) == ("no-article", [])


@pytest.mark.parametrize("verb", ["levels", "articles"])
def test_a_failed_look_up_does_not_count_as_absence(world: World, clock: FakeClock, verb: str) -> None:
    start_sync(world, clock, "to-shop")
    world.provider.stock.quantities.clear()
    world.provider.errors[verb] = [UnreachableError("unreachable")]
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_due_work()
    assert world.shop.stock.writes == []
    assert world.synced_sku("CAN-1").due_at is not None
    world.run_until_idle(clock)
    assert world.shop.stock.level("CAN-1") == 0


def test_a_sku_that_fails_does_not_stop_the_others(world: World, clock: FakeClock) -> None:
    start_sync(world, clock, "to-shop")
    world.add_synced_product("LIV-1", 3, 8)
    set_provider_quantity(world, 7)
    world.shop.errors["set_stock"] = [UncertainError("outcome-unknown", how="500")]
    world.run_full_sync(clock)
    assert (world.stock_levels("CAN-1"), world.stock_levels("LIV-1")) == ((7, 7), (8, 8))


@pytest.mark.parametrize("point", ["stock_before_send", "stock_after_send"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_worker_that_dies_neither_loses_nor_repeats_a_change(
    world: World, clock: FakeClock, direction: str, point: str
) -> None:
    start_sync(world, clock, direction)
    if direction == "to-shop":
        set_provider_quantity(world, 7)
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


def test_a_movement_whose_answer_was_lost_is_looked_up_and_not_repeated(
    world: World, clock: FakeClock
) -> None:
    world.provider.stock.planned_movements = [move_and_lose_answer(world)]
    start_sync(world, clock, "to-provider", shop_quantity=4)
    assert world.stock_changes() == [("CAN-1", "provider", 10, 4, "run", "done")]
    assert len(world.provider.stock.movements) == 1


def test_a_movement_that_never_arrived_is_sent_again_once_it_can_no_longer_arrive(
    world: World, clock: FakeClock
) -> None:
    world.provider.stock.planned_movements = [lose_answer]
    start_sync(world, clock, "to-provider", shop_quantity=4)
    assert [row[-1] for row in world.stock_changes()] == ["lost", "done"]
    assert (world.stock_levels("CAN-1"), len(world.provider.stock.movements)) == ((4, 4), 1)


def test_where_a_movement_cannot_be_looked_up_the_quantity_decides(world: World, clock: FakeClock) -> None:
    world.provider.stock.finds_movements = False
    world.provider.stock.planned_movements = [move_and_lose_answer(world)]
    start_sync(world, clock, "to-provider", shop_quantity=4)
    assert world.stock_changes() == [("CAN-1", "provider", 10, 4, "run", "done")]


def test_a_movement_that_arrives_after_the_quantity_was_read_is_not_sent_twice(
    world: World, clock: FakeClock
) -> None:
    provider = world.provider
    held_back: list[StockMovement] = []

    def hold_back(move: StockMovement) -> bool:
        held_back.append(move)
        return lose_answer(move)

    def arrive_when_asked(reference: str) -> bool | None:
        if held_back:
            provider.stock.record_movement(provider.article_by_code("CAN-1"), held_back.pop())
        return any(one.reference == reference for one in provider.stock.movements)

    provider.stock.planned_movements = [hold_back]
    provider.stock.has_movement = arrive_when_asked  # type: ignore[method-assign]
    start_sync(world, clock, "to-provider", shop_quantity=4)
    assert (world.stock_levels("CAN-1"), len(provider.stock.movements)) == ((4, 4), 1)


def test_a_worker_that_was_frozen_sends_nothing(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_sync(world, clock, "to-shop")
    set_provider_quantity(world, 7)
    with monkeypatch.context() as frozen:
        frozen.setattr(movements, "is_too_late_to_send", lambda claimed_at: True)
        world.run_due_work()
    assert world.shop.stock.writes == []
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (7, 7)


def test_a_refused_movement_waits_for_the_merchant(world: World, clock: FakeClock) -> None:
    def refuse(move: StockMovement) -> bool:
        raise RefusedError("stock-refused", answer="Fechado.")

    world.provider.stock.planned_movements = [refuse]
    start_sync(world, clock, "to-provider", shop_quantity=4)
    assert (world.synced_sku("CAN-1").reason, world.stock_levels("CAN-1")) == ("refused", (4, 10))
    stock_runs.resync(world.synced_sku("CAN-1"))
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (4, 4)


def test_a_quantity_that_is_changed_back_each_time_is_left_to_the_merchant(
    world: World, clock: FakeClock
) -> None:
    start_sync(world, clock, "to-shop")
    for at in range(5):
        world.shop.stock.set_level("CAN-1", 3)
        world.receive_product_webhook("CAN-1", str(at))
        world.run_until_idle(clock)
    assert world.synced_sku("CAN-1").reason == "contested"
    assert (world.stock_levels("CAN-1"), len(world.shop.stock.writes)) == ((3, 10), 3)
    stock_runs.resync(world.synced_sku("CAN-1"))
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (10, 10)


def test_the_webhook_of_our_own_change_finds_nothing_to_do(world: World, clock: FakeClock) -> None:
    start_sync(world, clock, "to-shop", shop_quantity=3)
    world.receive_product_webhook("CAN-1")
    world.run_until_idle(clock)
    assert len(world.stock_changes()) == 1


def test_a_run_reads_only_differing_products_from_the_shop(world: World, clock: FakeClock) -> None:
    world.add_synced_product("LIV-1", 10, 10)
    start_sync(world, clock, "to-shop", shop_quantity=3)
    assert world.shop.calls.count("goods_of") == 1


def test_each_pair_of_places_has_its_own_quantity(world: World, clock: FakeClock) -> None:
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
    start_sync(world, clock, "to-shop")
    world.provider.planned_issues = [lambda draft, reference: lose_answer(None)]  # type: ignore[arg-type,list-item]
    world.pay_order("1001")
    for _ in range(5):
        world.run_due_work()
        clock.advance(60)
    assert world.document("1001").state == "review"
    assert world.synced_sku("CAN-1").reason == "held"
    assert world.stock_levels("CAN-1") == (9, 10)
