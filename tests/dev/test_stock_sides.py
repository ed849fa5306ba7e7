"""The two sides of the catalogue demo: a stand-in's ledger adds up to the quantities that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from dev.local_stack import LocalStack, is_answering
from dev.provider_sides import IgestSide, PhcGoSide
from dev.stock_judge import check_continuity, check_manual_changes
from dev.stock_sides import ProviderSide, ShopSide

PRODUCTS = [
    {"sku": " PRATO-01 ", "name": "Prato", "price": "9.80", "stock": 3},
    {"sku": "FILME-01", "name": "Filme", "price": "9.80", "stock": None},
    {"name": "Jarro", "price": "18.90", "variants": [{"sku": "JARRO-AZUL", "stock": 4}]},
]
ARTICLES = [{"ref": "PRATO-01", "name": "Prato", "stock": 10}, {"ref": "POTE-01", "name": "Pote"}]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    stack = LocalStack()
    names = ("jumpseller", "igest", "phcgo")
    urls = (stack.admin_url, stack.igest_url, stack.phcgo_url)
    try:
        for name in names:
            stack.children[name].start()
        for name, url in zip(names, urls, strict=True):
            stack.children[name].wait_until(lambda url=url: is_answering(f"{url}/sandbox/health"))  # type: ignore[misc]
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def shop(stack: LocalStack) -> ShopSide:
    made = ShopSide(stack, "olariadosado")
    made.load_products(PRODUCTS)
    return made


@pytest.fixture(scope="module", params=["igest", "phcgo"])
def program(request: pytest.FixtureRequest, stack: LocalStack) -> ProviderSide:
    made: ProviderSide = (
        IgestSide(stack, "40321") if request.param == "igest" else PhcGoSide(stack, "a3f91c07/OLARIA2")
    )
    made.load_articles(ARTICLES)
    return made


def test_a_shop_side_shows_manual_changes_by_location(shop: ShopSide) -> None:
    shop.start_recording()
    plate, jug = shop.item_of_line({"sku": "PRATO-01"}), shop.item_of_line({"sku": "JARRO-AZUL"})
    main, other = shop.locations
    done = [shop.set_level(plate, 7, main), shop.set_level(plate, 2, other), shop.set_level(jug, 0, main)]
    shop.change_sku(jug, "JARRO-2")
    history = shop.history()
    assert check_continuity(history) + check_manual_changes(history, done) == []
    assert history.level((plate, "")) == Decimal(9) and len(shop.level_changes()) == 3
    assert shop.item_of_line({"sku": "JARRO-2"}) == jug and "/" in jug
    assert shop.tracks_stock(plate) and not shop.tracks_stock(shop.item_of_line({"sku": "FILME-01"}))


def test_a_provider_side_shows_manual_changes_of_a_renamed_article(program: ProviderSide) -> None:
    program.start_recording()
    plate = program.article_id_of("PRATO-01")
    first = "SET" if isinstance(program, IgestSide) else "1"
    done = [program.set_level(plate, 24, first)]
    card = program.rename_article(plate, name="Prato fundo", code="PRATO-F")
    done.append(program.set_level(plate, 23, first))
    assert (card.code, card.name, program.article_id_of("PRATO-01")) == ("PRATO-F", "Prato fundo", "")
    program.set_levels({"POTE-01": 5})
    done.append(((program.article_id_of("POTE-01"), first), Decimal(5)))
    history = program.history()
    assert check_continuity(history) + check_manual_changes(history, done) == []
    assert program.created_codes() == [] and program.articles()[plate] == card
