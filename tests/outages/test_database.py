"""The database locked or down: webhooks are answered 503 in time, and work continues without a restart."""

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

pytestmark = [pytest.mark.journey, pytest.mark.sweep]


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
    with running_world(database_url=postgres.create_database("shop"), is_migrated=False) as world:
        world.merchant()
        yield world


@contextmanager
def sqlite_locked(world: StackWorld) -> Iterator[None]:
    """Hold SQLite's one write lock from another connection."""
    file = world.stack.env["DATABASE_URL"].removeprefix("sqlite:///")
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def webhook_table_locked(postgres: Postgres) -> Iterator[None]:
    """Hold a lock on the table of webhooks."""
    with psycopg.connect(postgres.url_of("shop").replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE hook IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def postgres_down(postgres: Postgres) -> Iterator[None]:
    postgres.child.kill()
    yield
    postgres.child.start()
    postgres.child.wait_until(lambda: is_reachable(postgres))


def is_reachable(postgres: Postgres) -> bool:
    try:
        postgres.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def webhook_statuses(world: StackWorld, order: int) -> list[int]:
    """Return how the order's webhooks were answered, in order; 0 is no answer within five seconds."""
    found = [one for one in reversed(world.finished_deliveries(0)) if one["order_id"] == order]
    return [each["status"] for one in found if one["event"] == "order_paid" for each in one["tries"]]


def order_refused_in_time(world: StackWorld, merchant: Merchant) -> int:
    """Place an order whose webhook is answered 503 within the stand-in's five seconds; return its number."""
    order = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert (
        wait_until(lambda: webhook_statuses(world, order), f"an answer to the webhook of #{order}", TIMEOUT)[
            0
        ]
        == 503
    )
    return order


def check_recovery(world: StackWorld, merchant: Merchant, order: int) -> None:
    """Check that the order is issued without a restart, and that the next webhook is accepted at once."""
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    again = int(merchant.place_order(lines=[MUG], pay=True)["id"])
    assert wait_until(
        lambda: webhook_statuses(world, again), f"an answer to the webhook of #{again}", TIMEOUT
    ) == [200]
    world.wait_until_final(merchant, again, "issued")
    world.check_document(merchant, again)
    assert world.stack.crashed_child() is None


def test_while_sqlite_is_locked_a_webhook_is_answered_503(on_sqlite: StackWorld) -> None:
    merchant = on_sqlite.merchants["olariadosado"]
    with sqlite_locked(on_sqlite):
        order = order_refused_in_time(on_sqlite, merchant)
    check_recovery(on_sqlite, merchant, order)


def test_while_the_webhook_table_is_locked_a_webhook_is_answered_503(
    on_postgres: StackWorld, postgres: Postgres
) -> None:
    merchant = on_postgres.merchants["olariadosado"]
    with webhook_table_locked(postgres):
        order = order_refused_in_time(on_postgres, merchant)
    check_recovery(on_postgres, merchant, order)


def test_while_postgresql_is_down_a_webhook_is_answered_503(
    on_postgres: StackWorld, postgres: Postgres
) -> None:
    merchant = on_postgres.merchants["olariadosado"]
    with postgres_down(postgres):
        order = order_refused_in_time(on_postgres, merchant)
    check_recovery(on_postgres, merchant, order)
