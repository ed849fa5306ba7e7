"""The sides of the catalogue demo: what a stand-in's ledger tells, read anew, comes to the levels that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from dev.house import House, answers
from dev.levels import chained, handed
from dev.programs import IgestSide, PhcGoSide
from dev.sides import Program, ShopSide

PRODUCTS = [
    {"sku": " PRATO-01 ", "name": "Prato", "price": "9.80", "stock": 3},
    {"sku": "FILME-01", "name": "Filme", "price": "9.80", "stock": None},
    {"name": "Jarro", "price": "18.90", "variants": [{"sku": "JARRO-AZUL", "stock": 4}]},
]
ARTICLES = [{"ref": "PRATO-01", "name": "Prato", "stock": 10}, {"ref": "POTE-01", "name": "Pote"}]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    house = House()
    names = ("jumpseller", "igest", "phcgo")
    urls = (house.admin_url, house.igest_url, house.phcgo_url)
    try:
        for name in names:
            house.children[name].start()
        for name, url in zip(names, urls, strict=True):
            house.children[name].until(lambda url=url: answers(f"{url}/sandbox/health"))  # type: ignore[misc]
        yield house
    finally:
        house.stop()


@pytest.fixture(scope="module")
def shop(house: House) -> ShopSide:
    made = ShopSide(house, "olariadosado")
    made.load(PRODUCTS)
    return made


@pytest.fixture(scope="module", params=["igest", "phcgo"])
def program(request: pytest.FixtureRequest, house: House) -> Program:
    made: Program = (
        IgestSide(house, "40321") if request.param == "igest" else PhcGoSide(house, "a3f91c07/OLARIA2")
    )
    made.load(ARTICLES)
    return made


def test_a_shop_tells_what_hands_altered_place_by_place(shop: ShopSide) -> None:
    shop.begin()
    plate, jug = shop.thing({"sku": "PRATO-01"}), shop.thing({"sku": "JARRO-AZUL"})
    main, other = shop.locations
    done = [shop.put(plate, 7, main), shop.put(plate, 2, other), shop.put(jug, 0, main)]
    shop.name_anew(jug, "JARRO-2")
    book = shop.book()
    assert chained(book) + handed(book, done) == []
    assert book.level((plate, "")) == Decimal(9) and len(shop.told()) == 3
    assert shop.thing({"sku": "JARRO-2"}) == jug and "/" in jug
    assert shop.counts(plate) and not shop.counts(shop.thing({"sku": "FILME-01"}))


def test_a_program_tells_what_hands_altered_whatever_the_article_is_called(program: Program) -> None:
    program.begin()
    plate = program.id_of("PRATO-01")
    first = "SET" if isinstance(program, IgestSide) else "1"
    done = [program.put(plate, 24, first)]
    card = program.rename(plate, name="Prato fundo", code="PRATO-F")
    done.append(program.put(plate, 23, first))
    assert (card.code, card.name, program.id_of("PRATO-01")) == ("PRATO-F", "Prato fundo", "")
    program.put_many({"POTE-01": 5})
    done.append(((program.id_of("POTE-01"), first), Decimal(5)))
    book = program.book()
    assert chained(book) + handed(book, done) == []
    assert program.made() == [] and program.cards()[plate] == card
