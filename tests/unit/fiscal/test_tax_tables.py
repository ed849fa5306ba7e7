"""The tax tables: which rate and which exemption is in force on which day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shopapp.fiscal import tax_tables

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("region", "category", "day", "rate"),
    [
        ("PT", "normal", "2026-11-20", "23"),
        ("PT", "reduced", "2026-11-20", "6"),
        ("PT-MA", "reduced", "2024-09-30", "5"),
        ("PT-MA", "reduced", "2024-10-01", "4"),
        ("PT-MA", "intermediate", "2026-11-20", "12"),
        ("PT-AC", "normal", "2021-06-30", "18"),
        ("PT-AC", "normal", "2021-07-01", "16"),
    ],
)
def test_the_rate_is_the_one_in_force_on_the_day(
    region: str, category: tax_tables.VatCategory, day: str, rate: str
) -> None:
    assert tax_tables.portuguese_rate(region, category, date.fromisoformat(day)) == Decimal(rate)


def test_a_day_before_the_table_has_no_rate() -> None:
    assert tax_tables.portuguese_rate("PT", "normal", date(2010, 12, 31)) is None


@pytest.mark.parametrize(
    ("charged", "category"),
    [("23", "normal"), ("22", "normal"), ("16", "normal"), ("13", "intermediate"), ("12", "intermediate"),
     ("9", "intermediate"), ("6", "reduced"), ("4", "reduced")],
)  # fmt: skip
def test_a_rate_of_any_portuguese_region_identifies_the_category(charged: str, category: str) -> None:
    assert tax_tables.category_of_rate(Decimal(charged), TODAY) == category


def test_abroad_only_the_standard_rate_identifies_a_category() -> None:
    assert tax_tables.category_of_rate(Decimal("21"), TODAY, "ES") == "normal"
    assert tax_tables.category_of_rate(Decimal("21"), TODAY) is None
    assert tax_tables.category_of_rate(Decimal("10"), TODAY, "ES") is None
    assert tax_tables.category_of_rate(Decimal("5"), TODAY) is None


def test_every_member_state_and_northern_ireland_have_a_standard_rate() -> None:
    states = tax_tables.member_states()
    assert len(states) == 27
    assert states["GR"] == "EL" and states["XI"] == "XI" and "PT" not in states
    assert all(tax_tables.oss_rate(country, TODAY) for country in states)
    assert tax_tables.oss_rate("GB", TODAY) is None


def test_reduced_rates_abroad_are_below_the_standard_one_and_hold_from_their_day() -> None:
    for country in tax_tables.member_states():
        standard = tax_tables.oss_rate(country, TODAY)
        assert standard and all(0 < rate < standard for rate in tax_tables.reduced_oss_rates(country, TODAY))
    assert tax_tables.reduced_oss_rates("ES", TODAY) == (Decimal(4), Decimal(10))
    assert Decimal("13.5") not in tax_tables.reduced_oss_rates("FI", date(2025, 12, 31))
    assert Decimal("13.5") in tax_tables.reduced_oss_rates("FI", date(2026, 1, 1))


@pytest.mark.parametrize("code", ["M03", "M08"])
def test_a_withdrawn_exemption_is_not_in_force(code: str) -> None:
    assert tax_tables.exemption_mention(code, date(2022, 6, 30))
    assert tax_tables.exemption_mention(code, date(2022, 7, 1)) is None


def test_exemptions_for_food_and_housing_works_hold_only_on_their_days() -> None:
    assert tax_tables.exemption_mention("M26", date(2024, 1, 4))
    assert tax_tables.exemption_mention("M26", date(2024, 1, 5)) is None
    assert tax_tables.exemption_mention("M35", date(2026, 6, 30)) is None
    assert tax_tables.exemption_mention("M35", date(2026, 7, 1))


def test_every_mention_fits_the_field_and_every_row_names_its_source() -> None:
    assert all(len(row["mention"]) <= 60 for row in tax_tables.table_rows("exemption-reasons"))
    names = (
        "eu-reduced-rates",
        "exemption-reasons",
        "vat-rates",
        "eu-standard-rates",
        "territories",
        "countries",
        "nif-prefixes",
        "means-of-payment",
    )
    for name in names:
        assert all(row["source"] and row["checked_on"] for row in tax_tables.table_rows(name)), name


def test_exemptions_that_only_the_place_of_supply_gives_are_not_offered() -> None:
    offered = tax_tables.selectable_exemptions(TODAY)
    assert {"M01", "M07", "M10", "M99"} <= offered.keys()
    assert not {"M03", "M04", "M05", "M08", "M16", "M26", "M40", "M46"} & offered.keys()
