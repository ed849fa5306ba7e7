"""Background stock work: both directions, sales, free orders, scheduled runs, failures and fairness."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from shopapp.documents import merchant_actions
from shopapp.errors import CredentialsError, UnreachableError
from shopapp.inventory import catalogue, scheduler, stock_runs, stock_sync
from shopapp.models import Account, StockChange, StockReservation, SyncedSku, SyncRun, db
from shopapp.orders import polling
from tests.fakes import FakeClock, FakeProvider, World, paid_order


def test_the_shop_gets_the_quantity_of_the_provider(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    assert world.stock_levels("CAN-1") == (10, 10)
    assert world.stock_changes() == [("CAN-1", "shop", 3, 10, "run", "done")]


def test_the_provider_gets_the_quantity_of_the_shop(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-provider")
    world.run_full_sync(clock)
    assert world.stock_levels("CAN-1") == (3, 3)
    assert world.stock_changes() == [("CAN-1", "provider", 10, 3, "run", "done")]


def start_sync_with_ten(world: World, clock: FakeClock, direction: str, documents_move: bool) -> None:
    """Start the sync with ten of CAN-1 on both sides; stock is moved by documents, or by us."""
    world.add_synced_product("CAN-1", 10, 10)
    world.provider.stock.documents_move = documents_move
    world.enable_stock_sync(direction)
    world.run_full_sync(clock)


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_sale_is_taken_off_once_on_both_sides(
    world: World, clock: FakeClock, direction: str, documents_move: bool
) -> None:
    start_sync_with_ten(world, clock, direction, documents_move)
    world.pay_order("1001")
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (9, 9)
    assert world.shop.stock.writes == []


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("paid_at_once", [True, False], ids=["at-once", "later"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_free_order_is_taken_off_once_although_it_has_no_document(
    world: World, clock: FakeClock, direction: str, paid_at_once: bool, documents_move: bool
) -> None:
    start_sync_with_ten(world, clock, direction, documents_move)
    if not paid_at_once:
        world.shop.orders["1001"] = paid_order(
            status="open", paid_at=None, total=Decimal(0), discount=Decimal("12.30")
        )
        world.shop.stock.place_order(world.shop.orders["1001"])
        world.receive_webhook("1001", "order_pending_payment")
        world.run_until_idle(clock)
    world.pay_order("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.run_until_idle(clock)
    assert world.document("1001").reason == "free"
    world.run_full_sync(clock)
    # When the shop follows, the provider still has the piece, as no document deducts it; the shop must not
    # sell it again.
    assert world.stock_levels("CAN-1") == (9, 10 if direction == "to-shop" else 9)
    clock.advance(100 * 86_400)
    StockReservation.delete_old()
    db.session.commit()
    world.provider.stock.add(
        world.provider.article_by_code("CAN-1"), Decimal(5 if direction == "to-shop" else 0), ""
    )  # type: ignore[arg-type]
    world.run_full_sync(clock)
    assert world.stock_levels("CAN-1")[0] == (14 if direction == "to-shop" else 9)


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_an_open_order_is_taken_off_once_even_if_the_direction_is_turned_round(
    world: World, clock: FakeClock, direction: str, documents_move: bool
) -> None:
    start_sync_with_ten(world, clock, direction, documents_move)
    world.shop.orders["1001"] = paid_order(status="open", paid_at=None)
    world.shop.stock.place_order(world.shop.orders["1001"])
    world.receive_webhook("1001", "order_pending_payment")
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (9, 10)
    clock.advance(60)
    world.enable_stock_sync({"to-shop": "to-provider", "to-provider": "to-shop"}[direction])
    scheduler.start_due_runs()
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (9, 10)
    world.pay_order("1001")
    world.run_until_idle(clock)
    world.run_full_sync(clock)
    assert world.stock_levels("CAN-1") == (9, 9)
    assert world.shop.stock.writes == []


@pytest.mark.parametrize("how", ["taken-off-by-hand", "cancelled"])
def test_a_free_order_is_no_longer_reserved_once_it_is_taken_off_or_cancelled(
    world: World, clock: FakeClock, how: str
) -> None:
    mug = world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.pay_order("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.run_until_idle(clock)
    if how == "cancelled":
        world.shop.orders["1001"] = replace(world.shop.orders["1001"], status="cancelled")
        world.shop.stock.cancel_order("1001")
        world.receive_webhook("1001", "order_canceled")
    else:
        world.provider.stock.set_level(mug, 9)
        merchant_actions.dismiss_document(world.document("1001"))
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == ((10, 10) if how == "cancelled" else (9, 9))


def test_a_free_order_from_before_the_sync_reserves_nothing(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.pay_order("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.run_until_idle(clock)
    world.enable_stock_sync("to-shop")
    scheduler.start_due_runs()
    world.run_until_idle(clock)
    for _ in range(2):
        polling.poll_orders(world.store)
        world.receive_webhook("1001", "order_updated", more=str(clock.now))
        clock.advance(60)
        world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (10, 10)


def test_a_free_order_is_taken_off_once_even_if_the_direction_is_turned_round(
    world: World, clock: FakeClock
) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.provider.stock.documents_move = True
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.pay_order("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.run_until_idle(clock)
    for direction in ("to-provider", "to-shop", "to-provider"):
        clock.advance(60)
        world.enable_stock_sync(direction)
        scheduler.start_due_runs()
        world.run_until_idle(clock)
        world.receive_webhook("1001", "order_updated", more=direction)
        world.run_until_idle(clock)
        assert world.stock_levels("CAN-1") == (9, 9), direction


def test_without_sync_no_quantity_is_changed(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_articles()
    world.run_full_sync(clock)
    assert world.stock_levels("CAN-1") == (3, 10)
    assert SyncedSku.query.count() == 0


def test_after_the_sync_is_switched_off_quantities_stay_as_they_are(world: World, clock: FakeClock) -> None:
    mug = world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.enable_stock_sync("")
    world.provider.stock.set_level(mug, 4)
    SyncedSku.mark_due(world.account.id, ["CAN-1"], "hook")
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (10, 4)
    assert world.synced_sku("CAN-1").reason == "off"


def test_after_the_settings_change_everything_is_compared_again(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    stock_runs.undo_change(StockChange.query.one())
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (3, 10)
    world.enable_stock_sync("to-provider")
    assert scheduler.start_due_runs() == 1
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (3, 3)
    assert scheduler.start_due_runs() == 0


def test_the_clock_starts_with_the_catalogue_and_reads_stock_every_few_minutes(
    world: World, clock: FakeClock
) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    assert (scheduler.start_due_runs(), scheduler.start_due_runs()) == (1, 0)
    world.run_until_idle(clock)
    clock.advance(299)
    assert scheduler.start_due_runs() == 0
    clock.advance(2)
    assert scheduler.start_due_runs() == 1
    world.run_until_idle(clock)
    assert [row.kind for row in SyncRun.query.order_by(SyncRun.id)] == ["catalogue", "stock", "stock"]
    clock.advance(86_400)
    assert scheduler.start_due_runs() == 1
    assert SyncRun.query.order_by(SyncRun.id.desc()).first().kind == "catalogue"


@pytest.fixture
def metered_world(world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose shop follows a provider that limits calls per month, after one run."""
    monkeypatch.setattr(FakeProvider, "capabilities", replace(FakeProvider.capabilities, metered=True))
    world.enable_stock_sync("to-shop")
    scheduler.start_due_runs()
    world.run_until_idle(clock)
    return world


