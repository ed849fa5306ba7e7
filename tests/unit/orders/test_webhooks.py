"""What a stored webhook does: several of one action, one that is suspended, stores without webhooks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shopapp.connections.subscriptions import webhook_secret_of
from shopapp.jobs import maintenance
from shopapp.models import Document, Store, db, now
from shopapp.platforms import PLATFORMS
from tests.fakes import FakeSecretlessPlatform, World, paid_order


@pytest.fixture
def secretless(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose shop signs webhooks with a secret that nobody has told us."""
    monkeypatch.setitem(PLATFORMS, "fakeshop", FakeSecretlessPlatform)
    world.store.hooks_token = None
    db.session.commit()
    return world


def _poll(world: World, every: float) -> int:
    db.session.execute(db.update(Store).values(reconcile_lease_until=None))
    db.session.commit()
    found = maintenance.poll_due_stores(every)
    world.run_due_work()
    return found


def test_several_webhooks_of_one_payment_cost_one_read(world: World) -> None:
    world.shop.orders["1001"] = paid_order()
    for event in ("order_updated", "order_paid", "order_change_status"):
        world.receive_webhook("1001", event, created_at=now().isoformat())
    world.run_due_work()
    assert world.document().state == "issued" and world.shop.calls.count("order") == 1
    world.receive_webhook("1001", "order_updated", more="edited later")
    world.run_due_work()
    assert world.shop.calls.count("order") == 2


def test_a_payment_is_seen_although_the_webhook_of_payments_is_suspended(world: World) -> None:
    world.shop.orders["1001"] = paid_order()
    world.receive_webhook("1001", "order_updated", created_at=now().isoformat())
    world.run_due_work()
    assert world.document().state == "issued"


def test_an_older_order_that_is_edited_gets_no_row(world: World) -> None:
    before = now() - timedelta(days=300)
    world.shop.orders["1001"] = paid_order(created_at=before)
    world.receive_webhook("1001", "order_updated", created_at=before.isoformat())
    world.run_due_work()
    assert Document.find(world.store.id, "1001") is None


def test_a_store_whose_secret_nobody_knows_has_no_webhooks_and_is_polled_more_often(
    secretless: World,
) -> None:
    secretless.store.hooks_checked_at = None
    secretless.store.reconciled_at = now() - timedelta(seconds=61)
    secretless.shop.orders["77"] = paid_order("77")
    db.session.commit()
    maintenance.check_webhooks(every=3600)
    assert secretless.shop.webhooks == [] and _poll(secretless, every=600) == 1
    assert secretless.document("77").state == "issued"
    db.session.expire_all()
    assert secretless.store.unheard == 0, "no webhook was to be expected"
    assert _poll(secretless, every=600) == 0


def test_with_the_secret_it_has_webhooks_and_is_polled_as_usual(secretless: World) -> None:
    secretless.store.hooks_token = "from the merchant"
    secretless.store.hooks_checked_at = None
    secretless.store.reconciled_at = now() - timedelta(seconds=61)
    secretless.shop.orders["77"] = paid_order("77")
    db.session.commit()
    assert webhook_secret_of(secretless.store) == "from the merchant"
    maintenance.check_webhooks(every=3600)
    assert len(secretless.shop.webhooks) == 2 and _poll(secretless, every=600) == 0


def test_webhooks_signed_with_another_secret_are_told_to_the_merchant(secretless: World) -> None:
    secretless.store.hooks_token, secretless.store.refused_hooks = "wrong", 3
    db.session.commit()
    maintenance.reread_webhook_tokens()
    db.session.refresh(secretless.store)
    assert (secretless.store.hooks_problem, secretless.store.refused_hooks) == ("refused", 0)
