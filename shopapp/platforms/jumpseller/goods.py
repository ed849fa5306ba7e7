"""Jumpseller's products as goods: reading them page by page or one by one, their stock, all places or each.

Called by the adapter alone. Sources as there. *Unconfirmed*, each with the safe choice taken here: that
`/products/after/{id}` begins with 0, goes up and honours `limit` (an answer that does not follow, or an end before the
counted number of products, is read anew from `/products.json`, page by page until one is empty); what plain `stock`
means where stock is kept by place (a write that is not answered with what was sent is a refusal, never a success);
how unlimited goods show by place (nothing is written there without a look). Sold pieces are never subtracted: levels
are absolute. `fields` is never asked for, as it may leave out what was not thought of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shopapp.fiscal.errors import RefusedError, UncertainError, UnreachableError
from shopapp.fiscal.order import LineKind
from shopapp.http import Answer

from ..base import Goods, GoodsPage, Location
from .wire import Calls, parsed, unwrapped

Json = Mapping[str, Any]

_KINDS: dict[str, LineKind] = {"gift_card": "giftcard", "digital": "service"}
_PAGE = 100
_ROWS = 50
"""How many rows of stock are asked for at once: the list has no pages, and half a list must not look whole."""
_MOST_BYTES = 25 * 1024 * 1024
"""A hundred products with their descriptions: merchants paste whole pages, with pictures inside, into these."""
_MOST_PIECES = 2**31 - 1
"""What a column holds."""
_BY_PAGE = "page/"


# reading


def page_after(calls: Calls, after: str) -> GoodsPage:
    """The goods behind the cursor: `last id/how many were read` or, where that can't be had, `page/n`."""
    if after.startswith(_BY_PAGE):
        return _by_page(calls, int(after.removeprefix(_BY_PAGE)))
    last, _, read = (after or "0/0").partition("/")
    answer = calls.send("GET", f"/products/after/{last}.json", query={"limit": _PAGE}, most=_MOST_BYTES)
    products = _listed(answer, "product")
    ids = [_id(product) for product in products]
    if answer.status == 404 or sorted({int(last), *ids}) != [int(last), *ids]:
        return _by_page(calls, 1)
    if products:
        return GoodsPage(_goods(products), f"{ids[-1]}/{int(read) + len(ids)}")
    return GoodsPage((), "") if int(read) >= _count(calls) else _by_page(calls, 1)


def _by_page(calls: Calls, number: int) -> GoodsPage:
    products = _listed(
        calls.send("GET", "/products.json", query={"limit": _PAGE, "page": number}, most=_MOST_BYTES),
        "product",
    )
    return GoodsPage(_goods(products), f"{_BY_PAGE}{number + 1}" if products else "")


def _count(calls: Calls) -> int:
    told = parsed(calls.send("GET", "/products/count.json"))
    if not isinstance(told, dict) or not isinstance(told.get("count"), int):
        raise UnreachableError("unreachable", how="unreadable")
    return int(told["count"])


def _listed(answer: Answer, root: str) -> list[Json]:
    """The things of a list, without their wrappers; none when there is no such list."""
    content = [] if answer.status == 404 else parsed(answer)
    if not isinstance(content, list):
        raise UnreachableError("unreachable", how="unreadable")
    return [unwrapped(entry, root) for entry in content]


def _goods(products: Sequence[Json]) -> tuple[Goods, ...]:
    return tuple(one for product in products for one in goods_from(product))


def one_product(calls: Calls, product_id: str) -> tuple[Goods, ...]:
    """The product's goods as they are now; () when it is gone."""
    answer = calls.send("GET", f"/products/{int(product_id)}.json")
    return () if answer.status == 404 else tuple(goods_from(unwrapped(parsed(answer), "product")))


def goods_from(product: Json) -> Iterator[Goods]:
    """The product itself or, where it has variants, each of them and never itself."""
    variants = product.get("variants")
    name = str(product.get("name") or product.get("sku") or _id(product)).strip()
    for own in variants if isinstance(variants, list) and variants else [product]:
        variant = {} if own is product else unwrapped(own, "variant")
        yield Goods(
            product_id=str(_id(product)),
            variant_id=str(_id(variant)) if variant else "",
            sku=str((variant or product).get("sku") or "").strip(),
            name=name + _options(variant),
            kind=_KINDS.get(str(product.get("type") or ""), "goods"),
            stock=_stock(variant or product),
            active=str(product.get("status") or "") != "disabled",
        )


