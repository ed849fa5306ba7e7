"""What the shop sells as it is read: page by page, product by product when a hook tells, order by order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp.errors import OrderError, UnreachableError
from shopapp.inventory import catalogue, stock_runs
from shopapp.models import Article, Product, StockReservation, SyncedSku, SyncRun, db, now
from shopapp.orders import polling
from shopapp.platforms.base import CataloguePage
from tests.fakes import FakeClock, FakePlatform, World, paid_order


def living(world: World) -> list[tuple[str, str, int | None]]:
    db.session.rollback()
    db.session.expire_all()
    rows = Product.query.filter(Product.gone_at.is_(None)).order_by(Product.product_id, Product.variant_id)
    return [(row.product_id + row.variant_id, row.sku, row.stock) for row in rows]


def reserved(world: World) -> dict[str, dict[str, Decimal]]:
    return StockReservation.reserved_quantities(world.store.id, ["CAN-1"])


def placed(world: World, number: str = "1001", event: str = "order_pending_payment") -> None:
    """An order that is not paid yet, and its hook."""
    world.shop.orders[number] = paid_order(number, status="open", paid_at=None)
    world.shop.stock.place_order(world.shop.orders[number])
    if event:
        world.receive_webhook(number, event)


def while_read(monkeypatch: pytest.MonkeyPatch, verb: str, act: Callable[[], object]) -> None:
    """The next time that verb is asked, this happens after it was answered and before the answer is kept."""
    plain = getattr(FakePlatform, verb)

    def asked(self: FakePlatform, *given: Any) -> Any:
        answer = plain(self, *given)
        monkeypatch.setattr(FakePlatform, verb, plain)
        act()
        db.session.commit()
        return answer

    monkeypatch.setattr(FakePlatform, verb, asked)


@pytest.fixture
def mug(world: World, clock: FakeClock) -> World:
    """Ten mugs on both sides, following."""
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    return world


def test_a_list_goes_on_where_it_stopped(world: World, clock: FakeClock) -> None:
    for at in range(5):
        world.add_synced_product(f"CAN-{at}", at, at)
    world.shop.stock.page_size = 2
    world.enable_articles()
    world.shop.errors["goods"] = [UnreachableError("unreachable")]
    world.run_full_sync(clock)
    assert [sku for _, sku, _ in living(world)] == [f"CAN-{at}" for at in range(5)]
    world.shop.calls.clear()
    world.run_full_sync(clock)
    assert world.shop.calls.count("goods") == 3


def test_looking_up_counts_skus_so_that_its_bar_ends_full(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "SKUS_PER_PAGE", 2)
    for sku in ("CAN-1", "CAN-1", "", "LIV-1", "TSH-1"):
        world.shop.stock.add_item(sku, 1)
    world.enable_articles()
    world.run_full_sync(clock)
    run = SyncRun.last(world.account.id, "catalogue")
    assert run is not None and (run.state, run.seen, run.total) == ("done", 3, 3)


def test_what_is_no_longer_in_the_list_is_gone_and_comes_back(mug: World, clock: FakeClock) -> None:
    kept = mug.shop.stock.items.copy()
    mug.shop.stock.remove("CAN-1")
    mug.run_full_sync(clock)
    assert living(mug) == []
    mug.shop.stock.items.update(kept)
    mug.run_full_sync(clock)
    assert living(mug) == [("1", "CAN-1", 10)]


def test_what_a_list_left_out_lives_until_a_reading_of_its_own_says_that_it_is_gone(
    mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in ("S", "M", "L"):
        mug.shop.stock.add_item(f"TSH-{size}", 3, product="2", variant=f"2{size}")
    mug.run_full_sync(clock)
    mug.shop.calls.clear()
    monkeypatch.setattr(mug.shop.stock, "list_page", lambda after: CataloguePage((), ""))
    mug.shop.errors["goods_of"] = [UnreachableError("unreachable")] * 2
    clock.advance(1)
    catalogue.start_catalogue_run(mug.account, "hand")
    mug.run_due_work()
    assert len(living(mug)) == 4
    mug.shop.stock.remove("TSH-M")
    mug.run_until_idle(clock)
    assert [sku for _, sku, _ in living(mug)] == ["CAN-1", "TSH-L", "TSH-S"]
    assert mug.shop.calls.count("goods_of") == 4, "one call for each product, and one more as it failed"


def test_a_run_that_fails_half_way_makes_nothing_gone(mug: World, clock: FakeClock) -> None:
    mug.shop.errors["goods"] = [UnreachableError("unreachable")] * 40
    catalogue.start_catalogue_run(mug.account, "hand")
    for _ in range(15):
        mug.run_due_work()
        clock.advance(1000)
    assert SyncRun.last(mug.account.id, "catalogue").state == "failed"  # type: ignore[union-attr]
    assert living(mug) == [("1", "CAN-1", 10)]


def test_a_product_is_read_when_a_hook_tells_of_it(mug: World, clock: FakeClock) -> None:
    mug.shop.stock.set_level("CAN-1", 4)
    mug.receive_product_webhook("CAN-1")
    mug.run_until_idle(clock)
    assert mug.stock_levels("CAN-1") == (10, 10)
    assert mug.stock_changes() == [("CAN-1", "shop", 4, 10, "hook", "done")]


def test_a_hook_that_comes_while_the_product_is_read_is_not_lost(
    mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited() -> None:
        mug.shop.stock.set_level("CAN-1", 4)
        Product.mark_stale(mug.store.id, "1")

    Product.mark_stale(mug.store.id, "1")
    db.session.commit()
    while_read(monkeypatch, "items_of_product", edited)
    mug.run_until_idle(clock)
    assert (mug.stock_levels("CAN-1"), len(mug.stock_changes())) == ((10, 10), 1)


def test_a_product_that_gets_variants_is_read_as_these(mug: World, clock: FakeClock) -> None:
    del mug.shop.stock.items["1", ""]
    mug.shop.stock.add_item("CAN-S", 1, product="1", variant="11")
    mug.shop.stock.add_item("CAN-1", 2, product="1", variant="12")
    mug.receive_product_webhook("CAN-1")
    mug.run_until_idle(clock)
    assert living(mug) == [("111", "CAN-S", 1), ("112", "CAN-1", 10)]


def test_a_sku_that_moved_to_another_product_follows_there(mug: World, clock: FakeClock) -> None:
    mug.shop.stock.edit("CAN-1", sku="VELHA")
    mug.shop.stock.add_item("CAN-1", 2)
    mug.receive_product_webhook("VELHA")
    mug.receive_product_webhook("CAN-1")
    mug.run_until_idle(clock)
    assert (mug.shop.stock.level("CAN-1"), mug.shop.stock.level("VELHA")) == (10, 10)
    assert [row[:4] for row in mug.stock_changes()] == [("CAN-1", "shop", 2, 10)]


def test_a_sku_that_no_column_holds_counts_as_none(world: World, clock: FakeClock) -> None:
    world.shop.stock.add_item("x" * 201, 3)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    assert living(world) == [("1", "", 3)]


def test_an_article_is_looked_up_again_after_a_week(mug: World, clock: FakeClock) -> None:
    (number, article) = next(iter(mug.provider.articles.items()))
    mug.provider.articles[number] = replace(article, code="CANECA")
    mug.provider.stock.set_level(article, 6)
    mug.run_full_sync(clock)
    assert mug.shop.stock.level("CAN-1") == 10
    clock.advance(8 * 86_400)
    mug.run_full_sync(clock)
    assert mug.shop.stock.level("CAN-1") == 6
    assert Article.find_by_sku(mug.account.id, ["CAN-1"])["CAN-1"].code == "CANECA"


# what orders put aside


def test_an_order_that_is_not_paid_yet_puts_its_goods_aside(mug: World, clock: FakeClock) -> None:
    placed(mug)
    mug.run_until_idle(clock)
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}
    assert (mug.stock_levels("CAN-1"), mug.shop.stock.writes) == ((9, 10), [])


@pytest.mark.parametrize("how", ["hook", "found", "abandoned", "missing"])
def test_an_order_that_comes_to_nothing_gives_them_free(mug: World, clock: FakeClock, how: str) -> None:
    placed(mug)
    mug.run_until_idle(clock)
    polling.poll_orders(mug.store)
    status = "abandoned" if how == "abandoned" else "cancelled"
    mug.shop.orders["1001"] = replace(mug.shop.orders["1001"], status=status)
    if how == "missing":
        del mug.shop.orders["1001"]
    if how == "hook":
        mug.receive_webhook("1001", "order_canceled")
    else:
        polling.poll_orders(mug.store)
    mug.run_until_idle(clock)
    assert (reserved(mug), mug.stock_levels("CAN-1")) == ({}, (10, 10))


def test_an_order_that_no_hook_told_is_found_and_read_once(mug: World, clock: FakeClock) -> None:
    placed(mug, event="")
    polling.poll_orders(mug.store)
    mug.run_until_idle(clock)
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}
    mug.shop.calls.clear()
    polling.poll_orders(mug.store)
    mug.run_until_idle(clock)
    assert "order" not in mug.shop.calls


def test_orders_from_before_stock_followed_are_read_when_it_begins(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    placed(world)
    polling.poll_orders(world.store)
    world.run_until_idle(clock)
    assert StockReservation.query.count() == 0
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    assert (reserved(world), world.stock_levels("CAN-1")) == ({"CAN-1": {"1001": Decimal(1)}}, (9, 10))


def test_an_order_told_of_while_it_is_read_is_read_again(
    mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled() -> None:
        clock.advance(1)
        mug.shop.orders["1001"] = replace(mug.shop.orders["1001"], status="cancelled")
        StockReservation.mark_stale(mug.store.id, "1001")

    placed(mug)
    while_read(monkeypatch, "read_order", cancelled)
    mug.run_until_idle(clock)
    assert reserved(mug) == {}


def test_an_older_reading_is_not_kept_over_a_later_one(mug: World, clock: FakeClock) -> None:
    began = now()
    StockReservation.record_goods(mug.store.id, "1001", {"CAN-1": Decimal(3)}, began)
    assert StockReservation.record_goods(mug.store.id, "1001", {}, began - timedelta(seconds=1)) == set()
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(3)}}


def test_while_an_order_is_not_read_no_level_of_its_store_is_touched(mug: World, clock: FakeClock) -> None:
    mug.shop.errors["order"] = [UnreachableError("unreachable")] * 3
    placed(mug)
    mug.provider.stock.set_level(mug.provider.article_by_code("CAN-1"), 4)  # type: ignore[arg-type]
    SyncedSku.mark_due(mug.account.id, ["CAN-1"], "hook")
    for _ in range(4):
        mug.run_due_work()
        clock.advance(5)
    assert mug.stock_levels("CAN-1") == (9, 4)
    mug.run_until_idle(clock)
    assert mug.stock_levels("CAN-1") == (3, 4)


def test_an_order_that_is_not_to_be_understood_keeps_what_was_known_of_it(
    mug: World, clock: FakeClock
) -> None:
    placed(mug)
    mug.run_until_idle(clock)
    mug.shop.errors["order"] = [OrderError("order-unreadable")]
    StockReservation.mark_stale(mug.store.id, "1001")
    mug.run_until_idle(clock)
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}


def test_an_order_whose_document_is_issued_is_not_read_again(mug: World, clock: FakeClock) -> None:
    mug.pay_order("1001")
    mug.run_until_idle(clock)
    mug.shop.calls.clear()
    mug.receive_webhook("1001", "order_updated")
    mug.run_until_idle(clock)
    assert "order" not in mug.shop.calls
    assert reserved(mug) == {}


def test_an_edited_order_holds_what_it_says_now(mug: World, clock: FakeClock) -> None:
    placed(mug)
    mug.run_until_idle(clock)
    order = mug.shop.orders["1001"]
    mug.shop.orders["1001"] = replace(order, lines=(replace(order.lines[0], quantity=Decimal(4)),))
    mug.receive_webhook("1001", "order_updated")
    mug.run_until_idle(clock)
    assert mug.stock_levels("CAN-1") == (6, 10)


def test_what_is_altered_because_a_sku_is_new_goes_back_with_the_run_that_found_it(
    world: World, clock: FakeClock
) -> None:
    for at in range(3):
        world.add_synced_product(f"CAN-{at}", 9, at)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    run = SyncRun.last(world.account.id, "catalogue")
    assert run is not None and [stock for *_, stock in living(world)] == [0, 1, 2]
    stock_runs.start_undo_run(world.account, run)
    world.run_until_idle(clock)
    assert [stock for *_, stock in living(world)] == [9, 9, 9]
