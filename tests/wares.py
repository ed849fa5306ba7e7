"""What the shop in memory sells and what the program in memory has of it: levels, who altered them, what went wrong.

Held by `tests.fakes`, which puts the verbs of platform and provider before it. Each side's own list of what was done to
its levels is the judge of the tests of stock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from shopapp.fiscal.errors import RefusedError
from shopapp.fiscal.order import Order
from shopapp.platforms.base import Goods, GoodsPage, Location
from shopapp.providers.base import Article, LevelsPage, StockLevel, StockMove

Key = tuple[str, str]


@dataclass
class Shelf:
    """The shop's goods by (product, variant); pieces by location where it has any."""

    goods: dict[Key, Goods] = field(default_factory=dict)
    at: dict[tuple[str, str, str], int] = field(default_factory=dict)
    locations: tuple[Location, ...] = ()
    page: int = 50
    taken: dict[str, list[tuple[Key, str, int]]] = field(default_factory=dict)
    """What each order that stands took off: which goods, where, how many."""
    gives_back: bool = True
    """Whether a cancelled order's goods come back by themselves."""
    written: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    """Each level that was set through the verb: product, variant, location, before, after."""

    def sells(self, sku: str, stock: int | None, product: str = "", variant: str = "", **more: Any) -> Goods:
        """Goods as somebody put them into the shop, at the first location where there are several."""
        number = product or str(len(self.goods) + 1)
        goods = Goods(number, variant, sku, more.pop("name", f"Artigo {sku}"), stock=stock, **more)
        self.goods[number, variant] = goods
        for place in self.locations if stock is not None else ():
            self.at[number, variant, place.code] = stock if place == self.locations[0] else 0  # type: ignore[assignment]
        return goods

    def of(self, sku: str) -> Goods:
        """The first goods of that SKU."""
        return next(one for one in self.goods.values() if one.sku == sku)

    def level(self, sku: str, location: str = "") -> int | None:
        """How much there is of it, in all or at a location."""
        one = self.of(sku)
        return self.at.get((one.product_id, one.variant_id, location)) if location else one.stock

    def put(self, sku: str, pieces: int, location: str = "") -> None:
        """Somebody sets the level by hand."""
        one = self.of(sku)
        self._put((one.product_id, one.variant_id), pieces, location)

    def changed(self, sku: str, /, **values: Any) -> None:
        """Somebody alters the goods: `stock=None` is unlimited."""
        one = self.of(sku)
        self.goods[one.product_id, one.variant_id] = replace(one, **values)

    def remove(self, sku: str) -> None:
        one = self.of(sku)
        del self.goods[one.product_id, one.variant_id]

    def place(self, order: Order) -> bool:
        """True when the goods of an order were there, and are taken off; an order is placed once."""
        if order.id in self.taken:
            return True
        wanted: dict[str, int] = {}
        for line in order.lines:
            if self._has(line.sku) and self.of(line.sku).stock is not None:
                wanted[line.sku] = wanted.get(line.sku, 0) + int(line.quantity)
        first = self.locations[0].code if self.locations else ""
        if any(self._there(self.of(sku), first) < pieces for sku, pieces in wanted.items()):
            return False
        self.taken[order.id] = []
        for sku, pieces in wanted.items():
            goods = self.of(sku)
            key = (goods.product_id, goods.variant_id)
            self._put(key, self._there(goods, first) - pieces, first)
            self.taken[order.id].append((key, first, pieces))
        return True

    def cancel(self, order_id: str) -> None:
        """The goods of a cancelled order come back, where the shop does so."""
        for key, location, pieces in self.taken.pop(order_id, []):
            goods = self.goods.get(key)
            if self.gives_back and goods is not None and goods.stock is not None:
                self._put(key, self._there(goods, location) + pieces, location)

    def _has(self, sku: str) -> bool:
        return any(one.sku == sku for one in self.goods.values())

    def _there(self, goods: Goods, location: str) -> int:
        return self.at[goods.product_id, goods.variant_id, location] if location else goods.stock or 0

    def _put(self, key: Key, pieces: int, location: str = "") -> None:
        assert pieces >= 0, f"{key}: the shop has less than nothing"
        if location:
            self.at[*key, location] = pieces
            pieces = sum(self.at[*key, place.code] for place in self.locations)
        self.goods[key] = replace(self.goods[key], stock=pieces)

    # the verbs

    def listed(self, after: str) -> GoodsPage:
        """A page of whole products, by number."""
        numbers = sorted({int(product) for product, _ in self.goods if int(product) > int(after or 0)})
        some = numbers[: self.page]
        found = tuple(
            self.goods[key] for key in sorted(self.goods, key=lambda key: int(key[0])) if int(key[0]) in some
        )
        return GoodsPage(found, str(some[-1]) if len(numbers) > self.page else "")

    def product(self, product: str) -> tuple[Goods, ...]:
        return tuple(goods for key, goods in self.goods.items() if key[0] == product)

    def levels(self, wanted: Sequence[Key], places: Sequence[str]) -> dict[tuple[str, str, str], int]:
        assert 0 < len(wanted) <= 50
        return {
            (*key, place): self.at[*key, place]
            for key in wanted
            for place in places
            if (*key, place) in self.at and self.goods[key].stock is not None
        }

    def write(self, product: str, variant: str, pieces: int, location: str) -> None:
        goods = self.goods.get((product, variant))
        if goods is None:
            raise RefusedError("goods-gone")
        if goods.stock is None:
            raise RefusedError("goods-unlimited")
        self.written.append((product, variant, location, self._there(goods, location), pieces))
        self._put((product, variant), pieces, location)


