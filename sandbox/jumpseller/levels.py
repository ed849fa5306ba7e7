"""How many of a product or variant lie where: read and spread over the shop's locations.

Asked by the shapes, the admin and the stock room. It changes what it is given, tells nobody and keeps nothing.
"""

from __future__ import annotations

from sandbox.web import Json, Switches

from .world import Shop


def goods_of(product: Json) -> list[tuple[Json | None, Json]]:
    """What of the product has a stock of its own: (None, itself), or each variant and it again."""
    return [(variant, variant) for variant in product["variants"]] or [(None, product)]


def locations(shop: Shop) -> list[int]:
    """The shop's locations, the main one first."""
    known = shop.things["location"].values()
    return [one["id"] for one in sorted(known, key=lambda one: (not one["main"], one["id"]))]


def at(held: Json, location: int) -> int:
    """Pieces in that location."""
    return int(held["at"].get(str(location), 0))


def plain(shop: Shop, held: Json, switches: Switches) -> int:
    """The one figure that the product or variant shows as `stock`."""
    places = locations(shop)
    if switches["plain-stock"] == "main":
        return at(held, places[0])
    return sum(at(held, place) for place in places)


def place_for(shop: Shop, held: Json, pieces: int, switches: Switches) -> tuple[int, int]:
    """Where a plain `stock` of so many is written, and how many lie there afterwards."""
    first, *others = locations(shop)
    if switches["plain-stock"] == "sum":
        return first, pieces - sum(at(held, place) for place in others)
    return first, pieces


def spread(shop: Shop, held: Json, pieces: int, switches: Switches) -> dict[int, int]:
    """From where a sale takes so many: the main location first, then the others; what is nowhere, see `oversold`."""
    taken: dict[int, int] = {}
    left = pieces
    for place in locations(shop):
        taken[place] = min(left, max(0, at(held, place)))
        left -= taken[place]
    if switches["oversold"] == "below-zero":
        taken[locations(shop)[0]] += left
    return {place: number for place, number in taken.items() if number}
