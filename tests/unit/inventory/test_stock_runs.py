"""Runs over stock: what changed is found and nothing else, a former run is undone, nothing keeps a run open."""

from __future__ import annotations

import pytest

from shopapp.errors import NotAllowedError, UncertainError, UnreachableError
from shopapp.inventory import stock_runs
from shopapp.models import StockChange, SyncRun, db
from tests.fakes import FakeClock, World


@pytest.fixture
def wares(world: World, clock: FakeClock) -> World:
    """Six things that follow the program."""
    for at in range(6):
        world.add_synced_product(f"CAN-{at}", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    return world


def counts(world: World, sku: str, pieces: int) -> None:
    world.provider.stock.set_level(world.provider.article_by_code(sku), pieces)  # type: ignore[arg-type]


def runs(world: World, clock: FakeClock) -> SyncRun:
    stock_runs.start_stock_run(world.account, "hand")
    world.run_until_idle(clock)
    run = SyncRun.last(world.account.id, "stock")
    assert run is not None
    return run


def change(world: World, number: int = 0) -> StockChange:
    db.session.rollback()
    db.session.expire_all()
    return StockChange.query.order_by(StockChange.id.desc()).offset(number).first()


def test_a_run_looks_at_what_changed_and_at_nothing_else(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-2", 4)
    wares.shop.calls.clear()
    run = runs(wares, clock)
    assert (run.state, run.seen, run.differing) == ("done", 1, 1)
    assert wares.shop.calls == ["goods_of", "set_stock"]
    assert (runs(wares, clock).seen, wares.stock_levels("CAN-2")) == (0, (4, 4))


def test_where_changes_cannot_be_asked_for_all_is_read_and_only_what_differs_looked_at(
    wares: World, clock: FakeClock
) -> None:
    wares.provider.stock.reports_changes, wares.provider.stock.page_size = False, 4
    counts(wares, "CAN-2", 4)
    wares.shop.calls.clear()
    run = runs(wares, clock)
    assert (run.seen, run.differing, wares.shop.calls) == (6, 1, ["goods_of", "set_stock"])


def test_a_run_goes_on_at_the_page_that_failed(wares: World, clock: FakeClock) -> None:
    wares.provider.stock.page_size = 2
    for at in range(6):
        counts(wares, f"CAN-{at}", 3)
    wares.provider.errors["levels"] = []
    stock_runs.start_stock_run(wares.account, "hand")
    wares.provider.errors["changed_levels"] = [UnreachableError("unreachable")]
    wares.run_until_idle(clock)
    run = SyncRun.last(wares.account.id, "stock")
    assert run is not None
    assert (run.state, run.seen) == ("done", 6)
    assert len(wares.stock_changes()) == len(wares.shop.stock.writes) == 6


def test_what_changes_while_a_run_reads_is_found_by_the_next(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-1", 3)
    stock_runs.start_stock_run(wares.account, "hand")
    wares.run_until_idle(clock)
    counts(wares, "CAN-1", 2)
    runs(wares, clock)
    assert wares.stock_levels("CAN-1") == (2, 2)


def test_what_a_failed_run_had_not_read_is_read_by_the_next(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-1", 3)
    stock_runs.start_stock_run(wares.account, "hand")
    SyncRun.last(wares.account.id, "stock").end("failed", "unreachable")  # type: ignore[union-attr]
    runs(wares, clock)
    assert wares.stock_levels("CAN-1") == (3, 3)


def test_only_one_run_of_a_kind_is_open(wares: World) -> None:
    assert (
        stock_runs.start_stock_run(wares.account, "hand"),
        stock_runs.start_stock_run(wares.account, "clock"),
    ) == (True, False)


def test_a_sku_that_waits_for_a_person_keeps_no_run_open(wares: World, clock: FakeClock) -> None:
    def lost(draft: object, reference: str) -> None:
        raise UncertainError("outcome-unknown", how="timeout")

    wares.provider.planned_issues = [lost]
    wares.pay_order("1001")
    wares.run_due_work()
    assert wares.document("1001").state == "review"
    counts(wares, "CAN-1", 3)
    assert (runs(wares, clock).state, wares.synced_sku("CAN-1").reason) == ("done", "held")
    assert wares.stock_levels("CAN-1") == (9, 3)


# undoing


def test_an_undone_change_stays_undone_until_the_other_side_has_another_level(
    wares: World, clock: FakeClock
) -> None:
    counts(wares, "CAN-1", 4)
    runs(wares, clock)
    stock_runs.undo_change(change(wares))
    wares.run_until_idle(clock)
    assert (wares.stock_levels("CAN-1"), wares.synced_sku("CAN-1").reason) == ((10, 4), "undone")
    assert [row[3:] for row in wares.stock_changes()] == [(4, "run", "undone"), (10, "undo", "done")]
    wares.receive_product_webhook("CAN-1")
    wares.run_full_sync(clock)
    assert wares.stock_levels("CAN-1") == (10, 4)
    counts(wares, "CAN-1", 5)
    runs(wares, clock)
    assert (wares.stock_levels("CAN-1"), wares.synced_sku("CAN-1").reason) == ((5, 5), "")


def test_the_merchant_may_let_it_follow_again_at_once(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-1", 4)
    runs(wares, clock)
    stock_runs.undo_change(change(wares))
    wares.run_until_idle(clock)
    stock_runs.resync(wares.synced_sku("CAN-1"))
    wares.run_until_idle(clock)
    assert wares.stock_levels("CAN-1") == (4, 4)


def test_a_level_that_somebody_altered_since_is_not_undone(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-1", 4)
    runs(wares, clock)
    wares.shop.stock.set_level("CAN-1", 7)
    stock_runs.undo_change(change(wares))
    wares.run_until_idle(clock)
    assert wares.stock_levels("CAN-1") == (4, 4)
    assert "undone" not in [row[-1] for row in wares.stock_changes()]


def test_only_the_last_change_of_a_level_can_be_undone_and_no_undoing(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-1", 4)
    runs(wares, clock)
    counts(wares, "CAN-1", 5)
    runs(wares, clock)
    with pytest.raises(NotAllowedError):
        stock_runs.undo_change(change(wares, 1))
    stock_runs.undo_change(change(wares))
    wares.run_until_idle(clock)
    with pytest.raises(NotAllowedError):
        stock_runs.undo_change(change(wares))


def test_a_change_of_the_side_that_leads_by_now_cannot_be_undone(wares: World, clock: FakeClock) -> None:
    counts(wares, "CAN-1", 4)
    runs(wares, clock)
    wares.enable_stock_sync("to-provider")
    with pytest.raises(NotAllowedError):
        stock_runs.undo_change(change(wares))


def test_a_whole_run_is_undone_change_by_change(wares: World, clock: FakeClock) -> None:
    for at in range(6):
        counts(wares, f"CAN-{at}", at)
    run = runs(wares, clock)
    wares.shop.stock.set_level("CAN-5", 8)
    assert stock_runs.start_undo_run(wares.account, run)
    wares.run_until_idle(clock)
    assert [wares.stock_levels(f"CAN-{at}")[0] for at in range(6)] == [10, 10, 10, 10, 10, 5]