def test_a_metered_provider_is_read_every_six_hours(metered_world: World, clock: FakeClock) -> None:
    clock.advance(3600)
    assert scheduler.start_due_runs() == 0
    clock.advance(18_100)
    assert scheduler.start_due_runs() == 1


def test_a_run_of_many_calls_at_a_metered_provider_is_started_less_often(
    metered_world: World, clock: FakeClock
) -> None:
    run = SyncRun.last(metered_world.account.id, "stock")
    assert run is not None
    run.calls = 41
    db.session.commit()
    begun, month = run.begun_at, 30 * 86_400
    assert stock_runs.next_stock_run_at(metered_world.account) == begun + timedelta(seconds=21_600 * 41 / 4)
    while clock.now < begun + timedelta(seconds=month):
        # The daily catalogue run must not start a stock run.
        clock.advance(3_600)
        scheduler.start_due_runs()
        for one in SyncRun.query.filter(SyncRun.state == "open"):
            one.calls = 41 if one.kind == "stock" else 2
            one.end("done")
    read = SyncRun.query.filter(SyncRun.kind == "stock")
    assert sum(one.calls for one in read) <= 500, "a quarter of the smallest plan"
    assert read.count() > 10


@pytest.mark.parametrize("before", ["", "to-provider"])
def test_open_orders_from_before_are_reserved_before_the_first_stock_run(
    world: World, clock: FakeClock, before: str
) -> None:
    world.add_synced_product("CAN-1", 10, 10)
    if before:
        world.enable_stock_sync(before)
        scheduler.start_due_runs()
        world.run_until_idle(clock)
        world.enable_stock_sync("")
    clock.advance(1)
    world.shop.orders["1001"] = paid_order(status="open", paid_at=None)
    world.shop.stock.place_order(world.shop.orders["1001"])
    polling.poll_orders(world.store)
    world.enable_stock_sync("to-shop")
    scheduler.start_due_runs()
    world.run_until_idle(clock)
    assert (world.stock_levels("CAN-1"), world.stock_changes()) == ((9, 10), [])


