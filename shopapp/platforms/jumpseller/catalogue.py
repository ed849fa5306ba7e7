"""Jumpseller's products as catalogue items: read page by page or one by one, and their stock read and set.

Sources as in adapter.py. *Unconfirmed*, each with the safe choice made here:

- That `/products/after/{id}` begins with 0, ascends and honours `limit`. After an answer that does not, or an end
  before the counted number of products, everything is read again from `/products.json`, page by page until one is
  empty.
- The meaning of plain `stock` where stock is kept by location. A write that is not answered with the value sent is a
  refusal, never a success.
- The form of unlimited items by location. Nothing is written there before the product was read.

Stock is only ever set, never changed by a difference. `fields` is not used, because it may leave out something that is
needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shopapp.errors import RefusedError, UncertainError, UnreachableError
from shopapp.http_client import HttpResponse

from ..base import CatalogueItem, CataloguePage, Location
from ..fields import Json, text_field
from .client import JumpsellerClient, objects_in, parse_body, unwrap
from .terms import line_kind

_PAGE = 100
_MAX_STOCK_ROWS = 50
"""The most rows of stock to ask for at once: the list has no pages, and a truncated list must not look complete."""
_MAX_PAGE_BYTES = 25 * 1024 * 1024
"""For a hundred products with their descriptions, into which merchants paste whole pages with embedded pictures."""
_MAX_PIECES = 2**31 - 1
"""The largest value of an integer column."""
_PAGE_PREFIX = "page/"


# reading


def read_catalogue_page(client: JumpsellerClient, after: str) -> CataloguePage:
    """Get the items after the cursor: `last id/products read` or, where that list does not work, `page/n`."""
    if after.startswith(_PAGE_PREFIX):
        return _page_by_number(client, int(after.removeprefix(_PAGE_PREFIX)))
    last, _, read = (after or "0/0").partition("/")
    answer = client.send(
        "GET", f"/products/after/{last}.json", query={"limit": _PAGE}, max_bytes=_MAX_PAGE_BYTES
    )
    rows = _rows_of(answer)
    products = _readable_products(rows)
    ids = [_id(product) for product in products]
    if answer.status == 404 or sorted({int(last), *ids}) != [int(last), *ids]:
        return _page_by_number(client, 1)
    if products:
        return CataloguePage(_items_from(products), f"{ids[-1]}/{int(read) + len(rows)}")
    return CataloguePage((), "") if int(read) >= _product_count(client) else _page_by_number(client, 1)


def _page_by_number(client: JumpsellerClient, number: int) -> CataloguePage:
    query = {"limit": _PAGE, "page": number}
    rows = _rows_of(client.send("GET", "/products.json", query=query, max_bytes=_MAX_PAGE_BYTES))
    return CataloguePage(_items_from(_readable_products(rows)), f"{_PAGE_PREFIX}{number + 1}" if rows else "")


def _product_count(client: JumpsellerClient) -> int:
    content = parse_body(client.send("GET", "/products/count.json"))
    if not isinstance(content, dict) or not isinstance(content.get("count"), int):
        raise UnreachableError("unreachable", how="unreadable")
    return int(content["count"])


def _objects_from(answer: HttpResponse, root: str) -> list[Json]:
    """Return the objects of a list without their wrappers; none for HTTP 404."""
    return [unwrap(entry, root) for entry in _rows_of(answer)]


def _rows_of(answer: HttpResponse) -> list[Any]:
    content = [] if answer.status == 404 else parse_body(answer)
    if not isinstance(content, list):
        raise UnreachableError("unreachable", how="unreadable")
    return content


def _readable_products(rows: Sequence[Any]) -> list[Json]:
    """Return the products of a page that have an id, each with those variants that have one.

    What is left out counts as not seen by this reading, so that a product known before is read by itself. Raises
    UnreachableError when none can be read: the answer is no list of products.
    """
    found: list[Json] = []
    for product in objects_in(rows, "product"):
        variants = product.get("variants")
        readable = [one for one in objects_in(variants, "variant") if _has_id(one)]
        if _has_id(product) and (readable or not variants):
            found.append({**product, "variants": readable})
    if rows and not found:
        raise UnreachableError("unreachable", how="unreadable")
    return found


def _has_id(block: Json) -> bool:
    return isinstance(block.get("id"), int) and not isinstance(block.get("id"), bool)


def _items_from(products: Sequence[Json]) -> tuple[CatalogueItem, ...]:
    return tuple(one for product in products for one in catalogue_items_from(product))


def read_product_items(client: JumpsellerClient, product_id: str) -> tuple[CatalogueItem, ...]:
    """Get the product's items as they are now; return () when it is gone."""
    answer = client.send("GET", f"/products/{int(product_id)}.json")
    return () if answer.status == 404 else tuple(catalogue_items_from(unwrap(parse_body(answer), "product")))


def catalogue_items_from(product: Json) -> Iterator[CatalogueItem]:
    """Yield the product or, where it has variants, each of them and never the product itself."""
    variants = product.get("variants")
    name = text_field(product, "name") or str(product.get("sku") or _id(product)).strip()
    for own in variants if isinstance(variants, list) and variants else [product]:
        variant = {} if own is product else unwrap(own, "variant")
        yield CatalogueItem(
            product_id=str(_id(product)),
            variant_id=str(_id(variant)) if variant else "",
            sku=str((variant or product).get("sku") or "").strip(),
            name=name + _options_text(variant),
            kind=line_kind(product),
            stock=_stock_of(variant or product),
            active=str(product.get("status") or "") != "disabled",
        )