def _id(thing: Json) -> int:
    """The number of a product or variant; without one nothing can be said of the whole answer."""
    number = thing.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise UnreachableError("unreachable", how="unreadable")
    return number


def _options(variant: Json) -> str:
    """The options as an order's line names them: ` (Cor: Azul)`."""
    listed = variant.get("options")
    options = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return "".join(
        f" ({one['name']}: {one['value']})" for one in options if one.get("name") and one.get("value")
    )


def _stock(thing: Json) -> int | None:
    """Pieces; None where it is unlimited, or where it can't be read: such goods are left alone."""
    if str(thing.get("stock_unlimited")).lower() not in ("false", "none"):
        return None
    return _pieces(thing.get("stock"))


def _pieces(value: Any) -> int | None:
    try:
        pieces = Decimal(str(value))
    except InvalidOperation:
        return None
    if not pieces.is_finite() or abs(pieces) > _MOST_PIECES or pieces != int(pieces):
        return None
    return int(pieces)


# places


def places(calls: Calls) -> tuple[Location, ...]:
    """The locations that goods are sent from; () with fewer than two, and where there is no such list."""
    found = _listed(calls.send("GET", "/locations.json"), "location")
    origins = [one for one in found if one.get("is_stock_origin")]
    known = tuple(
        Location(str(_id(one)), str(one.get("name") or ""), bool(one.get("main"))) for one in origins
    )
    return known if len(known) > 1 else ()


def levels(
    calls: Calls, goods: Sequence[tuple[str, str]], locations: Sequence[str]
) -> dict[tuple[str, str, str], int]:
    """Pieces by (product, variant, location); products with and without variants are asked for apart."""
    found: dict[tuple[str, str, str], int] = {}
    most = max(1, _ROWS // max(1, len(locations)))
    for some in ([one for one in goods if not one[1]], [one for one in goods if one[1]]):
        for first in range(0, len(some), most):
            wanted = some[first : first + most]
            for row in _level_rows(calls, wanted, locations):
                key = (
                    str(row.get("product_id")),
                    str(row.get("variant_id") or ""),
                    str(row.get("location_id")),
                )
                pieces = _pieces(row.get("stock"))
                if key[:2] in wanted and key[2] in locations and pieces is not None:
                    found[key] = pieces
    return found


def _level_rows(calls: Calls, wanted: Sequence[tuple[str, str]], locations: Sequence[str]) -> list[Json]:
    query = {
        "location_ids": ",".join(locations),
        "product_ids": ",".join(dict.fromkeys(product for product, _ in wanted)),
    }
    if wanted[0][1]:
        query["variant_ids"] = ",".join(variant for _, variant in wanted)
    return _listed(calls.send("GET", "/products_locations", query=query), "")


# writing


def write_level(calls: Calls, product_id: str, variant_id: str, pieces: int, location: str) -> None:
    """Nothing; the shop has so many, in all or at that location."""
    if location:
        _write_at(calls, product_id, variant_id, pieces, location)
        return
    path, root = f"/products/{int(product_id)}.json", "product"
    if variant_id:
        path, root = f"/products/{int(product_id)}/variants/{int(variant_id)}.json", "variant"
    try:
        answer = calls.send("PUT", path, {root: {"stock": pieces}}, writes=True)
    except RefusedError as error:
        if error.detail.get("status") == 404:
            raise RefusedError("goods-gone") from error
        raise
    try:
        now = unwrapped(parsed(answer), root)
    except UnreachableError as error:
        raise UncertainError("outcome-unknown", how="unreadable") from error
    if now.get("variants"):
        raise RefusedError("goods-gone")
    if _stock(now) is None:
        raise RefusedError("goods-unlimited")
    if _stock(now) != pieces:
        raise RefusedError("goods-by-place", stock=_stock(now))


def _write_at(calls: Calls, product_id: str, variant_id: str, pieces: int, location: str) -> None:
    """Looks first: the call must say `stock_unlimited`, and would make an end of it where it is set."""
    present = [one for one in one_product(calls, product_id) if one.variant_id == variant_id]
    if not present:
        raise RefusedError("goods-gone")
    if present[0].stock is None:
        raise RefusedError("goods-unlimited")
    content: dict[str, Any] = {"location_id": int(location), "product_id": int(product_id)}
    if variant_id:
        content["variant_id"] = int(variant_id)
    content |= {"stock": pieces, "stock_unlimited": False}
    calls.send("PUT", "/products_locations", content, writes=True)
