"""One followed SKU: what level it gets, what leaves it alone, and what a lost answer or a death makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shopapp import fault, levelling, movements
from shopapp.fiscal.errors import RefusedError, UncertainError, UnreachableError
from shopapp.models import Article, Stocked, db
from shopapp.platforms.base import Location
from shopapp.providers.base import StockMove
from tests.fakes import SHOP, Clock, World


@pytest.fixture(autouse=True)
def _disarmed() -> Any:
    yield
    fault.arm("")


def following(world: World, clock: Clock, direction: str, ours: int | None = 10, theirs: int = 10) -> None:
    """One mug that follows, both sides equal or brought there."""
    world.stocked("CAN-1", ours, theirs)
    world.follows(direction)
    world.compares(clock)


def differs(world: World, theirs: int | str, cause: str = "hook") -> None:
    """The program has another level by now, and the mug is to be looked at."""
    world.office.depot.put(world.office.named("CAN-1"), theirs)  # type: ignore[arg-type]
    Stocked.wake(world.account.id, ["CAN-1"], cause)
    db.session.commit()


def lost(move: StockMove) -> bool:
    raise UncertainError("outcome-unknown", how="timeout")


def made_and_lost(world: World) -> Callable[[StockMove], bool]:
    def answer(move: StockMove) -> bool:
        world.office.depot.make(world.office.named(move.code), move)
        return lost(move)

    return answer


def test_the_shop_is_not_emptied_because_of_an_article_that_we_made_and_nobody_counted(
    world: World, clock: Clock
) -> None:
    following(world, clock, "to-shop", theirs=0, ours=0)
    row = db.session.query(Article).one()
    row.state = "made"
    SHOP.shelf.put("CAN-1", 6)
    Stocked.wake(world.account.id, ["CAN-1"], "hook")
    db.session.commit()
    world.rests(clock)
    assert (world.level("CAN-1")[0], db.session.query(Stocked).one().reason) == (6, "uncounted")
    differs(world, 4)
    world.rests(clock)
    differs(world, 0)
    world.rests(clock)
    assert world.level("CAN-1")[0] == 0, "once it was counted it follows, down to none as well"


@pytest.mark.parametrize(("theirs", "ours"), [("7.9", 7), ("-3", 0), ("0", 0)])
def test_the_shop_has_whole_pieces_and_never_less_than_none(
    world: World, clock: Clock, theirs: str, ours: int
) -> None:
    following(world, clock, "to-shop")
    differs(world, theirs)
    world.rests(clock)
    assert world.level("CAN-1")[0] == ours


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"stock": None}, "unlimited"), ({"kind": "service"}, "no-stock"), ({"kind": "giftcard"}, "no-stock")],
)
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_what_keeps_no_stock_is_left_alone(
    world: World, clock: Clock, how: dict[str, Any], reason: str, direction: str
) -> None:
    world.stocked("CAN-1", 3, 10)
    world.shop.shelf.changed("CAN-1", **how)
    world.follows(direction)
    world.compares(clock)
    assert (world.stock_of("CAN-1").reason, world.journal()) == (reason, [])


def test_a_sku_that_the_shop_has_twice_is_left_alone_until_it_has_it_once(world: World, clock: Clock) -> None:
    world.shop.shelf.page = 1
    world.stocked("CAN-1", 3, 10)
    twin = world.shop.shelf.sells("CAN-1", 5)
    world.follows("to-shop")
    world.heard("CAN-1")
    world.compares(clock)
    assert (world.stock_of("CAN-1").reason, world.journal()) == ("duplicate", [])
    del world.shop.shelf.goods[twin.product_id, ""]
    world.compares(clock)
    assert world.level("CAN-1") == (10, 10)


def test_stock_that_is_counted_again_follows_again(world: World, clock: Clock) -> None:
    following(world, clock, "to-shop")
    world.shop.shelf.changed("CAN-1", stock=None)
    differs(world, 7)
    world.rests(clock)
    assert world.stock_of("CAN-1").reason == "unlimited"
    world.shop.shelf.changed("CAN-1", stock=10)
    world.heard("CAN-1")
    world.rests(clock)
    assert world.level("CAN-1") == (7, 7)


def test_a_renamed_article_does_not_empty_the_shop(world: World, clock: Clock) -> None:
    following(world, clock, "to-shop")
    (number, mug) = next(iter(world.office.articles.items()))
    world.office.articles[number] = replace(mug, code="CANECA")
    Stocked.wake(world.account.id, ["CAN-1"], "hook")
    world.rests(clock)
    assert world.shop.shelf.written == []
    assert Article.of(world.account.id, ["CAN-1"])["CAN-1"].code == "CANECA"
    world.office.depot.put(mug, 6)
    Stocked.wake(world.account.id, ["CAN-1"], "hook")
    world.rests(clock)
    assert world.shop.shelf.level("CAN-1") == 6


def test_an_article_that_is_gone_does_not_empty_the_shop(world: World, clock: Clock) -> None:
    following(world, clock, "to-shop")
    world.office.articles.clear()
    Stocked.wake(world.account.id, ["CAN-1"], "hook")
    world.rests(clock)
    assert (world.stock_of("CAN-1").reason, world.shop.shelf.written) == ("no-article", [])


@pytest.mark.parametrize("verb", ["levels", "articles"])
def test_a_failed_look_up_is_no_absence(world: World, clock: Clock, verb: str) -> None:
    following(world, clock, "to-shop")
    world.office.depot.there.clear()
    world.office.fail[verb] = [UnreachableError("unreachable")]
    Stocked.wake(world.account.id, ["CAN-1"], "hook")
    world.work()
    assert world.shop.shelf.written == []
    assert world.stock_of("CAN-1").due_at is not None
    world.rests(clock)
    assert world.shop.shelf.level("CAN-1") == 0


def test_one_that_fails_holds_up_no_other(world: World, clock: Clock) -> None:
    following(world, clock, "to-shop")
    world.stocked("LIV-1", 3, 8)
    differs(world, 7)
    world.shop.fail["set_stock"] = [UncertainError("outcome-unknown", how="500")]
    world.compares(clock)
    assert (world.level("CAN-1"), world.level("LIV-1")) == ((7, 7), (8, 8))


@pytest.mark.parametrize("point", ["stock_before_send", "stock_after_send"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_worker_that_died_over_it_neither_loses_nor_repeats_it(
    world: World, clock: Clock, direction: str, point: str
) -> None:
    following(world, clock, direction)
    if direction == "to-shop":
        differs(world, 7)
    else:
        world.shop.shelf.put("CAN-1", 7)
        world.heard("CAN-1")
        clock.passes(20)
    fault.arm(f"{point}=raise")
    for _ in range(3):
        world.work()
        clock.passes(20)
    assert "planned" in [row[-1] for row in world.journal()]
    world.rests(clock)
    assert world.level("CAN-1") == (7, 7)
    done = [row for row in world.journal() if row[-1] == "done"]
    assert len(done) == 1
    assert len(world.shop.shelf.written) + len(world.office.depot.moves) == 1


def test_a_movement_whose_answer_was_lost_is_asked_after_and_not_repeated(world: World, clock: Clock) -> None:
    world.office.depot.odd = [made_and_lost(world)]
    following(world, clock, "to-provider", ours=4)
    assert world.journal() == [("CAN-1", "provider", 10, 4, "run", "done")]
    assert len(world.office.depot.moves) == 1


def test_a_movement_that_never_arrived_is_made_anew_once_it_can_arrive_no_more(
    world: World, clock: Clock
) -> None:
    world.office.depot.odd = [lost]
    following(world, clock, "to-provider", ours=4)
    assert [row[-1] for row in world.journal()] == ["lost", "done"]
    assert (world.level("CAN-1"), len(world.office.depot.moves)) == ((4, 4), 1)


def test_where_a_movement_cannot_be_asked_for_the_level_tells(world: World, clock: Clock) -> None:
    world.office.depot.knows_moves = False
    world.office.depot.odd = [made_and_lost(world)]
    following(world, clock, "to-provider", ours=4)
    assert world.journal() == [("CAN-1", "provider", 10, 4, "run", "done")]


def test_one_that_arrives_between_two_questions_is_not_made_twice(world: World, clock: Clock) -> None:
    mine = world.office
    late: list[StockMove] = []

    def keeps(move: StockMove) -> bool:
        late.append(move)
        return lost(move)

    def arrives(reference: str) -> bool | None:
        if late:
            mine.depot.make(mine.named("CAN-1"), late.pop())
        return any(one.reference == reference for one in mine.depot.moves)

    mine.depot.odd = [keeps]
    mine.depot.has = arrives  # type: ignore[method-assign]
    following(world, clock, "to-provider", ours=4)
    assert (world.level("CAN-1"), len(mine.depot.moves)) == ((4, 4), 1)


def test_a_worker_that_stood_still_sends_nothing(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    following(world, clock, "to-shop")
    differs(world, 7)
    with monkeypatch.context() as still:
        still.setattr(movements, "SEND_WITHIN", -1.0)
        world.work()
    assert world.shop.shelf.written == []
    world.rests(clock)
    assert world.level("CAN-1") == (7, 7)


def test_a_refused_movement_waits_for_the_merchant(world: World, clock: Clock) -> None:
    def refused(move: StockMove) -> bool:
        raise RefusedError("stock-refused", answer="Fechado.")

    world.office.depot.odd = [refused]
    following(world, clock, "to-provider", ours=4)
    assert (world.stock_of("CAN-1").reason, world.level("CAN-1")) == ("refused", (4, 10))
    levelling.put_right(world.stock_of("CAN-1"))
    world.rests(clock)
    assert world.level("CAN-1") == (4, 4)


def test_a_level_that_somebody_puts_back_each_time_is_left_to_the_merchant(
    world: World, clock: Clock
) -> None:
    following(world, clock, "to-shop")
    for at in range(5):
        world.shop.shelf.put("CAN-1", 3)
        world.heard("CAN-1", str(at))
        world.rests(clock)
    assert world.stock_of("CAN-1").reason == "contested"
    assert (world.level("CAN-1"), len(world.shop.shelf.written)) == ((3, 10), 3)
    levelling.put_right(world.stock_of("CAN-1"))
    world.rests(clock)
    assert world.level("CAN-1") == (10, 10)


def test_our_own_echo_finds_nothing_to_do(world: World, clock: Clock) -> None:
    following(world, clock, "to-shop", ours=3)
    world.heard("CAN-1")
    world.rests(clock)
    assert len(world.journal()) == 1


def test_a_run_reads_of_the_shop_only_what_differs(world: World, clock: Clock) -> None:
    world.stocked("LIV-1", 10, 10)
    following(world, clock, "to-shop", ours=3)
    assert world.shop.calls.count("goods_of") == 1


def test_each_pair_of_places_has_its_own_level(world: World, clock: Clock) -> None:
    world.shop.shelf.locations = (Location("l1", "Loja", True), Location("l2", "Porto"))
    world.office.depot.warehouses, world.office.depot.documents_move = ("w1", "w2"), True
    mug = world.stocked("CAN-1", 3, 10)
    world.office.depot.put(mug, 5, "w2")
    world.follows("to-shop", warehouse="w1", stock_places=[["w1", "l1"], ["w2", "l2"]])
    world.compares(clock)
    world.paid("1001")
    world.rests(clock)
    at = world.shop.shelf.level
    assert (at("CAN-1"), at("CAN-1", "l1"), at("CAN-1", "l2")) == (14, 9, 5)
    assert world.office.depot.level(mug, "w1") == 9


def test_a_sku_is_left_alone_while_its_document_is_in_doubt(world: World, clock: Clock) -> None:
    world.office.depot.documents_move = True
    following(world, clock, "to-shop")
    world.office.next = [lambda draft, reference: lost(None)]  # type: ignore[arg-type,list-item]
    world.paid("1001")
    for _ in range(5):
        world.work()
        clock.passes(60)
    assert world.document("1001").state == "review"
    assert world.stock_of("CAN-1").reason == "held"
    assert world.level("CAN-1") == (9, 10)
