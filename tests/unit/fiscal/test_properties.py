"""What holds for every order: the draft's total is the paid one at each level of rounding, or there is a reason.

500 orders in the usual profile, 10,000 in the nightly one. The judge (`sums.py`) shares no arithmetic with the core.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import asdict, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.exact_totals import cents, provider_total
from dev.order_factories import LEVELS, TODAY
from shopapp.errors import AppError, NotAllowedError, NotYet
from shopapp.fiscal import credit_note, invoice, rounding, tax_tables
from shopapp.fiscal.credit_note import CreditLineRequest, OriginalDocument
from shopapp.fiscal.document import Draft
from tests.unit.fiscal.strategies import ShopOrder, shop_orders

many = settings(
    max_examples=max(500, settings().max_examples),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
REASONS = {"free", "shipping-untaxed"}
"""Nothing was paid, or nothing but the delivery: no other order of these can be refused."""


def values_of(part: Any) -> Iterator[object]:
    """Every value inside, however deep."""
    if isinstance(part, dict):
        for inner in part.values():
            yield from values_of(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from values_of(inner)
    else:
        yield part


def drafted(case: ShopOrder, allowed: Set[str] = frozenset()) -> Draft | None:
    try:
        return invoice.build_invoice(case.order, case.settings, TODAY)
    except AppError as why:
        assert why.code in REASONS | allowed, (why.code, why.detail)
        assert why.code != "free" or (isinstance(why, NotYet) and not case.order.paid_total)
        return None


@many
@given(shop_orders())
def test_the_total_is_what_was_paid_by_the_draft_and_by_the_provider(case: ShopOrder) -> None:
    made = drafted(case)
    if made is None:
        return
    assert made.gross == case.order.paid_total
    assert provider_total(made.lines, case.settings.rounding_level) == Fraction(made.gross)
    assert rounding.predict_total(made.lines, case.settings.rounding_level) == made.gross


@many
@given(shop_orders())
def test_every_line_group_and_total_fit_together(case: ShopOrder) -> None:
    made = drafted(case)
    if made is None:
        return
    for part in (*made.lines, *made.summary, made):
        assert part.net + part.vat == part.gross
        assert min(part.net, part.vat, part.gross) >= 0
    for group in made.summary:
        inside = [
            line for line in made.lines if rounding.tax_group_key(line) == rounding.tax_group_key(group)
        ]  # type: ignore[arg-type]
        for name in ("net", "vat", "gross"):
            assert sum((getattr(line, name) for line in inside), Decimal(0)) == getattr(group, name)
        # half a cent for each line at most, as a shop that rounds on the line has it
        slack = Fraction(len(inside) + 1, 200)
        assert abs(Fraction(group.net) * Fraction(group.vat_rate) / 100 - Fraction(group.vat)) <= slack
    assert sum((group.gross for group in made.summary), Decimal(0)) == made.gross
    assert sum((means.amount for means in made.payments), Decimal(0)) == made.gross


@many
@given(shop_orders())
def test_prices_with_tax_have_it_taken_out_once_for_each_rate(case: ShopOrder) -> None:
    made = drafted(case)
    if made is None or not case.order.prices_include_tax:
        return
    for group in made.summary:
        assert Fraction(group.net) == cents(Fraction(group.gross) / (1 + Fraction(group.vat_rate) / 100))


@many
@given(shop_orders())
def test_no_line_is_negative_and_none_without_tax_lacks_a_reason_in_force(case: ShopOrder) -> None:
    made = drafted(case)
    if made is None:
        return
    for line in made.lines:
        assert line.quantity > 0 and line.unit_price_net >= 0 and 0 <= line.discount_percent <= 100
        if line.vat_rate:
            assert not line.exemption_code
        else:
            assert line.exemption_mention == tax_tables.exemption_mention(line.exemption_code, TODAY)
    assert not [value for value in values_of(asdict(made)) if isinstance(value, float)]


@many
@given(shop_orders())
def test_no_discount_is_made_up_and_no_unit_is_lost(case: ShopOrder) -> None:
    made = drafted(case)
    if made is None:
        return
    plain = {line.ref for line in case.order.lines if not line.discount and not case.order.discount}
    for line in made.lines:
        if line.ref.split("~")[0] in plain:
            assert line.discount_percent == 0
    for sold in case.order.lines:
        parts = [line for line in made.lines if line.ref.split("~")[0] == sold.ref]
        if sold.kind == "goods":
            assert sum((line.quantity for line in parts), Decimal(0)) == sold.quantity


@many
@given(shop_orders(), st.sampled_from(["PT", "PT-MA", "PT-AC"]))
def test_where_the_law_has_another_rate_the_paid_total_stays(case: ShopOrder, home: str) -> None:
    followed = {f"{charged}>{due}": "follow-law" for charged in (6, 13, 23) for due in (4, 9, 12, 16, 22)}
    moved = replace(
        case,
        settings=replace(case.settings, ship_from=home, on_tax_difference=followed),  # type: ignore[arg-type]
    )
    # 4 % of 12.5 cents is half a cent: net and tax go up together, and a provider that rounds on the line has no 13
    out_of_reach = {"total-differs"} if moved.settings.rounding_level == "line" and home != "PT" else set()
    made = drafted(moved, out_of_reach)
    if made is None:
        return
    assert made.gross == case.order.paid_total
    assert provider_total(made.lines, moved.settings.rounding_level) == Fraction(made.gross)
    lawful = {tax_tables.portuguese_rate(home, category, TODAY) for category in tax_tables.VAT_CATEGORIES} | {
        Decimal(0)
    }
    assert {line.vat_rate for line in made.lines} <= lawful
    assert {line.region for line in made.lines} == {home}


@many
@given(shop_orders(), st.data())
def test_credit_notes_never_exceed_what_is_left_and_in_the_end_leave_nothing(
    case: ShopOrder, data: st.DataObject
) -> None:
    made = drafted(case)
    if made is None:
        return
    original = OriginalDocument("FR 2026FR/1", "FR", made.customer, made.lines)
    choice = replace(case.settings, rounding_level=data.draw(st.sampled_from(LEVELS)))
    first = credited_some(original, choice, data)
    if first is None:
        return
    assert 0 < first.gross <= made.gross
    left = replace(original, credited=first.lines)
    if first.gross < made.gross:
        rest = credit_note.build_credit_note(left, choice, TODAY)
        assert first.gross + rest.gross == made.gross
        assert first.net + rest.net == made.net
        assert provider_total(rest.lines, choice.rounding_level) == Fraction(rest.gross)


def credited_some(original: OriginalDocument, choice: Any, data: st.DataObject) -> Draft | None:
    """A note over some pieces of one line, or over an amount."""
    whole = sum((line.gross for line in original.lines), Decimal(0))
    amount = Decimal(data.draw(st.integers(1, int(whole * 100)))).scaleb(-2)
    line = data.draw(st.sampled_from(original.lines))
    wanted = CreditLineRequest(line.ref, Decimal(data.draw(st.integers(1, max(1, int(line.quantity))))))
    try:
        if data.draw(st.booleans()):
            made = credit_note.build_credit_note(original, choice, TODAY, amount=amount)
        else:
            made = credit_note.build_credit_note(original, choice, TODAY, lines=[wanted])
    except NotAllowedError as why:
        assert why.code in ("credit-exceeds", "credit-line-unknown")
        return None
    assert provider_total(made.lines, choice.rounding_level) == Fraction(made.gross)
    assert all(
        part.net + part.vat == part.gross and min(part.net, part.vat, part.gross) >= 0 for part in made.lines
    )
    return made
