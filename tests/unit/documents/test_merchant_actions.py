"""Each click of the merchant is one state transition; a click that comes too late changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shopapp.documents import hand_made_links, merchant_actions
from shopapp.errors import CredentialsError, MerchantError, RefusedError, UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.party import Address, Party
from shopapp.models import Account, Document, db
from tests.fakes import World, atcud_of


def _lost_before(draft: Draft, reference: str) -> Issued | None:
    raise UncertainError("outcome-unknown", how="timeout")


def _in_review(world: World, number: str = "1001") -> Any:
    world.provider.planned_issues = [_lost_before]
    world.pay_order(number)
    world.run_due_work()
    document = world.document(number)
    assert document.state == "review"
    return document


def _hour(document: Document) -> str:
    sent = hand_made_links.sent_at(document).astimezone(ZoneInfo(document.store.timezone))
    return f"{sent:%H:%M}"


def test_confirming_not_issued_sends_the_same_draft_byte_for_byte(world: World) -> None:
    document = _in_review(world)
    before = document.draft_hash
    world.shop.orders["1001"] = world.shop.orders["1001"].__class__(
        **{
            **{k: getattr(world.shop.orders["1001"], k) for k in world.shop.orders["1001"].__slots__},
            "buyer": Party(name="Outro Nome"),
        }
    )
    merchant_actions.confirm_not_issued(document)
    world.run_due_work()
    row = world.document()
    assert (row.state, row.draft_hash, row.attempt) == ("issued", before, 2)
    assert world.provider.ledger[0][1].customer.name == "Ana Exemplo"


def test_confirming_issued_records_the_number_and_issues_nothing(world: World) -> None:
    document = _in_review(world)
    merchant_actions.confirm_issued(document, "FR  2026FR/77", Decimal("12.30"), "JFX4RT2K-77")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.number, row.settled_by) == ("issued", "FR 2026FR/77", "merchant")
    assert world.provider.ledger == []
    assert [shown.number for shown in world.shop.attachments["1001"]] == ["FR 2026FR/77"]


def test_a_number_that_is_taken_is_refused(world: World) -> None:
    world.pay_order("1000")
    world.run_due_work()
    document = _in_review(world)
    with pytest.raises(MerchantError) as refused:
        merchant_actions.confirm_issued(document, "fr 2026fr/1", Decimal("12.30"), "JFX4RT2K-1")
    assert (refused.value.code, refused.value.detail) == ("number-taken", {"order": "1000"})
    assert world.document().state == "review"


def test_the_same_number_at_a_former_account_is_another_document(world: World) -> None:
    world.pay_order("1000")
    world.run_due_work()
    issued = world.document("1000")
    account = Account.connect(world.store, "fakebooks", "another entity")
    account.credentials, account.settings = {"key": "another"}, dict(world.account.settings)
    db.session.commit()
    document = _in_review(world)
    assert document.account_id != issued.account_id
    merchant_actions.confirm_issued(
        document, issued.number or "", Decimal("12.30"), atcud_of(issued.number or "")
    )
    assert (world.document().state, world.document().number) == ("issued", issued.number)


def test_a_total_that_is_not_ours_is_refused(world: World) -> None:
    document = _in_review(world)
    with pytest.raises(MerchantError) as refused:
        merchant_actions.confirm_issued(document, "FR 2026FR/77", Decimal("12.31"), hour=_hour(document))
    assert refused.value.code == "total-not-ours"
    assert world.document().state == "review"


@pytest.mark.parametrize("number", ["", "   ", "sem número", "FR " + "9" * 70])
def test_a_malformed_number_is_refused(world: World, number: str) -> None:
    document = _in_review(world)
    with pytest.raises(MerchantError) as refused:
        merchant_actions.confirm_issued(document, number, Decimal("12.30"))
    assert refused.value.code == "number-shape"


def test_two_tabs_answer_a_doubt_only_once(world: World) -> None:
    document = _in_review(world)
    merchant_actions.confirm_not_issued(document)
    with pytest.raises(merchant_actions.StateConflictError):
        merchant_actions.confirm_issued(world.document(), "FR 2026FR/77", Decimal("12.30"), "JFX4RT2K-77")
    world.run_due_work()
    assert len(world.provider.ledger) == 1


def test_a_corrected_nif_is_issued(world: World) -> None:
    world.pay_order("1001", buyer=Party(name="Rui Exemplo", tax_id="123456780"))
    world.run_due_work()
    assert world.document().state == "blocked"
    merchant_actions.request_issue(world.document(), {"tax_id": "123456789"})
    world.run_due_work()
    assert world.document().state == "issued"
    assert world.provider.ledger[0][1].customer.tax_id == "123456789"


@pytest.mark.parametrize("tax_id", ["", "123456789"])
def test_an_order_whose_buyer_was_deleted_is_issued_once_the_merchant_says_so(
    world: World, tax_id: str
) -> None:
    world.pay_order("1001", buyer=Party(is_erased=True), ship_to=None)
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("blocked", "customer-erased")
    merchant_actions.request_issue(world.document(), {"is_erased": False, "tax_id": tax_id, "country": "PT"})
    world.run_due_work()
    assert world.document().state == "issued"
    customer = world.provider.ledger[0][1].customer
    assert (customer.print_tax_id, customer.country) == (bool(tax_id), "PT")


def test_an_order_without_a_country_is_issued_in_the_one_that_the_merchant_chose(world: World) -> None:
    nowhere = Address("Rua 1", "1000-100", "Lisboa", "ZZ")
    world.pay_order("1001", buyer=Party(name="Rui", address=nowhere), ship_to=nowhere)
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("blocked", "country-unreadable")
    merchant_actions.request_issue(world.document(), {"country": "PT"})
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_refused_document_is_drafted_again_on_resend(world: World) -> None:
    def refuses(draft: Draft, reference: str) -> Issued | None:
        raise RefusedError("provider-refused", answer="Série fechada.")

    world.provider.planned_issues = [refuses]
    world.pay_order("1001")
    world.run_due_work()
    world.account.settings = {**world.account.settings, "series": {"FR": "2027FR"}}
    db.session.commit()
    merchant_actions.request_issue(world.document())
    world.run_due_work()
    row = world.document()
    assert (row.state, row.series) == ("issued", "2027FR")
    assert [one.draft_hash for one in row.attempts][0] != row.draft_hash


def test_an_older_order_is_issued_when_the_merchant_asks(world: World) -> None:
    from datetime import timedelta

    from shopapp.models import now

    world.pay_order("1001", created_at=now() - timedelta(days=30))
    world.run_due_work()
    assert world.document().reason == "older"
    merchant_actions.request_issue(world.document())
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_dismissed_order_is_not_issued_by_a_later_webhook(world: World) -> None:
    world.pay_order("1001", buyer=Party(name="Rui", tax_id="123456780"))
    world.run_due_work()
    merchant_actions.dismiss_document(world.document(), "FR 2025/9")
    world.receive_webhook("1001", more="again")
    world.run_due_work()
    row = world.document()
    assert (row.state, row.reason, row.detail) == ("void", "set-aside", {"other": "FR 2025/9"})
    assert world.provider.ledger == []


def test_good_keys_let_blocked_documents_go_on(world: World) -> None:
    def refuses(draft: Draft, reference: str) -> Issued | None:
        raise CredentialsError("keys-refused")

    world.provider.planned_issues = [refuses]
    world.pay_order("1001")
    world.pay_order("1002")
    world.run_due_work()
    db.session.refresh(world.account)
    assert merchant_actions.resume_account(world.account) == 1
    world.run_due_work()
    assert {world.document(n).state for n in ("1001", "1002")} == {"issued"}


def test_an_issued_document_can_be_mailed_again_but_not_issued_again(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    with pytest.raises(merchant_actions.StateConflictError):
        merchant_actions.request_issue(world.document())
    merchant_actions.resend_email(world.document(), "ana@example.pt")
    assert len(world.provider.ledger) == 1


def test_an_order_cancelled_in_the_shop_cannot_be_issued(world: World) -> None:
    world.pay_order("1001", status="cancelled")
    world.run_due_work()
    with pytest.raises(merchant_actions.StateConflictError):
        merchant_actions.request_issue(world.document())


def test_an_order_waiting_for_payment_is_not_issued_by_asking(world: World) -> None:
    world.pay_order("1001", status="open")
    world.run_due_work()
    merchant_actions.request_issue(world.document())
    world.run_due_work()
    assert (world.document().state, world.document().reason) == ("waiting", "unpaid")
