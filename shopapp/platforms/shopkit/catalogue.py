"""Shopkit's products as catalogue items: read page by page or one by one, and their stock read and set.

Source: Shopkit's API text (2025-09-26), read 2026-12-01: a product keeps its stock in `stock.stock_qty`, one with
variants in each option's `stock`, both only where `stock_enabled` is set; a write is absolute. *Unconfirmed*: the order
of the list, whether it has hidden products without `status_alias=all`, and whether its rows have their options (a
product that has option groups and no options there is read by itself). Nothing is written before the product was read:
what a write does where no stock is kept is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from shopapp.errors import RefusedError, UnreachableError

from ..base import CatalogueItem, CataloguePage
from ..fields import Json, object_field, objects_field, read_id, text_field
from .client import ShopkitClient, is_last
from .terms import is_flag_set, line_kind

_MAX_PAGE_BYTES = 25 * 1024 * 1024
"""For fifty products with their descriptions, into which merchants paste whole pages with embedded pictures."""
_MAX_PIECES = 2**31 - 1
"""The largest value of an integer column."""
_HIDDEN = "2"


def read_catalogue_page(client: ShopkitClient, after: str) -> CataloguePage:
    """Get the items after the cursor: `page/products read`."""
    number, _, read = (after or "1/0").partition("/")
    page = client.get_page("/product", {"status_alias": "all"}, int(number), _MAX_PAGE_BYTES)
    products = [row for row in page.rows if isinstance(row, dict) and read_id(row.get("id"))]
    if page.rows and not products:
        raise UnreachableError("unreachable", how="unreadable")
    items = tuple(item for product in products for item in _items(client, product))
    count = int(read) + len(page.rows)
    return CataloguePage(items, "" if is_last(page, count) else f"{int(number) + 1}/{count}")


def read_product_items(client: ShopkitClient, product_id: str) -> tuple[CatalogueItem, ...]:
    """Get the product's items as they are now; return () when it is gone."""
    product = client.get_object(f"/product/{int(product_id)}")
    return () if product is None else tuple(_items_of(product))


def _items(client: ShopkitClient, product: Json) -> tuple[CatalogueItem, ...]:
    is_whole = "options" in product or not product.get("option_groups")
    return tuple(_items_of(product)) if is_whole else read_product_items(client, read_id(product["id"]))


def _items_of(product: Json) -> Iterator[CatalogueItem]:
    """Yield the product or, where it has variants, each of them and never the product itself."""
    product_id = read_id(product.get("id"))
    if not product_id:
        raise UnreachableError("unreachable", how="unreadable")
    kept = object_field(product, "stock")
    is_kept = is_flag_set(kept.get("stock_enabled"))
    title = text_field(product, "title") or text_field(product, "reference") or product_id
    options = [each for each in objects_field(product, "options") if read_id(each.get("id"))]
    for option in options or [{}]:
        variant = text_field(option, "title")
        pieces = _parse_pieces(option.get("stock") if option else kept.get("stock_qty"))
        yield CatalogueItem(
            product_id=product_id,
            variant_id=read_id(option.get("id")),
            sku=str((option or product).get("reference") or "").strip(),
            name=f"{title} ({variant})" if variant else title,
            kind=line_kind(product),
            stock=pieces if is_kept else None,
            active=str(product.get("status")) != _HIDDEN and is_flag_set(option.get("active", True)),
        )


def _parse_pieces(value: Any) -> int | None:
    """Return the pieces; None where they are unreadable, so that the stock is left alone."""
    try:
        pieces = Decimal(str(value))
    except InvalidOperation:
        return None
    if not pieces.is_finite() or abs(pieces) > _MAX_PIECES or pieces != int(pieces):
        return None
    return int(pieces)


def write_stock(client: ShopkitClient, product_id: str, variant_id: str, pieces: int) -> None:
    """Read the product, then set its pieces or those of the variant. Safe to repeat.

    Raises RefusedError `goods-gone`, `goods-unlimited` or `goods-by-place`.
    """
    items = [item for item in read_product_items(client, product_id) if item.variant_id == variant_id]
    if not items:
        raise RefusedError("goods-gone")
    if items[0].stock is None:
        raise RefusedError("goods-unlimited")
    path, content = f"/product/{int(product_id)}", {"stock_qty": pieces}
    if variant_id:
        path, content = f"{path}/option/{int(variant_id)}", {"stock": pieces}
    try:
        now = client.write("PUT", path, content)
    except RefusedError as error:
        if error.detail.get("status") == 404:
            raise RefusedError("goods-gone") from error
        raise
    stock = _stock_in(now or {}, bool(variant_id))
    if stock is not None and stock != pieces:
        raise RefusedError("goods-by-place", stock=stock)


def _stock_in(answer: Mapping[str, Any], is_variant: bool) -> int | None:
    """Return the pieces that the answer to a write shows; None where it shows none."""
    return _parse_pieces(
        answer.get("stock") if is_variant else object_field(answer, "stock").get("stock_qty")
    )
