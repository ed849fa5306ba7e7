"""The database locked, slow or away: the shop's hook is told 503 in time, and everything goes on by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from dev.merchant import Merchant, wait_until
from dev.servers import Postgres
from tests.databases import private_postgres
from tests.end_to_end.stack_world import MUG, TIMEOUT, StackWorld, running_world

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def on_sqlite() -> Iterator[StackWorld]:
    with running_world() as world:
        world.merchant()
        yield world


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres) -> Iterator[StackWorld]:
    with running_world(database_url=postgres.create_database("shop")) as world:
        world.merchant()
        yield world


@contextmanager
def held(world: StackWorld) -> Iterator[None]:
    """Another program holds SQLite's one write lock."""
    file = world.stack.env["DATABASE_URL"].removeprefix("sqlite:///")
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def locked(postgres: Postgres) -> Iterator[None]:
    """Somebody holds the table of hooks."""
    with psycopg.connect(postgres.url_of("shop").replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE hook IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def away(postgres: Postgres) -> Iterator[None]:
    postgres.child.kill()
    yield
    postgres.child.start()
    postgres.child.wait_until(lambda: reachable(postgres))


def reachable(postgres: Postgres) -> bool:
    try:
        postgres.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def statuses(world: StackWorld, order: int) -> list[int]:
    """What the hooks of the order were answered, in turn; 0 is no answer within five seconds."""
    found = [one for one in reversed(world.finished_deliveries(0)) if one["order_id"] == order]
    return [each["status"] for one in found if one["event"] == "order_paid" for each in one["tries"]]


def refused_in_time(world: StackWorld, merchant: Merchant) -> int:
    """The number of an order whose hook was told 503, within the five seconds that the stand-in waits."""
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert wait_until(lambda: statuses(world, order), f"an answer to the hook of #{order}", TIMEOUT)[0] == 503
    return order


def goes_on(world: StackWorld, merchant: Merchant, order: int) -> None:
    """Without a restart: the order is issued, and the next one's hook is taken at the first try."""
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    again = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert wait_until(lambda: statuses(world, again), f"an answer to the hook of #{again}", TIMEOUT) == [200]
    world.wait_until_final(merchant, again, "issued")
    world.check_document(merchant, again)
    assert world.stack.crashed_child() is None


def test_while_sqlite_is_held_a_hook_is_told_to_come_again(on_sqlite: StackWorld) -> None:
    merchant = on_sqlite.merchants["olariadosado"]
    with held(on_sqlite):
        order = refused_in_time(on_sqlite, merchant)
    goes_on(on_sqlite, merchant, order)


def test_while_a_table_of_postgresql_is_locked_a_hook_is_told_to_come_again(
    on_postgres: StackWorld, postgres: Postgres
) -> None:
    merchant = on_postgres.merchants["olariadosado"]
    with locked(postgres):
        order = refused_in_time(on_postgres, merchant)
    goes_on(on_postgres, merchant, order)


def test_while_postgresql_is_away_a_hook_is_told_to_come_again(
    on_postgres: StackWorld, postgres: Postgres
) -> None:
    merchant = on_postgres.merchants["olariadosado"]
    with away(postgres):
        order = refused_in_time(on_postgres, merchant)
    goes_on(on_postgres, merchant, order)
