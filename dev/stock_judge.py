"""The judge of articles and stock: each side's own ledger held against itself, the other side and what was done.

Asked by the catalogue demo and by the run over many products. Pure: it is given plain values that `ledgers` read from
the stand-ins; our own tables have no say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

Key = tuple[str, str]
"""A thing (what the side itself calls it, never its name) and a place ('' where it has none)."""
BY_APP, BY_HAND = "ours", "hand"
"""Who altered a level: the app, a person. Other words are the side's own: order, cancel, document."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One alteration of a level, as the side's ledger tells it."""

    item: str
    place: str
    before: Decimal
    after: Decimal
    by: str
    cause: str = ""
    """Which order, document or reference."""

    @property
    def key(self) -> Key:
        return self.item, self.place

    @property
    def quantity(self) -> Decimal:
        return self.after - self.before


@dataclass
class SideHistory:
    """One side: its levels when the watch began and at the end, and every change between."""

    name: str
    start: Mapping[Key, Decimal]
    end: Mapping[Key, Decimal]
    changes: Sequence[LevelChange]

    def changes_of(self, key: Key) -> list[LevelChange]:
        """The changes of one level, oldest first; without a place those of all its places."""
        return [change for change in self.changes if matches_key(key, change.key)]

    def level(self, key: Key) -> Decimal:
        """So much is there at the end; without a place in all places together."""
        return sum((level for one, level in self.end.items() if matches_key(key, one)), Decimal(0))


def matches_key(key: Key, one: Key) -> bool:
    """Whether a level is meant by a key that may leave its place open."""
    return key == one or (not key[1] and key[0] == one[0])


@dataclass(frozen=True, slots=True)
class LevelPair:
    """One level of the shop and the one of the program that it goes with."""

    sku: str
    shop: Key
    provider: Key
    reserved: int = 0
    """Pieces that were sold and that the program has not taken off."""
    is_created_by_app: bool = False
    """Whether the app made its article: until the program has some of it, the shop is left as it is."""


@dataclass(frozen=True, slots=True)
class ArticleCard:
    """An article as the program shows it."""

    article_id: str
    code: str
    name: str
    unit: str = "UN"
    price: str = ""
    rate: str = ""


@dataclass
class ArticleHistory:
    """The articles of one program: before, at the end, what hands changed, and which codes were to be made."""

    name: str
    before: Mapping[str, ArticleCard]
    after: Mapping[str, ArticleCard]
    edited_by_hand: Mapping[str, ArticleCard] = field(default_factory=dict)
    """By id: how a person left an article that was there before."""
    expected_codes: Collection[str] = ()
    created_codes: Sequence[str] = ()
    """The codes of the ledger's entries of new articles, in order."""


def check_continuity(book: SideHistory) -> list[str]:
    """Where a level altered without a line in the ledger, or the ledger does not come to the level."""
    wrong, levels = [], dict(book.start)
    for change in book.changes:
        known = levels.get(change.key, Decimal(0))
        if change.before != known:
            wrong.append(
                f"{_start_level(book, change.key)} was {known}, a change by {change.by} says {change.before}"
            )
        levels[change.key] = change.after
    for key in sorted({*levels, *book.end}):
        says, has = levels.get(key, Decimal(0)), book.end.get(key, Decimal(0))
        if says != has:
            wrong.append(f"{_start_level(book, key)} is {has}, its ledger comes to {says}")
    return wrong


def check_causes(book: SideHistory, done: Mapping[tuple[str, Key], Decimal]) -> list[str]:
    """Where what orders and documents moved is not what they should have: without a cause, twice, or lost.

    `done` has the sum that each word (order, cancel, document) should have moved at each level.
    """
    seen: defaultdict[tuple[str, Key], Decimal] = defaultdict(Decimal)
    for change in book.changes:
        if change.by not in (BY_APP, BY_HAND):
            seen[change.by, change.key] += change.quantity
    both = {each: (seen.get(each, Decimal(0)), done.get(each, Decimal(0))) for each in {*seen, *done}}
    return [
        f"{_start_level(book, key)}: {by} moved {moved:+}, {due:+} was done"
        for (by, key), (moved, due) in sorted(both.items())
        if moved != due
    ]


def check_manual_changes(book: SideHistory, done: Sequence[tuple[Key, Decimal]]) -> list[str]:
    """Where what hands left behind is not what was done by hand, each once and in that order."""
    seen = [(change.key, change.after) for change in book.changes if change.by == BY_HAND]
    if seen == list(done):
        return []
    extra, lost = Counter(seen) - Counter(done), Counter(done) - Counter(seen)
    return [f"{_start_level(book, key)}: a hand left {level}, and nobody did so" for key, level in extra] + [
        f"{_start_level(book, key)}: a hand left {level}, and it is not told" for key, level in lost
    ] or [f"{book.name}: hands altered levels in another order than it was done"]