@dataclass
class Depot:
    """How much the program has of each article, by warehouse; `moves` are the movements that somebody asked for."""

    warehouses: tuple[str, ...] = ("",)
    there: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """By the article's id and the warehouse."""
    moves: list[StockMove] = field(default_factory=list)
    documents_move: bool = False
    """Whether a document takes its goods off by itself."""
    told: list[tuple[str, str]] = field(default_factory=list)
    """Which level changed, one after another."""
    tells_changes: bool = True
    knows_moves: bool = True
    """Whether it can be asked for a movement's reference."""
    page: int = 50
    odd: list[Callable[[StockMove], bool]] = field(default_factory=list)
    """What the next movements do first; the movement is made where they say True, and nothing is where they raise."""

    def put(self, article: Article, pieces: int | str | Decimal, warehouse: str | None = None) -> None:
        """Somebody counts so many."""
        place = self.warehouses[0] if warehouse is None else warehouse
        self.there[article.article_id, place] = Decimal(pieces)
        self.told.append((article.article_id, place))

    def add(self, article: Article, pieces: Decimal, warehouse: str) -> None:
        """So many more, or less: a sale over the counter, a document, a movement."""
        self.put(article, self.level(article, warehouse) + pieces, warehouse)

    def level(self, article: Article, warehouse: str | None = None) -> Decimal:
        place = self.warehouses[0] if warehouse is None else warehouse
        return self.there.get((article.article_id, place), Decimal(0))

    def make(self, article: Article | None, move: StockMove) -> None:
        """The movement is made, its answer said or not."""
        if article is None or not article.goods:
            raise RefusedError("stock-refused", answer="Artigo desconhecido.")
        self.add(article, move.quantity, move.warehouse)
        self.moves.append(move)

    def has(self, reference: str) -> bool | None:
        return any(one.reference == reference for one in self.moves) if self.knows_moves else None

    # the verbs

    def levels(self, articles: Iterable[Article]) -> tuple[StockLevel, ...]:
        found = {one.article_id: one.code for one in articles}
        return tuple(
            StockLevel(found[number], place, quantity)
            for (number, place), quantity in self.there.items()
            if number in found
        )

    def changed(self, articles: Iterable[Article], mark: str, after: str) -> LevelsPage:
        """What changed since the mark, or everything; a reading's mark is where the list ended when it began."""
        begun, at = (int(part) for part in (after or f"{len(self.told)}:0").split(":"))
        all_there = self.levels(articles)
        codes = {one.article_id: one.code for one in articles}
        if self.tells_changes and mark:
            named = {(codes.get(number), place) for number, place in self.told[int(mark) : begun]}
            all_there = tuple(one for one in all_there if (one.code, one.warehouse) in named)
        some = all_there[at : at + self.page]
        further = f"{begun}:{at + self.page}" if at + self.page < len(all_there) else ""
        return LevelsPage(some, further, str(begun))
