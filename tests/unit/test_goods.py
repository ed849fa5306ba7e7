"""Goods and stock from end to end: what the shop sells, what the program has, and what a sale does to both."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp import catalogue, goods, opening
from shopapp.models import Hook, StockChange, db
from tests.fakes import Clock, World


def at_rest(world: World, clock: Clock) -> None:
    """Everything that comes due within some minutes is done."""
    for _ in range(12):
        world.work()
        clock.passes(20)


def compared(world: World, clock: Clock) -> None:
    """The whole list is read, and everything due done."""
    catalogue.begin(world.account, "hand")
    at_rest(world, clock)


def journal(world: World) -> list[tuple[Any, ...]]:
    db.session.rollback()
    db.session.expire_all()
    rows = db.session.query(StockChange).order_by(StockChange.id).all()
    return [(row.sku, row.side, int(row.before), int(row.after), row.cause, row.state) for row in rows]


def test_the_shop_takes_over_what_the_program_has(world: World, clock: Clock) -> None:
    world.stocked("CAN-1", 3, 10)
    world.follows("to-shop")
    compared(world, clock)
    assert world.shop.shelf.level("CAN-1") == 10
    assert journal(world) == [("CAN-1", "shop", 3, 10, "run", "done")]


def test_the_program_takes_over_what_the_shop_has(world: World, clock: Clock) -> None:
    mug = world.stocked("CAN-1", 3, 10)
    world.follows("to-provider")
    compared(world, clock)
    assert world.office.depot.level(mug) == 3
    assert journal(world) == [("CAN-1", "provider", 10, 3, "run", "done")]


@pytest.mark.parametrize("documents_move", [True, False], ids=["documents-move", "we-move"])
@pytest.mark.parametrize("direction", ["to-shop", "to-provider"])
def test_a_sale_is_taken_off_once_on_both_sides(
    world: World, clock: Clock, direction: str, documents_move: bool
) -> None:
    mug = world.stocked("CAN-1", 10, 10)
    world.office.depot.documents_move = documents_move
    world.follows(direction)
    compared(world, clock)
    world.paid("1001")
    at_rest(world, clock)
    assert (world.shop.shelf.level("CAN-1"), world.office.depot.level(mug)) == (9, 9)
    assert not goods.any_due()


def test_of_a_hook_about_a_product_nothing_is_kept_once_it_was_opened(world: World) -> None:
    Hook.keep(world.store.id, "product_updated", "0" * 64, b'{"product": {"id": 7}}')
    Hook.keep(world.store.id, "order_paid", "1" * 64, b'{"order": {"id": 7}}')
    while opening.open_hook():
        pass
    kept = {hook.event: (hook.state, hook.body) for hook in db.session.query(Hook)}
    assert kept == {"product_updated": ("opened", None), "order_paid": ("opened", b'{"order": {"id": 7}}')}
