"""Jumpseller's products as catalogue items, from payloads that the stand-in does not produce."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from shopapp.errors import OrderError, RefusedError, UnreachableError
from shopapp.http_client import HttpResponse
from shopapp.platforms.base import CatalogueItem
from shopapp.platforms.jumpseller.catalogue import (
    catalogue_items_from,
    read_catalogue_page,
    read_location_stock,
    read_locations,
    read_product_items,
    write_stock,
)
from shopapp.platforms.jumpseller.client import JumpsellerClient

CUP: dict[str, Any] = {
    "id": 7,
    "name": "Taça",
    "sku": "TACA-01",
    "type": "physical",
    "status": "available",
    "stock": 4,
    "stock_unlimited": False,
    "variants": [],
}


class ScriptedClient(JumpsellerClient):
    """Answers each call by the start of its path, and records the calls."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, Any]] = []

    def send(self, method: str, path: str, content: Any = None, **more: Any) -> HttpResponse:
        query = "&".join(f"{name}={value}" for name, value in (more.get("query") or {}).items())
        call = f"{method} {path}" + (f"?{query}" if query else "")
        self.calls.append((call, content))
        found = next((known for begin, known in self.answers.items() if call.startswith(begin)), 404)
        if isinstance(found, int):
            if more.get("writes"):
                raise RefusedError("store-refused", status=found)
            return HttpResponse(found, {}, b"{}")
        return HttpResponse(200, {}, json.dumps(found).encode())


def one(**changes: Any) -> CatalogueItem:
    (found,) = catalogue_items_from({**CUP, **changes})
    return found


# --- one product ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stock", "read"),
    [(4, 4), ("4", 4), ("4.0", 4), (0, 0), (-2, -2), (None, None), ("", None), ("viel", None), ("4.5", None)],
)
def test_stock_may_be_text_and_a_value_that_is_not_a_number_is_ignored(stock: Any, read: int | None) -> None:
    assert one(stock=stock).stock == read


@pytest.mark.parametrize(
    ("unlimited", "read"), [(False, 4), (None, 4), ("false", 4), (True, None), ("true", None), (1, None)]
)
def test_stock_that_may_be_unlimited_is_left_alone(unlimited: Any, read: int | None) -> None:
    assert one(stock_unlimited=unlimited).stock == read


@pytest.mark.parametrize(
    ("sku", "read"),
    [("A-1", "A-1"), (" A-1\t", "A-1"), (None, ""), ("", ""), ("  ", ""), (123, "123"), ("a b", "a b")],
)
def test_a_sku_is_trimmed_and_nothing_else(sku: Any, read: str) -> None:
    assert one(sku=sku).sku == read


@pytest.mark.parametrize(
    ("kind", "read"),
    [("physical", "goods"), ("digital", "service"), ("gift_card", "giftcard"), (None, "goods")],
)
def test_an_unknown_product_type_is_read_as_a_physical_product(kind: Any, read: str) -> None:
    assert one(type=kind).kind == read


@pytest.mark.parametrize(
    ("status", "active"), [("available", True), ("not-available", True), ("disabled", False), (None, True)]
)
def test_only_a_product_that_the_merchant_disabled_is_inactive(status: Any, active: bool) -> None:
    assert one(status=status).active is active


def test_a_product_with_variants_gives_only_these_by_their_own_sku_and_stock() -> None:
    blue = {
        "id": 71,
        "sku": " AZUL ",
        "stock": "3",
        "stock_unlimited": False,
        "options": [{"name": "Cor", "value": "Azul"}],
    }
    bare = {"id": 72, "sku": None, "stock": 2, "options": [{"name": "Cor", "value": None}, "x"]}
    wrapped = {"variant": {"id": 73, "sku": "X", "stock": 1, "stock_unlimited": True, "options": None}}
    found = list(catalogue_items_from({**CUP, "variants": [blue, bare, wrapped]}))
    assert [(each.variant_id, each.sku, each.stock, each.name) for each in found] == [
        ("71", "AZUL", 3, "Taça (Cor: Azul)"),
        ("72", "", 2, "Taça"),
        ("73", "X", None, "Taça"),
    ]
    assert {each.product_id for each in found} == {"7"}


@pytest.mark.parametrize(
    "product",
    [
        {},
        {"id": None},
        {"id": "7"},
        {"id": True},
        {"id": 7, "variants": [{"sku": "A"}]},
        {"id": 7, "variants": [3]},
    ],
)
def test_a_product_without_its_numbers_makes_the_answer_unreadable(product: Any) -> None:
    with pytest.raises(UnreachableError):
        list(catalogue_items_from(product))


def test_a_product_may_come_without_its_wrapper() -> None:
    assert read_product_items(ScriptedClient({"GET /products/7.json": CUP}), "7") == (one(),)
    assert read_product_items(ScriptedClient({"GET /products/7.json": {"product": CUP}}), "7") == (one(),)


# --- a whole catalogue ----------------------------------------------------------------------------------


def numbered(*numbers: int) -> list[Any]:
    return [{"product": {**CUP, "id": number}} for number in numbers]


def test_a_list_that_does_not_ascend_is_read_by_pages_from_the_beginning() -> None:
    for answered in (numbered(9, 8), numbered(8, 8), numbered(5, 8), 404):
        client = ScriptedClient({"GET /products/after/5": answered, "GET /products.json": numbered(9, 8)})
        page = read_catalogue_page(client, "5/1")
        assert (page.after, [each.product_id for each in page.items]) == ("page/2", ["9", "8"])


