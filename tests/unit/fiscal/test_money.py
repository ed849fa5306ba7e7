"""Cents are rounded half up, and none is lost when an amount is spread."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopapp.fiscal.money import (
    allocate,
    parse_amount,
    round_to_cents,
    round_to_six_decimals,
    strip_trailing_zeros,
)

amounts = st.decimals(0, 10_000, places=2)


@pytest.mark.parametrize(
    ("exact", "rounded"), [("0.005", "0.01"), ("0.0049", "0.00"), ("2.675", "2.68"), ("8.125", "8.13")]
)
def test_half_a_cent_goes_up(exact: str, rounded: str) -> None:
    assert round_to_cents(Decimal(exact)) == Decimal(rounded)


def test_unit_prices_keep_six_decimals() -> None:
    assert str(round_to_six_decimals(Decimal("9.99") / Decimal("1.23"))) == "8.121951"


@pytest.mark.parametrize(
    ("written", "shown"), [("23.0", "23"), ("20", "20"), ("25.50", "25.5"), ("0.00", "0")]
)
def test_rates_are_written_without_trailing_zeros(written: str, shown: str) -> None:
    assert str(strip_trailing_zeros(Decimal(written))) == shown


@pytest.mark.parametrize(
    "wrong", [1.5, True, "", "abc", "NaN", "Infinity", None, "1E+31", "1E-31", "1E+999999999", "1E-999999999"]
)
def test_a_float_or_anything_but_a_finite_number_is_no_amount(wrong: object) -> None:
    with pytest.raises(ValueError):
        parse_amount(wrong)  # type: ignore[arg-type]


def test_equal_remainders_give_the_cent_to_the_earlier_line() -> None:
    parts = allocate(Decimal("5.00"), [Decimal("9.99")] * 3)
    assert parts == [Decimal("1.67"), Decimal("1.67"), Decimal("1.66")]


@given(amounts, st.lists(amounts, min_size=1, max_size=20))
def test_spread_parts_add_up_and_none_is_off_by_a_cent(whole: Decimal, weights: list[Decimal]) -> None:
    parts = allocate(whole, weights)
    assert sum(parts) == whole
    assert all(part >= 0 for part in parts)
    total_weight = sum(weights)
    if total_weight:
        assert all(
            abs(part - whole * weight / total_weight) < Decimal("0.01")
            for part, weight in zip(parts, weights, strict=True)
        )
