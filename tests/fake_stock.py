"""The stock that the fake shop and the fake provider of `tests.fakes` keep in memory.

Each side records every change of its quantities; the stock tests compare their results with these records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from shopapp.errors import RefusedError
from shopapp.fiscal.order import Order
from shopapp.platforms.base import CatalogueItem, CataloguePage, Location
from shopapp.providers.articles import ProviderArticle
from shopapp.providers.stock import StockLevel, StockLevelPage, StockMovement

Key = tuple[str, str]


@dataclass
class ShopStock:
    """The shop's items by (product, variant), and their pieces by location if the shop has locations."""

    items: dict[Key, CatalogueItem] = field(default_factory=dict)
    by_location: dict[tuple[str, str, str], int] = field(default_factory=dict)
    locations: tuple[Location, ...] = ()
    page_size: int = 50
    taken_by_order: dict[str, list[tuple[Key, str, int]]] = field(default_factory=dict)
    """The stock that each open or paid order took: item, location, pieces."""
    restores_cancelled: bool = True
    """Whether the shop returns the pieces of a cancelled order by itself."""
    writes: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    """Each quantity set through the adapter: product, variant, location, before, after."""

    def add_item(
        self, sku: str, stock: int | None, product: str = "", variant: str = "", **more: Any
    ) -> CatalogueItem:
        """Add an item, as a person does in the shop; its pieces are at the first location."""
        number = product or str(len(self.items) + 1)
        goods = CatalogueItem(number, variant, sku, more.pop("name", f"Artigo {sku}"), stock=stock, **more)
        self.items[number, variant] = goods
        for place in self.locations if stock is not None else ():
            self.by_location[number, variant, place.code] = stock if place == self.locations[0] else 0  # type: ignore[assignment]
        return goods

    def item(self, sku: str) -> CatalogueItem:
        """Return the first item with that SKU."""
        return next(one for one in self.items.values() if one.sku == sku)

    def level(self, sku: str, location: str = "") -> int | None:
        """Return the item's pieces, in total or at one location."""
        one = self.item(sku)
        return self.by_location.get((one.product_id, one.variant_id, location)) if location else one.stock

    def set_level(self, sku: str, pieces: int, location: str = "") -> None:
        """Set the pieces, as a person does in the shop."""
        one = self.item(sku)
        self._store((one.product_id, one.variant_id), pieces, location)

    def edit(self, sku: str, /, **values: Any) -> None:
        """Change the item, as a person does in the shop; `stock=None` is unlimited."""
        one = self.item(sku)
        self.items[one.product_id, one.variant_id] = replace(one, **values)

    def remove(self, sku: str) -> None:
        one = self.item(sku)
        del self.items[one.product_id, one.variant_id]

    def place_order(self, order: Order) -> bool:
        """Deduct the order's pieces from stock, at most once per order. Return whether there were enough."""
        if order.id in self.taken_by_order:
            return True
        wanted: dict[str, int] = {}
        for line in order.lines:
            if self._has_sku(line.sku) and self.item(line.sku).stock is not None:
                wanted[line.sku] = wanted.get(line.sku, 0) + int(line.quantity)
        first = self.locations[0].code if self.locations else ""
        if any(self._quantity(self.item(sku), first) < pieces for sku, pieces in wanted.items()):
            return False
        self.taken_by_order[order.id] = []
        for sku, pieces in wanted.items():
            goods = self.item(sku)
            key = (goods.product_id, goods.variant_id)
            self._store(key, self._quantity(goods, first) - pieces, first)
            self.taken_by_order[order.id].append((key, first, pieces))
        return True

    def cancel_order(self, order_id: str) -> None:
        """Put the pieces of a cancelled order back, if the shop does so."""
        for key, location, pieces in self.taken_by_order.pop(order_id, []):
            goods = self.items.get(key)
            if self.restores_cancelled and goods is not None and goods.stock is not None:
                self._store(key, self._quantity(goods, location) + pieces, location)

    def _has_sku(self, sku: str) -> bool:
        return any(one.sku == sku for one in self.items.values())

    def _quantity(self, goods: CatalogueItem, location: str) -> int:
        return (
            self.by_location[goods.product_id, goods.variant_id, location] if location else goods.stock or 0
        )

    def _store(self, key: Key, pieces: int, location: str = "") -> None:
        assert pieces >= 0, f"{key}: the shop has less than zero"
        if location:
            self.by_location[*key, location] = pieces
            pieces = sum(self.by_location[*key, place.code] for place in self.locations)
        self.items[key] = replace(self.items[key], stock=pieces)

    # Calls that the adapter makes

    def list_page(self, after: str) -> CataloguePage:
        """Return one page of products with their variants, ordered by number."""
        numbers = sorted({int(product) for product, _ in self.items if int(product) > int(after or 0)})
        some = numbers[: self.page_size]
        found = tuple(
            self.items[key] for key in sorted(self.items, key=lambda key: int(key[0])) if int(key[0]) in some
        )
        return CataloguePage(found, str(some[-1]) if len(numbers) > self.page_size else "")

    def items_of(self, product: str) -> tuple[CatalogueItem, ...]:
        return tuple(goods for key, goods in self.items.items() if key[0] == product)

    def levels(self, wanted: Sequence[Key], places: Sequence[str]) -> dict[tuple[str, str, str], int]:
        assert 0 < len(wanted) <= 50
        return {
            (*key, place): self.by_location[*key, place]
            for key in wanted
            for place in places
            if (*key, place) in self.by_location and self.items[key].stock is not None
        }

    def write_level(self, product: str, variant: str, pieces: int, location: str) -> None:
        goods = self.items.get((product, variant))
        if goods is None:
            raise RefusedError("goods-gone")
        if goods.stock is None:
            raise RefusedError("goods-unlimited")
        self.writes.append((product, variant, location, self._quantity(goods, location), pieces))
        self._store((product, variant), pieces, location)


