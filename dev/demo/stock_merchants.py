"""One merchant whose stock is synced: both sides, the demo's actions on them, and the expected result.

A StockMerchant records each order, document and manual change; the judge (`dev/stock_judge.py`) compares both
ledgers with these records.
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
    """A merchant with their shop and invoicing system; `places` are warehouses with their shop locations."""

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
        """Start recording both sides."""
        self.shop.start_recording()
        self.provider.start_recording()

    def change_counts(self) -> tuple[int, int]:
        """Return the number of level changes so far, on each side."""
        return len(self.shop.level_changes()), len(self.provider.level_changes())

    # Actions

    def record_order(self, lines: Iterable[Order], sign: int = -1, by: str = "order") -> None:
        """Record that the shop took (or, when cancelled, returned) these lines in its main location."""
        for line in lines:
            thing = self.shop.item_of_line(line)
            if thing and self.shop.tracks_stock(thing):
                self._expected_changes["shop"][by, (thing, self.shop.main_location)] += sign * int(
                    line.get("qty", 1)
                )

    def record_invoice(self, lines: Iterable[Order]) -> None:
        """Record that the document of these lines took them from the first warehouse, as documents do."""
        for line in lines if self.documents_move else ():
            code = str(line.get("article", line.get("sku", ""))).strip()
            if code:
                key = (self.article_id(code), self.places[0][0])
                self._expected_changes["program"]["document", key] -= int(line.get("qty", 1))

    def set_level(self, side: str, sku: str, pieces: int, place: str = "") -> None:
        """Set a level on that side as a person would."""
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
        """Rename the article of that SKU as a person would."""
        article_id = self.article_id(sku)
        self.edited_articles[article_id] = self.provider.rename_article(article_id, name, code)
        if code:
            self.article_ids[sku] = article_id

    def article_id(self, sku: str) -> str:
        """Return the id of the article of that SKU; empty while there is none."""
        return self.article_ids.get(sku) or self.provider.article_id_of(sku)

    # The merchant's actions in the app

    def start_comparison(self) -> None:
        """Ask for both sides to be compared now, once no other run is open."""
        wait_until(self._can_compare, f"{self.merchant.shop} can be compared")
        self.merchant.browser.send(COMPARE, COMPARE)

    def _can_compare(self) -> bool:
        forms = self._page("").forms
        return any(COMPARE in words for form in forms for _, _, words in form.buttons)

    def comparison_is_done(self) -> bool:
        """Return whether no run is open."""
        return self._page("/now").status == 204

    def undo(self, sku: str) -> None:
        """Undo the last change of that SKU with its button and the confirmation page.

        Waits for the button: the shop has the level a moment before the app knows that it was set.
        """
        wait_until(lambda: self._can_undo(sku), f"the last change of {sku} can be undone")
        self.merchant.browser.follow("Desfazer").send("Desfazer", "Desfazer")

    def _can_undo(self, sku: str) -> bool:
        newest = next(row for row in self._page(f"/changes?q={sku}").rows if sku in row.text)
        return any("Desfazer" in words for _, words in newest.links)

    def _page(self, path: str) -> Browser:
        return self.merchant.browser.open(f"{self.merchant.stack.app_url}/products{path}")

    # Expected results

    @property
    def pairs(self) -> list[LevelPair]:
        """Return every pair of levels; ordered pieces are taken from the first place."""
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
        """Return which levels are wrong at this moment."""
        return check_levels_match(self.pairs, *self.histories(changes=False))

    def histories(self, changes: bool = True) -> tuple[SideHistory, SideHistory]:
        """Return both sides' histories; without changes only their levels."""
        return self.shop.history(changes), self.provider.history(changes)

    def all_differences(self) -> list[str]:
        """Return every difference at the end."""
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
        """Return one line for each synced level."""
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