def test_refused_credentials_stop_the_account_at_once(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-shop")
    catalogue.start_catalogue_run(world.account, "hand")
    world.provider.errors["levels"] = [CredentialsError("keys-refused", field="key")]
    world.run_due_work()
    clock.advance(300)
    asked = len(world.provider.article_lookups)
    world.run_due_work()
    account = db.session.get_one(Account, world.account.id, populate_existing=True)
    assert account.refused_code == "keys-refused"
    assert world.stock_levels("CAN-1") == (3, 10)
    assert len(world.provider.article_lookups) == asked


def test_a_paused_provider_is_not_asked(world: World, clock: FakeClock) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-shop")
    world.account.paused_until = clock.now + timedelta(days=365)
    db.session.commit()
    world.run_full_sync(clock)
    assert world.provider.article_lookups == []
    assert world.stock_levels("CAN-1") == (3, 10)


def test_a_bug_stops_neither_documents_nor_other_work(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-shop")
    catalogue.start_catalogue_run(world.account, "hand")
    with monkeypatch.context() as broken:
        broken.setattr(catalogue, "run_catalogue_page", lambda *_: 1 / 0)
        world.pay_order("1001")
        world.run_due_work()
    assert world.document("1001").state == "issued"
    db.session.refresh(world.store)
    assert world.store.stock_lease_until is None
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (9, 9)


def test_a_worker_that_was_frozen_releases_only_its_own_lease(world: World, clock: FakeClock) -> None:
    world.store.acquire_lease("stock", 60)
    db.session.refresh(world.store)
    first = world.store.stock_lease_until
    clock.advance(61)
    world.store.acquire_lease("stock", 60)
    world.store.release_lease("stock", first)
    db.session.refresh(world.store)
    assert world.store.stock_lease_until is not None
    world.store.release_lease("stock", world.store.stock_lease_until)
    db.session.refresh(world.store)
    assert world.store.stock_lease_until is None


def test_a_page_that_fails_is_retried_until_the_run_fails(world: World, clock: FakeClock) -> None:
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.provider.errors["changed_levels"] = [UnreachableError("unreachable")] * 30
    stock_runs.start_stock_run(world.account, "hand")
    db.session.commit()
    for _ in range(14):
        world.run_due_work()
        clock.advance(1000)
    run = SyncRun.last(world.account.id, "stock")
    assert run is not None
    assert (run.state, run.reason) == ("failed", "unreachable")
    assert len(world.provider.errors["changed_levels"]) == 30 - scheduler.MAX_TRIES - 1


def test_a_run_that_waits_for_its_skus_is_not_taken_again_at_once(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = world.add_synced_product("CAN-1", 10, 10)
    world.enable_stock_sync("to-shop")
    world.run_full_sync(clock)
    world.provider.stock.set_level(mug, 7)
    pages, page = [], stock_runs.run_stock_page
    monkeypatch.setattr(stock_runs, "run_stock_page", lambda *given: (pages.append(given), page(*given)))
    with monkeypatch.context() as others:
        others.setattr(stock_sync, "sync_due_skus", lambda *_: False)
        stock_runs.start_stock_run(world.account, "hand")
        world.run_due_work()
    assert len(pages) == 2, "one reads, the next sees that it has to wait"
    world.run_until_idle(clock)
    assert world.stock_levels("CAN-1") == (7, 7)


def test_every_store_is_worked_on(world: World, clock: FakeClock) -> None:
    other = world.add_store("other")
    account = world.add_account(other)
    world.add_synced_product("CAN-1", 3, 10)
    world.enable_stock_sync("to-shop")
    account.settings, account.choices = world.account.settings, world.account.choices
    db.session.commit()
    for one in (world.account, account):
        catalogue.start_catalogue_run(one, "hand")
    world.run_until_idle(clock)
    assert {row.store_id for row in SyncedSku.query} == {world.store.id, other.id}
