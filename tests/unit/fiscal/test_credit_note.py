"""Credit notes: whole, by lines, by amount; never more than is left, at the invoice's own rates (NC1 to NC6)."""

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


def two_shirts_and_a_book() -> OriginalDocument:
    """Return the invoice of two shirts at 23 %, one book at 6 % and shipping at 23 %."""
    order = make_order(
        make_line("24.60", quantity=Decimal(2), ref="TS"),
        make_line("21.20", "6", ref="BK"),
        make_line("12.30", "23", ref="SHIP", kind="shipping"),
        total="82.70",
    )
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    return OriginalDocument("FR 2026FR/31", "FR", made.customer, made.lines)


def credit(original: OriginalDocument, **asked: Any) -> Draft:
    return credit_note.build_credit_note(original, SETTINGS, TODAY, **asked)


def refused(original: OriginalDocument, **asked: Any) -> str:
    with pytest.raises(NotAllowedError) as raised:
        credit(original, **asked)
    return raised.value.code


def test_a_whole_credit_has_the_figures_and_the_number_of_the_invoice() -> None:
    note = credit(two_shirts_and_a_book())
    assert (note.kind, note.net, note.vat, note.gross) == (
        "NC", Decimal("70.00"), Decimal("12.70"), Decimal("82.70"),
    )  # fmt: skip
    assert [(each.number, each.reason) for each in note.references] == [("FR 2026FR/31", "Devolução")]
    assert note.customer == two_shirts_and_a_book().customer
    assert all(line.gross > 0 for line in note.lines)


def test_one_piece_of_a_line_is_credited_at_its_rate_and_price() -> None:
    note = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("TS", Decimal(1))])
    line = note.lines[0]
    assert (line.quantity, line.unit_price_net, line.vat_rate, note.gross) == (
        Decimal(1), Decimal("20.000000"), Decimal(23), Decimal("24.60"),
    )  # fmt: skip
    assert note.references[0].reason == "Devolução parcial"


def test_a_coupon_is_not_given_back() -> None:
    order = make_order(make_line("59.90", ref="J"), total="53.91", discount=Decimal("5.99"))
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    note = credit(OriginalDocument("FR 1/1", "FR", made.customer, made.lines), lines=[CreditLineRequest("J")])
    assert note.gross == Decimal("53.91")
    assert (note.lines[0].unit_price_net, note.lines[0].discount_percent) == (
        Decimal("43.829268"),
        Decimal(0),
    )


def test_an_amount_is_taken_in_proportion_at_the_same_unit_prices() -> None:
    note = credit(two_shirts_and_a_book(), amount=Decimal("8.27"))
    assert [(line.ref, line.quantity, line.unit_price_net, line.gross) for line in note.lines] == [
        ("TS", Decimal("0.2"), Decimal("20"), Decimal("4.92")),
        ("BK", Decimal("0.1"), Decimal("20"), Decimal("2.12")),
        ("SHIP", Decimal("0.1"), Decimal("10"), Decimal("1.23")),
    ]


def test_an_amount_beyond_the_named_lines_comes_from_the_others() -> None:
    note = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("BK")], amount=Decimal("30.00"))
    assert note.gross == Decimal("30.00")
    assert note.lines[0].gross == Decimal("21.20")
    assert {line.ref for line in note.lines[1:]} == {"TS", "SHIP"}


def test_less_than_the_price_of_the_returned_lines_may_be_credited() -> None:
    note = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("BK")], amount=Decimal("20.00"))
    assert [(line.ref, line.quantity, line.gross) for line in note.lines] == [
        ("BK", Decimal(1), Decimal("20.00"))
    ]
    with_amounts = [CreditLineRequest("BK", Decimal(1), Decimal("21.20"))]
    assert (
        refused(two_shirts_and_a_book(), lines=with_amounts, amount=Decimal("20.00"))
        == "credit-amount-below-lines"
    )


def test_successive_credit_notes_never_exceed_the_invoice() -> None:
    first = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("TS", Decimal(1))])
    left = replace(two_shirts_and_a_book(), credited=first.lines)
    assert refused(left, lines=[CreditLineRequest("TS", Decimal(2))]) == "credit-exceeds"
    second = credit(left)
    assert second.gross == Decimal("58.10")
    assert second.references[0].reason == "Devolução parcial"
    assert refused(replace(left, credited=first.lines + second.lines)) == "credit-nothing-left"


