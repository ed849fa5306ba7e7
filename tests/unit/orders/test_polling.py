"""Polling finds orders that a webhook should have announced and did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from shopapp.errors import UnreachableError
from shopapp.jobs import maintenance
from shopapp.models import Document, Sale, Store, Webhook, db, now
from tests.fakes import World, paid_order


def _reconcile(world: World) -> int:
    db.session.rollback()
    db.session.execute(update(Store).values(reconcile_lease_until=None))
    db.session.commit()
    db.session.expire_all()
    found = maintenance.poll_due_stores(every=0)
    world.run_due_work()
    return found


def _placed(world: World, number: str, days_ago: float, status: str = "open") -> None:
    then = datetime.now(UTC) - timedelta(days=days_ago)
    world.shop.orders[number] = paid_order(number, status=status, created_at=then)


def _ready_long_ago(world: World, days: float = 50) -> None:
    world.store.ready_at = world.store.installed_at = now() - timedelta(days=days)
    db.session.commit()


def test_an_order_paid_long_after_newer_ones_is_found_by_reading_it_again(world: World) -> None:
    _ready_long_ago(world)
    _placed(world, "900", days_ago=0.5)
    _reconcile(world)
    assert Document.find(world.store.id, "900") is None
    # Ten days later the newest pages no longer reach back to the order, and today's full scan is done.
    _placed(world, "900", days_ago=10, status="paid")
    for number in ("1001", "1002"):
        world.pay_order(number)
    world.run_due_work()
    assert _reconcile(world) == 1
    assert world.document("900").state == "issued"


def test_an_abandoned_order_that_is_paid_after_all_is_found(world: World) -> None:
    _ready_long_ago(world)
    _placed(world, "900", days_ago=1, status="abandoned")
    _reconcile(world)
    _placed(world, "900", days_ago=1, status="paid")
    assert _reconcile(world) == 1
    assert world.document("900").state == "issued"


def test_an_order_never_seen_and_paid_late_is_found_by_the_daily_pass(world: World) -> None:
    _ready_long_ago(world)
    world.store.combed_at = now()
    db.session.commit()
    _placed(world, "900", days_ago=20, status="paid")
    assert _reconcile(world) == 0
    world.store.combed_at = now() - timedelta(days=2)
    db.session.commit()
    assert _reconcile(world) == 1
    db.session.refresh(world.store)
    assert world.store.combed_at is not None and world.store.combed_at > now() - timedelta(minutes=5)


def test_an_unpaid_order_is_read_again_and_leaves_no_transitions(world: World) -> None:
    world.pay_order("1001", status="open")
    world.run_due_work()
    for _ in range(3):
        _reconcile(world)
    row = world.document()
    assert (row.state, row.reason) == ("waiting", "unpaid")
    assert len(row.transitions) == 2


def test_an_order_that_is_gone_from_the_shop_is_not_asked_for_again(world: World) -> None:
    _ready_long_ago(world)
    _placed(world, "900", days_ago=1)
    _reconcile(world)
    del world.shop.orders["900"]
    _reconcile(world)
    world.shop.calls.clear()
    _reconcile(world)
    assert "sale" not in world.shop.calls


def test_an_order_cancelled_without_a_webhook_is_flagged(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    world.shop.orders["1001"] = paid_order("1001", status="cancelled")
    _reconcile(world)
    assert world.document().alarm == "cancelled-after"
    world.document().alarm = ""
    db.session.commit()
    _reconcile(world)
    assert world.document().alarm == ""


def test_a_shop_that_fails_is_asked_again_after_a_while_and_nothing_is_lost(world: World) -> None:
    other = world.add_store("other")
    db.session.execute(update(Store).values(reconciled_at=now() - timedelta(hours=1)))
    db.session.commit()
    world.shop.orders["77"] = paid_order("77")
    world.shop.errors["paid_orders"] = [UnreachableError("unreachable")]
    world.store.reconciled_at = now() - timedelta(hours=2)
    db.session.commit()
    maintenance.poll_due_stores(every=600)
    assert Document.find(world.store.id, "77") is None and Document.find(other.id, "77") is not None
    world.shop.calls.clear()
    maintenance.poll_due_stores(every=600)
    assert world.shop.calls == []
    _reconcile(world)
    assert Document.find(world.store.id, "77") is not None


def test_two_clocks_poll_a_store_once(world: World) -> None:
    assert world.store.acquire_lease("reconcile", 60)
    world.shop.orders["77"] = paid_order("77")
    assert maintenance.poll_due_stores(every=0) == 0
    assert Sale.list_unpaid(world.store.id, 60, {"open": 5}) == []


# Webhooks that stopped arriving


def _unannounced(world: World, *numbers: str) -> None:
    _ready_long_ago(world)
    for number in numbers:
        world.shop.orders[number] = paid_order(number)
    _reconcile(world)
    db.session.refresh(world.store)


def _ago(world: World, seconds: float) -> None:
    world.store.unheard_at = now() - timedelta(seconds=seconds)
    db.session.commit()


def test_silent_webhooks_are_recreated_and_the_time_is_kept(world: World) -> None:
    _unannounced(world, "77")
    assert world.store.unheard == 1
    assert maintenance.resubscribe_silent_webhooks(7200) == 0
    _ago(world, 7201)
    assert maintenance.resubscribe_silent_webhooks(7200) == 1
    assert "listen again" in world.shop.calls
    db.session.refresh(world.store)
    assert (world.store.hooks_problem, world.store.unheard, world.store.unheard_at) == ("silent", 0, None)
    assert world.store.hooks_problem_at is not None
    assert maintenance.resubscribe_silent_webhooks(0) == 0


def test_several_orders_without_a_webhook_recreate_webhooks_sooner(world: World) -> None:
    _unannounced(world, "77", "78", "79")
    _ago(world, 601)
    assert maintenance.resubscribe_silent_webhooks(7200) == 1


def test_one_lost_webhook_among_others_changes_nothing(world: World) -> None:
    _unannounced(world, "77")
    _ago(world, 7201)
    world.pay_order("78")
    assert maintenance.resubscribe_silent_webhooks(7200) == 0
    db.session.refresh(world.store)
    assert world.store.unheard_at is None


def test_an_order_older_than_our_webhooks_does_not_count_as_missed(world: World) -> None:
    world.shop.orders["77"] = paid_order("77", created_at=datetime.now(UTC) - timedelta(hours=1))
    _reconcile(world)
    db.session.refresh(world.store)
    assert world.store.unheard == 0


def test_product_webhooks_do_not_hide_silent_order_webhooks(world: World) -> None:
    _unannounced(world, "77")
    _ago(world, 7201)
    Webhook.record(world.store.id, "product_updated", "0" * 64, b'{"product": {"id": 7}}')
    assert maintenance.resubscribe_silent_webhooks(7200) == 1
