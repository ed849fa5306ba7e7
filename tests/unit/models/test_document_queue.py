"""What cannot move now rests: no worker turns in circles over it, and it goes on when its cause is gone."""

from __future__ import annotations

from shopapp.models import Account, db, document_queue, now
from tests.fakes import World


def _rests(world: World) -> bool:
    world.run_due_work()
    db.session.expire_all()
    return (
        world.document().state == "pending" and not document_queue.any_due() and world.provider.ledger == []
    )


def test_documents_of_a_refused_account_rest(world: World) -> None:
    world.account.refused_at = now()
    db.session.commit()
    world.pay_order("1001")
    assert _rests(world)
    world.account.refused_at = None
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_documents_of_a_store_that_must_be_authorised_again_rest(world: World) -> None:
    world.store.state = "reauthorise"
    db.session.commit()
    world.pay_order("1001")
    assert _rests(world)
    world.store.state = "installed"
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_documents_of_a_disconnected_store_rest_until_it_is_connected_again(world: World) -> None:
    world.account.active_until = now()
    db.session.commit()
    world.pay_order("1001")
    assert _rests(world)
    world.account.active_until = None
    db.session.commit()
    world.run_due_work()
    assert world.document().state == "issued"


def test_a_document_that_was_sent_with_an_account_stays_with_it(world: World) -> None:
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
