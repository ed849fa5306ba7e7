"""The stand-in's own arithmetic, compared with amounts worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.igest.document_request import Line
from sandbox.igest.sums import add_up_lines, decimal_text


def row(quantity: str, price: str, rate: str = "23", discount: str = "0", exemption: str = "") -> Line:
    numbers = {"quantity": quantity, "price": price, "discount": discount, "rate": rate}
    return Line(
        reference="A", description="Artigo", unit="UN", region="PT", exemption=exemption, mention="", warehouse="",
        **{name: Decimal(text) for name, text in numbers.items()},
    )  # fmt: skip


# three lines of 0.333333 net at 23 %: 0.40999959 gross each, 1.22999877 together
THIRDS = [row("1", "0.333333")] * 3
# each on its own: net 0.545 -> 0.55, VAT 0.12535 -> 0.13; together 1.635 * 1.23 = 2.01105
HALVES = [row("1", "0.545")] * 3
# 1.005 gross in each of two groups
TWO_GROUPS = [row("1", "1.005", "0", exemption="M07"), row("1", "1.005", "0", exemption="M99")]


@pytest.mark.parametrize(
    ("lines", "rounding", "prices", "net", "vat", "gross"),
    [
        (THIRDS, "rate-group", "net", "1.00", "0.23", "1.23"),
        (THIRDS, "document", "net", "1.00", "0.23", "1.23"),
        (THIRDS, "line", "net", "0.99", "0.24", "1.23"),
        (HALVES, "rate-group", "net", "1.64", "0.37", "2.01"),
        (HALVES, "document", "net", "1.64", "0.37", "2.01"),
        (HALVES, "line", "net", "1.65", "0.39", "2.04"),
        (TWO_GROUPS, "rate-group", "net", "2.02", "0.00", "2.02"),
        (TWO_GROUPS, "document", "net", "2.01", "0.00", "2.01"),
        ([row("1", "8.130081")], "rate-group", "net", "8.13", "1.87", "10.00"),
        ([row("3", "10", discount="33.333333")], "rate-group", "net", "20.00", "4.60", "24.60"),
        ([row("1", "10", discount="100")], "rate-group", "net", "0.00", "0.00", "0.00"),
        ([row("1", "12.30")], "rate-group", "gross", "10.00", "2.30", "12.30"),
        ([row("1", "0.005", "6")], "document", "net", "0.01", "0.00", "0.01"),
        ([row("1", "0.004", "6")], "document", "net", "0.00", "0.00", "0.00"),
    ],
)
def test_a_document_adds_up_as_worked_out_by_hand(
    lines: list[Line], rounding: str, prices: str, net: str, vat: str, gross: str
) -> None:
    total = add_up_lines(lines, rounding, prices).total
    assert total.texts() == {"net": net, "vat": vat, "gross": gross}


def test_groups_are_region_rate_and_exemption() -> None:
    lines = [row("1", "1"), row("1", "2"), row("1", "3", "6"), row("1", "4", "0", exemption="M07")]
    groups = add_up_lines(lines, "rate-group", "net").groups
    assert {key: str(group.net) for key, group in groups.items()} == {
        ("PT", "23", ""): "3.00", ("PT", "6", ""): "3.00", ("PT", "0", "M07"): "4.00",
    }  # fmt: skip


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
def test_net_and_vat_add_up_to_the_gross_at_every_level(
    lines: list[Line], rounding: str, prices: str
) -> None:
    sums = add_up_lines(lines, rounding, prices)
    for amounts in [sums.total, *sums.lines, *sums.groups.values()]:
        assert amounts.net + amounts.vat == amounts.gross
        assert amounts.gross.as_tuple().exponent == -2
