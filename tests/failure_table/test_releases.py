"""Rows 47 and 48 of the failure table: a new release while a shop is at work: its migrations, its restarts."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from signal import SIGKILL
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, func, select
from sqlalchemy.pool import NullPool

from dev.local_stack import ROOT
from dev.merchant import Merchant
from tests.databases import DatabaseServer
from tests.end_to_end.stack_world import MUG, StackWorld, running_world
from tests.failure_table.concurrency import IS_NIGHTLY

# Row 47: migrations


def _config(url: str) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(ROOT / "migrations"))
    settings.attributes["url"] = url
    return settings


def _revisions() -> list[str]:
    """Return all migrations, the oldest first."""
    found = ScriptDirectory.from_config(_config("")).walk_revisions()
    return [script.revision for script in found][::-1]


def _reflected(url: str) -> MetaData:
    engine, found = sqlalchemy.create_engine(url, poolclass=NullPool), MetaData()
    found.reflect(engine)
    return found


def test_row_47_after_each_migration_the_code_of_before_still_works(server: DatabaseServer) -> None:
    url = server.create_database()
    first, *later = _revisions()
    command.upgrade(_config(url), first)
    before = _reflected(url)
    for revision in later:
        command.upgrade(_config(url), revision)
        after = _reflected(url)
        for name, table in before.tables.items():
            assert name in after.tables, f"{revision} takes {name} away"
            known, present = {c.name for c in table.columns}, after.tables[name].columns
            assert known <= set(present.keys()), f"{revision} takes a column of {name} away"
            for column in present:
                new = column.name not in known
                assert not new or column.nullable or column.server_default is not None, (
                    f"{revision}: a row of {name} that does not name {column.name} is refused"
                )
                assert new or column.nullable or not table.columns[column.name].nullable
        before = after


def test_row_47_webhooks_are_stored_while_a_migration_runs(server: DatabaseServer) -> None:
    url = server.create_database()
    first = _revisions()[0]
    command.upgrade(_config(url), first)
    options = {"timeout": 30} if server.kind == "sqlite" else {"options": "-c lock_timeout=30s"}
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=options)
    tables, over, kept = _reflected(url).tables, threading.Event(), []
    with engine.begin() as connection:
        connection.execute(tables["store"].insert().values(_needed(tables["store"], id=1)))

    def keeps() -> None:
        while not over.is_set():
            number = f"{threading.get_ident()}-{len(kept)}"
            hook = _needed(tables["hook"], store_id=1, body_hash=number)
            with engine.begin() as connection:
                connection.execute(tables["hook"].insert().values(hook))
            kept.append(number)

    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            keeps()
        except BaseException as error:  # noqa: BLE001  (the test fails with it)
            failed.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(kept) < 10 and not failed:
        over.wait(0.01)
    command.upgrade(_config(url), "head")
    after = len(kept)
    while len(kept) < after + 10 and not failed:
        over.wait(0.01)
    over.set()
    for thread in threads:
        thread.join()
    assert failed == []
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables["hook"])) == len(kept)


def _needed(table: sqlalchemy.Table, **values: Any) -> dict[str, Any]:
    """Return the values without which the table accepts no row."""
    made: dict[type, Any] = {int: 1, str: "x", bytes: b"x", bool: False}
    for column in table.columns:
        free = column.nullable or column.server_default is not None or column.name == "id"
        if column.name not in values and not free:
            kind = column.type.python_type
            values[column.name] = made[kind] if kind in made else datetime.now(UTC)
    return values


# Row 48: restarts


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world({"LEASE_SECONDS": "2", "TAKE_SECONDS": "2", "RETRY_SECONDS": "0.5"}) as world:
        world.merchant()
        yield world


def placed(merchant: Merchant) -> int:
    return int(merchant.place_order(lines=[MUG], pay=True)["id"])


@pytest.mark.journey
@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_row_48_deployments_lose_and_double_no_order(
    world: StackWorld,
) -> None:
    merchant, chance, orders = world.merchants["olariadosado"], random.Random(48), []
    for _ in range(100 if IS_NIGHTLY else 5):
        orders += [placed(merchant), placed(merchant)]
        for name in ("worker", "clock"):
            child = world.stack.children[name]
            child.ask_to_stop()
            # A process that has not ended by then is killed, whatever it was doing.
            child.wait(chance.uniform(0, 0.4))
            assert child.status in (0, -SIGKILL, -15)
            child.start()
    for order in orders:
        row = world.wait_until_final(merchant, order, "issued", "review")
        if row["state"] == "review":
            merchant.resolve_uncertain(order)
        world.wait_until_final(merchant, order, "issued")
        world.check_document(merchant, order)
    assert world.stack.crashed_child() is None
