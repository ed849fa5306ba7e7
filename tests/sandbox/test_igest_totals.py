"""The stand-in's own arithmetic, with figures worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.igest.document_request import Line
from sandbox.igest.sums import add_up_lines, cents, decimal_text


def row(quantity: str, price: str, rate: str = "23", discount: str = "0", exemption: str = "") -> Line:
    return Line(
        reference="A",
        description="Artigo",
        unit="UN",
        quantity=Decimal(quantity),
        price=Decimal(price),
        discount=Decimal(discount),
        rate=Decimal(rate),
        region="PT",
        exemption=exemption,
        mention="",
        warehouse="",
    )


# three lines of 0.333333 net at 23 %: 0.40999959 gross each, 1.22999877 together
THIRDS = [row("1", "0.333333")] * 3


@pytest.mark.parametrize(
    ("rounding", "net", "vat", "gross"),
    [
        ("rate-group", "1.00", "0.23", "1.23"),
        ("document", "1.00", "0.23", "1.23"),
        ("line", "0.99", "0.24", "1.23"),
    ],
)
def test_thirds_add_up_differently_at_each_level(rounding: str, net: str, vat: str, gross: str) -> None:
    assert add_up_lines(THIRDS, rounding, "net").total.texts() == {"net": net, "vat": vat, "gross": gross}


@pytest.mark.parametrize(
    ("rounding", "gross"), [("rate-group", "2.01"), ("document", "2.01"), ("line", "2.04")]
)
def test_rounding_by_line_may_give_another_total(rounding: str, gross: str) -> None:
    # each by itself: net 0.545 -> 0.55, VAT 0.12535 -> 0.13; together 1.635 * 1.23 = 2.01105
    assert add_up_lines([row("1", "0.545")] * 3, rounding, "net").total.gross == Decimal(gross)


def test_rate_groups_are_rounded_one_by_one_and_the_document_once() -> None:
    # 1.005 gross in each of two groups
    lines = [row("1", "1.005", "0", exemption="M07"), row("1", "1.005", "0", exemption="M99")]
    assert add_up_lines(lines, "rate-group", "net").total.gross == Decimal("2.02")
    assert add_up_lines(lines, "document", "net").total.gross == Decimal("2.01")


def test_the_gross_is_rounded_first_and_the_vat_lies_between() -> None:
    total = add_up_lines([row("1", "8.130081")], "rate-group", "net").total
    assert total.texts() == {"net": "8.13", "vat": "1.87", "gross": "10.00"}


def test_a_discount_is_a_percentage_of_the_line() -> None:
    assert add_up_lines([row("3", "10", discount="33.333333")], "rate-group", "net").total.net == Decimal(
        "20.00"
    )
    assert add_up_lines([row("1", "10", discount="100")], "rate-group", "net").total.gross == Decimal("0.00")


def test_prices_may_be_read_as_gross() -> None:
    assert add_up_lines([row("1", "12.30")], "rate-group", "gross").total.texts() == {
        "net": "10.00",
        "vat": "2.30",
        "gross": "12.30",
    }


def test_groups_are_region_rate_and_exemption() -> None:
    sums = add_up_lines(
        [row("1", "1"), row("1", "2"), row("1", "3", "6"), row("1", "4", "0", exemption="M07")],
        "rate-group",
        "net",
    )
    assert {key: group.net for key, group in sums.groups.items()} == {
        ("PT", "23", ""): Decimal("3.00"),
        ("PT", "6", ""): Decimal("3.00"),
        ("PT", "0", "M07"): Decimal("4.00"),
    }


def test_half_a_cent_goes_up() -> None:
    assert str(cents(1)) == "1.00"
    assert [
        str(add_up_lines([row("1", price, "6")], "document", "net").total.net) for price in ("0.005", "0.004")
    ] == [
        "0.01",
        "0.00",
    ]


@pytest.mark.parametrize(
    ("number", "written"), [("23.00", "23"), ("4.90", "4.9"), ("100", "100"), ("0.0", "0"), ("1E+2", "100")]
)
def test_numbers_are_written_plainly(number: str, written: str) -> None:
    assert decimal_text(Decimal(number)) == written


LINES = st.lists(
    st.builds(
        row,
        st.integers(1, 99).map(str),
        st.decimals(0, 999, places=6).map(str),
        st.sampled_from(["23", "13", "6"]),
        st.decimals(0, 100, places=2).map(str),
    ),
    min_size=1,
    max_size=12,
)


@given(LINES, st.sampled_from(["rate-group", "line", "document"]), st.sampled_from(["net", "gross"]))
def test_net_and_vat_are_the_gross_at_every_level(lines: list[Line], rounding: str, prices: str) -> None:
    sums = add_up_lines(lines, rounding, prices)
    for amounts in [sums.total, *sums.lines, *sums.groups.values()]:
        assert amounts.net + amounts.vat == amounts.gross
        assert amounts.gross.as_tuple().exponent == -2
