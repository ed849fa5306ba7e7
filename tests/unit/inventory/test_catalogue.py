"""Reading the shop: the catalogue page by page, a product after its webhook, and the stock that orders reserve."""

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


def current_products(world: World) -> list[tuple[str, str, int | None]]:
    db.session.rollback()
    db.session.expire_all()
    rows = Product.query.filter(Product.gone_at.is_(None)).order_by(Product.product_id, Product.variant_id)
    return [(row.product_id + row.variant_id, row.sku, row.stock) for row in rows]


def reserved(world: World) -> dict[str, dict[str, Decimal]]:
    return StockReservation.reserved_quantities(world.store.id, ["CAN-1"])


def place_order(world: World, number: str = "1001", event: str = "order_pending_payment") -> None:
    """Place an unpaid order and send its webhook."""
    world.shop.orders[number] = paid_order(number, status="open", paid_at=None)
    world.shop.stock.place_order(world.shop.orders[number])
    if event:
        world.receive_webhook(number, event)


def act_during_call(monkeypatch: pytest.MonkeyPatch, method: str, act: Callable[[], object]) -> None:
    """At the next call of the method, run `act` after the shop has answered and before the answer is stored."""
    real_method = getattr(FakePlatform, method)

    def call_and_act(self: FakePlatform, *given: Any) -> Any:
        answer = real_method(self, *given)
        monkeypatch.setattr(FakePlatform, method, real_method)
        act()
        db.session.commit()
        return answer

    monkeypatch.setattr(FakePlatform, method, call_and_act)


@pytest.fixture
def world_with_mug(world: World, clock: FakeClock) -> World:
    """Return a world with ten mugs on both sides, where the shop follows the provider."""
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    return world


def test_a_catalogue_run_continues_where_it_stopped(world: World, clock: FakeClock) -> None:
    for at in range(5):
        world.add_synced_product(f"CAN-{at}", at, at)
    world.shop.stock.page_size = 2
    world.enable_articles()
    world.shop.errors["goods"] = [UnreachableError("unreachable")]
    world.run_full_sync(clock)
    assert [sku for _, sku, _ in current_products(world)] == [f"CAN-{at}" for at in range(5)]
    world.shop.calls.clear()
    world.run_full_sync(clock)
    assert world.shop.calls.count("goods") == 3


def test_the_look_up_counts_skus_so_that_progress_ends_at_the_total(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "SKUS_PER_PAGE", 2)
    for sku in ("CAN-1", "CAN-1", "", "LIV-1", "TSH-1"):
        world.shop.stock.add_item(sku, 1)
    world.enable_articles()
    world.run_full_sync(clock)
    run = SyncRun.last(world.account.id, "catalogue")
    assert run is not None and (run.state, run.seen, run.total) == ("done", 3, 3)


def test_a_product_that_left_the_list_is_gone_and_can_come_back(
    world_with_mug: World, clock: FakeClock
) -> None:
    kept = world_with_mug.shop.stock.items.copy()
    world_with_mug.shop.stock.remove("CAN-1")
    world_with_mug.run_full_sync(clock)
    assert current_products(world_with_mug) == []
    world_with_mug.shop.stock.items.update(kept)
    world_with_mug.run_full_sync(clock)
    assert current_products(world_with_mug) == [("1", "CAN-1", 10)]


