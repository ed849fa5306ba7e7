"""The options of PHC GO on the whole road: drafts, notes, transport, guide, mail; and one document each."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from dev.house import House
from dev.merchant import until
from dev.phcgo import OLARIA, PhcGoMerchant
from tests.journey.living import BOOK, MUG, PATIENCE, QUICK, World

pytestmark = pytest.mark.journey

ALL = {
    "drafts": "yes", "notes": "yes", "note_drafts": "", "transport": "yes", "guide": "yes", "email_buyer": "yes",
    "loading_street": "Rua da Olaria 7", "loading_postal_code": "2900-100", "loading_city": "Setúbal",
    "leaves_at": "23:59", "exemption": "M07",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with House(settings=QUICK, clock_scale=600) as house:
        yield World(house)


@pytest.fixture(scope="module")
def olaria(world: World) -> PhcGoMerchant:
    """A merchant of PHC GO who chose every option."""
    made = PhcGoMerchant(world.house, "olariadosado", OLARIA)
    made.set_up(**ALL)
    told = "SELECT 1 FROM store WHERE code = :shop AND hooks_checked_at IS NOT NULL"
    until(lambda: world.rows.all(told, shop=made.shop), "the shop tells of unpaid orders too", PATIENCE)
    return made


def ours(merchant: PhcGoMerchant, what: str, order: Any) -> list[dict[str, Any]]:
    """What the program keeps of that order."""
    return [
        row for row in merchant.seen(what) if f"-{order}" in str(row.get("reference", row.get("obs", "")))
    ]


def test_an_order_is_drafted_noted_signed_moved_and_mailed(olaria: PhcGoMerchant) -> None:
    number = olaria.order(lines=[MUG])["id"]
    until(lambda: ours(olaria, "drafts", number), "its draft", PATIENCE)
    until(lambda: ours(olaria, "dossiers", number), "its note", PATIENCE)
    assert ours(olaria, "ledger", number) == []
    olaria.act(number, "pay")
    papers = until(lambda: both(olaria, number), "invoice and guide", PATIENCE)
    assert sorted(paper["number"][:2] for paper in papers) == ["FR", "GT"], papers
    until(lambda: not ours(olaria, "drafts", number), "no draft is left", PATIENCE)
    until(lambda: olaria.seen("outbox"), "the program mailed it", PATIENCE)


def both(merchant: PhcGoMerchant, order: Any) -> list[dict[str, Any]]:
    found = ours(merchant, "ledger", order)
    return found if len(found) == 2 else []


def test_an_order_that_is_edited_is_signed_as_it_was_paid(olaria: PhcGoMerchant) -> None:
    number = olaria.order(lines=[MUG])["id"]
    (former,) = until(lambda: ours(olaria, "drafts", number), "its draft", PATIENCE)
    order = olaria._shop(f"edit/{number}", {"spec": {"lines": [MUG, BOOK]}})
    until(lambda: [one for one in ours(olaria, "drafts", number) if one != former], "another draft", PATIENCE)
    olaria.act(number, "pay")
    papers = until(lambda: both(olaria, number), "invoice and guide", PATIENCE)
    (invoice,) = [paper for paper in papers if paper["number"].startswith("FR")]
    assert Decimal(str(invoice["total"])) == Decimal(str(order["total"]))
    until(lambda: not ours(olaria, "drafts", number), "no draft is left", PATIENCE)


def test_a_cancelled_order_leaves_no_draft(olaria: PhcGoMerchant) -> None:
    number = olaria.order(lines=[MUG])["id"]
    until(lambda: ours(olaria, "drafts", number), "its draft", PATIENCE)
    olaria.act(number, "cancel")
    until(lambda: not ours(olaria, "drafts", number), "its draft is gone", PATIENCE)
    assert ours(olaria, "ledger", number) == []
