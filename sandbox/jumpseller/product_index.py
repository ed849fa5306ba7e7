"""A shop's products by number, SKU and variant, kept in order as they change.

With it, pages and orders of a shop with ten thousand products need no sorting or searching.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from sandbox.core.storage import Json


class ProductIndex:
    """The product numbers in order, and the products with each SKU."""

    def __init__(self) -> None:
        self.product_ids: list[int] = []
        self._by_sku: dict[str, list[int]] = {}
        self._by_variant: dict[int, int] = {}
        self._known: dict[int, tuple[list[str], list[int]]] = {}

    def add(self, product: Json) -> None:
        """Index the product by its present SKUs and drop its former ones."""
        number = product["id"]
        known = self._known.get(number)
        skus = [str(one["sku"]) for one in (product, *product["variants"]) if one["sku"]]
        variants = [one["id"] for one in product["variants"]]
        if known == (skus, variants):
            return
        if known is None:
            insort(self.product_ids, number)
        else:
            self._remove_keys(number)
        self._known[number] = (skus, variants)
        for sku in dict.fromkeys(skus):
            insort(self._by_sku.setdefault(sku, []), number)
        self._by_variant.update(dict.fromkeys(variants, number))

    def remove(self, number: int) -> None:
        self._remove_keys(number)
        del self._known[number]
        self.product_ids.remove(number)

    def _remove_keys(self, number: int) -> None:
        skus, variants = self._known[number]
        for sku in dict.fromkeys(skus):
            self._by_sku[sku].remove(number)
        for variant in variants:
            self._by_variant.pop(variant, None)

    def ids_after(self, number: int) -> list[int]:
        """Return every number above this one, ascending."""
        return self.product_ids[bisect_right(self.product_ids, number) :]

    def products_with_sku(self, sku: str) -> list[int]:
        """Return the products that have the SKU, themselves or in a variant, oldest first."""
        return self._by_sku.get(sku, [])

    def product_with_variant(self, variant: int) -> int | None:
        return self._by_variant.get(variant)
