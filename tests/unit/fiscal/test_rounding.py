"""The provider's own arithmetic arrives at the paid total, without an invented discount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import LEVELS
from shopapp.errors import OrderError
from shopapp.fiscal.document import DraftLine, RoundingLevel
from shopapp.fiscal.rounding import fit_to_total, predict_total


def line(price: str, gross: str, *, quantity: str = "1", rate: str = "23", **more: Any) -> DraftLine:
    net = (Decimal(gross) / (1 + Decimal(rate) / 100)).quantize(Decimal("0.01"))
    return DraftLine(
        ref=more.pop("ref", "A"),
        description="Artigo",
        quantity=Decimal(quantity),
        unit_price_net=Decimal(price),
        discount_percent=Decimal(more.pop("discount", "0")),
        region="PT",
        vat_rate=Decimal(rate),
        tax_code="NOR",
        net=net,
        vat=Decimal(gross) - net,
        gross=Decimal(gross),
        **more,
    )


def test_each_level_rounds_where_it_says() -> None:
    lines = [line("0.10", "0.12", ref=ref) for ref in "ABC"]
    assert [predict_total(lines, level) for level in LEVELS] == [
        Decimal("0.37"),
        Decimal("0.37"),
        Decimal("0.36"),
    ]
    mixed = [line("0.02", "0.02"), line("0.04", "0.04", rate="6")]
    # 0.0246 and 0.0424 round to 0.02 and 0.04 on their own, but add up to 0.0670.
    assert [predict_total(mixed, level) for level in LEVELS] == [
        Decimal("0.06"),
        Decimal("0.07"),
        Decimal("0.06"),
    ]


def test_lines_that_fit_are_left_alone() -> None:
    lines = [line("8.121951", "29.97", quantity="3")]
    for level in LEVELS:
        assert fit_to_total(lines, level) == tuple(lines)


def test_one_unit_of_several_carries_the_cent_before_any_other_price_changes() -> None:
    lines = [line("0.10", "0.36", quantity="3"), line("5.00", "6.15", ref="B")]
    fitted = fit_to_total(lines, "rate_group")
    assert [(part.ref, part.quantity) for part in fitted] == [
        ("A", Decimal(2)),
        ("A~1", Decimal(1)),
        ("B", Decimal(1)),
    ]
    assert [part.unit_price_net for part in fitted if part.ref != "A~1"] == [Decimal("0.10"), Decimal("5.00")]
    assert sum(part.gross for part in fitted) == Decimal("6.51") == predict_total(fitted, "rate_group")


@pytest.mark.parametrize("level", LEVELS)
def test_the_price_of_a_single_piece_changes_by_less_than_a_cent(level: RoundingLevel) -> None:
    fitted = fit_to_total([line("0.10", "0.12", ref=ref) for ref in "ABC"], level)
    assert predict_total(fitted, level) == Decimal("0.36")
    assert all(abs(part.unit_price_net - Decimal("0.10")) < Decimal("0.01") for part in fitted)
    assert all(part.discount_percent == 0 for part in fitted)


def test_a_gross_that_rounding_on_the_line_cannot_give_is_refused() -> None:
    # 0.125 net and 0.005 VAT both round up: a provider that rounds each line arrives at 0.12 or 0.14, never
    # 0.13.
    alone = line("0.125000", "0.13", rate="4")
    with pytest.raises(OrderError) as raised:
        fit_to_total([alone], "line")
    assert raised.value.detail == {"paid": "0.13", "lines": "0.14"}


def test_the_same_gross_fits_when_another_line_can_carry_the_cent() -> None:
    fitted = fit_to_total([line("0.125000", "0.13", rate="4"), line("10.00", "12.30", ref="B")], "line")
    assert predict_total(fitted, "line") == Decimal("12.43")


def test_more_than_two_cents_a_line_stop_the_order() -> None:
    with pytest.raises(OrderError) as raised:
        fit_to_total([line("10.00", "12.33")], "rate_group")
    assert raised.value.code == "total-differs"


def test_a_line_given_away_has_no_price_to_change() -> None:
    free = line("10.00", "0.00", discount="100", ref="FREE")
    fitted = fit_to_total([free, line("0.10", "0.13", ref="B")], "rate_group")
    assert fitted[0] == free
    assert predict_total(fitted, "rate_group") == Decimal("0.13")


def test_each_tax_group_is_fitted_on_its_own() -> None:
    fitted = fit_to_total([line("1.003", "1.24"), line("1.004", "1.06", rate="6", ref="B")], "rate_group")
    assert predict_total(fitted[:1], "rate_group") == Decimal("1.24")
    assert predict_total(fitted[1:], "rate_group") == Decimal("1.06")


def test_the_pieces_of_a_split_line_add_up_to_it() -> None:
    whole = line("0.10", "0.36", quantity="3")
    parts = fit_to_total([whole], "rate_group")
    for name in ("net", "vat", "gross", "quantity"):
        assert sum((getattr(part, name) for part in parts), Decimal(0)) == getattr(whole, name)
    assert all(part.net >= 0 and part.vat >= 0 for part in parts)


def test_a_provider_that_rounds_on_the_line_rounds_net_and_vat_apart() -> None:
    # 0.125 and its 0.02875 of VAT: 0.13 and 0.03, though both together are 0.15375
    assert predict_total([line("0.125", "0.15")], "line") == Decimal("0.16")
    assert predict_total([line("0.125", "0.15")], "document") == Decimal("0.15")


def test_all_units_share_the_cent_where_one_is_worth_too_little() -> None:
    # 10 x 0.0028 at 23 %: a provider that rounds net and VAT of the line arrives at 0.03 + 0.01
    (fitted,) = fit_to_total([line("0.002800", "0.03", quantity="10")], "line")
    assert fitted.quantity == Decimal(10)
    assert predict_total([fitted], "line") == Decimal("0.03")