def check_app_changes(book: SideHistory, allowed: Collection[Key], referred: bool) -> list[str]:
    """Where the app altered what it should leave alone, altered nothing, or moved twice under one reference.

    `referred`: each of its changes bears a reference (the program), or is an absolute level (the shop).
    """
    wrong = []
    mine = [change for change in book.changes if change.by == BY_APP]
    for change in mine:
        if not any(matches_key(key, change.key) for key in allowed):
            wrong.append(
                f"{_start_level(book, change.key)} was to be left alone, and was set to {change.after}"
            )
        if change.before == change.after:
            wrong.append(f"{_start_level(book, change.key)} was set to {change.after} again")
        if referred and not change.cause:
            wrong.append(
                f"{_start_level(book, change.key)}: a movement of {change.quantity} without a reference"
            )
    references = Counter((change.cause, change.key) for change in mine if change.cause)
    wrong += [
        f"{_start_level(book, key)}: {times} movements under {cause}"
        for (cause, key), times in references.items()
        if times > 1
    ]
    return wrong


def check_levels_match(pairs: Iterable[LevelPair], shop: SideHistory, program: SideHistory) -> list[str]:
    """Where shop = max(0, whole part of (program - reserved)) does not hold."""
    wrong = []
    for pair in pairs:
        there, here = program.level(pair.provider), shop.level(pair.shop)
        due = expected_shop_quantity(there, pair.reserved)
        if is_never_counted(pair, program):
            emptied = [change for change in shop.changes_of(pair.shop) if change.by == BY_APP]
            wrong += [f"{pair.sku}: emptied in the shop, and nobody ever counted it" for _ in emptied]
        elif here != due:
            wrong.append(
                f"{pair.sku} at {pair.shop[1] or 'the shop'}: shop {here}, {program.name} {there}, {pair.reserved}"
                f" reserved: should be {due}"
            )
    return wrong


def is_never_counted(pair: LevelPair, program: SideHistory) -> bool:
    """Whether the app made the article and nobody ever gave it a level: the shop then keeps its own."""
    seen = (program.level(pair.provider), *(change.after for change in program.changes_of(pair.provider)))
    return pair.is_created_by_app and all(level <= 0 for level in seen)


def expected_shop_quantity(program: Decimal, reserved: int) -> int:
    """What the shop should show."""
    return max(0, int((program - reserved).to_integral_value(rounding="ROUND_FLOOR")))


def check_repeated_changes(
    pairs: Iterable[LevelPair], shop: SideHistory, program: SideHistory, undone: int = 0
) -> list[str]:
    """Where the app altered a level more often than anything else happened to it (or once more)."""
    wrong = []
    for pair in pairs:
        changes = shop.changes_of(pair.shop) + program.changes_of(pair.provider)
        mine = sum(change.by == BY_APP for change in changes)
        if mine > 1 + len(changes) - mine + undone:
            wrong.append(f"{pair.sku}: {mine} changes of ours for {len(changes) - mine} of others")
    return wrong


def check_articles(shelf: ArticleHistory) -> list[str]:
    """Where an article is missing, doubled, not asked for, or one that was there is not as it was."""
    wrong = []
    for article_id, card in shelf.before.items():
        due, now = shelf.edited_by_hand.get(article_id, card), shelf.after.get(article_id)
        if now != due:
            wrong.append(f"{shelf.name}: {card.code} was {due} and is {now}")
    codes = Counter(card.code.strip() for card in shelf.after.values())
    wrong += [
        f"{shelf.name}: {times} articles are called {code}" for code, times in codes.items() if times > 1
    ]
    new = {card.code: card for article_id, card in shelf.after.items() if article_id not in shelf.before}
    wrong += [
        f"{shelf.name}: {code} was made, and nobody wanted it"
        for code in sorted(new.keys() - set(shelf.expected_codes))
    ]
    wrong += [
        f"{shelf.name}: {code} was not made" for code in sorted(set(shelf.expected_codes) - codes.keys())
    ]
    wrong += [
        f"{shelf.name}: {code} has the unit {card.unit!r} and the name {card.name!r}"
        for code, card in new.items()
        if card.unit != "UN" or not card.name
    ]
    times = Counter(shelf.created_codes)
    wrong += [f"{shelf.name}: {code} was made {times[code]} times" for code in new if times[code] != 1]
    return wrong


def _start_level(book: SideHistory, key: Key) -> str:
    return f"{book.name}: {key[0]}" + (f" at {key[1]}" if key[1] else "")
