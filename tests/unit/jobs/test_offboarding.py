"""An uninstalled store's documents in doubt are looked up before its secrets are wiped.

A reinstall restores access.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from shopapp.errors import UncertainError
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import offboarding
from shopapp.jobs.worker import with_fresh_session
from shopapp.models import Account, Document, FollowUp, Store, db, now
from shopapp.orders import webhooks
from shopapp.providers.base import IssueGuarantee
from tests.fakes import World


def _beat(world: World) -> None:
    db.session.rollback()
    db.session.expire_all()
    for act in (
        offboarding.uninstall_silent_stores,
        offboarding.void_pending,
        offboarding.restore_after_reinstall,
        offboarding.escalate_uncertain,
        offboarding.wipe_credentials,
    ):
        act()
    db.session.expire_all()


def _silent(world: World, days: float) -> None:
    world.store.state, world.store.lost_at = "reauthorise", now() - timedelta(days=days)
    db.session.commit()


def _doubted(world: World) -> None:
    def lost(draft: Draft, key: str) -> Issued | None:
        world.provider.record_document(draft, key)
        raise UncertainError("outcome-unknown", how="timeout")

    world.provider.guarantee = IssueGuarantee.SEARCHABLE
    world.provider.planned_issues = [lost]
    world.pay_order("1001")
    world.run_due_work()
    assert world.document().state == "in_doubt"


def test_thirty_days_without_access_and_webhooks_are_an_uninstall(world: World) -> None:
    _silent(world, 31)
    _beat(world)
    db.session.refresh(world.store)
    assert (world.store.state, world.store.access_token, world.store.refresh_token) == (
        "uninstalled",
        None,
        None,
    )
    assert world.store.hooks_token is None


def test_a_refused_token_alone_is_no_uninstall(world: World) -> None:
    _silent(world, 29)
    _beat(world)
    assert world.store.state == "reauthorise"


def test_a_shop_that_still_sends_webhooks_is_not_uninstalled(world: World) -> None:
    world.pay_order("1001")
    _silent(world, 31)
    _beat(world)
    assert world.store.state == "reauthorise"


def test_pending_documents_of_an_uninstalled_store_are_voided_and_its_keys_wiped(world: World) -> None:
    world.pay_order("1001")
    with_fresh_session(webhooks.process_next_webhook)
    offboarding.uninstall_store(world.store)
    _beat(world)
    row = world.document()
    assert (row.state, row.reason) == ("void", "uninstalled")
    assert db.session.get_one(Account, world.account.id).credentials is None
    world.run_due_work()
    assert world.provider.ledger == []


def test_a_document_in_doubt_is_looked_up_before_the_keys_are_wiped(world: World) -> None:
    _doubted(world)
    offboarding.uninstall_store(world.store)
    _beat(world)
    assert db.session.get_one(Account, world.account.id).credentials is not None
    db.session.execute(update(Document).values(not_before=now()))
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"
    _beat(world)
    assert db.session.get_one(Account, world.account.id).credentials is None


def test_after_three_days_documents_in_doubt_go_to_review(world: World) -> None:
    _doubted(world)
    offboarding.uninstall_store(world.store)
    world.store.uninstalled_at = now() - timedelta(hours=73)
    db.session.commit()
    _beat(world)
    assert world.document().state == "review"
    assert db.session.get_one(Account, world.account.id).credentials is None


def test_keys_refused_for_three_days_send_documents_in_doubt_to_review(world: World) -> None:
    _doubted(world)
    world.account.refused_at = now() - timedelta(hours=71)
    db.session.commit()
    _beat(world)
    assert world.document().state == "in_doubt"
    world.account.refused_at = now() - timedelta(hours=73)
    db.session.commit()
    _beat(world)
    assert world.document().state == "review"


def test_voided_documents_wait_for_a_click_after_a_reinstall(world: World) -> None:
    world.pay_order("1001")
    with_fresh_session(webhooks.process_next_webhook)
    offboarding.uninstall_store(world.store)
    _beat(world)
    store = Store.install("fakeshop", world.store.code)
    store.set_tokens("access", "refresh", 3600)
    db.session.commit()
    _beat(world)
    row = world.document()
    assert (row.state, row.reason, world.store.ready_at) == ("waiting", "older", None)
    world.run_due_work()
    assert world.provider.ledger == []


def _disconnect(world: World, hours: float = 0) -> None:
    world.account.active_until = world.account.disconnected_at = now() - timedelta(hours=hours)
    db.session.commit()


def _has_keys(world: World) -> bool:
    db.session.refresh(world.account)
    return world.account.credentials is not None


def test_the_keys_of_a_disconnected_account_are_wiped(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    _beat(world)
    assert _has_keys(world), "it is connected"
    _disconnect(world)
    _beat(world)
    assert not _has_keys(world) and world.account.tails == {}
    assert world.document().state == "issued"


def test_a_disconnected_account_keeps_its_keys_while_a_document_is_in_doubt(world: World) -> None:
    _doubted(world)
    _disconnect(world)
    _beat(world)
    assert _has_keys(world)
    _disconnect(world, hours=73)
    _beat(world)
    assert world.document().state == "review" and not _has_keys(world)


def test_a_disconnected_account_keeps_its_keys_three_days_for_what_was_begun(world: World) -> None:
    world.pay_order("1001")
    world.run_due_work()
    document = world.document()
    FollowUp.enqueue(document, "email", number=7, to="ana@example.pt")
    _disconnect(world)
    _beat(world)
    assert _has_keys(world)
    _disconnect(world, hours=73)
    _beat(world)
    assert not _has_keys(world)


def test_an_account_that_another_replaced_keeps_its_keys_for_credit_notes(world: World) -> None:
    Account.connect(world.store, "fakebooks", "another entity")
    db.session.commit()
    _beat(world)
    assert _has_keys(world)