def test_a_product_that_the_list_left_out_is_gone_only_after_its_own_reading(
    world_with_mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in ("S", "M", "L"):
        world_with_mug.shop.stock.add_item(f"TSH-{size}", 3, product="2", variant=f"2{size}")
    world_with_mug.run_full_sync(clock)
    world_with_mug.shop.calls.clear()
    monkeypatch.setattr(world_with_mug.shop.stock, "list_page", lambda after: CataloguePage((), ""))
    world_with_mug.shop.errors["goods_of"] = [UnreachableError("unreachable")] * 2
    clock.advance(1)
    catalogue.start_catalogue_run(world_with_mug.account, "hand")
    world_with_mug.run_due_work()
    assert len(current_products(world_with_mug)) == 4
    world_with_mug.shop.stock.remove("TSH-M")
    world_with_mug.run_until_idle(clock)
    assert [sku for _, sku, _ in current_products(world_with_mug)] == ["CAN-1", "TSH-L", "TSH-S"]
    assert world_with_mug.shop.calls.count("goods_of") == 4, (
        "one call for each product, and one more as it failed"
    )


def test_a_run_that_fails_half_way_marks_nothing_as_gone(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.shop.errors["goods"] = [UnreachableError("unreachable")] * 40
    catalogue.start_catalogue_run(world_with_mug.account, "hand")
    for _ in range(15):
        world_with_mug.run_due_work()
        clock.advance(1000)
    assert SyncRun.last(world_with_mug.account.id, "catalogue").state == "failed"  # type: ignore[union-attr]
    assert current_products(world_with_mug) == [("1", "CAN-1", 10)]


def test_a_product_is_read_after_its_webhook(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.shop.stock.set_level("CAN-1", 4)
    world_with_mug.receive_product_webhook("CAN-1")
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.stock_levels("CAN-1") == (10, 10)
    assert world_with_mug.stock_changes() == [("CAN-1", "shop", 4, 10, "hook", "done")]


def test_a_webhook_that_comes_while_the_product_is_read_is_not_lost(
    world_with_mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit() -> None:
        world_with_mug.shop.stock.set_level("CAN-1", 4)
        Product.mark_stale(world_with_mug.store.id, "1")

    Product.mark_stale(world_with_mug.store.id, "1")
    db.session.commit()
    act_during_call(monkeypatch, "items_of_product", edit)
    world_with_mug.run_until_idle(clock)
    assert (world_with_mug.stock_levels("CAN-1"), len(world_with_mug.stock_changes())) == ((10, 10), 1)


def test_a_product_that_gets_variants_is_replaced_by_them(world_with_mug: World, clock: FakeClock) -> None:
    del world_with_mug.shop.stock.items["1", ""]
    world_with_mug.shop.stock.add_item("CAN-S", 1, product="1", variant="11")
    world_with_mug.shop.stock.add_item("CAN-1", 2, product="1", variant="12")
    world_with_mug.receive_product_webhook("CAN-1")
    world_with_mug.run_until_idle(clock)
    assert current_products(world_with_mug) == [("111", "CAN-S", 1), ("112", "CAN-1", 10)]


def test_a_sku_that_moved_to_another_product_is_synced_there(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.shop.stock.edit("CAN-1", sku="VELHA")
    world_with_mug.shop.stock.add_item("CAN-1", 2)
    world_with_mug.receive_product_webhook("VELHA")
    world_with_mug.receive_product_webhook("CAN-1")
    world_with_mug.run_until_idle(clock)
    assert (world_with_mug.shop.stock.level("CAN-1"), world_with_mug.shop.stock.level("VELHA")) == (10, 10)
    assert [row[:4] for row in world_with_mug.stock_changes()] == [("CAN-1", "shop", 2, 10)]


def test_a_sku_that_is_too_long_counts_as_none(world: World, clock: FakeClock) -> None:
    world.shop.stock.add_item("x" * 201, 3)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    assert current_products(world) == [("1", "", 3)]


def test_an_article_is_looked_up_again_after_a_week(world_with_mug: World, clock: FakeClock) -> None:
    (number, article) = next(iter(world_with_mug.provider.articles.items()))
    world_with_mug.provider.articles[number] = replace(article, code="CANECA")
    world_with_mug.provider.stock.set_level(article, 6)
    world_with_mug.run_full_sync(clock)
    assert world_with_mug.shop.stock.level("CAN-1") == 10
    clock.advance(8 * 86_400)
    world_with_mug.run_full_sync(clock)
    assert world_with_mug.shop.stock.level("CAN-1") == 6
    assert Article.find_by_sku(world_with_mug.account.id, ["CAN-1"])["CAN-1"].code == "CANECA"


# Stock reserved by orders


def test_an_unpaid_order_reserves_its_stock(world_with_mug: World, clock: FakeClock) -> None:
    place_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    assert reserved(world_with_mug) == {"CAN-1": {"1001": Decimal(1)}}
    assert (world_with_mug.stock_levels("CAN-1"), world_with_mug.shop.stock.writes) == ((9, 10), [])


@pytest.mark.parametrize("how", ["webhook", "polled", "abandoned", "missing"])
def test_an_order_that_is_cancelled_abandoned_or_gone_releases_its_stock(
    world_with_mug: World, clock: FakeClock, how: str
) -> None:
    place_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    polling.poll_orders(world_with_mug.store)
    status = "abandoned" if how == "abandoned" else "cancelled"
    world_with_mug.shop.orders["1001"] = replace(world_with_mug.shop.orders["1001"], status=status)
    if how == "missing":
        del world_with_mug.shop.orders["1001"]
    if how == "webhook":
        world_with_mug.receive_webhook("1001", "order_canceled")
    else:
        polling.poll_orders(world_with_mug.store)
    world_with_mug.run_until_idle(clock)
    assert (reserved(world_with_mug), world_with_mug.stock_levels("CAN-1")) == ({}, (10, 10))


def test_an_order_without_webhook_is_found_and_read_once(world_with_mug: World, clock: FakeClock) -> None:
    place_order(world_with_mug, event="")
    polling.poll_orders(world_with_mug.store)
    world_with_mug.run_until_idle(clock)
    assert reserved(world_with_mug) == {"CAN-1": {"1001": Decimal(1)}}
    world_with_mug.shop.calls.clear()
    polling.poll_orders(world_with_mug.store)
    world_with_mug.run_until_idle(clock)
    assert "order" not in world_with_mug.shop.calls


def test_open_orders_from_before_are_read_when_the_sync_is_switched_on(
    world: World, clock: FakeClock
) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    place_order(world)
    polling.poll_orders(world.store)
    world.run_until_idle(clock)
    assert StockReservation.query.count() == 0
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    assert (reserved(world), world.stock_levels("CAN-1")) == ({"CAN-1": {"1001": Decimal(1)}}, (9, 10))


def test_an_order_reported_while_it_is_read_is_read_again(
    world_with_mug: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel() -> None:
        clock.advance(1)
        world_with_mug.shop.orders["1001"] = replace(world_with_mug.shop.orders["1001"], status="cancelled")
        StockReservation.mark_stale(world_with_mug.store.id, "1001")

    place_order(world_with_mug)
    act_during_call(monkeypatch, "read_order", cancel)
    world_with_mug.run_until_idle(clock)
    assert reserved(world_with_mug) == {}


def test_an_older_reading_does_not_replace_a_later_one(world_with_mug: World, clock: FakeClock) -> None:
    began = now()
    StockReservation.record_goods(world_with_mug.store.id, "1001", {"CAN-1": Decimal(3)}, began)
    assert (
        StockReservation.record_goods(world_with_mug.store.id, "1001", {}, began - timedelta(seconds=1))
        == set()
    )
    assert reserved(world_with_mug) == {"CAN-1": {"1001": Decimal(3)}}


def test_while_an_order_is_unread_no_quantity_of_its_store_is_changed(
    world_with_mug: World, clock: FakeClock
) -> None:
    world_with_mug.shop.errors["order"] = [UnreachableError("unreachable")] * 3
    place_order(world_with_mug)
    world_with_mug.provider.stock.set_level(world_with_mug.provider.article_by_code("CAN-1"), 4)  # type: ignore[arg-type]
    SyncedSku.mark_due(world_with_mug.account.id, ["CAN-1"], "hook")
    for _ in range(4):
        world_with_mug.run_due_work()
        clock.advance(5)
    assert world_with_mug.stock_levels("CAN-1") == (9, 4)
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.stock_levels("CAN-1") == (3, 4)


def test_an_order_that_cannot_be_understood_keeps_its_reservation(
    world_with_mug: World, clock: FakeClock
) -> None:
    place_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    world_with_mug.shop.errors["order"] = [OrderError("order-unreadable")]
    StockReservation.mark_stale(world_with_mug.store.id, "1001")
    world_with_mug.run_until_idle(clock)
    assert reserved(world_with_mug) == {"CAN-1": {"1001": Decimal(1)}}


def test_an_issued_order_is_read_for_its_document_alone(world_with_mug: World, clock: FakeClock) -> None:
    world_with_mug.pay_order("1001")
    world_with_mug.run_until_idle(clock)
    world_with_mug.shop.calls.clear()
    world_with_mug.receive_webhook("1001", "order_updated")
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.shop.calls.count("order") == 1
    assert reserved(world_with_mug) == {}


def test_an_edited_order_reserves_what_it_has_now(world_with_mug: World, clock: FakeClock) -> None:
    place_order(world_with_mug)
    world_with_mug.run_until_idle(clock)
    order = world_with_mug.shop.orders["1001"]
    world_with_mug.shop.orders["1001"] = replace(order, lines=(replace(order.lines[0], quantity=Decimal(4)),))
    world_with_mug.receive_webhook("1001", "order_updated")
    world_with_mug.run_until_idle(clock)
    assert world_with_mug.stock_levels("CAN-1") == (6, 10)


def test_changes_of_new_skus_are_undone_with_the_run_that_added_them(world: World, clock: FakeClock) -> None:
    for at in range(3):
        world.add_synced_product(f"CAN-{at}", 9, at)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    run = SyncRun.last(world.account.id, "catalogue")
    assert run is not None and [stock for *_, stock in current_products(world)] == [0, 1, 2]
    stock_runs.start_undo_run(world.account, run)
    world.run_until_idle(clock)
    assert [stock for *_, stock in current_products(world)] == [9, 9, 9]
