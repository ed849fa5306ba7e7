"""The count on the home page, with the real processes: what the shop says is paid, readable or not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from dev.merchant import Merchant, wait_until
from tests.end_to_end.stack_world import MUG, TIMEOUT, StackWorld, running_world

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world() as world:
        world.merchant()
        yield world


def home(merchant: Merchant) -> str:
    page = merchant.browser.open(f"{merchant.stack.app_url}/")
    return " ".join(page.text.replace("\xa0", " ").split())


def blocked_order(world: StackWorld, price: str, **raw: Any) -> int:
    """Sell an order that the API shows so that it cannot be read, and wait until it is blocked."""
    merchant = world.merchant()
    placed = merchant.place_order(lines=[{**MUG, "price": price}], raw=raw, pay=True)
    row = world.wait_until_final(merchant, int(placed["id"]), "blocked")
    assert row["reason"] == "order-unreadable"
    return int(placed["id"])


def test_orders_that_cannot_be_read_are_among_the_paid_and_explain_the_difference(world: StackWorld) -> None:
    merchant = world.merchant()
    sold = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    world.wait_until_final(merchant, sold, "issued")
    no_amount = blocked_order(world, "24.60", discount="doze")
    no_currency = blocked_order(world, "33.10", currency=None)
    page = home(merchant)
    assert "Encomendas pagas 3 70,00 3 70,00 Documentos emitidos 1 12,30 1 12,30" in page
    assert "Diferença 2 57,70 2 57,70" in page
    why = page.split("O que explica a diferença")[1]
    assert f"#{no_amount}" in why and "24,60" in why and f"#{no_currency}" in why and "33,10" in why


def test_the_documents_of_the_count_are_those_of_the_ledger(world: StackWorld) -> None:
    merchant = world.merchant()
    credited = int(merchant.place_order(lines=[{**MUG, "qty": 2}], pay=True)["id"])
    world.wait_until_final(merchant, credited, "issued")
    merchant.credit(credited)
    merchant.wait_for_kinds(credited, "FR", "NC", seconds=TIMEOUT)
    ledger = merchant.issued_documents()
    totals = {
        kind: sum(
            (Decimal(row["totals"]["gross"]) for row in ledger if (row["type"] == "NC") == (kind == "NC")),
            Decimal(0),
        )
        for kind in ("FR", "NC")
    }
    euros = {kind: f"{total:.2f}".replace(".", ",") for kind, total in totals.items()}
    page = home(merchant)
    assert f" {euros['FR']} Notas de crédito 1 −{euros['NC']} " in page


def test_a_row_that_cannot_be_read_is_shown_until_the_shop_answers_it_properly(world: StackWorld) -> None:
    merchant = world.merchant()
    odd = merchant.place_order(
        lines=[MUG], list_row={"id": None, "created_at": "ontem", "total": None}, webhook=False
    )
    wait_until(lambda: "1 encomenda que não conseguimos ler" in home(merchant), "the row is shown", TIMEOUT)
    later = merchant.place_order(lines=[MUG], pay=True)
    world.wait_until_final(merchant, int(later["id"]), "issued")
    merchant._post_to_shop(f"edit/{odd['id']}", {"list_row": {}, "hook": False})
    wait_until(
        lambda: "1 encomenda que não conseguimos ler" not in home(merchant), "the row is gone", TIMEOUT
    )
