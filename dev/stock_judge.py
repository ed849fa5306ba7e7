"""Compare both sides' ledgers of articles and stock with each other and with the actions of the demo.

It works only on plain values read from the stand-ins; the app's own tables do not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

Key = tuple[str, str]
"""An item (the side's own id, never a name) and a place ('' where it has none)."""
BY_APP, BY_HAND = "ours", "hand"
"""The author of a quantity change: the app, or a person. Other words are the side's own: order, cancel, document."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One change of a quantity in the side's ledger."""

    item: str
    place: str
    before: Decimal
    after: Decimal
    by: str
    cause: str = ""
    """The order, document or reference that caused the change."""

    @property
    def key(self) -> Key:
        return self.item, self.place

    @property
    def quantity(self) -> Decimal:
        return self.after - self.before


@dataclass
class SideHistory:
    """One side: its quantities at the start and at the end, and every change between."""

    name: str
    start: Mapping[Key, Decimal]
    end: Mapping[Key, Decimal]
    changes: Sequence[LevelChange]

    def changes_of(self, key: Key) -> list[LevelChange]:
        """Return the changes of one item, oldest first; without a place, those of all its places."""
        return [change for change in self.changes if matches_key(key, change.key)]

    def level(self, key: Key) -> Decimal:
        """Return the quantity at the end; without a place, the sum of all its places."""
        return sum((level for one, level in self.end.items() if matches_key(key, one)), Decimal(0))


def matches_key(key: Key, one: Key) -> bool:
    """Return whether both keys mean the same; a key without a place means every place."""
    return key == one or (not key[1] and key[0] == one[0])


@dataclass(frozen=True, slots=True)
class LevelPair:
    """An item of the shop and the article that it is synced with."""

    sku: str
    shop: Key
    provider: Key
    reserved: int = 0
    """Pieces that were sold and that the provider has not deducted."""
    is_created_by_app: bool = False
    """Whether the app created the article: until the provider has some of it, the shop stays as it is."""


@dataclass(frozen=True, slots=True)
class ArticleCard:
    """An article as the provider shows it."""

    article_id: str
    code: str
    name: str
    unit: str = "UN"
    price: str = ""
    rate: str = ""


@dataclass
class ArticleHistory:
    """The articles of one provider: before, after, edited by hand, and the codes that had to be created."""

    name: str
    before: Mapping[str, ArticleCard]
    after: Mapping[str, ArticleCard]
    edited_by_hand: Mapping[str, ArticleCard] = field(default_factory=dict)
    """By id: the article after a person edited it."""
    expected_codes: Collection[str] = ()
    created_codes: Sequence[str] = ()
    """The codes of the new articles in the ledger, in order."""


def check_continuity(history: SideHistory) -> list[str]:
    """Return the quantities that changed without a line in the ledger, or that differ from the ledger's sum."""
    wrong, levels = [], dict(history.start)
    for change in history.changes:
        known = levels.get(change.key, Decimal(0))
        if change.before != known:
            wrong.append(
                f"{_describe(history, change.key)} was {known}, a change by {change.by} says {change.before}"
            )
        levels[change.key] = change.after
    for key in sorted({*levels, *history.end}):
        says, has = levels.get(key, Decimal(0)), history.end.get(key, Decimal(0))
        if says != has:
            wrong.append(f"{_describe(history, key)} is {has}, its ledger comes to {says}")
    return wrong


def check_causes(history: SideHistory, done: Mapping[tuple[str, Key], Decimal]) -> list[str]:
    """Return orders and documents that did not move what they should: without a cause, twice, or not at all.

    `done` has the sum that each cause (order, cancel, document) should have moved, by key.
    """
    seen: defaultdict[tuple[str, Key], Decimal] = defaultdict(Decimal)
    for change in history.changes:
        if change.by not in (BY_APP, BY_HAND):
            seen[change.by, change.key] += change.quantity
    both = {each: (seen.get(each, Decimal(0)), done.get(each, Decimal(0))) for each in {*seen, *done}}
    return [
        f"{_describe(history, key)}: {by} moved {moved:+}, {due:+} was done"
        for (by, key), (moved, due) in sorted(both.items())
        if moved != due
    ]


def check_manual_changes(history: SideHistory, done: Sequence[tuple[Key, Decimal]]) -> list[str]:
    """Return differences between the recorded manual changes and those made, each once and in that order."""
    seen = [(change.key, change.after) for change in history.changes if change.by == BY_HAND]
    if seen == list(done):
        return []
    extra, lost = Counter(seen) - Counter(done), Counter(done) - Counter(seen)
    return [
        f"{_describe(history, key)}: a change by hand to {level} that nobody made" for key, level in extra
    ] + [
        f"{_describe(history, key)}: a change by hand to {level} is missing in the ledger"
        for key, level in lost
    ] or [f"{history.name}: the changes by hand are in another order than they were made"]


def check_app_changes(history: SideHistory, allowed: Collection[Key], referred: bool) -> list[str]:
    """Return wrong changes by the app: of an item to leave alone, without effect, or twice under a reference.

    With `referred` each of its changes must have a reference (provider); without, it sets a quantity (shop).
    """
    wrong = []
    mine = [change for change in history.changes if change.by == BY_APP]
    for change in mine:
        if not any(matches_key(key, change.key) for key in allowed):
            wrong.append(
                f"{_describe(history, change.key)} had to be left alone, and was set to {change.after}"
            )
        if change.before == change.after:
            wrong.append(f"{_describe(history, change.key)} was set to {change.after} again")
        if referred and not change.cause:
            wrong.append(
                f"{_describe(history, change.key)}: a movement of {change.quantity} without a reference"
            )
    references = Counter((change.cause, change.key) for change in mine if change.cause)
    wrong += [
        f"{_describe(history, key)}: {times} movements under {cause}"
        for (cause, key), times in references.items()
        if times > 1
    ]
    return wrong


def check_levels_match(pairs: Iterable[LevelPair], shop: SideHistory, program: SideHistory) -> list[str]:
    """Return the pairs for which shop = max(0, whole pieces of (provider - reserved)) does not hold."""
    wrong = []
    for pair in pairs:
        there, here = program.level(pair.provider), shop.level(pair.shop)
        due = expected_shop_quantity(there, pair.reserved)
        if is_never_counted(pair, program):
            emptied = [change for change in shop.changes_of(pair.shop) if change.by == BY_APP]
            wrong += [f"{pair.sku}: emptied in the shop, although it was never counted" for _ in emptied]
        elif here != due:
            wrong.append(
                f"{pair.sku} at {pair.shop[1] or 'the shop'}: shop {here}, {program.name} {there}, {pair.reserved}"
                f" reserved: should be {due}"
            )
    return wrong


def is_never_counted(pair: LevelPair, program: SideHistory) -> bool:
    """Return whether the app created the article and it never had stock: the shop then keeps its quantity."""
    seen = (program.level(pair.provider), *(change.after for change in program.changes_of(pair.provider)))
    return pair.is_created_by_app and all(level <= 0 for level in seen)


def expected_shop_quantity(program: Decimal, reserved: int) -> int:
    """Return the quantity that the shop should have."""
    return max(0, int((program - reserved).to_integral_value(rounding="ROUND_FLOOR")))


def check_repeated_changes(
    pairs: Iterable[LevelPair], shop: SideHistory, program: SideHistory, undone: int = 0
) -> list[str]:
    """Return the keys for which the app made at least two changes more than anybody else."""
    wrong = []
    for pair in pairs:
        changes = shop.changes_of(pair.shop) + program.changes_of(pair.provider)
        mine = sum(change.by == BY_APP for change in changes)
        if mine > 1 + len(changes) - mine + undone:
            wrong.append(f"{pair.sku}: {mine} changes of ours for {len(changes) - mine} of others")
    return wrong


def check_articles(articles: ArticleHistory) -> list[str]:
    """Return articles that are missing, doubled or unexpected, and those changed by anyone but a person."""
    wrong = []
    for article_id, card in articles.before.items():
        due, now = articles.edited_by_hand.get(article_id, card), articles.after.get(article_id)
        if now != due:
            wrong.append(f"{articles.name}: {card.code} was {due} and is {now}")
    codes = Counter(card.code.strip() for card in articles.after.values())
    wrong += [
        f"{articles.name}: {times} articles have the code {code}"
        for code, times in codes.items()
        if times > 1
    ]
    new = {
        card.code: card for article_id, card in articles.after.items() if article_id not in articles.before
    }
    wrong += [
        f"{articles.name}: {code} was created, and nobody wanted it"
        for code in sorted(new.keys() - set(articles.expected_codes))
    ]
    wrong += [
        f"{articles.name}: {code} was not created"
        for code in sorted(set(articles.expected_codes) - codes.keys())
    ]
    wrong += [
        f"{articles.name}: {code} has the unit {card.unit!r} and the name {card.name!r}"
        for code, card in new.items()
        if card.unit != "UN" or not card.name
    ]
    times = Counter(articles.created_codes)
    wrong += [f"{articles.name}: {code} was created {times[code]} times" for code in new if times[code] != 1]
    return wrong


def _describe(history: SideHistory, key: Key) -> str:
    return f"{history.name}: {key[0]}" + (f" at {key[1]}" if key[1] else "")
