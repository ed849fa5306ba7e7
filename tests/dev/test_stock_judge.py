"""The stock judge reports each kind of error, and nothing when all is correct."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dev.stock_judge import (
    ArticleCard,
    ArticleHistory,
    LevelChange,
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
)

MUG, AT_SHOP, AT_PROGRAM = "TACA-01", ("11", ""), ("TACA-01", "SET")
PAIR = LevelPair(MUG, AT_SHOP, AT_PROGRAM)


def change(key: tuple[str, str], before: int, after: int, by: str, cause: str = "") -> LevelChange:
    return LevelChange(*key, Decimal(before), Decimal(after), by, cause)


def shop(*changes: LevelChange, end: int = 10) -> SideHistory:
    return SideHistory("shop", {AT_SHOP: Decimal(10)}, {AT_SHOP: Decimal(end)}, changes)


def program(*changes: LevelChange, end: int = 10) -> SideHistory:
    return SideHistory("iGEST", {AT_PROGRAM: Decimal(10)}, {AT_PROGRAM: Decimal(end)}, changes)


SOLD = change(AT_SHOP, 10, 8, "order", "1001")
ISSUED = change(AT_PROGRAM, 10, 8, "document", "FR 1")
COUNTER = change(AT_PROGRAM, 8, 7, "hand")
WRITTEN = change(AT_SHOP, 8, 7, "ours")


def test_a_sale_and_its_consequences_are_accepted() -> None:
    here, there = shop(SOLD, WRITTEN, end=7), program(ISSUED, COUNTER, end=7)
    assert check_continuity(here) + check_continuity(there) == []
    assert check_causes(here, {("order", AT_SHOP): Decimal(-2)}) == []
    assert check_causes(there, {("document", AT_PROGRAM): Decimal(-2)}) == []
    assert check_manual_changes(there, [(AT_PROGRAM, Decimal(7))]) + check_manual_changes(here, []) == []
    assert (
        check_app_changes(here, {AT_SHOP}, referred=False) + check_app_changes(there, (), referred=True) == []
    )
    assert check_levels_match([PAIR], here, there) + check_repeated_changes([PAIR], here, there) == []


def test_a_level_that_changed_without_a_ledger_line_is_reported() -> None:
    assert check_continuity(shop(SOLD, end=10)) == ["shop: 11 is 10, its ledger comes to 8"]
    assert check_continuity(shop(change(AT_SHOP, 9, 8, "order"), end=8)) == [
        "shop: 11 was 10, a change by order says 9"
    ]
    assert check_continuity(shop(end=9)) == ["shop: 11 is 9, its ledger comes to 10"]


@pytest.mark.parametrize(
    "changes, expected",
    [
        ((ISSUED, change(AT_PROGRAM, 8, 6, "document", "FR 1")), "document moved -4, -2 was done"),
        ((), "document moved +0, -2 was done"),
        ((ISSUED, change(AT_PROGRAM, 8, 9, "annulment")), "annulment moved +1, +0 was done"),
    ],
)
def test_a_movement_without_cause_or_twice_or_lost_is_reported(
    changes: tuple[LevelChange, ...], expected: str
) -> None:
    found = check_causes(program(*changes), {("document", AT_PROGRAM): Decimal(-2)})
    assert found == [f"iGEST: TACA-01 at SET: {expected}"]


def test_a_manual_change_that_is_missing_or_unexpected_is_reported() -> None:
    other = replace(COUNTER, before=Decimal(7), after=Decimal(6))
    assert check_manual_changes(program(COUNTER), []) == [
        "iGEST: TACA-01 at SET: a change by hand to 7 that nobody made"
    ]
    assert check_manual_changes(program(), [(AT_PROGRAM, Decimal(7))]) == [
        "iGEST: TACA-01 at SET: a change by hand to 7 is missing in the ledger"
    ]
    done = [(AT_PROGRAM, Decimal(6)), (AT_PROGRAM, Decimal(7))]
    assert check_manual_changes(program(COUNTER, other), done) == [
        "iGEST: the changes by hand are in another order than they were made"
    ]


def test_app_changes_to_items_left_alone_or_to_the_same_value_are_reported() -> None:
    assert check_app_changes(shop(WRITTEN), (), referred=False) == [
        "shop: 11 had to be left alone, and was set to 7"
    ]
    again = change(AT_SHOP, 7, 7, "ours")
    assert check_app_changes(shop(WRITTEN, again), {AT_SHOP}, referred=False) == [
        "shop: 11 was set to 7 again"
    ]


def test_each_movement_has_a_reference_and_none_moves_twice() -> None:
    first, second = (change(AT_PROGRAM, 10 - at, 9 - at, "ours", "QI-S-1") for at in (0, 1))
    found = check_app_changes(program(first, second), {AT_PROGRAM}, referred=True)
    assert found == ["iGEST: TACA-01 at SET: 2 movements under QI-S-1"]
    found = check_app_changes(program(replace(first, cause="")), {AT_PROGRAM}, referred=True)
    assert found == ["iGEST: TACA-01 at SET: a movement of -1 without a reference"]


@pytest.mark.parametrize(
    "there, reserved, here",
    [("7", 0, 7), ("7.9", 0, 7), ("7", 3, 4), ("2", 3, 0), ("-1", 0, 0), ("-0.5", 0, 0)],
)
def test_the_shop_shows_whole_pieces_less_reservations_and_never_below_zero(
    there: str, reserved: int, here: int
) -> None:
    assert expected_shop_quantity(Decimal(there), reserved) == here


def test_different_levels_are_reported() -> None:
    assert check_levels_match([PAIR], shop(end=9), program()) == [
        "TACA-01 at the shop: shop 9, iGEST 10, 0 reserved: should be 10"
    ]
    assert check_levels_match([replace(PAIR, reserved=1)], shop(end=9), program()) == []


def test_a_level_without_a_place_is_that_of_all_its_places_together() -> None:
    both = {("11", "1"): Decimal(6), ("11", "2"): Decimal(4)}
    there = program(COUNTER, end=10)
    written = change(("11", "2"), 5, 4, "ours")
    here = SideHistory("shop", {**both, ("11", "2"): Decimal(5)}, both, [written])
    assert check_levels_match([PAIR], here, there) + check_app_changes(here, {AT_SHOP}, referred=False) == []
    assert here.changes_of(AT_SHOP) == [written] and here.changes_of(("12", "")) == []
    assert check_app_changes(here, {("11", "1")}, referred=False) == [
        "shop: 11 at 2 had to be left alone, and was set to 4"
    ]


def test_two_sides_that_keep_undoing_each_other_are_reported() -> None:
    back_and_forth = [change(AT_SHOP, *levels, "ours") for levels in ((8, 7), (7, 8), (8, 7))]
    assert check_repeated_changes([PAIR], shop(SOLD, *back_and_forth), program()) == [
        "TACA-01: 3 changes of ours for 1 of others"
    ]
    assert check_repeated_changes([PAIR], shop(SOLD, *back_and_forth[:2]), program()) == []


OLD = ArticleCard("1", "AZU-014", "Azulejo")
NEW = ArticleCard("2", "TACA-01", "Taça")


def article_history(
    after: tuple[ArticleCard, ...] = (OLD, NEW), made: tuple[str, ...] = ("TACA-01",), **more: ArticleCard
) -> ArticleHistory:
    return ArticleHistory(
        "iGEST", {"1": OLD}, {card.article_id: card for card in after}, more, ("TACA-01",), made
    )


def test_missing_articles_are_created_once_and_existing_ones_stay() -> None:
    assert check_articles(article_history()) == []
    renamed = replace(OLD, name="Azulejo azul", code="AZU-15")
    assert check_articles(ArticleHistory("iGEST", {"1": OLD}, {"1": renamed}, {"1": renamed})) == []


@pytest.mark.parametrize(
    "given, expected",
    [
        (article_history(after=(OLD,), made=()), "TACA-01 was not created"),
        (article_history(after=(OLD, NEW, replace(NEW, article_id="3"))), "2 articles have the code TACA-01"),
        (
            article_history(after=(OLD, NEW, ArticleCard("3", "X", "X")), made=("TACA-01", "X")),
            "X was created, and nobody wanted it",
        ),
        (article_history(after=(OLD, replace(NEW, unit="KG"))), "TACA-01 has the unit 'KG'"),
        (article_history(made=("TACA-01", "TACA-01")), "TACA-01 was created 2 times"),
        (article_history(after=(NEW,)), "AZU-014 was ArticleCard"),
        (article_history(after=(replace(OLD, name="Taça"), NEW)), "and is ArticleCard"),
        (article_history(after=(replace(OLD, price="1.00"), NEW)), "price='1.00'"),
    ],
)
def test_an_extra_missing_or_changed_article_is_reported(given: ArticleHistory, expected: str) -> None:
    assert any(expected in line for line in check_articles(given)), check_articles(given)
