"""A document that cannot be issued now is not due, and it is issued once the obstacle is gone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from dev.factories import make_draft
from shopapp.models import Account, Attempt, Document, db, document_queue, now
from shopapp.orders import webhooks
from tests.fakes import World


def _is_not_due(world: World) -> bool:
    world.run_due_work()
    db.session.expire_all()
    return (
        world.document().state == "pending" and not document_queue.any_due() and world.provider.ledger == []
    )


def test_documents_of_an_account_with_refused_keys_are_not_due(world: World) -> None:
    world.account.refused_at = now()
    db.session.commit()
    world.pay_order("1001")
    assert _is_not_due(world)
    world.account.refused_at = None
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_documents_of_a_store_that_must_be_authorised_again_are_not_due(world: World) -> None:
    world.store.state = "reauthorise"
    db.session.commit()
    world.pay_order("1001")
    assert _is_not_due(world)
    world.store.state = "installed"
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_documents_of_a_disconnected_store_are_not_due_until_it_is_connected(world: World) -> None:
    world.account.active_until = now()
    db.session.commit()
    world.pay_order("1001")
    assert _is_not_due(world)
    world.account.active_until = None
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_document_stays_with_the_account_that_it_was_sent_with(world: World) -> None:
    from shopapp.errors import UnreachableError

    def down(*_: object) -> None:
        raise UnreachableError("unreachable")

    world.provider.planned_issues = [down]  # type: ignore[list-item]
    world.pay_order("1001")
    world.run_due_work()
    first = world.account.id
    other = Account.connect(world.store, "fakebooks", "another entity")
    other.credentials, other.settings = {"key": "x"}, dict(world.account.settings)
    db.session.commit()
    row = world.document()
    row.not_before = None
    db.session.commit()
    world.run_due_work()
    assert (world.document().state, world.document().account_id) == ("issued", first)


def test_a_row_that_a_worker_has_is_not_due(world: World) -> None:
    world.pay_order("1001")
    while webhooks.process_next_webhook():
        pass
    assert document_queue.any_due()
    assert document_queue.take() is not None
    assert not document_queue.any_due() and document_queue.take() is None


@pytest.mark.parametrize("change", [{"lease_until": None}, {"state": "blocked"}], ids=str)
def test_a_worker_whose_lease_ended_claims_nothing(world: World, change: dict[str, Any]) -> None:
    world.pay_order("1001")
    while webhooks.process_next_webhook():
        pass
    row = document_queue.take()
    assert row is not None
    db.session.execute(update(Document).values(**change).execution_options(synchronize_session=False))
    db.session.commit()
    assert document_queue.claim(row, make_draft(), world.account) is None
    assert db.session.query(Attempt).count() == 0