def _id(block: Json) -> int:
    """Return the id of a product, variant or location. Raises UnreachableError without one: the answer is unusable."""
    if not _has_id(block):
        raise UnreachableError("unreachable", how="unreadable")
    return int(block["id"])


def _options_text(variant: Json) -> str:
    """Return the options as an order line shows them: ` (Cor: Azul)`."""
    listed = variant.get("options")
    options = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return "".join(
        f" ({name}: {value})"
        for one in options
        if (name := text_field(one, "name")) and (value := text_field(one, "value"))
    )


def _stock_of(block: Json) -> int | None:
    """Return the pieces; None where stock is unlimited or unreadable, so that it is left alone."""
    if str(block.get("stock_unlimited")).lower() not in ("false", "none"):
        return None
    return _parse_pieces(block.get("stock"))


def _parse_pieces(value: Any) -> int | None:
    try:
        pieces = Decimal(str(value))
    except InvalidOperation:
        return None
    if not pieces.is_finite() or abs(pieces) > _MAX_PIECES or pieces != int(pieces):
        return None
    return int(pieces)


# locations


def read_locations(client: JumpsellerClient) -> tuple[Location, ...]:
    """Get the locations from which the shop sends; return () when there are fewer than two."""
    rows = _objects_from(client.send("GET", "/locations.json"), "location")
    locations = tuple(
        Location(str(_id(row)), text_field(row, "name"), bool(row.get("main")))
        for row in rows
        if row.get("is_stock_origin")
    )
    return locations if len(locations) > 1 else ()


def read_location_stock(
    client: JumpsellerClient, items: Sequence[tuple[str, str]], locations: Sequence[str]
) -> dict[tuple[str, str, str], int]:
    """Get the pieces by (product, variant, location), for products with and without variants separately."""
    found: dict[tuple[str, str, str], int] = {}
    most = max(1, _MAX_STOCK_ROWS // max(1, len(locations)))
    for some in ([one for one in items if not one[1]], [one for one in items if one[1]]):
        for first in range(0, len(some), most):
            wanted = some[first : first + most]
            for row in _location_stock_rows(client, wanted, locations):
                key = (
                    str(row.get("product_id")),
                    str(row.get("variant_id") or ""),
                    str(row.get("location_id")),
                )
                pieces = _parse_pieces(row.get("stock"))
                if key[:2] in wanted and key[2] in locations and pieces is not None:
                    found[key] = pieces
    return found


def _location_stock_rows(
    client: JumpsellerClient, wanted: Sequence[tuple[str, str]], locations: Sequence[str]
) -> list[Json]:
    query = {
        "location_ids": ",".join(locations),
        "product_ids": ",".join(dict.fromkeys(product for product, _ in wanted)),
    }
    if wanted[0][1]:
        query["variant_ids"] = ",".join(variant for _, variant in wanted)
    return _objects_from(client.send("GET", "/products_locations", query=query), "")


# writing


def write_stock(
    client: JumpsellerClient, product_id: str, variant_id: str, pieces: int, location: str
) -> None:
    """Set the pieces in total, or at that location. Safe to repeat.

    Raises RefusedError `goods-gone`, `goods-unlimited` or `goods-by-place`, UncertainError for an unreadable answer.
    """
    if location:
        _write_location_stock(client, product_id, variant_id, pieces, location)
        return
    path, root = f"/products/{int(product_id)}.json", "product"
    if variant_id:
        path, root = f"/products/{int(product_id)}/variants/{int(variant_id)}.json", "variant"
    try:
        answer = client.send("PUT", path, {root: {"stock": pieces}}, writes=True)
    except RefusedError as error:
        if error.detail.get("status") == 404:
            raise RefusedError("goods-gone") from error
        raise
    try:
        now = unwrap(parse_body(answer), root)
    except UnreachableError as error:
        raise UncertainError("outcome-unknown", how="unreadable") from error
    if now.get("variants"):
        raise RefusedError("goods-gone")
    if _stock_of(now) is None:
        raise RefusedError("goods-unlimited")
    if _stock_of(now) != pieces:
        raise RefusedError("goods-by-place", stock=_stock_of(now))


def _write_location_stock(
    client: JumpsellerClient, product_id: str, variant_id: str, pieces: int, location: str
) -> None:
    """Read the product, then set: the call must send `stock_unlimited`, which would limit unlimited stock."""
    items = [item for item in read_product_items(client, product_id) if item.variant_id == variant_id]
    if not items:
        raise RefusedError("goods-gone")
    if items[0].stock is None:
        raise RefusedError("goods-unlimited")
    content: dict[str, Any] = {"location_id": int(location), "product_id": int(product_id)}
    if variant_id:
        content["variant_id"] = int(variant_id)
    content |= {"stock": pieces, "stock_unlimited": False}
    client.send("PUT", "/products_locations", content, writes=True)
