"""Goods and stock from end to end: what the shop sells, what the program has, and what a sale does to both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from shopapp import catalogue, deciding, goods, levelling, reconciling, stocking
from shopapp.fiscal.errors import CredentialsError, UnreachableError
from shopapp.models import Account, Ordered, Run, StockChange, Stocked, db
from tests.fakes import Clock, FakeBooks, World, an_order


def test_the_shop_takes_over_what_the_program_has(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    world.compares(clock)
    assert world.level("CAN-1") == (10, 10)
    assert world.journal() == [("CAN-1", "shop", 3, 10, "run", "done")]


def test_the_program_takes_over_what_the_shop_has(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-provider")
    world.compares(clock)
    assert world.level("CAN-1") == (3, 3)
    assert world.journal() == [("CAN-1", "provider", 10, 3, "run", "done")]


def ten_of_each(world: World, clock: Clock, direction: str, documents_move: bool) -> None:
    """Both sides have ten of CAN-1, the one follows the other, and documents take the goods off, or we do."""
    world.stocked("CAN-1", 10, 10)
    world.office.depot.documents_move = documents_move
    world.follows(direction)
    world.compares(clock)


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_sale_is_taken_off_once_on_both_sides(
    world: World, clock: Clock, direction: str, documents_move: bool
) -> None:
    ten_of_each(world, clock, direction, documents_move)
    world.paid("1001")
    world.rests(clock)
    assert world.level("CAN-1") == (9, 9)
    assert world.shop.shelf.written == []


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("paid_at_once", [True, False], ids=["at-once", "later"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_what_was_given_away_is_taken_off_once_though_no_document_does_it(
    world: World, clock: Clock, direction: str, paid_at_once: bool, documents_move: bool
) -> None:
    ten_of_each(world, clock, direction, documents_move)
    if not paid_at_once:
        world.shop.orders["1001"] = an_order(
            status="open", paid_at=None, total=Decimal(0), discount=Decimal("12.30")
        )
        world.shop.shelf.place(world.shop.orders["1001"])
        world.hook("1001", "order_pending_payment")
        world.rests(clock)
    world.paid("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.rests(clock)
    assert world.document("1001").reason == "free"
    world.compares(clock)
    # to the shop: nothing takes it off in the program, which has it still; the shop does not sell it again
    assert world.level("CAN-1") == (9, 10 if direction == "to-shop" else 9)
    clock.passes(100 * 86_400)
    Ordered.forget()
    db.session.commit()
    world.office.depot.add(world.office.named("CAN-1"), Decimal(5 if direction == "to-shop" else 0), "")  # type: ignore[arg-type]
    world.compares(clock)
    assert world.level("CAN-1")[0] == (14 if direction == "to-shop" else 9)


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_an_order_under_way_is_taken_off_once_also_where_the_direction_is_turned_meanwhile(
    world: World, clock: Clock, direction: str, documents_move: bool
) -> None:
    ten_of_each(world, clock, direction, documents_move)
    world.shop.orders["1001"] = an_order(status="open", paid_at=None)
    world.shop.shelf.place(world.shop.orders["1001"])
    world.hook("1001", "order_pending_payment")
    world.rests(clock)
    assert world.level("CAN-1") == (9, 10)
    clock.passes(60)
    world.follows({"to-shop": "to-provider", "to-provider": "to-shop"}[direction])
    goods.begin_due()
    world.rests(clock)
    assert world.level("CAN-1") == (9, 10)
    world.paid("1001")
    world.rests(clock)
    world.compares(clock)
    assert world.level("CAN-1") == (9, 9)
    assert world.shop.shelf.written == []


@pytest.mark.parametrize("how", ["taken-off-by-hand", "cancelled"])
def test_what_was_given_away_is_no_longer_put_aside_once_that_is_settled(
    world: World, clock: Clock, how: str
) -> None:
    mug = world.stocked("CAN-1", 10, 10)
    world.follows("to-shop")
    world.compares(clock)
    world.paid("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.rests(clock)
    if how == "cancelled":
        world.shop.orders["1001"] = replace(world.shop.orders["1001"], status="cancelled")
        world.shop.shelf.cancel("1001")
        world.hook("1001", "order_canceled")
    else:
        world.office.depot.put(mug, 9)
        deciding.set_aside(world.document("1001"))
    world.rests(clock)
    assert world.level("CAN-1") == ((10, 10) if how == "cancelled" else (9, 9))


def test_what_was_given_away_before_stock_followed_is_nobodys_any_more(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 10, 10)
    world.paid("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.rests(clock)
    world.follows("to-shop")
    goods.begin_due()
    world.rests(clock)
    for _ in range(2):
        reconciling.compare(world.store)
        world.hook("1001", "order_updated", more=str(clock.now))
        clock.passes(60)
        world.rests(clock)
    assert world.level("CAN-1") == (10, 10)


def test_what_was_given_away_is_taken_off_once_also_where_the_direction_is_turned(
    world: World, clock: Clock
) -> None:
    world.stocked("CAN-1", 10, 10)
    world.office.depot.documents_move = True
    world.follows("to-shop")
    world.compares(clock)
    world.paid("1001", total=Decimal(0), discount=Decimal("12.30"))
    world.rests(clock)
    for direction in ("to-provider", "to-shop", "to-provider"):
        clock.passes(60)
        world.follows(direction)
        goods.begin_due()
        world.rests(clock)
        world.hook("1001", "order_updated", more=direction)
        world.rests(clock)
        assert world.level("CAN-1") == (9, 9), direction


def test_where_stock_does_not_follow_nothing_is_altered(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.looks_up()
    world.compares(clock)
    assert world.level("CAN-1") == (3, 10)
    assert Stocked.query.count() == 0


def test_stock_that_no_longer_follows_is_left_as_it_is(world: World, clock: Clock) -> None:
    mug = world.stocked("CAN-1", 10, 10)
    world.follows("to-shop")
    world.compares(clock)
    world.follows("")
    world.office.depot.put(mug, 4)
    Stocked.wake(world.account.id, ["CAN-1"], "hook")
    world.rests(clock)
    assert world.level("CAN-1") == (10, 4)
    assert world.stock_of("CAN-1").reason == "off"


def test_a_merchant_who_chose_otherwise_has_all_compared_anew(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    world.compares(clock)
    levelling.undo(StockChange.query.one())
    world.rests(clock)
    assert world.level("CAN-1") == (3, 10)
    world.follows("to-provider")
    assert goods.begin_due() == 1
    world.rests(clock)
    assert world.level("CAN-1") == (3, 3)
    assert goods.begin_due() == 0


def test_the_clock_begins_with_the_whole_list_and_reads_stock_every_few_minutes(
    world: World, clock: Clock
) -> None:
    world.stocked("CAN-1", 10, 10)
    world.follows("to-shop")
    assert (goods.begin_due(), goods.begin_due()) == (1, 0)
    world.rests(clock)
    clock.passes(299)
    assert goods.begin_due() == 0
    clock.passes(2)
    assert goods.begin_due() == 1
    world.rests(clock)
    assert [row.kind for row in Run.query.order_by(Run.id)] == ["catalogue", "stock", "stock"]
    clock.passes(86_400)
    assert goods.begin_due() == 1
    assert Run.query.order_by(Run.id.desc()).first().kind == "catalogue"


@pytest.fixture
def metered(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> World:
    """The shop follows a program of so many calls a month, and was read once."""
    monkeypatch.setattr(FakeBooks, "capabilities", replace(FakeBooks.capabilities, metered=True))
    world.follows("to-shop")
    goods.begin_due()
    world.rests(clock)
    return world


def test_a_program_of_so_many_calls_a_month_is_asked_seldom(metered: World, clock: Clock) -> None:
    clock.passes(3600)
    assert goods.begin_due() == 0
    clock.passes(18_100)
    assert goods.begin_due() == 1


def test_a_list_that_takes_many_calls_is_read_as_much_more_seldom(metered: World, clock: Clock) -> None:
    run = Run.last(metered.account.id, "stock")
    assert run is not None
    run.calls = 41
    db.session.commit()
    begun, month = run.begun_at, 30 * 86_400
    assert levelling.next_at(metered.account) == begun + timedelta(seconds=21_600 * 41 / 4)
    while clock.now < begun + timedelta(seconds=month):
        # the shop's own list is read every day, and by itself has no level read
        clock.passes(3_600)
        goods.begin_due()
        for one in Run.query.filter(Run.state == "open"):
            one.calls = 41 if one.kind == "stock" else 2
            one.end("done")
    read = Run.query.filter(Run.kind == "stock")
    assert sum(one.calls for one in read) <= 500, "a quarter of the smallest plan"
    assert read.count() > 10


@pytest.mark.parametrize("before", ["", "to-provider"])
def test_orders_from_before_are_put_aside_before_the_clock_has_anything_levelled(
    world: World, clock: Clock, before: str
) -> None:
    world.stocked("CAN-1", 10, 10)
    if before:
        world.follows(before)
        goods.begin_due()
        world.rests(clock)
        world.follows("")
    clock.passes(1)
    world.shop.orders["1001"] = an_order(status="open", paid_at=None)
    world.shop.shelf.place(world.shop.orders["1001"])
    reconciling.compare(world.store)
    world.follows("to-shop")
    goods.begin_due()
    world.rests(clock)
    assert (world.level("CAN-1"), world.journal()) == ((9, 10), [])


def test_refused_keys_stop_the_account_at_once(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    catalogue.begin(world.account, "hand")
    world.office.fail["levels"] = [CredentialsError("keys-refused", field="key")]
    world.work()
    clock.passes(300)
    asked = len(world.office.asked)
    world.work()
    account = db.session.get_one(Account, world.account.id, populate_existing=True)
    assert account.refused_code == "keys-refused"
    assert world.level("CAN-1") == (3, 10)
    assert len(world.office.asked) == asked


def test_a_program_that_rests_is_not_asked(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    world.account.paused_until = clock.now + timedelta(days=365)
    db.session.commit()
    world.compares(clock)
    assert world.office.asked == []
    assert world.level("CAN-1") == (3, 10)


def test_a_bug_of_ours_stops_neither_documents_nor_other_work(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    catalogue.begin(world.account, "hand")
    with monkeypatch.context() as broken:
        broken.setattr(catalogue, "page", lambda *_: 1 / 0)
        world.paid("1001")
        world.work()
    assert world.document("1001").state == "issued"
    db.session.refresh(world.store)
    assert world.store.stock_lease_until is None
    world.rests(clock)
    assert world.level("CAN-1") == (9, 9)


def test_a_worker_that_stood_still_gives_back_only_its_own_lease(world: World, clock: Clock) -> None:
    world.store.lease("stock", 60)
    db.session.refresh(world.store)
    first = world.store.stock_lease_until
    clock.passes(61)
    world.store.lease("stock", 60)
    world.store.release("stock", first)
    db.session.refresh(world.store)
    assert world.store.stock_lease_until is not None
    world.store.release("stock", world.store.stock_lease_until)
    db.session.refresh(world.store)
    assert world.store.stock_lease_until is None


def test_a_page_that_fails_is_read_again_and_at_last_given_up(world: World, clock: Clock) -> None:
    world.follows("to-shop")
    world.compares(clock)
    world.office.fail["changed_levels"] = [UnreachableError("unreachable")] * 30
    levelling.begin(world.account, "hand")
    db.session.commit()
    for _ in range(14):
        world.work()
        clock.passes(1000)
    run = Run.last(world.account.id, "stock")
    assert run is not None
    assert (run.state, run.reason) == ("failed", "unreachable")
    assert len(world.office.fail["changed_levels"]) == 30 - goods.MOST_TRIES - 1


def test_a_run_that_waits_for_another_worker_is_not_asked_again_at_once(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = world.stocked("CAN-1", 10, 10)
    world.follows("to-shop")
    world.compares(clock)
    world.office.depot.put(mug, 7)
    pages, page = [], levelling.page
    monkeypatch.setattr(levelling, "page", lambda *given: (pages.append(given), page(*given)))
    with monkeypatch.context() as others:
        others.setattr(stocking, "settle", lambda *_: False)
        levelling.begin(world.account, "hand")
        world.work()
    assert len(pages) == 2, "read, and seen that it waits"
    world.rests(clock)
    assert world.level("CAN-1") == (7, 7)


def test_stores_have_their_turns(world: World, clock: Clock) -> None:
    other = world.add_store("other")
    account = world.add_account(other)
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    account.settings, account.choices = world.account.settings, world.account.choices
    db.session.commit()
    for one in (world.account, account):
        catalogue.begin(one, "hand")
    world.rests(clock)
    assert {row.store_id for row in Stocked.query} == {world.store.id, other.id}
