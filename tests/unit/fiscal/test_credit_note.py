"""Credit notes: whole, by lines, by amount; never over what is left, always the invoice's own rates (NC1 to NC6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import TODAY, make_line, make_order
from shopapp.errors import NotAllowedError, SettingsError
from shopapp.fiscal import credit_note, invoice
from shopapp.fiscal.credit_note import CreditLineRequest, OriginalDocument
from shopapp.fiscal.document import Draft, DraftLine, FiscalSettings

SETTINGS = FiscalSettings()


def issued() -> OriginalDocument:
    """Two shirts at 23 %, one book at 6 %, shipping at 23 %."""
    order = make_order(
        make_line("24.60", quantity=Decimal(2), ref="TS"),
        make_line("21.20", "6", ref="BK"),
        make_line("12.30", "23", ref="SHIP", kind="shipping"),
        total="82.70",
    )
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    return OriginalDocument("FR 2026FR/31", "FR", made.customer, made.lines)


def credited(original: OriginalDocument, **asked: Any) -> Draft:
    return credit_note.build_credit_note(original, SETTINGS, TODAY, **asked)


def refused(original: OriginalDocument, **asked: Any) -> str:
    with pytest.raises(NotAllowedError) as why:
        credited(original, **asked)
    return why.value.code


def test_a_whole_credit_has_the_figures_of_the_invoice_and_names_it() -> None:
    note = credited(issued())
    assert (note.kind, note.net, note.vat, note.gross) == (
        "NC", Decimal("70.00"), Decimal("12.70"), Decimal("82.70"),
    )  # fmt: skip
    assert [(each.number, each.reason) for each in note.references] == [("FR 2026FR/31", "Devolução")]
    assert note.customer == issued().customer
    assert all(line.gross > 0 for line in note.lines)


def test_one_piece_of_a_line_is_credited_at_its_rate_and_price() -> None:
    note = credited(issued(), lines=[CreditLineRequest("TS", Decimal(1))])
    line = note.lines[0]
    assert (line.quantity, line.unit_price_net, line.vat_rate, note.gross) == (
        Decimal(1), Decimal("20.000000"), Decimal(23), Decimal("24.60"),
    )  # fmt: skip
    assert note.references[0].reason == "Devolução parcial"


def test_a_coupon_is_not_given_back() -> None:
    order = make_order(make_line("59.90", ref="J"), total="53.91", discount=Decimal("5.99"))
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    note = credited(
        OriginalDocument("FR 1/1", "FR", made.customer, made.lines), lines=[CreditLineRequest("J")]
    )
    assert note.gross == Decimal("53.91")
    assert (note.lines[0].unit_price_net, note.lines[0].discount_percent) == (
        Decimal("43.829268"),
        Decimal(0),
    )


def test_an_amount_is_taken_from_all_rates_in_proportion_at_the_same_unit_price() -> None:
    note = credited(issued(), amount=Decimal("8.27"))
    assert [(line.ref, line.quantity, line.unit_price_net, line.gross) for line in note.lines] == [
        ("TS", Decimal("0.2"), Decimal("20"), Decimal("4.92")),
        ("BK", Decimal("0.1"), Decimal("20"), Decimal("2.12")),
        ("SHIP", Decimal("0.1"), Decimal("10"), Decimal("1.23")),
    ]


def test_an_amount_beyond_the_named_lines_comes_from_the_others() -> None:
    note = credited(issued(), lines=[CreditLineRequest("BK")], amount=Decimal("30.00"))
    assert note.gross == Decimal("30.00")
    assert note.lines[0].gross == Decimal("21.20")
    assert {line.ref for line in note.lines[1:]} == {"TS", "SHIP"}


def test_something_may_be_kept_back_of_the_lines_that_came_back() -> None:
    note = credited(issued(), lines=[CreditLineRequest("BK")], amount=Decimal("20.00"))
    assert [(line.ref, line.quantity, line.gross) for line in note.lines] == [
        ("BK", Decimal(1), Decimal("20.00"))
    ]
    told = [CreditLineRequest("BK", Decimal(1), Decimal("21.20"))]
    assert refused(issued(), lines=told, amount=Decimal("20.00")) == "credit-amount-below-lines"


def test_notes_one_after_another_never_exceed_the_invoice_and_end_at_nothing() -> None:
    first = credited(issued(), lines=[CreditLineRequest("TS", Decimal(1))])
    left = replace(issued(), credited=first.lines)
    assert refused(left, lines=[CreditLineRequest("TS", Decimal(2))]) == "credit-exceeds"
    second = credited(left)
    assert second.gross == Decimal("58.10")
    assert second.references[0].reason == "Devolução parcial"
    assert refused(replace(left, credited=first.lines + second.lines)) == "credit-nothing-left"


def test_a_lowered_price_leaves_the_pieces_to_be_credited_later() -> None:
    first = credited(issued(), lines=[CreditLineRequest("BK", Decimal(1), Decimal("5.00"))])
    assert first.gross == Decimal("5.00")
    rest = credited(replace(issued(), credited=first.lines), lines=[CreditLineRequest("BK")])
    assert rest.gross == Decimal("16.20")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"lines": [CreditLineRequest("TS", Decimal(3))]}, "credit-exceeds"),
        ({"lines": [CreditLineRequest("TS", Decimal(1), Decimal("49.21"))]}, "credit-exceeds"),
        ({"lines": [CreditLineRequest("TS", Decimal(0))]}, "credit-exceeds"),
        ({"lines": [CreditLineRequest("XX")]}, "credit-line-unknown"),
        ({"lines": [CreditLineRequest("TS"), CreditLineRequest("TS")]}, "credit-line-twice"),
        ({"amount": Decimal("82.71")}, "credit-exceeds"),
        ({"amount": Decimal("0.00")}, "credit-exceeds"),
        ({"amount": Decimal("-1.00")}, "credit-amount-below-lines"),
    ],
)
def test_what_may_not_be_credited_is_refused(asked: dict[str, Any], code: str) -> None:
    assert refused(issued(), **asked) == code


def test_only_an_issued_invoice_can_be_credited() -> None:
    assert refused(replace(issued(), number="")) == "credit-without-original"
    assert refused(replace(issued(), kind="NC")) == "credit-of-no-invoice"
    assert refused(replace(issued(), kind="PF")) == "credit-of-no-invoice"


def test_where_only_the_credited_total_is_known_no_more_than_the_rest_is_given() -> None:
    partly = replace(issued(), credited_gross=Decimal("80.00"))
    assert credited(partly).gross == Decimal("2.70")
    assert refused(partly, amount=Decimal("2.71")) == "credit-exceeds"


def test_the_reason_is_one_line_of_fifty_characters_at_most() -> None:
    reason = credited(issued(), reason="  Cliente desistiu\nda compra " + "x" * 60).references[0].reason
    assert reason.startswith("Cliente desistiu da compra ") and len(reason) == 50


def test_stock_moves_back_with_goods_and_not_with_a_rebate() -> None:
    moving = FiscalSettings(moves_stock=True)
    assert credit_note.build_credit_note(issued(), moving, TODAY).moves_stock
    assert not credit_note.build_credit_note(issued(), moving, TODAY, amount=Decimal("5.00")).moves_stock


def test_a_note_needs_its_series() -> None:
    with pytest.raises(SettingsError):
        credit_note.build_credit_note(issued(), FiscalSettings(series={"FR": "2026FR"}), TODAY)


def test_split_shipping_is_credited_under_one_name() -> None:
    order = make_order(
        make_line("60.00", ref="A"),
        make_line("20.00", "6", ref="B"),
        make_line("4.00", None, ref="SHIP", kind="shipping"),
        total="84.00",
    )
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    same_name = tuple(replace(line, ref=line.ref.split("-")[0]) for line in made.lines)
    original = OriginalDocument("FR 1/1", "FR", made.customer, same_name)
    assert credited(original, lines=[CreditLineRequest("SHIP")]).gross == Decimal("4.00")
    halved = credited(original, lines=[CreditLineRequest("SHIP", Decimal(1), Decimal("2.00"))])
    assert [(line.vat_rate, line.gross) for line in halved.lines] == [
        (Decimal(23), Decimal("1.50")),
        (Decimal(6), Decimal("0.50")),
    ]


@pytest.mark.parametrize(("taken", "kept"), [("0.41", "0.40"), ("0.39", "0.42")])
def test_pieces_of_a_split_line_keep_the_net_that_a_note_over_one_of_them_left(taken: str, kept: str) -> None:
    def piece(ref: str, net: str) -> DraftLine:
        gross = Decimal("0.50")
        line = replace(issued().lines[0], ref=ref, quantity=Decimal(1), unit_price_net=Decimal(net))
        return replace(line, net=Decimal(net), vat=gross - Decimal(net), gross=gross)

    original = replace(
        issued(), lines=(piece("A", "0.41"), piece("A~1", "0.40")), credited=(piece("A~1", taken),)
    )
    (left,) = credit_note.creditable_lines(original)
    assert (left.ref, left.net, left.vat, left.gross) == (
        "A", Decimal(kept), Decimal("0.50") - Decimal(kept), Decimal("0.50"),
    )  # fmt: skip
