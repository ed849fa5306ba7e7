"""For each switch of the Jumpseller stand-in that concerns an order's figures and texts, orders in which it matters.

Each function takes the world with the switch in its position, and fails when the app does not cope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dev.merchant import Merchant, wait_until
from tests.end_to_end.stack_world import BOOK, FULL_ORDER, MUG, TIMEOUT, StackWorld

SwitchSteps = Callable[[StackWorld, str], None]


def both_shops(world: StackWorld) -> list[Merchant]:
    """Sell in a shop whose prices include VAT, and in one whose prices don't."""
    return [world.merchants["olariadosado"], world.merchants["quintadaserra"]]


def assert_issued(world: StackWorld, *placed: tuple[Merchant, int]) -> None:
    for merchant, order in placed:
        row = world.wait_until_final(merchant, order)
        assert row["state"] == "issued", (row["state"], row["reason"], row["detail"])
        assert not row["alarm"], (row["alarm"], row["alarm_detail"])
    for merchant, order in placed:
        world.check_document(merchant, order)


def full_order(world: StackWorld, position: str) -> None:
    """Sell the order with everything in it, in both shops."""
    assert_issued(world, *((m, int(m.place_order(**FULL_ORDER)["id"])) for m in both_shops(world)))


def example_in_both_shops(world: StackWorld, *names: str, **spec: Any) -> None:
    """Sell these examples in both shops: each ends as one document of what was paid."""
    assert_issued(
        world,
        *(
            (m, int(m.place_order(example=name, pay=True, **spec)["id"]))
            for name in names
            for m in both_shops(world)
        ),
    )


def every_rounding(world: StackWorld, position: str) -> None:
    """Sell the order with everything in it, and those whose cents depend on where the shop rounds."""
    full_order(world, position)
    lines = [{**MUG, "price": "2.055", "qty": 3}, {**MUG, "sku": "TACA-02", "price": "2.892", "qty": 2}, BOOK]
    merchant = world.merchants["quintadaserra"]
    for shipping in ("0", "4.92"):
        order = merchant.place_order(lines=lines, shipping=shipping, pay=True)
        assert_issued(world, (merchant, int(order["id"])))
    order = merchant.place_order(example="rounded-by-piece", switches={"shop-rounding": position}, pay=True)
    assert_issued(world, (merchant, int(order["id"])))


def coupon_over_goods(world: StackWorld, position: str) -> None:
    example_in_both_shops(world, "coupon-over-goods", switches={"coupon-rest": position})


def fixed_tax(world: StackWorld, position: str) -> None:
    example_in_both_shops(world, "fixed-tax")
    lines = [{**MUG, "qty": 2, "tax": ["IVA 23%", {"rate": "0.50", "fixed": True, "name": "Ecovalor"}]}, BOOK]
    assert_issued(
        world,
        *((m, int(m.place_order(lines=lines, shipping="4.92", pay=True)["id"])) for m in both_shops(world)),
    )


def two_shipping_taxes(world: StackWorld, position: str) -> None:
    """Follow the shop's split of shipping; where both rates are on the whole price, ask."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.place_order(example="two-shipping-taxes", pay=True)["id"])
    if position == "split":
        assert_issued(world, (merchant, order))
        return
    row = world.wait_until_final(merchant, order)
    assert row["state"] in ("issued", "blocked"), row
    if row["state"] == "issued":
        world.check_document(merchant, order)


def marked_up(world: StackWorld, position: str) -> None:
    """Sell an article whose name has signs of HTML: the document has it as a person reads it."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.place_order(lines=[{**MUG, "name": "Pires & Taça 'L'"}], pay=True)["id"])
    assert_issued(world, (merchant, order))
    assert world.check_document(merchant, order)["lines"][0]["description"] == "Pires & Taça 'L'"


def sent_to_spain(world: StackWorld, position: str) -> None:
    """Sell to a consumer in Spain: Spain is understood, or the order waits; it is never an export."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.place_order(lines=[MUG], address="es", pay=True)["id"])
    row = world.wait_until_final(merchant, order, "issued", "blocked")
    if row["state"] == "issued":
        assert [group["rate"] for group in world.check_document(merchant, order)["groups"]] == ["23"]
    else:
        assert position != "two-letters", row


def customer_deleted(world: StackWorld, position: str) -> None:
    """Read an order first after its customer's data was deleted: it waits for a person."""
    merchant = world.merchants["olariadosado"]
    world.set_switch("jumpseller", "hook-losses", "all")
    order = int(merchant.place_order(lines=[MUG], nif="123456789", pay=False)["id"])
    merchant.change_order(order, "forget")
    merchant.change_order(order, "pay")
    row = world.wait_until_final(merchant, order, "issued", "blocked")
    assert row["state"] == "blocked", "a buyer who had a NIF became a final consumer"


def refunded(world: StackWorld, position: str) -> None:
    """Give money back in the shop: nothing is issued by itself, and a lower total is flagged."""
    merchant = world.merchants["olariadosado"]
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert_issued(world, (merchant, order))
    merchant.change_order(order, "refund", amount="3.00")
    if position == "total":
        # as if an hour had passed since the order was read
        world.database.execute("UPDATE sale SET checked_at = NULL")
        wait_until(
            lambda: world.document_row(merchant, order)["alarm"], "the lower total is flagged", TIMEOUT
        )
    assert [one["type"] for one in world.issued_documents(merchant, order)] == ["FR"]


ORDER_STEPS: dict[str, SwitchSteps] = {
    "line-discount": full_order,
    "line-tax": full_order,
    "order-tax": full_order,
    "tax-base": full_order,
    "subtotal": full_order,
    "coupon": full_order,
    "coupon-rest": coupon_over_goods,
    "rate": full_order,
    "shop-rounding": every_rounding,
    "shipping-rounding": full_order,
    "shipping-price": full_order,
    "shipping-taxes": two_shipping_taxes,
    "fixed-tax": fixed_tax,
    "fixed-tax-shown": fixed_tax,
    "texts": marked_up,
    "country-code": sent_to_spain,
    "deleted-customer": customer_deleted,
    "refund": refunded,
}
