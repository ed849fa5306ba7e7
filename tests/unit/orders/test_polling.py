"""Polling finds orders that a webhook should have announced and did not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import update

from shopapp.errors import OrderError, UnreachableError
from shopapp.jobs import maintenance
from shopapp.models import Document, Sale, Store, UnreadableOrder, Webhook, db, now
from shopapp.platforms.base import OrderSummary
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


# Rows of the list that cannot be read, and orders that the shop fails to answer


def _listed(world: World, *rows: OrderSummary) -> None:
    """Have the shop's list of paid orders contain these rows before its readable ones."""
    world.shop.odd_rows = list(rows)


def _odd_row(number: str = "", **values: Any) -> OrderSummary:
    known: dict[str, Any] = {
        "created_at": now(),
        "total": Decimal("12.30"),
        "key": number or "row-1",
        **values,
    }
    return OrderSummary(number, "paid", **known)


def _set_aside(world: World) -> list[tuple[str, str, Decimal | None]]:
    db.session.rollback()
    return [(row.order_id, row.fields, row.total) for row in UnreadableOrder.list_of_store(world.store.id)]


def test_a_bad_row_is_set_aside_and_the_others_go_on(world: World) -> None:
    world.shop.orders["77"] = paid_order("77")
    _listed(world, _odd_row(unreadable=("id",)), _odd_row("78", total=None, unreadable=("total",)))
    _reconcile(world)
    assert world.document("77").state == "issued"
    assert sorted(_set_aside(world)) == [("", "id", Decimal("12.30")), ("78", "total", None)]
    _reconcile(world)
    assert len(_set_aside(world)) == 2


def test_a_row_without_a_date_or_amount_is_requested_by_its_number_all_the_same(world: World) -> None:
    _ready_long_ago(world, days=100)
    _listed(world, _odd_row("78", created_at=None, total=None, unreadable=("date", "total")))
    world.shop.orders["78"] = paid_order("78", created_at=now() - timedelta(days=90))
    assert _reconcile(world) == 1
    assert world.document("78").state == "issued"


def test_a_row_is_forgotten_once_the_shop_answers_it_properly(world: World) -> None:
    _listed(world, _odd_row(created_at=None, unreadable=("id", "date")))
    _reconcile(world)
    assert len(_set_aside(world)) == 1
    _listed(world)
    world.shop.errors["other_orders"] = [UnreachableError("unreachable")]
    _reconcile(world)
    assert len(_set_aside(world)) == 1, "the list was not read to its end"
    _reconcile(world)
    assert _set_aside(world) == []


def test_an_order_that_is_listed_as_paid_counts_even_if_it_cannot_be_read(world: World) -> None:
    world.shop.orders["77"] = paid_order("77")
    world.shop.errors["order"] = [OrderError("order-unreadable")]
    _reconcile(world)
    assert world.document("77").state == "blocked"
    sale = Sale.get_or_create(world.store.id, "77")
    assert (sale.status, sale.total, sale.paid_at is not None) == ("paid", Decimal("12.30"), True)


def test_an_order_announced_as_paid_counts_before_it_is_read(world: World) -> None:
    world.pay_order("77")
    world.shop.errors["order"] = [OrderError("order-unreadable")]
    world.run_due_work()
    sale = Sale.get_or_create(world.store.id, "77")
    assert (sale.status, sale.paid_at) == ("paid", sale.first_paid_hook_at)


def test_one_order_that_the_shop_fails_to_answer_does_not_stop_the_others(world: World) -> None:
    _ready_long_ago(world)
    for number in ("900", "901"):
        _placed(world, number, days_ago=10)
        Sale.get_or_create(world.store.id, number).status = "open"
    world.store.combed_at = now()
    db.session.commit()
    world.shop.orders["901"] = paid_order("901", created_at=now() - timedelta(days=10))
    world.shop.errors["sale"] = [UnreachableError("unreachable")]
    assert _reconcile(world) == 1
    assert world.document("901").state == "issued"


def test_a_shop_that_fails_for_every_order_counts_as_down(world: World) -> None:
    _ready_long_ago(world)
    for number in range(900, 905):
        _placed(world, str(number), days_ago=10)
        Sale.get_or_create(world.store.id, str(number)).status = "open"
    world.store.combed_at = then = now() - timedelta(minutes=1)
    world.store.reconciled_at = then
    db.session.commit()
    world.shop.errors["sale"] = [UnreachableError("unreachable")] * 5
    _reconcile(world)
    db.session.refresh(world.store)
    assert world.store.reconciled_at == then


def test_the_first_poll_looks_back_over_a_month(world: World) -> None:
    _placed(world, "900", days_ago=29, status="paid")
    _reconcile(world)
    assert world.document("900").reason == "older"
    assert Sale.get_or_create(world.store.id, "900").status == "paid"


def test_a_total_that_changed_soon_after_its_document_is_flagged_within_the_hour(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    line = replace(paid_order().lines[0], unit_price=Decimal("20.00"))
    world.shop.orders["1001"] = paid_order("1001", total=Decimal("20.00"), lines=(line,))
    _reconcile(world)
    sale = Sale.get_or_create(world.store.id, "1001")
    assert (world.document().alarm, sale.total) == ("", Decimal("20.00"))
    sale.checked_at = now() - timedelta(hours=2)
    db.session.commit()
    _reconcile(world)
    assert world.document().alarm == "changed-after"


def test_the_total_of_an_order_that_waits_follows_the_list(world: World) -> None:
    world.account.settings = {**world.account.settings, "automatic": False}
    world.pay_order("1001")
    world.run_due_work()
    world.shop.orders["1001"] = paid_order("1001", total=Decimal("20.00"))
    _reconcile(world)
    assert Sale.get_or_create(world.store.id, "1001").total == Decimal("20.00")
