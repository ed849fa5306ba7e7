"""A merchant with a shop on two platforms, and one account at the provider for both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from shopapp.documents import audit, merchant_actions
from shopapp.errors import MerchantError
from shopapp.fiscal.order import Order
from shopapp.jobs import maintenance
from shopapp.models import Document, Store, db, now
from shopapp.models.document import REVIEW
from shopapp.platforms import PLATFORMS
from shopapp.platforms.base import Attachment, OrderSummary
from tests import fakes
from tests.fakes import FakePlatform, PlatformState, World, atcud_of, paid_order

OTHER = PlatformState()


@contextmanager
def _other_shop() -> Iterator[None]:
    first, fakes.PLATFORM_STATE = fakes.PLATFORM_STATE, OTHER
    try:
        yield
    finally:
        fakes.PLATFORM_STATE = first


class OtherPlatform(FakePlatform):
    """A second platform with orders of its own, whose numbers are the same."""

    name, label = "othershop", "Other"

    def read_order(self, order_id: str) -> Order:
        with _other_shop():
            return super().read_order(order_id)

    def order_summary(self, order_id: str) -> OrderSummary:
        with _other_shop():
            return super().order_summary(order_id)

    def paid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        with _other_shop():
            yield from list(super().paid_orders(since))

    def unpaid_orders(self, since: datetime) -> Iterator[OrderSummary]:
        with _other_shop():
            yield from list(super().unpaid_orders(since))

    def attach_document(self, order_id: str, document: Attachment) -> None:
        with _other_shop():
            super().attach_document(order_id, document)


@pytest.fixture
def other(world: World, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The merchant's store on the second platform, at the same account of the provider."""
    OTHER.__init__()  # type: ignore[misc]
    monkeypatch.setitem(PLATFORMS, "othershop", OtherPlatform)
    store = Store.install("othershop", "fake", name="Outra loja", language="pt")
    store.set_tokens("access", "refresh", 3600)
    store.hooks_token, store.hooks_checked_at, store.reconciled_at = "hooks-token", now(), now()
    store.ready_at = world.store.ready_at
    account = world.add_account(store)
    account.fingerprint = world.account.fingerprint
    db.session.commit()
    return store


def _sell_in_both(world: World, other: Store, *numbers: str) -> None:
    for number in numbers:
        world.pay_order(number)
        OTHER.orders[number] = paid_order(number, total=Decimal("24.60"), lines=(
            replace(paid_order().lines[0], quantity=Decimal(2)),))  # fmt: skip
        world.receive_webhook(number, store=other)
    world.run_due_work()


def test_both_shops_issue_in_one_series_and_no_number_is_taken_twice(world: World, other: Store) -> None:
    _sell_in_both(world, other, "1001", "1002", "1003")
    issued = Document.query.order_by(Document.number).all()
    assert [row.number for row in issued] == [f"FR 2026FR/{number}" for number in range(1, 7)]
    assert len({reference for reference, _ in world.provider.ledger}) == 6
    assert {(row.store_id, str(row.total)) for row in issued} == {
        (world.store.id, "12.30"), (other.id, "24.60"),
    }  # fmt: skip
    for number in ("1001", "1002", "1003"):
        (here,), (there,) = world.shop.attachments[number], OTHER.attachments[number]
        assert here.number == world.document(number).number
        assert there.number == world.document(number, other).number


def test_what_happens_to_an_order_of_one_shop_does_not_reach_the_other(world: World, other: Store) -> None:
    _sell_in_both(world, other, "1001")
    OTHER.orders["1001"] = replace(OTHER.orders["1001"], status="cancelled")
    world.receive_webhook("1001", "order_canceled", store=other)
    world.run_due_work()
    db.session.execute(db.update(Store).values(reconciled_at=None))
    db.session.commit()
    maintenance.poll_due_stores(every=0)
    world.run_due_work()
    assert (world.document("1001").alarm, world.document("1001", other).alarm) == ("", "cancelled-after")
    assert len(world.provider.ledger) == 2


def test_the_audit_of_one_shop_leaves_the_others_documents_alone(world: World, other: Store) -> None:
    world.provider.lists_documents = True
    _sell_in_both(world, other, "1001", "1002")
    before = [(row.id, row.state, row.alarm, row.account_id) for row in Document.query.order_by(Document.id)]
    for store in (world.store, other):
        account = fakes.Account.find_current(store)
        assert account is not None
        audit.audit_account(account, world.store.ready_at)
    after = [(row.id, row.state, row.alarm, row.account_id) for row in Document.query.order_by(Document.id)]
    assert after == before


def test_a_number_that_the_other_shop_has_cannot_be_typed_here(world: World, other: Store) -> None:
    _sell_in_both(world, other, "1001")
    taken = str(world.document("1001", other).number)
    Document.create_if_absent(world.store, "1002")
    waiting = Document.find(world.store.id, "1002")
    assert waiting is not None
    waiting.state, waiting.account_id = REVIEW, world.account.id
    db.session.commit()
    with pytest.raises(MerchantError) as raised:
        merchant_actions.confirm_issued(waiting, taken, Decimal("24.60"), atcud_of(taken))
    assert (raised.value.code, raised.value.detail) == ("number-taken", {"order": "1001 (Outra loja)"})
