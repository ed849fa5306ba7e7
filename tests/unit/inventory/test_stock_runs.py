"""Stock runs find every change, continue after a failure, and can be undone."""

from __future__ import annotations

import pytest

from shopapp.errors import NotAllowedError, UncertainError, UnreachableError
from shopapp.inventory import stock_runs
from shopapp.models import StockChange, SyncRun, db
from tests.fakes import FakeClock, World


@pytest.fixture
def world_in_sync(world: World, clock: FakeClock) -> World:
    """Return a world with six synced products that follow the provider."""
    for at in range(6):
        world.add_synced_product(f"CAN-{at}", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    return world


def set_provider_quantity(world: World, sku: str, pieces: int) -> None:
    world.provider.stock.set_level(world.provider.article_by_code(sku), pieces)  # type: ignore[arg-type]


def run_stock(world: World, clock: FakeClock) -> SyncRun:
    stock_runs.start_stock_run(world.account, "hand")
    world.run_until_idle(clock)
    run = SyncRun.last(world.account.id, "stock")
    assert run is not None
    return run


def last_change(world: World, offset: int = 0) -> StockChange:
    db.session.rollback()
    db.session.expire_all()
    return StockChange.query.order_by(StockChange.id.desc()).offset(offset).first()


def test_a_run_reads_only_what_changed(world_in_sync: World, clock: FakeClock) -> None:
    set_provider_quantity(world_in_sync, "CAN-2", 4)
    world_in_sync.shop.calls.clear()
    run = run_stock(world_in_sync, clock)
    assert (run.state, run.seen, run.differing) == ("done", 1, 1)
    assert world_in_sync.shop.calls == ["goods_of", "set_stock"]
    assert (run_stock(world_in_sync, clock).seen, world_in_sync.stock_levels("CAN-2")) == (0, (4, 4))


def test_without_a_list_of_changes_all_is_read_and_only_differences_are_synced(
    world_in_sync: World, clock: FakeClock
) -> None:
    world_in_sync.provider.stock.reports_changes, world_in_sync.provider.stock.page_size = False, 4
    set_provider_quantity(world_in_sync, "CAN-2", 4)
    world_in_sync.shop.calls.clear()
    run = run_stock(world_in_sync, clock)
    assert (run.seen, run.differing, world_in_sync.shop.calls) == (6, 1, ["goods_of", "set_stock"])


def test_a_run_continues_at_the_page_that_failed(world_in_sync: World, clock: FakeClock) -> None:
    world_in_sync.provider.stock.page_size = 2
    for at in range(6):
        set_provider_quantity(world_in_sync, f"CAN-{at}", 3)
    world_in_sync.provider.errors["levels"] = []
    stock_runs.start_stock_run(world_in_sync.account, "hand")
    world_in_sync.provider.errors["changed_levels"] = [UnreachableError("unreachable")]
    world_in_sync.run_until_idle(clock)
    run = SyncRun.last(world_in_sync.account.id, "stock")
    assert run is not None
    assert (run.state, run.seen) == ("done", 6)
    assert len(world_in_sync.stock_changes()) == len(world_in_sync.shop.stock.writes) == 6


def test_a_change_during_a_run_is_found_by_the_next_run(world_in_sync: World, clock: FakeClock) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 3)
    stock_runs.start_stock_run(world_in_sync.account, "hand")
    world_in_sync.run_until_idle(clock)
    set_provider_quantity(world_in_sync, "CAN-1", 2)
    run_stock(world_in_sync, clock)
    assert world_in_sync.stock_levels("CAN-1") == (2, 2)


def test_the_unread_part_of_a_failed_run_is_read_by_the_next(world_in_sync: World, clock: FakeClock) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 3)
    stock_runs.start_stock_run(world_in_sync.account, "hand")
    SyncRun.last(world_in_sync.account.id, "stock").end("failed", "unreachable")  # type: ignore[union-attr]
    run_stock(world_in_sync, clock)
    assert world_in_sync.stock_levels("CAN-1") == (3, 3)


def test_only_one_run_of_a_kind_is_open(world_in_sync: World) -> None:
    assert (
        stock_runs.start_stock_run(world_in_sync.account, "hand"),
        stock_runs.start_stock_run(world_in_sync.account, "clock"),
    ) == (True, False)