def test_a_price_reduction_leaves_the_pieces_to_be_credited_later() -> None:
    first = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("BK", Decimal(1), Decimal("5.00"))])
    assert first.gross == Decimal("5.00")
    rest = credit(replace(two_shirts_and_a_book(), credited=first.lines), lines=[CreditLineRequest("BK")])
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
def test_a_credit_that_is_not_allowed_is_refused(asked: dict[str, Any], code: str) -> None:
    assert refused(two_shirts_and_a_book(), **asked) == code


def test_only_an_issued_invoice_can_be_credited() -> None:
    assert refused(replace(two_shirts_and_a_book(), number="")) == "credit-without-original"
    assert refused(replace(two_shirts_and_a_book(), kind="NC")) == "credit-of-no-invoice"
    assert refused(replace(two_shirts_and_a_book(), kind="PF")) == "credit-of-no-invoice"


def test_with_only_the_credited_total_known_no_more_than_the_rest_is_credited() -> None:
    partly = replace(two_shirts_and_a_book(), credited_gross=Decimal("80.00"))
    assert credit(partly).gross == Decimal("2.70")
    assert refused(partly, amount=Decimal("2.71")) == "credit-exceeds"


def test_the_reason_is_one_line_of_fifty_characters_at_most() -> None:
    reason = (
        credit(two_shirts_and_a_book(), reason="  Cliente desistiu\nda compra " + "x" * 60)
        .references[0]
        .reason
    )
    assert reason.startswith("Cliente desistiu da compra ") and len(reason) == 50


def test_stock_moves_back_with_products_and_not_with_a_rebate() -> None:
    moving = FiscalSettings(moves_stock=True)
    assert credit_note.build_credit_note(two_shirts_and_a_book(), moving, TODAY).moves_stock
    assert not credit_note.build_credit_note(
        two_shirts_and_a_book(), moving, TODAY, amount=Decimal("5.00")
    ).moves_stock


def test_a_credit_note_needs_its_series() -> None:
    with pytest.raises(SettingsError):
        credit_note.build_credit_note(two_shirts_and_a_book(), FiscalSettings(series={"FR": "2026FR"}), TODAY)


def test_split_shipping_is_credited_under_one_ref() -> None:
    order = make_order(
        make_line("60.00", ref="A"),
        make_line("20.00", "6", ref="B"),
        make_line("4.00", None, ref="SHIP", kind="shipping"),
        total="84.00",
    )
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    same_name = tuple(replace(line, ref=line.ref.split("-")[0]) for line in made.lines)
    original = OriginalDocument("FR 1/1", "FR", made.customer, same_name)
    assert credit(original, lines=[CreditLineRequest("SHIP")]).gross == Decimal("4.00")
    halved = credit(original, lines=[CreditLineRequest("SHIP", Decimal(1), Decimal("2.00"))])
    assert [(line.vat_rate, line.gross) for line in halved.lines] == [
        (Decimal(23), Decimal("1.50")),
        (Decimal(6), Decimal("0.50")),
    ]


@pytest.mark.parametrize(("taken", "kept"), [("0.41", "0.40"), ("0.39", "0.42")])
def test_pieces_of_a_split_line_keep_the_net_that_a_credit_note_left(taken: str, kept: str) -> None:
    def piece(ref: str, net: str) -> DraftLine:
        gross = Decimal("0.50")
        line = replace(
            two_shirts_and_a_book().lines[0], ref=ref, quantity=Decimal(1), unit_price_net=Decimal(net)
        )
        return replace(line, net=Decimal(net), vat=gross - Decimal(net), gross=gross)

    original = replace(
        two_shirts_and_a_book(),
        lines=(piece("A", "0.41"), piece("A~1", "0.40")),
        credited=(piece("A~1", taken),),
    )
    (left,) = credit_note.creditable_lines(original)
    assert (left.ref, left.net, left.vat, left.gross) == (
        "A", Decimal(kept), Decimal("0.50") - Decimal(kept), Decimal("0.50"),
    )  # fmt: skip
