"""Properties of credit notes: whatever is credited in whatever order, neither money, VAT nor pieces exceed the invoice.

500 orders in the usual profile, 10,000 in the nightly one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.exact_totals import provider_total
from dev.order_factories import LEVELS, TODAY
from shopapp.errors import NotAllowedError
from shopapp.fiscal import credit_note, creditable
from shopapp.fiscal.credit_note import CreditLineRequest
from shopapp.fiscal.creditable import OriginalDocument
from shopapp.fiscal.document import Draft, DraftLine, RoundingLevel
from shopapp.fiscal.rounding import tax_group_key
from tests.unit.fiscal.strategies import ShopOrder, shop_orders
from tests.unit.fiscal.test_properties import build_or_stop, many

pytestmark = pytest.mark.timeout(1500)
"""10,000 runs take some minutes."""
REFUSALS = (
    "credit-exceeds", "credit-pieces", "credit-without-value", "credit-amount-below-lines", "credit-line-twice",
)  # fmt: skip


def pieces_by_line(lines: tuple[DraftLine, ...]) -> dict[Any, Decimal]:
    """Return the pieces of each line, whole lines and those that rounding split; money given back has none."""
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.kind != "reduction":
            found[line.ref.split("~")[0]] += line.quantity
    return found


def by_rate(amount: str) -> Callable[[tuple[DraftLine, ...]], dict[Any, Decimal]]:
    def sums(lines: tuple[DraftLine, ...]) -> dict[Any, Decimal]:
        found: dict[Any, Decimal] = defaultdict(Decimal)
        for line in lines:
            found[tax_group_key(line)] += getattr(line, amount)
        return {key: value for key, value in found.items() if value}

    return sums


MEASURES = {"pieces": pieces_by_line, **{amount: by_rate(amount) for amount in ("net", "vat", "gross")}}


@st.composite
def requests(draw: st.DrawFn, original: OriginalDocument) -> dict[str, Any]:
    """Generate what a merchant may ask: pieces, an amount on a line, both, or an amount over all lines."""
    amounts = st.integers(1, max(1, int(sum(line.gross for line in original.lines) * 100)))
    amount = st.one_of(st.none(), amounts.map(lambda cents: Decimal(cents).scaleb(-2)))
    lines = draw(st.lists(st.sampled_from(original.lines), max_size=3, unique_by=lambda line: line.ref))
    asked = []
    for line in lines:
        pieces = draw(st.one_of(st.none(), st.integers(1, int(line.quantity)).map(Decimal)))
        asked.append(CreditLineRequest(line.ref, pieces, draw(amount), draw(st.booleans())))
    return {"lines": asked, "amount": draw(amount)}


@many
@given(shop_orders(), st.data())
def test_credit_notes_add_up_to_the_invoice_in_money_vat_and_pieces(
    case: ShopOrder, data: st.DataObject
) -> None:
    draft = build_or_stop(case)
    if draft is None:
        return
    level = data.draw(st.sampled_from(LEVELS))
    merchant_settings = replace(case.settings, rounding_level=level)
    original = OriginalDocument("FR 2026FR/1", "FR", draft.customer, draft.lines)
    for asked in (data.draw(requests(original)) for _ in range(data.draw(st.integers(0, 4)))):
        try:
            note = credit_note.build_credit_note(original, merchant_settings, TODAY, **asked)
        except NotAllowedError as error:
            assert error.code in (*REFUSALS, "credit-nothing-left")
            continue
        if asked["amount"] is not None:
            assert note.gross == asked["amount"]
        check_note(note, original, level)
        original = replace(original, credited=original.credited + note.lines)
    left = creditable.remaining_lines(original)
    if any(line.gross for line in left):
        last = credit_note.build_credit_note(original, merchant_settings, TODAY)
        check_note(last, original, level)
        original = replace(original, credited=original.credited + last.lines)
        assert pieces_by_line(original.credited) == pieces_by_line(draft.lines)
    for amount in ("net", "vat", "gross"):
        assert by_rate(amount)(original.credited) == by_rate(amount)(draft.lines)


def check_note(note: Draft, original: OriginalDocument, level: RoundingLevel) -> None:
    """Check one note: the provider arrives at its total, and nothing exceeds what is left of the invoice."""
    assert provider_total(note.lines, level) == Fraction(note.gross)
    assert note.gross > 0 and all(
        part.net + part.vat == part.gross and min(part.net, part.vat, part.gross) >= 0
        for part in (*note.lines, *note.summary)
    )
    after = original.credited + note.lines
    for name, measure in MEASURES.items():
        issued, credited = measure(original.lines), measure(after)
        assert all(credited[key] <= issued.get(key, 0) for key in credited), name
    assert not any(line.sku for line in note.lines if line.kind in ("reduction", "unstocked"))
