"""One merchant whose stock is followed: his two sides, all that is done to them in the demo, and what must come of it.

Used by the catalogue demo. A `Trader` notes each order, each document and each stroke of a hand; the judge (`levels`)
holds both ledgers against these notes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from dev.browser import Browser
from dev.levels import (
    Book,
    Card,
    Key,
    Pair,
    Shelf,
    caused,
    chained,
    chased,
    equal,
    expected,
    handed,
    ours,
    shelved,
    uncounted,
)
from dev.merchant import Merchant, until
from dev.sides import Program, ShopSide

COMPARE = "Comparar agora"
Order = dict[str, Any]
Sums = dict[tuple[str, Key], Decimal]


class Trader:
    """A merchant, his shop and his program; `places` are warehouses and the locations of the shop that go with them."""

    def __init__(
        self, merchant: Merchant, shop: ShopSide, program: Program, leads: str, *places: tuple[str, str]
    ) -> None:
        self.merchant, self.shop, self.program, self.leads, self.places = (
            merchant,
            shop,
            program,
            leads,
            places,
        )
        self.followed: dict[str, str] = {}
        """What must follow: by SKU, what the shop calls the thing."""
        self.article_ids: dict[str, str] = {}
        """By SKU, the id of an article that is no longer called so."""
        self.reserved: defaultdict[str, int] = defaultdict(int)
        """By SKU, pieces that were ordered and not invoiced."""
        self.wanted: set[str] = set()
        """The codes of articles that the app should have made."""
        self.by_hand: dict[str, Card] = {}
        """By id, how a person left an article."""
        self.undone = 0
        self.documents_move = True
        self._sold: dict[tuple[str, str], Sums] = {}
        self._moved: dict[str, defaultdict[tuple[str, Key], Decimal]] = {
            "shop": defaultdict(Decimal),
            "program": defaultdict(Decimal),
        }
        self._hands: dict[str, list[tuple[Key, Decimal]]] = {"shop": [], "program": []}

    def begin(self) -> None:
        """Nothing; both sides are watched from here on."""
        self.shop.begin()
        self.program.begin()

    def altered(self) -> tuple[int, int]:
        """How often a level was altered so far, on each side."""
        return len(self.shop.told()), len(self.program.told())

    # what is done

    def ordered(self, lines: Iterable[Order], sign: int = -1, by: str = "order") -> None:
        """Noted: the shop took (or, cancelled, gave back) the pieces of these lines, in its main place."""
        for line in lines:
            thing = self.shop.thing(line)
            if thing and self.shop.counts(thing):
                self._moved["shop"][by, (thing, self.shop.main)] += sign * int(line.get("qty", 1))

    def invoiced(self, lines: Iterable[Order]) -> None:
        """Noted: the document of these lines took their pieces from the first warehouse, where documents do."""
        for line in lines if self.documents_move else ():
            code = str(line.get("article", line.get("sku", ""))).strip()
            if code:
                key = (self.article_id(code), self.places[0][0])
                self._moved["program"]["document", key] -= int(line.get("qty", 1))

    def put(self, side: str, sku: str, pieces: int, place: str = "") -> None:
        """A person wrote that level on that side."""
        if side == "shop":
            self._hands[side].append(self.shop.put(self.followed[sku], pieces, place or self.shop.main))
        else:
            warehouse = place or self.places[0][0]
            self._hands[side].append(self.program.put(self.article_id(sku), pieces, warehouse))

    def rename(self, sku: str, name: str = "", code: str = "") -> None:
        """A person called the article of that SKU anew."""
        article_id = self.article_id(sku)
        self.by_hand[article_id] = self.program.rename(article_id, name, code)
        if code:
            self.article_ids[sku] = article_id

    def article_id(self, sku: str) -> str:
        """What the program calls the article of that SKU; empty while there is none."""
        return self.article_ids.get(sku) or self.program.id_of(sku)

    # what he does in the app

    def compare(self) -> None:
        """He asks for both sides to be compared now, once nothing else is being compared."""
        until(self._may_compare, f"{self.merchant.shop} can be compared")
        self.merchant.browser.send(COMPARE, COMPARE)

    def _may_compare(self) -> bool:
        forms = self._page("").forms
        return any(COMPARE in words for form in forms for _, _, words in form.buttons)

    def compared(self) -> bool:
        """Whether no comparing is under way (any more)."""
        return self._page("/now").status == 204

    def undo(self, sku: str) -> None:
        """The last change of that SKU is undone, by its button and the page that asks again.

        The shop has the level a moment before we know of it and the button is there.
        """
        until(lambda: self._may_undo(sku), f"the last change of {sku} can be undone")
        self.merchant.browser.follow("Desfazer").send("Desfazer", "Desfazer")

    def _may_undo(self, sku: str) -> bool:
        newest = next(row for row in self._page(f"/changes?q={sku}").rows if sku in row.text)
        return any("Desfazer" in words for _, words in newest.links)

    def _page(self, path: str) -> Browser:
        return self.merchant.browser.open(f"{self.merchant.house.app_url}/products{path}")

    # what must come of it

    @property
    def pairs(self) -> list[Pair]:
        """Every level that goes with one of the other side; what is ordered is taken from the first place."""
        return [
            Pair(
                sku,
                (thing, location),
                (article_id, warehouse),
                self.reserved[sku] if at == 0 else 0,
                sku in self.wanted,
            )
            for sku, thing in self.followed.items()
            if (article_id := self.article_id(sku))
            for at, (warehouse, location) in enumerate(self.places)
        ]

    def apart(self) -> list[str]:
        """Which levels are not as they should be, at this moment."""
        return equal(self.pairs, *self.books(changes=False))

    def books(self, changes: bool = True) -> tuple[Book, Book]:
        """Both sides' books; without changes only their levels."""
        return self.shop.book(changes), self.program.book(changes)

    def wrong(self) -> list[str]:
        """Everything that does not match at the end."""
        shop, program = self.books()
        pairs = self.pairs
        at_shop = [pair.shop for pair in pairs] if self.leads != "shop" else []
        at_program = [pair.program for pair in pairs] if self.leads != "program" else []
        found = equal(pairs, shop, program) + chased(pairs, shop, program, self.undone)
        for side, book, allowed in (("shop", shop, at_shop), ("program", program, at_program)):
            done = {cause: quantity for cause, quantity in self._moved[side].items() if quantity}
            found += chained(book) + caused(book, done) + handed(book, self._hands[side])
            found += ours(book, allowed, referred=side == "program")
        return found + shelved(self._shelf())

    def _shelf(self) -> Shelf:
        name, before, after = self.program.name, self.program.before, self.program.cards()
        return Shelf(name, before, after, self.by_hand, self.wanted, self.program.made())

    def table(self) -> list[str]:
        """One line for each level that is followed."""
        shop, program = self.books()
        rows = []
        for pair in self.pairs:
            there, here = program.level(pair.program), shop.level(pair.shop)
            changes = shop.of(pair.shop) + program.of(pair.program)
            by = ", ".join(f"{change.by} {change.quantity:+}" for change in changes)
            same = "=" if here == expected(there, pair.reserved) else "WRONG"
            if uncounted(pair, program):
                same = "never counted"
            place = "/".join(one for one in (pair.program[1], pair.shop[1]) if one)
            levels = f"{there:>7} {pair.reserved:>5} {here:>6} {same:<13}"
            rows.append(f"{self.merchant.shop:<14} {pair.sku:<16} {place:<16} {levels} {by}")
        return rows
