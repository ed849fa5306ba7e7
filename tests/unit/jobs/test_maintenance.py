"""Changes that no webhook announced are found, and found only once."""

from __future__ import annotations

from datetime import timedelta

from shopapp.errors import StoreAccessError, UnreachableError
from shopapp.fiscal.party import Address
from shopapp.jobs import maintenance
from shopapp.models import Account, Document, Store, Webhook, db, document_queue, now
from shopapp.orders import webhooks
from tests.fakes import World, paid_order


def _claimed(world: World) -> Document:
    """Leave a document whose worker died while sending."""
    world.pay_order("1001")
    webhooks.process_next_webhook()
    document = document_queue.take()
    assert document is not None
    from datetime import date

    from shopapp.fiscal import invoice

    account = Account.find_current(world.store)
    assert account is not None
    draft = invoice.build_invoice(paid_order("1001"), account.fiscal_settings("rate_group"), date.today())
    assert document_queue.claim(document, draft, account, seconds=-1) == 1
    return document


def test_a_document_whose_worker_died_waits_for_a_person(world: World) -> None:
    _claimed(world)
    assert maintenance.expire_leases() == 1
    row = world.document()
    assert (row.state, row.reason) == ("review", "worker-died")
    assert row.attempts[0].outcome == "unknown"
    world.run_due_work()
    assert world.provider.ledger == []


def test_two_clocks_change_nothing_twice(world: World) -> None:
    _claimed(world)
    maintenance.expire_leases()
    assert maintenance.expire_leases() == 0
    assert len([move for move in world.document().transitions if move.new == "review"]) == 1


def test_a_lease_that_still_runs_is_left_alone(world: World) -> None:
    document = _claimed(world)
    assert document_queue.renew_lease(document, 60)
    assert maintenance.expire_leases() == 0
    assert world.document().state == "issuing"


def test_an_order_without_a_webhook_is_found(world: World) -> None:
    world.shop.orders["77"] = paid_order("77")
    assert maintenance.poll_due_stores(every=0) == 1
    world.run_due_work()
    assert world.document("77").state == "issued"
    assert maintenance.poll_due_stores(every=0) == 0


def test_a_store_just_polled_is_left_alone(world: World) -> None:
    world.shop.orders["77"] = paid_order("77")
    assert maintenance.poll_due_stores(every=600) == 0


def test_an_order_waiting_for_payment_is_read_again(world: World) -> None:
    world.pay_order("1001", status="open")
    world.run_due_work()
    world.shop.orders["1001"] = paid_order("1001")
    maintenance.poll_due_stores(every=0)
    world.run_due_work()
    assert world.document().state == "issued"


def test_missing_webhooks_are_created_and_the_problem_is_kept(world: World) -> None:
    world.store.hooks_checked_at = now() - timedelta(days=1)
    db.session.commit()
    assert maintenance.check_webhooks(every=3600) == 1
    assert len(world.shop.webhooks) == 2
    db.session.refresh(world.store)
    assert world.store.hooks_problem == "missing"


def test_webhooks_are_created_after_an_install_without_a_warning(world: World) -> None:
    world.store.hooks_checked_at = None
    db.session.commit()
    maintenance.check_webhooks(every=3600)
    db.session.refresh(world.store)
    assert (len(world.shop.webhooks), world.store.hooks_problem) == (2, "")


def test_one_store_in_trouble_does_not_stop_the_others(world: World) -> None:
    other = world.add_store("other")
    db.session.execute(db.update(Store).values(hooks_checked_at=None))
    db.session.commit()
    world.shop.errors["listen"] = [UnreachableError("unreachable")]
    maintenance.check_webhooks(every=3600)
    db.session.expire_all()
    assert [s.hooks_checked_at is None for s in (world.store, other)].count(True) == 1


def test_a_store_that_refuses_us_must_be_authorised_again(world: World) -> None:
    world.store.hooks_checked_at = None
    db.session.commit()
    world.shop.errors["listen"] = [StoreAccessError("access")]
    maintenance.check_webhooks(every=3600)
    db.session.refresh(world.store)
    assert world.store.state == "reauthorise"


def test_an_order_cancelled_while_it_was_sent_is_flagged_once(world: World) -> None:
    from shopapp.models import Sale

    world.pay_order("1001")
    world.run_due_work()
    Sale.get_or_create(world.store.id, "1001").cancelled_at = now()
    db.session.commit()
    assert maintenance.flag_cancelled() == 1
    assert world.document().alarm == "cancelled-after"
    assert maintenance.flag_cancelled() == 0


def test_old_bodies_are_deleted_and_their_hashes_stay(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    hook = db.session.scalars(db.select(Webhook)).one()
    hook.received_at = now() - timedelta(days=31)
    db.session.commit()
    maintenance.delete_expired_rows()
    db.session.refresh(hook)
    assert (hook.body, bool(hook.body_hash)) == (None, True)


def test_refused_signatures_reread_the_token_once_in_ten_minutes(world: World) -> None:
    world.store.refused_hooks, world.store.hooks_token_read_at = 3, now() - timedelta(hours=1)
    world.store.hooks_token = "old-token"
    db.session.commit()
    maintenance.reread_webhook_tokens()
    db.session.refresh(world.store)
    assert (world.store.hooks_token, world.store.refused_hooks) == ("hooks-token", 0)
    calls = len(world.shop.calls)
    world.store.refused_hooks = 1
    db.session.commit()
    maintenance.reread_webhook_tokens()
    assert len(world.shop.calls) == calls


def test_distance_sales_of_earlier_releases_are_marked_once(world: World) -> None:
    abroad = Address("Calle del Ejemplo 4", "28001", "Madrid", "ES")
    for number, at in (("1001", None), ("1002", abroad), ("1003", abroad)):
        world.pay_order(number, **({"ship_to": at} if at else {}))
    world.run_due_work()
    for row in Document.query.all():
        row.is_distance_sale = False
    db.session.commit()
    assert [maintenance.mark_older_distance_sales(limit=2) for _ in range(4)] == [1, 1, 0, 0]
    db.session.expire_all()
    assert [world.document(number).is_distance_sale for number in ("1001", "1002", "1003")] == [
        False,
        True,
        True,
    ]
