"""Credit notes: whole, by lines, by amount; never more than is left, at the invoice's own rates (NC1 to NC6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dev.order_factories import TODAY, make_line, make_order
from shopapp.errors import NotAllowedError, SettingsError
from shopapp.fiscal import credit_note, creditable, invoice
from shopapp.fiscal.articles import quantities_by_sku
from shopapp.fiscal.credit_note import CreditLineRequest
from shopapp.fiscal.creditable import OriginalDocument
from shopapp.fiscal.document import Draft, DraftLine, FiscalSettings
from shopapp.fiscal.money import ZERO

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


def pieces_left(original: OriginalDocument, *notes: Draft) -> dict[str, Decimal]:
    """Return the pieces of each line that may still come back after these notes."""
    credited = tuple(line for note in notes for line in note.lines)
    left = creditable.remaining_lines(replace(original, credited=credited))
    return {line.ref: line.quantity for line in left if line.quantity}


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


def test_an_amount_reduces_the_price_of_every_line_and_returns_no_piece() -> None:
    note = credit(two_shirts_and_a_book(), amount=Decimal("8.27"))
    assert [(line.ref, line.kind, line.quantity, line.unit_price_net, line.gross) for line in note.lines] == [
        ("TS", "reduction", Decimal(1), Decimal("4"), Decimal("4.92")),
        ("BK", "reduction", Decimal(1), Decimal("2"), Decimal("2.12")),
        ("SHIP", "reduction", Decimal(1), Decimal("1"), Decimal("1.23")),
    ]
    assert {line.sku for line in note.lines} == {""} and "NC8" in note.rules
    assert note.lines[1].description == "Redução de preço: " + two_shirts_and_a_book().lines[1].description
    assert pieces_left(two_shirts_and_a_book(), note) == {"TS": 2, "BK": 1, "SHIP": 1}


def test_money_given_back_leaves_the_pieces_to_be_returned_for_what_is_left() -> None:
    order = make_order(make_line("10.00", quantity=Decimal(2), ref="MUG", sku="CAN-1"), total="20.00")
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    original, notes = OriginalDocument("FR 1/1", "FR", made.customer, made.lines), []
    for asked in ({"amount": Decimal("3.00")}, *[{"lines": [CreditLineRequest("MUG", Decimal(1))]}] * 2):
        notes.append(credit(original, **asked))
        original = replace(original, credited=original.credited + notes[-1].lines)
    assert [note.gross for note in notes] == [Decimal("3.00"), Decimal("8.50"), Decimal("8.50")]
    assert [quantities_by_sku(note.lines) for note in notes] == [{}, {"CAN-1": 1}, {"CAN-1": 1}]
    assert refused(original) == "credit-nothing-left"


def test_a_piece_is_never_credited_above_its_price_when_money_of_another_was_kept() -> None:
    first = credit(
        two_shirts_and_a_book(), lines=[CreditLineRequest("TS", Decimal(1))], amount=Decimal("20.00")
    )
    assert [(line.quantity, line.gross) for line in first.lines] == [(Decimal(1), Decimal("20.00"))]
    kept = replace(two_shirts_and_a_book(), credited=first.lines)
    second = credit(kept, lines=[CreditLineRequest("TS", Decimal(1))])
    assert second.gross == Decimal("24.60")
    rest = credit(replace(kept, credited=first.lines + second.lines), lines=[CreditLineRequest("TS")])
    assert [(line.kind, line.gross) for line in rest.lines] == [("reduction", Decimal("4.60"))]


def test_more_money_than_the_returned_piece_costs_is_a_price_reduction() -> None:
    note = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("TS", Decimal(1), Decimal("30.00"))])
    assert [(line.kind, line.quantity, line.gross) for line in note.lines] == [
        ("goods", Decimal(1), Decimal("24.60")),
        ("reduction", Decimal(1), Decimal("5.40")),
    ]


@pytest.mark.parametrize("pieces", [[1, 1, 1], [2, 1], [3]])
def test_pieces_returned_one_by_one_cost_together_what_was_paid(pieces: list[int]) -> None:
    order = make_order(make_line("3.33", quantity=Decimal(3), ref="MUG"), total="10.00", discount=ZERO)
    order = replace(order, lines=(replace(order.lines[0], unit_price=Decimal("10") / 3),))
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    original, total = OriginalDocument("FR 1/1", "FR", made.customer, made.lines), ZERO
    for count in pieces:
        note = credit(original, lines=[CreditLineRequest("MUG", Decimal(count))])
        assert {line.kind for line in note.lines} == {"goods"}
        original, total = replace(original, credited=original.credited + note.lines), total + note.gross
    assert total == Decimal("10.00")


def test_pieces_that_are_not_put_into_stock_name_no_article() -> None:
    original = two_shirts_and_a_book()
    original = replace(original, lines=tuple(replace(line, sku=line.ref) for line in original.lines))
    note = credit(
        original, lines=[CreditLineRequest("TS", Decimal(1), restocked=False), CreditLineRequest("BK")]
    )
    assert [(line.kind, line.sku, line.quantity) for line in note.lines] == [
        ("unstocked", "", Decimal(1)),
        ("goods", "BK", Decimal(1)),
    ]
    assert pieces_left(original, note) == {"TS": 1, "SHIP": 1}
    broken = credit_note.build_credit_note(original, FiscalSettings(moves_stock=True), TODAY, restocked=False)
    assert not quantities_by_sku(broken.lines) and broken.gross == Decimal("82.70")


def test_the_vat_of_small_notes_never_exceeds_the_invoices() -> None:
    made = invoice.build_invoice(make_order(make_line("0.10", ref="MUG"), total="0.10"), SETTINGS, TODAY)
    original, vat = OriginalDocument("FR 1/1", "FR", made.customer, made.lines), []
    for amount in ("0.03", "0.03", "0.03", None):
        note = credit(original, amount=amount and Decimal(amount))
        original, vat = replace(original, credited=original.credited + note.lines), [*vat, note.vat]
    # 0.03 contains 0.0056 of VAT, and the invoice has 0.02
    assert vat == [Decimal("0.01"), Decimal("0.01"), Decimal("0.00"), Decimal("0.00")]


def test_a_price_reduction_spares_a_deposit_while_anything_else_is_left() -> None:
    original = two_shirts_and_a_book()
    untaxed = {"vat_rate": ZERO, "exemption_code": "M99", "net": Decimal("12.30"), "vat": ZERO}
    deposit = replace(original.lines[2], ref="DEP", kind="goods", **untaxed)  # type: ignore[arg-type]
    original = replace(original, lines=(*original.lines[:2], deposit))
    assert {line.ref for line in credit(original, amount=Decimal("70.40")).lines} == {"TS", "BK"}
    assert [line.gross for line in credit(original, amount=Decimal("71.40")).lines][2] == Decimal("1.00")


def test_a_free_line_comes_back_with_the_others_and_alone_credits_nothing() -> None:
    gift = replace(make_line("5.00", ref="GIFT", sku="GIFT"), discount=Decimal("5.00"))
    made = invoice.build_invoice(
        make_order(make_line("12.30", ref="MUG", sku="CAN-1"), gift, total="12.30"), SETTINGS, TODAY
    )
    original = OriginalDocument("FR 1/1", "FR", made.customer, made.lines)
    assert quantities_by_sku(credit(original).lines) == {"CAN-1": 1, "GIFT": 1}
    assert refused(original, lines=[CreditLineRequest("GIFT")]) == "credit-without-value"


def test_a_fraction_of_a_piece_that_an_earlier_release_credited_is_money_only() -> None:
    order = make_order(make_line("10.00", quantity=Decimal(2), ref="MUG", sku="CAN-1"), total="20.00")
    made = invoice.build_invoice(order, SETTINGS, TODAY)
    fraction = replace(
        made.lines[0],
        quantity=Decimal("0.3"),
        net=Decimal("2.44"),
        vat=Decimal("0.56"),
        gross=Decimal("3.00"),
    )
    original = OriginalDocument("FR 1/1", "FR", made.customer, made.lines, (fraction,))
    assert refused(original, lines=[CreditLineRequest("MUG", Decimal(2))]) == "credit-pieces"
    rest = credit(original)
    assert [(line.kind, line.quantity, line.gross) for line in rest.lines] == [
        ("goods", Decimal(1), Decimal("10.00")),
        ("reduction", Decimal(1), Decimal("7.00")),
    ]


def test_an_amount_beyond_the_named_lines_reduces_the_price_of_the_others() -> None:
    note = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("BK")], amount=Decimal("30.00"))
    assert note.gross == Decimal("30.00")
    assert note.lines[0].gross == Decimal("21.20")
    assert {(line.ref, line.kind) for line in note.lines[1:]} == {("TS", "reduction"), ("SHIP", "reduction")}


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
    assert refused(left, lines=[CreditLineRequest("TS", Decimal(2))]) == "credit-pieces"
    second = credit(left)
    assert second.gross == Decimal("58.10")
    assert second.references[0].reason == "Devolução parcial"
    assert refused(replace(left, credited=first.lines + second.lines)) == "credit-nothing-left"


def test_a_price_reduction_leaves_the_pieces_to_be_credited_later() -> None:
    first = credit(two_shirts_and_a_book(), lines=[CreditLineRequest("BK", gross=Decimal("5.00"))])
    assert [(line.kind, line.gross) for line in first.lines] == [("reduction", Decimal("5.00"))]
    rest = credit(replace(two_shirts_and_a_book(), credited=first.lines), lines=[CreditLineRequest("BK")])
    assert [(line.kind, line.quantity, line.gross) for line in rest.lines] == [
        ("goods", Decimal(1), Decimal("16.20"))
    ]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"lines": [CreditLineRequest("TS", Decimal(3))]}, "credit-pieces"),
        ({"lines": [CreditLineRequest("TS", Decimal(1), Decimal("49.21"))]}, "credit-exceeds"),
        ({"lines": [CreditLineRequest("TS", Decimal(0))]}, "credit-pieces"),
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
    parts = [CreditLineRequest("A"), CreditLineRequest("A~1")]
    assert refused(replace(original, credited=()), lines=parts) == "credit-line-twice"
    (left,) = creditable.remaining_lines(original)
    assert (left.ref, left.quantity, left.net, left.gross) == (
        "A", Decimal(1), Decimal(kept), Decimal("0.50"),
    )  # fmt: skip
