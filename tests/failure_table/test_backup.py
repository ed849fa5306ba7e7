"""Row 50 of the failure table: yesterday's backup is restored, and only the provider knows what happened since."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from flask import Flask

from shopapp.documents import merchant_actions
from shopapp.jobs import restore
from shopapp.jobs.clock import tick
from shopapp.models import Document, Heartbeat, db
from shopapp.models.heartbeat import ISSUING_HOLD
from shopapp.providers.base import IssueGuarantee
from tests.databases import DatabaseServer, PostgreSQL, Sqlite
from tests.failure_table.concurrency import IS_NIGHTLY, expire_everything
from tests.fakes import World, paid_order

BEFORE = range(1001, 1004)
SINCE = range(1004, 1104 if IS_NIGHTLY else 1008)
UNTOLD = "1201"


def backup(server: DatabaseServer, url: str) -> str:
    """Return the address of a complete copy of the database in its present state."""
    db.session.remove()
    db.engine.dispose()
    copy = server.create_database()
    if isinstance(server, Sqlite):
        old, new = (sqlite3.connect(each.removeprefix("sqlite:///")) for each in (url, copy))
        old.backup(new)
        old.close()
        new.close()
    else:
        assert isinstance(server, PostgreSQL)
        names = [each.rpartition("/")[2] for each in (url, copy)]
        server._server.execute(f'DROP DATABASE "{names[1]}"')
        server._server.execute(f'CREATE DATABASE "{names[1]}" TEMPLATE "{names[0]}"')
    return copy


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "promise", [IssueGuarantee.SEARCHABLE, IssueGuarantee.MANUAL], ids=lambda once: once.value
)
def test_row_50_after_a_backup_is_restored_nothing_is_issued_twice_and_nothing_is_forgotten(
    app: Flask, world: World, server: DatabaseServer, make_app: Callable[..., Flask], promise: IssueGuarantee
) -> None:
    world.provider.guarantee, world.provider.lists_documents = promise, promise is IssueGuarantee.SEARCHABLE
    for number in BEFORE:
        world.pay_order(str(number))
    world.run_due_work()
    tick(app)
    store = world.store.id
    copy = backup(server, app.config["DATABASE_URL"])
    for number in SINCE:
        world.pay_order(str(number))
    world.run_due_work()
    issued = len(world.provider.ledger)
    assert issued == len(BEFORE) + len(SINCE)
    restored = make_app(DATABASE_URL=copy)
    with restored.app_context():
        _goes_on(restored, world, store, promise)
        db.session.remove()
    references = world.issued_references()
    assert len(references) == len(set(references)) == issued + 1


def _goes_on(app: Flask, world: World, store: int, promise: IssueGuarantee) -> None:
    """Put issuing on hold before anything runs on the copy, verify it, and continue working."""
    restore.hold_issuing()
    world.shop.orders[UNTOLD] = paid_order(UNTOLD)
    for number in (*SINCE, UNTOLD):
        # The shop sends its webhooks again, or order polling finds the orders.
        world.receive_webhook(str(number), more="after the restore")
    _works(world)
    assert UNTOLD not in "".join(world.issued_references())
    assert restore.verify_restore() == []
    assert db.session.get(Heartbeat, ISSUING_HOLD) is None
    _works(world)
    for row in db.session.query(Document).filter_by(state="review").all():
        assert promise is IssueGuarantee.MANUAL and row.reason == "restored"
        if row.reference in world.issued_references():
            at = world.issued_references().index(row.reference) + 1
            merchant_actions.confirm_issued(
                row, f"FR 2026FR/{at}", paid_order(row.order_id).paid_total, f"JFX4RT2K-{at}"
            )
        else:
            merchant_actions.confirm_not_issued(row)
    _works(world)
    for number in (*BEFORE, *SINCE, UNTOLD):
        row = Document.find(store, str(number))
        assert row is not None and (row.state, row.alarm) == ("issued", ""), number
        at = world.issued_references().index(row.reference) + 1
        assert row.number == f"FR 2026FR/{at}"


def _works(world: World) -> None:
    for _ in range(2):
        expire_everything()
        world.run_due_work()
