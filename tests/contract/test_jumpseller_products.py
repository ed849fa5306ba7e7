"""Jumpseller's products and stock under each behaviour that its documentation leaves open, live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopapp.errors import RefusedError
from shopapp.platforms.base import Platform
from tests.contract.jumpseller_calls import differences
from tests.contract.jumpseller_shop import JumpsellerShop
from tests.contract.test_platforms import item_of, open_platform, whole_catalogue


@pytest.fixture
def shop() -> Iterator[JumpsellerShop]:
    found = JumpsellerShop()
    with found.opened("live", ""):
        yield found


def product_paths(shop: JumpsellerShop) -> list[str]:
    return [one.path for one in shop.exchanges if one.path.startswith("/v1/products")]


@pytest.mark.parametrize("position", ["list", "fifty", "newest-first", "newest-alone", "missing"])
@pytest.mark.parametrize("more", [0, 43, 243])
def test_the_whole_catalogue_is_read_however_the_list_answers(
    shop: JumpsellerShop, position: str, more: int
) -> None:
    shop.load(more)
    shop.turn("products-after", position)
    found = whole_catalogue(open_platform(shop))
    assert {one.product_id for one in found} == {str(number) for number in shop._shop.products}
    assert [one for exchange in shop.exchanges for one in differences(exchange)] == []


def test_reading_a_catalogue_takes_a_call_for_a_hundred_products_and_two(shop: JumpsellerShop) -> None:
    shop.load(243)
    found = whole_catalogue(open_platform(shop))
    assert len({(one.product_id, one.variant_id) for one in found}) == len(found)
    assert len(product_paths(shop)) == 3 + 2


def test_the_reading_continues_after_a_product_was_deleted(shop: JumpsellerShop) -> None:
    shop.load(243)
    platform = open_platform(shop)
    first = platform.catalogue_page()
    shop.edit_product("P00001", gone=True)
    second = platform.catalogue_page(first.after)
    third = platform.catalogue_page(second.after)
    read = [one.product_id for page in (first, second, third) for one in page.items]
    assert set(read) >= {str(number) for number in shop._shop.products}
    assert platform.catalogue_page(third.after).after == ""


@pytest.mark.parametrize("position", ["list", "missing"])
def test_long_descriptions_do_not_stop_the_catalogue(shop: JumpsellerShop, position: str) -> None:
    shop.load(100, description="<p>barro</p>" * 6000)
    shop.turn("products-after", position)
    assert len(whole_catalogue(open_platform(shop))) > 100


def test_a_shop_that_sells_nothing_is_read_at_once(shop: JumpsellerShop) -> None:
    for number in list(shop._shop.products):
        shop._shop.drop("product", number)
    assert whole_catalogue(open_platform(shop)) == []
    assert len(product_paths(shop)) == 2


def test_numbers_that_come_as_text_are_read(shop: JumpsellerShop) -> None:
    platform = open_platform(shop)
    before = whole_catalogue(platform)
    shop.turn("product-numbers", "text")
    assert whole_catalogue(platform) == before
    platform.set_stock(before[0].product_id, "", 8)
    assert platform.items_of_product(before[0].product_id)[0].stock == 8


@pytest.mark.parametrize("position", ["sum", "main"])
def test_plain_stock_is_what_the_shop_shows(shop: JumpsellerShop, position: str) -> None:
    shop.turn("plain-stock", position)
    platform = open_platform(shop)
    cup = cup_in_two_places(shop, platform)
    platform.set_stock(cup, "", 30)
    assert platform.items_of_product(cup)[0].stock == 30


def test_plain_stock_that_is_not_what_was_set_is_refused(shop: JumpsellerShop) -> None:
    shop.turn("plain-stock", "main-put")
    platform = open_platform(shop)
    cup = cup_in_two_places(shop, platform)
    with pytest.raises(RefusedError) as raised:
        platform.set_stock(cup, "", 30)
    assert (raised.value.code, raised.value.detail) == ("goods-by-place", {"stock": 35})


def cup_in_two_places(shop: JumpsellerShop, platform: Platform) -> str:
    """Put five cups in the second location; return the product's id."""
    shop.edit_product(JumpsellerShop.cup, stock={platform.locations()[1].code: 5})
    return item_of(platform, JumpsellerShop.cup).product_id


@pytest.mark.parametrize("position", ["null", "zero", "left-out"])
def test_unlimited_goods_stay_unlimited_by_location(shop: JumpsellerShop, position: str) -> None:
    shop.turn("unlimited-by-place", position)
    platform = open_platform(shop)
    voucher, place = item_of(platform, "VALE-25"), platform.locations()[0].code
    assert (
        platform.stock_by_location([(voucher.product_id, "")], [place]).get(
            (voucher.product_id, "", place), 0
        )
        == 0
    )
    with pytest.raises(RefusedError):
        platform.set_stock(voucher.product_id, "", 5, place)
    assert platform.items_of_product(voucher.product_id)[0].stock is None


def test_no_answer_about_locations_has_more_rows_than_a_page(shop: JumpsellerShop) -> None:
    shop.load(60)
    platform = open_platform(shop)
    wanted = [(one.product_id, one.variant_id) for one in whole_catalogue(platform)][:50]
    places = [place.code for place in platform.locations()]
    levels = platform.stock_by_location(wanted, places)
    assert {key[:2] for key in levels} | {
        (item_of(platform, "PDF-MOLDES").product_id, ""),
        (item_of(platform, "VALE-25").product_id, ""),
    } == set(wanted)
    assert max(len(one.got) for one in shop.exchanges if one.path == "/v1/products_locations") <= 50
    assert [one for exchange in shop.exchanges for one in differences(exchange)] == []


def test_a_shop_with_one_location_has_none_to_choose_from(shop: JumpsellerShop) -> None:
    locations = shop._shop.records["location"]
    locations[max(locations)]["is_stock_origin"] = False
    assert open_platform(shop).locations() == ()
