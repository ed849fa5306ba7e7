"""The options of PHC GO end to end: drafts, notes, transport, guide and e-mail, with one document of each."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from dev.merchant import wait_until
from dev.phcgo_merchant import OLARIA, PhcGoMerchant
from tests.end_to_end.stack_world import BOOK, MUG, TIMEOUT, StackWorld, running_world

pytestmark = pytest.mark.journey

ALL = {
    "drafts": "yes", "notes": "yes", "note_drafts": "", "transport": "yes", "guide": "yes", "email_buyer": "yes",
    "loading_street": "Rua da Olaria 7", "loading_postal_code": "2900-100", "loading_city": "Setúbal",
    "leaves_at": "23:59", "exemption": "M07",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world() as world:
        yield world


@pytest.fixture(scope="module")
def olaria(world: StackWorld) -> PhcGoMerchant:
    """Return a merchant with PHC GO who chose every option."""
    made = PhcGoMerchant(world.stack, "olariadosado", OLARIA)
    made.set_up(**ALL)
    told = "SELECT 1 FROM store WHERE code = :shop AND hooks_checked_at IS NOT NULL"
    wait_until(
        lambda: world.database.select(told, shop=made.shop),
        "the shop sends webhooks of unpaid orders too",
        TIMEOUT,
    )
    return made


def ours(merchant: PhcGoMerchant, what: str, order: Any) -> list[dict[str, Any]]:
    """Return the documents that the provider has for that order."""
    return [
        row
        for row in merchant.stand_in_rows(what)
        if f"-{order}" in str(row.get("reference", row.get("obs", "")))
    ]


def test_an_order_gets_draft_note_invoice_transport_guide_and_email(olaria: PhcGoMerchant) -> None:
    number = olaria.place_order(lines=[MUG])["id"]
    wait_until(lambda: ours(olaria, "drafts", number), "its draft", TIMEOUT)
    wait_until(lambda: ours(olaria, "dossiers", number), "its note", TIMEOUT)
    assert ours(olaria, "ledger", number) == []
    olaria.change_order(number, "pay")
    documents = wait_until(lambda: both(olaria, number), "invoice and guide", TIMEOUT)
    assert sorted(document["number"][:2] for document in documents) == ["FR", "GT"], documents
    wait_until(lambda: not ours(olaria, "drafts", number), "no draft is left", TIMEOUT)
    wait_until(lambda: olaria.stand_in_rows("outbox"), "the provider e-mailed it", TIMEOUT)


def both(merchant: PhcGoMerchant, order: Any) -> list[dict[str, Any]]:
    found = ours(merchant, "ledger", order)
    return found if len(found) == 2 else []


def test_an_edited_order_is_signed_as_it_was_paid(olaria: PhcGoMerchant) -> None:
    number = olaria.place_order(lines=[MUG])["id"]
    (former,) = wait_until(lambda: ours(olaria, "drafts", number), "its draft", TIMEOUT)
    order = olaria._post_to_shop(f"edit/{number}", {"spec": {"lines": [MUG, BOOK]}})
    wait_until(
        lambda: [one for one in ours(olaria, "drafts", number) if one != former], "another draft", TIMEOUT
    )
    olaria.change_order(number, "pay")
    documents = wait_until(lambda: both(olaria, number), "invoice and guide", TIMEOUT)
    (invoice,) = [document for document in documents if document["number"].startswith("FR")]
    assert Decimal(str(invoice["total"])) == Decimal(str(order["total"]))
    wait_until(lambda: not ours(olaria, "drafts", number), "no draft is left", TIMEOUT)


def test_a_cancelled_order_leaves_no_draft(olaria: PhcGoMerchant) -> None:
    number = olaria.place_order(lines=[MUG])["id"]
    wait_until(lambda: ours(olaria, "drafts", number), "its draft", TIMEOUT)
    olaria.change_order(number, "cancel")
    wait_until(lambda: not ours(olaria, "drafts", number), "its draft is gone", TIMEOUT)
    assert ours(olaria, "ledger", number) == []