def test_a_list_that_ends_before_the_counted_number_is_not_complete() -> None:
    answers = {"GET /products/after/9": [], "GET /products.json": numbered(9)}
    assert (
        read_catalogue_page(ScriptedClient({**answers, "GET /products/count": {"count": 3}}), "9/3").after
        == ""
    )
    assert (
        read_catalogue_page(ScriptedClient({**answers, "GET /products/count": {"count": 4}}), "9/3").after
        == "page/2"
    )
    with pytest.raises(UnreachableError):
        read_catalogue_page(ScriptedClient({**answers, "GET /products/count": {"total": 4}}), "9/3")


def test_pages_end_with_the_first_that_is_empty() -> None:
    assert (
        read_catalogue_page(ScriptedClient({"GET /products.json": numbered(1)}), "page/7").after == "page/8"
    )
    assert read_catalogue_page(ScriptedClient({"GET /products.json": []}), "page/8").after == ""


@pytest.mark.parametrize("answered", [{}, {"products": []}, [3], ["x"], [None], 7.5])
def test_an_answer_that_is_no_list_is_unreadable(answered: Any) -> None:
    with pytest.raises(UnreachableError):
        read_catalogue_page(ScriptedClient({"GET /products/after/0": answered}), "")


# --- locations ---------------------------------------------------------------------------------------------


def test_only_locations_that_ship_count_and_a_single_one_means_no_locations() -> None:
    def place(number: int, **more: Any) -> Any:
        return {"location": {"id": number, "name": f"L{number}", "is_stock_origin": True, **more}}

    both = [place(1, main=True), place(2), place(3, is_stock_origin=False), {**place(4)["location"]}]
    assert [(each.code, each.main) for each in read_locations(ScriptedClient({"GET /locations": both}))] == [
        ("1", True), ("2", False), ("4", False),
    ]  # fmt: skip
    assert (
        read_locations(ScriptedClient({"GET /locations": [place(1), place(3, is_stock_origin=False)]})) == ()
    )
    assert read_locations(ScriptedClient({})) == ()


def test_only_requested_levels_are_returned_and_null_means_no_level() -> None:
    rows = [
        {"location_id": 1, "product_id": 7, "variant_id": None, "stock": 3},
        {"location_id": 2, "product_id": 7, "variant_id": None, "stock": None},
        {"location_id": 1, "product_id": 8, "stock": "5"},
        {"location_id": 9, "product_id": 7, "stock": 5},
        {"location_id": 1, "product_id": 99, "stock": 5},
    ]
    client = ScriptedClient({"GET /products_locations": rows})
    assert read_location_stock(client, [("7", ""), ("8", "")], ["1", "2"]) == {
        ("7", "", "1"): 3,
        ("8", "", "1"): 5,
    }


def test_variants_are_asked_for_apart_from_plain_products() -> None:
    client = ScriptedClient({"GET /products_locations": []})
    read_location_stock(client, [("7", "71"), ("8", ""), ("7", "72")], ["1"])
    assert [call for call, _ in client.calls] == [
        "GET /products_locations?location_ids=1&product_ids=8",
        "GET /products_locations?location_ids=1&product_ids=7&variant_ids=71,72",
    ]


# --- setting stock --------------------------------------------------------------------------------------------


def test_the_stock_alone_is_put() -> None:
    client = ScriptedClient({"PUT /products/7.json": {"product": {**CUP, "stock": 9}}})
    write_stock(client, "7", "", 9, "")
    assert client.calls == [("PUT /products/7.json", {"product": {"stock": 9}})]


def test_stock_at_a_location_is_set_after_a_look_and_as_limited() -> None:
    client = ScriptedClient({"GET /products/7.json": CUP, "PUT /products_locations": "ok"})
    write_stock(client, "7", "", 9, "1")
    content = {"location_id": 1, "product_id": 7, "stock": 9, "stock_unlimited": False}
    assert client.calls == [("GET /products/7.json", None), ("PUT /products_locations", content)]


def test_unlimited_stock_at_a_location_is_never_set() -> None:
    client = ScriptedClient({"GET /products/7.json": {**CUP, "stock_unlimited": True}})
    with pytest.raises(RefusedError, match="goods-unlimited"):
        write_stock(client, "7", "", 9, "1")
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    ("answered", "code"),
    [
        (404, "goods-gone"),
        (400, "store-refused"),
        ({"product": {**CUP, "stock": 9, "variants": [{"id": 71}]}}, "goods-gone"),
        ({"product": {**CUP, "stock": 9, "stock_unlimited": True}}, "goods-unlimited"),
        ({"product": {**CUP, "stock": 8}}, "goods-by-place"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_stock_value_that_was_not_kept_is_refused(answered: Any, code: str) -> None:
    with pytest.raises(RefusedError) as raised:
        write_stock(ScriptedClient({"PUT /products/7.json": answered}), "7", "", 9, "")
    assert raised.value.code == code


def test_a_list_of_an_order_that_is_gone_raises_order_missing() -> None:
    with pytest.raises(OrderError):
        ScriptedClient({}).get_list("/orders/1/documents.json")


def test_a_product_or_variant_without_an_id_does_not_hide_the_others() -> None:
    shirt = {**CUP, "id": 8, "variants": [{"id": 81, "sku": "M"}, {"id": None, "sku": "L"}, "x"]}
    rows = [{"product": CUP}, {"product": {**CUP, "id": None}}, 7, {"product": shirt}, {**CUP, "id": "9"}]
    client = ScriptedClient(
        {"GET /products/after/0": rows, "GET /products/after/8": [], "GET /products/count": {"count": 5}}
    )
    page = read_catalogue_page(client, "")
    assert [(item.product_id, item.variant_id) for item in page.items] == [("7", ""), ("8", "81")]
    assert read_catalogue_page(client, page.after).after == ""
    by_number = ScriptedClient({"GET /products.json?limit=100&page=1": rows})
    assert [item.product_id for item in read_catalogue_page(by_number, "").items] == ["7", "8"]
