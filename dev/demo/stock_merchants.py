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
from dev.merchant import Merchant, wait_until
from dev.stock_judge import (
    ArticleCard,
    ArticleHistory,
    Key,
    LevelPair,
    SideHistory,
    check_app_changes,
    check_articles,
    check_causes,
    check_continuity,
    check_levels_match,
    check_manual_changes,
    check_repeated_changes,
    expected_shop_quantity,
    is_never_counted,
)
from dev.stock_sides import ProviderSide, ShopSide

COMPARE = "Comparar agora"
Order = dict[str, Any]
Sums = dict[tuple[str, Key], Decimal]


class StockMerchant:
    """A merchant, his shop and his program; `places` are warehouses and the locations of the shop that go with them."""

    def __init__(
        self, merchant: Merchant, shop: ShopSide, program: ProviderSide, leads: str, *places: tuple[str, str]
    ) -> None:
        self.merchant, self.shop, self.provider, self.leading_side, self.places = (
            merchant,
            shop,
            program,
            leads,
            places,
        )
        self.synced_items: dict[str, str] = {}
        """What must follow: by SKU, what the shop calls the thing."""
        self.article_ids: dict[str, str] = {}
        """By SKU, the id of an article that is no longer called so."""
        self.reserved: defaultdict[str, int] = defaultdict(int)
        """By SKU, pieces that were ordered and not invoiced."""
        self.expected_codes: set[str] = set()
        """The codes of articles that the app should have made."""
        self.edited_articles: dict[str, ArticleCard] = {}
        """By id, how a person left an article."""
        self.undo_count = 0
        self.documents_move = True
        self._sold: dict[tuple[str, str], Sums] = {}
        self._expected_changes: dict[str, defaultdict[tuple[str, Key], Decimal]] = {
            "shop": defaultdict(Decimal),
            "program": defaultdict(Decimal),
        }
        self._manual_changes: dict[str, list[tuple[Key, Decimal]]] = {"shop": [], "program": []}

    def start_recording(self) -> None:
        """Nothing; both sides are watched from here on."""
        self.shop.start_recording()
        self.provider.start_recording()

    def change_counts(self) -> tuple[int, int]:
        """How often a level was altered so far, on each side."""
        return len(self.shop.level_changes()), len(self.provider.level_changes())

    # what is done

    def record_order(self, lines: Iterable[Order], sign: int = -1, by: str = "order") -> None:
        """Noted: the shop took (or, cancelled, gave back) the pieces of these lines, in its main place."""
        for line in lines:
            thing = self.shop.item_of_line(line)
            if thing and self.shop.tracks_stock(thing):
                self._expected_changes["shop"][by, (thing, self.shop.main_location)] += sign * int(
                    line.get("qty", 1)
                )

    def record_invoice(self, lines: Iterable[Order]) -> None:
        """Noted: the document of these lines took their pieces from the first warehouse, where documents do."""
        for line in lines if self.documents_move else ():
            code = str(line.get("article", line.get("sku", ""))).strip()
            if code:
                key = (self.article_id(code), self.places[0][0])
                self._expected_changes["program"]["document", key] -= int(line.get("qty", 1))

    def set_level(self, side: str, sku: str, pieces: int, place: str = "") -> None:
        """A person wrote that level on that side."""
        if side == "shop":
            self._manual_changes[side].append(
                self.shop.set_level(self.synced_items[sku], pieces, place or self.shop.main_location)
            )
        else:
            warehouse = place or self.places[0][0]
            self._manual_changes[side].append(
                self.provider.set_level(self.article_id(sku), pieces, warehouse)
            )

    def rename_article(self, sku: str, name: str = "", code: str = "") -> None:
        """A person called the article of that SKU anew."""
        article_id = self.article_id(sku)
        self.edited_articles[article_id] = self.provider.rename_article(article_id, name, code)
        if code:
            self.article_ids[sku] = article_id

    def article_id(self, sku: str) -> str:
        """What the program calls the article of that SKU; empty while there is none."""
        return self.article_ids.get(sku) or self.provider.article_id_of(sku)

    # what he does in the app

    def start_comparison(self) -> None:
        """He asks for both sides to be compared now, once nothing else is being compared."""
        wait_until(self._can_compare, f"{self.merchant.shop} can be compared")
        self.merchant.browser.send(COMPARE, COMPARE)

    def _can_compare(self) -> bool:
        forms = self._page("").forms
        return any(COMPARE in words for form in forms for _, _, words in form.buttons)

    def comparison_is_done(self) -> bool:
        """Whether no comparing is under way (any more)."""
        return self._page("/now").status == 204

    def undo(self, sku: str) -> None:
        """The last change of that SKU is undone, by its button and the page that asks again.

        The shop has the level a moment before we know of it and the button is there.
        """
        wait_until(lambda: self._can_undo(sku), f"the last change of {sku} can be undone")
        self.merchant.browser.follow("Desfazer").send("Desfazer", "Desfazer")

    def _can_undo(self, sku: str) -> bool:
        newest = next(row for row in self._page(f"/changes?q={sku}").rows if sku in row.text)
        return any("Desfazer" in words for _, words in newest.links)

    def _page(self, path: str) -> Browser:
        return self.merchant.browser.open(f"{self.merchant.stack.app_url}/products{path}")

    # what must come of it

    @property
    def pairs(self) -> list[LevelPair]:
        """Every level that goes with one of the other side; what is ordered is taken from the first place."""
        return [
            LevelPair(
                sku,
                (thing, location),
                (article_id, warehouse),
                self.reserved[sku] if at == 0 else 0,
                sku in self.expected_codes,
            )
            for sku, thing in self.synced_items.items()
            if (article_id := self.article_id(sku))
            for at, (warehouse, location) in enumerate(self.places)
        ]

    def level_differences(self) -> list[str]:
        """Which levels are not as they should be, at this moment."""
        return check_levels_match(self.pairs, *self.histories(changes=False))

    def histories(self, changes: bool = True) -> tuple[SideHistory, SideHistory]:
        """Both sides' books; without changes only their levels."""
        return self.shop.history(changes), self.provider.history(changes)

    def all_differences(self) -> list[str]:
        """Everything that does not match at the end."""
        shop, program = self.histories()
        pairs = self.pairs
        at_shop = [pair.shop for pair in pairs] if self.leading_side != "shop" else []
        at_program = [pair.provider for pair in pairs] if self.leading_side != "program" else []
        found = check_levels_match(pairs, shop, program) + check_repeated_changes(
            pairs, shop, program, self.undo_count
        )
        for side, book, allowed in (("shop", shop, at_shop), ("program", program, at_program)):
            done = {cause: quantity for cause, quantity in self._expected_changes[side].items() if quantity}
            found += (
                check_continuity(book)
                + check_causes(book, done)
                + check_manual_changes(book, self._manual_changes[side])
            )
            found += check_app_changes(book, allowed, referred=side == "program")
        return found + check_articles(self._article_history())

    def _article_history(self) -> ArticleHistory:
        name, before, after = self.provider.name, self.provider.articles_before, self.provider.articles()
        return ArticleHistory(
            name, before, after, self.edited_articles, self.expected_codes, self.provider.created_codes()
        )

    def table(self) -> list[str]:
        """One line for each level that is followed."""
        shop, program = self.histories()
        rows = []
        for pair in self.pairs:
            there, here = program.level(pair.provider), shop.level(pair.shop)
            changes = shop.changes_of(pair.shop) + program.changes_of(pair.provider)
            by = ", ".join(f"{change.by} {change.quantity:+}" for change in changes)
            same = "=" if here == expected_shop_quantity(there, pair.reserved) else "WRONG"
            if is_never_counted(pair, program):
                same = "never counted"
            place = "/".join(one for one in (pair.provider[1], pair.shop[1]) if one)
            levels = f"{there:>7} {pair.reserved:>5} {here:>6} {same:<13}"
            rows.append(f"{self.merchant.shop:<14} {pair.sku:<16} {place:<16} {levels} {by}")
        return rows
