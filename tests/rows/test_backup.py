"""Row 50 of the failure table: yesterday's backup is put back, and everything since is known to the provider alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from flask import Flask

from shopapp import deciding, jobs, verifying
from shopapp.models import Document, Pulse, db
from shopapp.models.ticket import HOLD
from shopapp.providers.base import Once
from tests.fakes import World, an_order
from tests.rows.together import NIGHTLY, leases_lapse
from tests.servers import PostgreSQL, Server, Sqlite

BEFORE = range(1001, 1004)
SINCE = range(1004, 1104 if NIGHTLY else 1008)
UNTOLD = "1201"


def backup(server: Server, url: str) -> str:
    """The address of a whole copy of the database, as it is now."""
    db.session.remove()
    db.engine.dispose()
    copy = server.fresh()
    if isinstance(server, Sqlite):
        old, new = (sqlite3.connect(each.removeprefix("sqlite:///")) for each in (url, copy))
        old.backup(new)
        old.close()
        new.close()
    else:
        assert isinstance(server, PostgreSQL)
        names = [each.rpartition("/")[2] for each in (url, copy)]
        server._server.ask(f'DROP DATABASE "{names[1]}"')
        server._server.ask(f'CREATE DATABASE "{names[1]}" TEMPLATE "{names[0]}"')
    return copy


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("promise", [Once.BY_SEARCH, Once.BY_PERSON], ids=lambda once: once.value)
def test_row_50_after_a_backup_is_restored_nothing_is_issued_twice_and_nothing_is_forgotten(
    app: Flask, world: World, server: Server, make_app: Callable[..., Flask], promise: Once
) -> None:
    world.office.promise, world.office.lists = promise, promise is Once.BY_SEARCH
    for number in BEFORE:
        world.paid(str(number))
    world.work()
    jobs.tick(app)
    store = world.store.id
    copy = backup(server, app.config["DATABASE_URL"])
    for number in SINCE:
        world.paid(str(number))
    world.work()
    issued = len(world.office.ledger)
    assert issued == len(BEFORE) + len(SINCE)
    restored = make_app(DATABASE_URL=copy)
    with restored.app_context():
        _goes_on(restored, world, store, promise)
        db.session.remove()
    references = world.references()
    assert len(references) == len(set(references)) == issued + 1


def _goes_on(app: Flask, world: World, store: int, promise: Once) -> None:
    """Nothing; the copy is held before anything runs on it, compared, and then works on."""
    verifying.hold()
    world.shop.orders[UNTOLD] = an_order(UNTOLD)
    for number in (*SINCE, UNTOLD):
        # the shop sends its hooks anew, or the reconciler finds the orders
        world.hook(str(number), more="after the restore")
    _works(world)
    assert UNTOLD not in "".join(world.references())
    assert verifying.verify() == []
    assert db.session.get(Pulse, HOLD) is None
    _works(world)
    for row in db.session.query(Document).filter_by(state="review").all():
        assert promise is Once.BY_PERSON and row.reason == "restored"
        if row.reference in world.references():
            at = world.references().index(row.reference) + 1
            deciding.exists(row, f"FR 2026FR/{at}", an_order(row.order_id).paid_total)
        else:
            deciding.absent(row)
    _works(world)
    for number in (*BEFORE, *SINCE, UNTOLD):
        row = Document.of(store, str(number))
        assert row is not None and (row.state, row.alarm) == ("issued", ""), number
        at = world.references().index(row.reference) + 1
        assert row.number == f"FR 2026FR/{at}"


def _works(world: World) -> None:
    for _ in range(2):
        leases_lapse()
        world.work()
