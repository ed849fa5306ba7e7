"""Shopkit's products and stock where its documentation leaves something open."""

from __future__ import annotations

from typing import Any

import pytest

from shopapp.errors import RefusedError, UncertainError, UnreachableError

from .scripted import open_shopkit


def product(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "title": "Taça", "reference": f" TACA-{number} ", "status": 1, "options": [],
        "option_groups": [], "stock": {"stock_enabled": True, "stock_qty": 40}, **changes,
    }  # fmt: skip


OPTIONS = [
    {"id": 11, "title": "Azul", "reference": "AZJ-A", "stock": "12", "active": True},
    {"id": 12, "title": "Verde", "reference": "", "stock": 7, "active": False},
]


def items(*products: dict[str, Any]) -> list[Any]:
    shop, _ = open_shopkit(lambda *call: (200, [*products]))
    page = shop.catalogue_page()
    return [(one.variant_id, one.sku, one.name, one.stock, one.active) for one in page.items]


def test_a_product_is_one_item_or_its_variants() -> None:
    assert items(product()) == [("", "TACA-1", "Taça", 40, True)]
    assert items(product(options=OPTIONS)) == [
        ("11", "AZJ-A", "Taça (Azul)", 12, True), ("12", "", "Taça (Verde)", 7, False),
    ]  # fmt: skip


def test_stock_that_is_not_kept_is_unlimited_and_a_hidden_product_is_not_sold() -> None:
    unlimited = product(stock={"stock_enabled": False, "stock_qty": 3}, options=OPTIONS[:1])
    assert items(unlimited)[0][3] is None
    assert items(product(status=2))[0][4] is False
    assert items(product(stock=None))[0][3] is None


def test_a_row_without_its_options_is_read_by_itself() -> None:
    bare = product(option_groups=[{"id": 5}])
    del bare["options"]
    shop, http = open_shopkit(
        lambda method, path, asked: (200, [bare] if path == "/product" else product(options=OPTIONS))
    )
    assert [one.sku for one in shop.catalogue_page().items] == ["AZJ-A", ""]
    assert [path for _, path, _ in http.calls] == ["/product", "/product/1"]


def test_the_catalogue_is_read_page_by_page_to_its_end() -> None:
    pages = {"1": [product(1), product(2)], "2": [product(3)]}
    shop, http = open_shopkit(
        lambda method, path, asked: (200, pages.get(asked["page"], []), {"x-total-count": "3"})
    )
    first = shop.catalogue_page()
    second = shop.catalogue_page(first.after)
    assert (first.after, second.after) == ("2/2", "")
    assert [one.product_id for one in (*first.items, *second.items)] == ["1", "2", "3"]
    assert http.calls[0][2]["status_alias"] == "all"


def test_a_list_in_which_no_product_can_be_read_is_no_catalogue() -> None:
    shop, _ = open_shopkit(lambda *call: (200, [{"id": None}, 3]))
    with pytest.raises(UnreachableError):
        shop.catalogue_page()


class Shelf:
    """A product whose stock can be set; `keeps` is what the shop makes of it."""

    def __init__(self, keeps: int | None = None, **changes: Any) -> None:
        self.product, self.keeps = product(**changes), keeps
        self.writes: list[tuple[str, Any]] = []

    def __call__(self, method: str, path: str, asked: Any) -> Any:
        if method == "PUT":
            self.writes.append((path, asked))
            pieces = self.keeps if self.keeps is not None else next(iter(asked.values()))
            if "/option/" in path:
                return 200, {"id": 11, "stock": pieces}
            self.product["stock"] = {"stock_enabled": True, "stock_qty": pieces}
        return (200, self.product) if path != "/product/9" else (404, {"message": "Not found."})


def test_stock_is_set_where_it_is_kept() -> None:
    plain, varied = Shelf(), Shelf(options=OPTIONS)
    open_shopkit(plain)[0].set_stock("1", "", 5)
    open_shopkit(varied)[0].set_stock("1", "11", 5)
    assert plain.writes == [("/product/1", {"stock_qty": 5})]
    assert varied.writes == [("/product/1/option/11", {"stock": 5})]


@pytest.mark.parametrize(
    ("shelf", "ids", "code"),
    [
        (Shelf(), ("9", ""), "goods-gone"), (Shelf(), ("1", "11"), "goods-gone"),
        (Shelf(options=OPTIONS), ("1", ""), "goods-gone"),
        (Shelf(stock={"stock_enabled": False, "stock_qty": 0}), ("1", ""), "goods-unlimited"),
    ],
)  # fmt: skip
def test_what_has_no_stock_is_never_written(shelf: Shelf, ids: tuple[str, str], code: str) -> None:
    with pytest.raises(RefusedError) as raised:
        open_shopkit(shelf)[0].set_stock(*ids, 5)
    assert (raised.value.code, shelf.writes) == (code, [])


def test_a_shop_that_keeps_another_level_is_reported() -> None:
    with pytest.raises(RefusedError) as raised:
        open_shopkit(Shelf(keeps=3))[0].set_stock("1", "", 5)
    assert (raised.value.code, raised.value.detail["stock"]) == ("goods-by-place", 3)


def test_a_write_without_a_whole_answer_is_uncertain() -> None:
    shelf = Shelf()
    shop, _ = open_shopkit(
        lambda method, path, asked: shelf(method, path, asked) if method == "GET" else (200, b"<html>")
    )
    with pytest.raises(UncertainError):
        shop.set_stock("1", "", 5)