@dataclass
class ProviderStock:
    """The provider's pieces of each article by warehouse, and the movements that it received."""

    warehouses: tuple[str, ...] = ("",)
    quantities: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """Pieces by article id and warehouse."""
    movements: list[StockMovement] = field(default_factory=list)
    documents_move: bool = False
    """Whether a document moves its stock by itself."""
    changed_levels: list[tuple[str, str]] = field(default_factory=list)
    """The articles and warehouses whose quantity changed, in order."""
    reports_changes: bool = True
    finds_movements: bool = True
    """Whether a movement can be looked up by its reference."""
    page_size: int = 50
    planned_movements: list[Callable[[StockMovement], bool]] = field(default_factory=list)
    """Functions called for the next movements, in order: each returns True to have the movement made, or raises."""

    def set_level(
        self, article: ProviderArticle, pieces: int | str | Decimal, warehouse: str | None = None
    ) -> None:
        """Set the pieces, as a person does after counting them."""
        place = self.warehouses[0] if warehouse is None else warehouse
        self.quantities[article.article_id, place] = Decimal(pieces)
        self.changed_levels.append((article.article_id, place))

    def add(self, article: ProviderArticle, pieces: Decimal, warehouse: str) -> None:
        """Add pieces (or deduct them, if negative): a sale over the counter, a document, a movement."""
        self.set_level(article, self.level(article, warehouse) + pieces, warehouse)

    def level(self, article: ProviderArticle, warehouse: str | None = None) -> Decimal:
        place = self.warehouses[0] if warehouse is None else warehouse
        return self.quantities.get((article.article_id, place), Decimal(0))

    def record_movement(self, article: ProviderArticle | None, move: StockMovement) -> None:
        """Make the movement. Raises RefusedError for an unknown article, or one without stock."""
        if article is None or not article.goods:
            raise RefusedError("stock-refused", answer="Artigo desconhecido.")
        self.add(article, move.quantity, move.warehouse)
        self.movements.append(move)

    def has_movement(self, reference: str) -> bool | None:
        return any(one.reference == reference for one in self.movements) if self.finds_movements else None

    # Calls that the adapter makes

    def levels(self, articles: Iterable[ProviderArticle]) -> tuple[StockLevel, ...]:
        found = {one.article_id: one.code for one in articles}
        return tuple(
            StockLevel(found[number], place, quantity)
            for (number, place), quantity in self.quantities.items()
            if number in found
        )

    def changes_page(self, articles: Iterable[ProviderArticle], mark: str, after: str) -> StockLevelPage:
        """Return a page of the levels changed since the mark, or of all; the new mark is the end of the list."""
        begun, at = (int(part) for part in (after or f"{len(self.changed_levels)}:0").split(":"))
        all_there = self.levels(articles)
        codes = {one.article_id: one.code for one in articles}
        if self.reports_changes and mark:
            named = {(codes.get(number), place) for number, place in self.changed_levels[int(mark) : begun]}
            all_there = tuple(one for one in all_there if (one.code, one.warehouse) in named)
        some = all_there[at : at + self.page_size]
        further = f"{begun}:{at + self.page_size}" if at + self.page_size < len(all_there) else ""
        return StockLevelPage(some, further, str(begun))
