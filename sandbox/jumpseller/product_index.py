"""A shop's products by number, SKU and variant, kept in order as they change.

Held by each shop, so that pages and orders of a shop with ten thousand products need neither sorting nor searching.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from sandbox.core.storage import Json


class ProductIndex:
    """Which products there are, and which of them bear a SKU or a variant."""

    def __init__(self) -> None:
        self.product_ids: list[int] = []
        self._by_sku: dict[str, list[int]] = {}
        self._by_variant: dict[int, int] = {}
        self._known: dict[int, tuple[list[str], list[int]]] = {}

    def add(self, product: Json) -> None:
        """Nothing; the product is found by what it bears now, and no more by what it bore."""
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
        """Every number above this one, going up."""
        return self.product_ids[bisect_right(self.product_ids, number) :]

    def products_with_sku(self, sku: str) -> list[int]:
        """The products that bear the SKU, themselves or by a variant, oldest first."""
        return self._by_sku.get(sku, [])

    def product_with_variant(self, variant: int) -> int | None:
        return self._by_variant.get(variant)
