"""Texts are cut between words to what a document keeps, and the merchant is told."""

from __future__ import annotations

import pytest

from dev.order_factories import LISBON, make_line, make_order
from shopapp.fiscal.party import Party
from shopapp.fiscal.texts import shorten
from tests.unit.fiscal.build import build


@pytest.mark.parametrize(
    ("text", "size", "kept"),
    [
        ("Caneca azul", 11, "Caneca azul"),
        ("Caneca azul", 10, "Caneca"),
        ("Caneca azul grande", 11, "Caneca azul"),
        ("Caneca, azul", 8, "Caneca"),
        ("Extraordinariamente", 10, "Extraordin"),
        ("a bcdefghijklmnop", 10, "a bcdefghi"),
    ],
)
def test_a_text_is_cut_between_words_where_that_leaves_half_of_it(text: str, size: int, kept: str) -> None:
    assert shorten(text, size) == kept


def test_a_name_longer_than_a_document_keeps_is_shortened_with_a_warning() -> None:
    name, company = "Caneca de barro " * 30, "Exemplo & Filhos " * 10
    buyer = Party("Ana", "500000000", company, address=LISBON)
    draft = build(make_order(make_line(description=name), total="10.00", buyer=buyer))
    assert len(draft.lines[0].description) <= 200 and draft.lines[0].description.endswith(" Caneca")
    assert len(draft.customer.name) <= 100 and draft.customer.name.endswith(" Exemplo")
    assert "text-shortened" in draft.warnings


def test_texts_that_fit_stay_as_they_are() -> None:
    draft = build(make_order(make_line(description="Caneca " * 28), total="10.00"))
    assert draft.lines[0].description == "Caneca " * 28 and not draft.warnings
