"""What the shop sells as it is read: page by page, product by product when a hook tells, order by order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopapp import catalogue, levelling, reconciling
from shopapp.fiscal.errors import OrderError, UnreachableError
from shopapp.models import Article, Ordered, Product, Run, Stocked, db, now
from shopapp.platforms.base import GoodsPage
from tests.fakes import Clock, FakeShop, World, an_order


def living(world: World) -> list[tuple[str, str, int | None]]:
    db.session.rollback()
    db.session.expire_all()
    rows = Product.query.filter(Product.gone_at.is_(None)).order_by(Product.product_id, Product.variant_id)
    return [(row.product_id + row.variant_id, row.sku, row.stock) for row in rows]


def reserved(world: World) -> dict[str, dict[str, Decimal]]:
    return Ordered.reserved(world.store.id, ["CAN-1"])


def placed(world: World, number: str = "1001", event: str = "order_pending_payment") -> None:
    """An order that is not paid yet, and its hook."""
    world.shop.orders[number] = an_order(number, status="open", paid_at=None)
    world.shop.shelf.place(world.shop.orders[number])
    if event:
        world.hook(number, event)


def while_read(monkeypatch: pytest.MonkeyPatch, verb: str, act: Callable[[], object]) -> None:
    """The next time that verb is asked, this happens after it was answered and before the answer is kept."""
    plain = getattr(FakeShop, verb)

    def asked(self: FakeShop, *given: Any) -> Any:
        answer = plain(self, *given)
        monkeypatch.setattr(FakeShop, verb, plain)
        act()
        db.session.commit()
        return answer

    monkeypatch.setattr(FakeShop, verb, asked)


@pytest.fixture
def mug(world: World, clock: Clock) -> World:
    """Ten mugs on both sides, following."""
    world.stocked("CAN-1", 10, 10)
    world.follows("to-shop")
    world.compares(clock)
    return world


def test_a_list_goes_on_where_it_stopped(world: World, clock: Clock) -> None:
    for at in range(5):
        world.stocked(f"CAN-{at}", at, at)
    world.shop.shelf.page = 2
    world.looks_up()
    world.shop.fail["goods"] = [UnreachableError("unreachable")]
    world.compares(clock)
    assert [sku for _, sku, _ in living(world)] == [f"CAN-{at}" for at in range(5)]
    world.shop.calls.clear()
    world.compares(clock)
    assert world.shop.calls.count("goods") == 3


def test_looking_up_counts_skus_so_that_its_bar_ends_full(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "TOGETHER", 2)
    for sku in ("CAN-1", "CAN-1", "", "LIV-1", "TSH-1"):
        world.shop.shelf.sells(sku, 1)
    world.looks_up()
    world.compares(clock)
    run = Run.last(world.account.id, "catalogue")
    assert run is not None and (run.state, run.seen, run.total) == ("done", 3, 3)


def test_what_is_no_longer_in_the_list_is_gone_and_comes_back(mug: World, clock: Clock) -> None:
    kept = mug.shop.shelf.goods.copy()
    mug.shop.shelf.remove("CAN-1")
    mug.compares(clock)
    assert living(mug) == []
    mug.shop.shelf.goods.update(kept)
    mug.compares(clock)
    assert living(mug) == [("1", "CAN-1", 10)]


def test_what_a_list_left_out_lives_until_a_reading_of_its_own_says_that_it_is_gone(
    mug: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in ("S", "M", "L"):
        mug.shop.shelf.sells(f"TSH-{size}", 3, product="2", variant=f"2{size}")
    mug.compares(clock)
    mug.shop.calls.clear()
    monkeypatch.setattr(mug.shop.shelf, "listed", lambda after: GoodsPage((), ""))
    mug.shop.fail["goods_of"] = [UnreachableError("unreachable")] * 2
    clock.passes(1)
    catalogue.begin(mug.account, "hand")
    mug.work()
    assert len(living(mug)) == 4
    mug.shop.shelf.remove("TSH-M")
    mug.rests(clock)
    assert [sku for _, sku, _ in living(mug)] == ["CAN-1", "TSH-L", "TSH-S"]
    assert mug.shop.calls.count("goods_of") == 4, "one call for each product, and one more as it failed"


def test_a_run_that_fails_half_way_makes_nothing_gone(mug: World, clock: Clock) -> None:
    mug.shop.fail["goods"] = [UnreachableError("unreachable")] * 40
    catalogue.begin(mug.account, "hand")
    for _ in range(15):
        mug.work()
        clock.passes(1000)
    assert Run.last(mug.account.id, "catalogue").state == "failed"  # type: ignore[union-attr]
    assert living(mug) == [("1", "CAN-1", 10)]


def test_a_product_is_read_when_a_hook_tells_of_it(mug: World, clock: Clock) -> None:
    mug.shop.shelf.put("CAN-1", 4)
    mug.heard("CAN-1")
    mug.rests(clock)
    assert mug.level("CAN-1") == (10, 10)
    assert mug.journal() == [("CAN-1", "shop", 4, 10, "hook", "done")]


def test_a_hook_that_comes_while_the_product_is_read_is_not_lost(
    mug: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited() -> None:
        mug.shop.shelf.put("CAN-1", 4)
        Product.tell(mug.store.id, "1")

    Product.tell(mug.store.id, "1")
    db.session.commit()
    while_read(monkeypatch, "goods_of", edited)
    mug.rests(clock)
    assert (mug.level("CAN-1"), len(mug.journal())) == ((10, 10), 1)


def test_a_product_that_gets_variants_is_read_as_these(mug: World, clock: Clock) -> None:
    del mug.shop.shelf.goods["1", ""]
    mug.shop.shelf.sells("CAN-S", 1, product="1", variant="11")
    mug.shop.shelf.sells("CAN-1", 2, product="1", variant="12")
    mug.heard("CAN-1")
    mug.rests(clock)
    assert living(mug) == [("111", "CAN-S", 1), ("112", "CAN-1", 10)]


def test_a_sku_that_moved_to_another_product_follows_there(mug: World, clock: Clock) -> None:
    mug.shop.shelf.changed("CAN-1", sku="VELHA")
    mug.shop.shelf.sells("CAN-1", 2)
    mug.heard("VELHA")
    mug.heard("CAN-1")
    mug.rests(clock)
    assert (mug.shop.shelf.level("CAN-1"), mug.shop.shelf.level("VELHA")) == (10, 10)
    assert [row[:4] for row in mug.journal()] == [("CAN-1", "shop", 2, 10)]


def test_a_sku_that_no_column_holds_counts_as_none(world: World, clock: Clock) -> None:
    world.shop.shelf.sells("x" * 201, 3)
    world.follows("to-shop")
    world.compares(clock)
    assert living(world) == [("1", "", 3)]


def test_an_article_is_looked_up_again_after_a_week(mug: World, clock: Clock) -> None:
    (number, article) = next(iter(mug.office.articles.items()))
    mug.office.articles[number] = replace(article, code="CANECA")
    mug.office.depot.put(article, 6)
    mug.compares(clock)
    assert mug.shop.shelf.level("CAN-1") == 10
    clock.passes(8 * 86_400)
    mug.compares(clock)
    assert mug.shop.shelf.level("CAN-1") == 6
    assert Article.of(mug.account.id, ["CAN-1"])["CAN-1"].code == "CANECA"


# what orders put aside


def test_an_order_that_is_not_paid_yet_puts_its_goods_aside(mug: World, clock: Clock) -> None:
    placed(mug)
    mug.rests(clock)
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}
    assert (mug.level("CAN-1"), mug.shop.shelf.written) == ((9, 10), [])


@pytest.mark.parametrize("how", ["hook", "found", "abandoned", "missing"])
def test_an_order_that_comes_to_nothing_gives_them_free(mug: World, clock: Clock, how: str) -> None:
    placed(mug)
    mug.rests(clock)
    reconciling.compare(mug.store)
    status = "abandoned" if how == "abandoned" else "cancelled"
    mug.shop.orders["1001"] = replace(mug.shop.orders["1001"], status=status)
    if how == "missing":
        del mug.shop.orders["1001"]
    if how == "hook":
        mug.hook("1001", "order_canceled")
    else:
        reconciling.compare(mug.store)
    mug.rests(clock)
    assert (reserved(mug), mug.level("CAN-1")) == ({}, (10, 10))


def test_an_order_that_no_hook_told_is_found_and_read_once(mug: World, clock: Clock) -> None:
    placed(mug, event="")
    reconciling.compare(mug.store)
    mug.rests(clock)
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}
    mug.shop.calls.clear()
    reconciling.compare(mug.store)
    mug.rests(clock)
    assert "order" not in mug.shop.calls


def test_orders_from_before_stock_followed_are_read_when_it_begins(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 10, 10)
    placed(world)
    reconciling.compare(world.store)
    world.rests(clock)
    assert Ordered.query.count() == 0
    world.follows("to-shop")
    world.compares(clock)
    assert (reserved(world), world.level("CAN-1")) == ({"CAN-1": {"1001": Decimal(1)}}, (9, 10))


def test_an_order_told_of_while_it_is_read_is_read_again(
    mug: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled() -> None:
        clock.passes(1)
        mug.shop.orders["1001"] = replace(mug.shop.orders["1001"], status="cancelled")
        Ordered.tell(mug.store.id, "1001")

    placed(mug)
    while_read(monkeypatch, "order", cancelled)
    mug.rests(clock)
    assert reserved(mug) == {}


def test_an_older_reading_is_not_kept_over_a_later_one(mug: World, clock: Clock) -> None:
    began = now()
    Ordered.read(mug.store.id, "1001", {"CAN-1": Decimal(3)}, began)
    assert Ordered.read(mug.store.id, "1001", {}, began - timedelta(seconds=1)) == set()
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(3)}}


def test_while_an_order_is_not_read_no_level_of_its_store_is_touched(mug: World, clock: Clock) -> None:
    mug.shop.fail["order"] = [UnreachableError("unreachable")] * 3
    placed(mug)
    mug.office.depot.put(mug.office.named("CAN-1"), 4)  # type: ignore[arg-type]
    Stocked.wake(mug.account.id, ["CAN-1"], "hook")
    for _ in range(4):
        mug.work()
        clock.passes(5)
    assert mug.level("CAN-1") == (9, 4)
    mug.rests(clock)
    assert mug.level("CAN-1") == (3, 4)


def test_an_order_that_is_not_to_be_understood_keeps_what_was_known_of_it(mug: World, clock: Clock) -> None:
    placed(mug)
    mug.rests(clock)
    mug.shop.fail["order"] = [OrderError("order-unreadable")]
    Ordered.tell(mug.store.id, "1001")
    mug.rests(clock)
    assert reserved(mug) == {"CAN-1": {"1001": Decimal(1)}}


def test_an_order_whose_document_is_issued_is_not_read_again(mug: World, clock: Clock) -> None:
    mug.paid("1001")
    mug.rests(clock)
    mug.shop.calls.clear()
    mug.hook("1001", "order_updated")
    mug.rests(clock)
    assert "order" not in mug.shop.calls
    assert reserved(mug) == {}


def test_an_edited_order_holds_what_it_says_now(mug: World, clock: Clock) -> None:
    placed(mug)
    mug.rests(clock)
    order = mug.shop.orders["1001"]
    mug.shop.orders["1001"] = replace(order, lines=(replace(order.lines[0], quantity=Decimal(4)),))
    mug.hook("1001", "order_updated")
    mug.rests(clock)
    assert mug.level("CAN-1") == (6, 10)


def test_what_is_altered_because_a_sku_is_new_goes_back_with_the_run_that_found_it(
    world: World, clock: Clock
) -> None:
    for at in range(3):
        world.stocked(f"CAN-{at}", 9, at)
    world.follows("to-shop")
    world.compares(clock)
    run = Run.last(world.account.id, "catalogue")
    assert run is not None and [stock for *_, stock in living(world)] == [0, 1, 2]
    levelling.begin_undo(world.account, run)
    world.rests(clock)
    assert [stock for *_, stock in living(world)] == [9, 9, 9]
