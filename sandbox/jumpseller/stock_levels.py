"""The quantity of a product or variant in each location.

It changes only the object that it is given: nothing is stored or sent.
"""

from __future__ import annotations

from sandbox.core.storage import Json
from sandbox.core.switches import Switches

from .platform_state import Shop


def variants_or_product(product: Json) -> list[tuple[Json | None, Json]]:
    """Return the records with their own stock: (None, product), or (variant, variant) for each variant."""
    return [(variant, variant) for variant in product["variants"]] or [(None, product)]


def location_ids(shop: Shop) -> list[int]:
    """Return the shop's locations, the main one first."""
    known = shop.records["location"].values()
    return [one["id"] for one in sorted(known, key=lambda one: (not one["main"], one["id"]))]


def quantity_at(held: Json, location: int) -> int:
    """Return the quantity in that location."""
    return int(held["at"].get(str(location), 0))


def shown_stock(shop: Shop, held: Json, switches: Switches) -> int:
    """Return the one figure that the product or variant shows as `stock`."""
    places = location_ids(shop)
    if switches["plain-stock"] == "main":
        return quantity_at(held, places[0])
    return sum(quantity_at(held, place) for place in places)


def location_for(shop: Shop, held: Json, pieces: int, switches: Switches) -> tuple[int, int]:
    """Return the location to which a plain `stock` is written, and the quantity there afterwards."""
    first, *others = location_ids(shop)
    if switches["plain-stock"] == "sum":
        return first, pieces - sum(quantity_at(held, place) for place in others)
    return first, pieces


def allocate_to_locations(shop: Shop, held: Json, pieces: int, switches: Switches) -> dict[int, int]:
    """Return the locations from which a sale takes its quantity: the main one first, then the others.

    `oversold` decides about the quantity that no location has.
    """
    quantities: dict[int, int] = {}
    remaining = pieces
    for place in location_ids(shop):
        quantities[place] = min(remaining, max(0, quantity_at(held, place)))
        remaining -= quantities[place]
    if switches["oversold"] == "below-zero":
        quantities[location_ids(shop)[0]] += remaining
    return {place: number for place, number in quantities.items() if number}