def test_a_sku_that_waits_for_a_person_does_not_keep_the_run_open(
    world_in_sync: World, clock: FakeClock
) -> None:
    def lose_answer(draft: object, reference: str) -> None:
        raise UncertainError("outcome-unknown", how="timeout")

    world_in_sync.provider.planned_issues = [lose_answer]
    world_in_sync.pay_order("1001")
    world_in_sync.run_due_work()
    assert world_in_sync.document("1001").state == "review"
    set_provider_quantity(world_in_sync, "CAN-1", 3)
    assert (run_stock(world_in_sync, clock).state, world_in_sync.synced_sku("CAN-1").reason) == (
        "done",
        "held",
    )
    assert world_in_sync.stock_levels("CAN-1") == (9, 3)


# Undo


def test_an_undone_change_stays_undone_until_the_other_side_changes(
    world_in_sync: World, clock: FakeClock
) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 4)
    run_stock(world_in_sync, clock)
    stock_runs.undo_change(last_change(world_in_sync))
    world_in_sync.run_until_idle(clock)
    assert (world_in_sync.stock_levels("CAN-1"), world_in_sync.synced_sku("CAN-1").reason) == (
        (10, 4),
        "undone",
    )
    assert [row[3:] for row in world_in_sync.stock_changes()] == [(4, "run", "undone"), (10, "undo", "done")]
    world_in_sync.receive_product_webhook("CAN-1")
    world_in_sync.run_full_sync(clock)
    assert world_in_sync.stock_levels("CAN-1") == (10, 4)
    set_provider_quantity(world_in_sync, "CAN-1", 5)
    run_stock(world_in_sync, clock)
    assert (world_in_sync.stock_levels("CAN-1"), world_in_sync.synced_sku("CAN-1").reason) == ((5, 5), "")


def test_the_merchant_may_sync_an_undone_sku_again_at_once(world_in_sync: World, clock: FakeClock) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 4)
    run_stock(world_in_sync, clock)
    stock_runs.undo_change(last_change(world_in_sync))
    world_in_sync.run_until_idle(clock)
    stock_runs.resync(world_in_sync.synced_sku("CAN-1"))
    world_in_sync.run_until_idle(clock)
    assert world_in_sync.stock_levels("CAN-1") == (4, 4)


def test_a_quantity_that_somebody_changed_since_is_not_undone(world_in_sync: World, clock: FakeClock) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 4)
    run_stock(world_in_sync, clock)
    world_in_sync.shop.stock.set_level("CAN-1", 7)
    stock_runs.undo_change(last_change(world_in_sync))
    world_in_sync.run_until_idle(clock)
    assert world_in_sync.stock_levels("CAN-1") == (4, 4)
    assert "undone" not in [row[-1] for row in world_in_sync.stock_changes()]


def test_only_the_last_change_can_be_undone_and_an_undo_cannot(
    world_in_sync: World, clock: FakeClock
) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 4)
    run_stock(world_in_sync, clock)
    set_provider_quantity(world_in_sync, "CAN-1", 5)
    run_stock(world_in_sync, clock)
    with pytest.raises(NotAllowedError):
        stock_runs.undo_change(last_change(world_in_sync, 1))
    stock_runs.undo_change(last_change(world_in_sync))
    world_in_sync.run_until_idle(clock)
    with pytest.raises(NotAllowedError):
        stock_runs.undo_change(last_change(world_in_sync))


def test_a_change_cannot_be_undone_after_the_direction_was_turned_round(
    world_in_sync: World, clock: FakeClock
) -> None:
    set_provider_quantity(world_in_sync, "CAN-1", 4)
    run_stock(world_in_sync, clock)
    world_in_sync.enable_stock_sync("to-provider")
    with pytest.raises(NotAllowedError):
        stock_runs.undo_change(last_change(world_in_sync))


def test_a_whole_run_is_undone_change_by_change(world_in_sync: World, clock: FakeClock) -> None:
    for at in range(6):
        set_provider_quantity(world_in_sync, f"CAN-{at}", at)
    run = run_stock(world_in_sync, clock)
    world_in_sync.shop.stock.set_level("CAN-5", 8)
    assert stock_runs.start_undo_run(world_in_sync.account, run)
    world_in_sync.run_until_idle(clock)
    assert [world_in_sync.stock_levels(f"CAN-{at}")[0] for at in range(6)] == [10, 10, 10, 10, 10, 5]
