"""Rows 44 to 46, 49 and 51 of the failure table: the database, the disk, clocks and keys."""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from dev.merchant import wait_until
from dev.servers import Postgres
from shopapp import create_app, failpoints
from shopapp.config import ConfigError
from shopapp.documents import issue, merchant_actions
from shopapp.fiscal.document import Draft, Issued
from shopapp.jobs import maintenance
from shopapp.jobs.worker import _try_drain
from shopapp.models import Account, Document, Store, Webhook, db, migrate, schema
from shopapp.orders import webhooks
from shopapp.platforms import PLATFORMS
from shopapp.providers import PROVIDERS
from shopapp.providers.base import IssueGuarantee
from tests.databases import private_postgres
from tests.failure_table.concurrency import (
    expire_everything,
    post_webhook,
    run_concurrently,
    run_forked,
    run_in_another_worker,
)
from tests.fakes import FakePlatform, FakeProvider, World, paid_order

# Rows 44 and 45: the database


@pytest.mark.parametrize(
    "point", ["after_take", "before_claim", "after_claim", "after_send", "before_settle"]
)
def test_row_44_a_database_that_cuts_every_connection_loses_and_doubles_nothing(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    armed = [point]

    def at(name: str) -> None:
        if name in armed:
            armed.remove(name)
            _cut(app)

    monkeypatch.setattr(failpoints, "hit", at)
    world.provider.guarantee = IssueGuarantee.SEARCHABLE
    app.config["SETTLE_SECONDS"] = 0.0
    world.pay_order("1001")
    webhooks.process_next_webhook()
    with contextlib.suppress(OperationalError):
        issue.issue_next_document()
    db.session.rollback()
    assert armed == []
    if point == "before_claim":
        assert world.document().attempt == 0 and world.provider.ledger == []
    for _ in range(4):
        expire_everything()
        maintenance.expire_leases()
        expire_everything()
        world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


def _cut(app: Flask) -> None:
    """Close all connections of the database (SQLite: those of this process)."""
    if db.engine.dialect.name == "postgresql":
        url = str(app.config["DATABASE_URL"]).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    else:
        db.session.connection().invalidate()


def test_row_44_a_claim_whose_commit_is_uncertain_sends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = db.session.commit, []

    def committed() -> None:
        commit()
        with db.engine.connect() as other:
            claimed = other.scalar(select(Document.__table__.c.state)) == "issuing"
        if claimed and not lost:
            lost.append(True)
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    world.pay_order("1001")
    webhooks.process_next_webhook()
    with monkeypatch.context() as patch:
        patch.setattr(db.session, "commit", committed)
        issue.issue_next_document()
    assert lost and world.provider.ledger == []
    assert (world.document().state, world.document().attempt) == ("issuing", 1)
    expire_everything()
    maintenance.expire_leases()
    merchant_actions.confirm_not_issued(world.document())
    world.run_due_work()
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


def test_row_44_a_worker_frozen_inside_a_transaction_loses_it(
    postgres: Postgres, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "IDLE_TRANSACTION_SECONDS", 1)
    with a_world(postgres.create_database("shop"), settings) as (app, world):

        def frozen() -> bool:
            failpoints.arm("open_before_commit=stop")
            return not _try_drain(time.monotonic() + 20)

        world.pay_order("1001")
        pid, how = run_forked(app, frozen, os.WUNTRACED)
        try:
            assert os.WIFSTOPPED(how)
            assert not webhooks.process_next_webhook(), "it holds the hook"
            wait_until(webhooks.process_next_webhook, "the hook is free again", 20)
            world.run_due_work()
            assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)
        finally:
            os.kill(pid, signal.SIGCONT)
            _, how = os.waitpid(pid, 0)
        # The worker was resumed, found its transaction gone, and reports that the document must be tried
        # again.
        assert os.waitstatus_to_exitcode(how) == 1
        assert db.session.query(Document).count() == 1


def test_row_45_writers_at_one_row_lose_no_update(app: Flask, world: World) -> None:
    store, times = world.store.id, 20

    def writes() -> None:
        for _ in range(times):
            Webhook.record(store, "order_paid", "the same hash", b"{}")
            Store.count_refused_webhook(store)

    db.session.rollback()
    run_concurrently(app, 8, writes)
    db.session.expire_all()
    assert db.session.scalars(select(Webhook)).one().copies == 8 * times
    assert world.store.refused_hooks == 8 * times


# Row 46: the disk


@contextlib.contextmanager
def a_world(url: str, settings: dict[str, str]) -> Iterator[tuple[Flask, World]]:
    """Return an app on that database alone, with a world in it."""
    migrate(url)
    app = create_app({**settings, "DATABASE_URL": url})
    with pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setitem(PLATFORMS, "fakeshop", FakePlatform)
        patch.setitem(PROVIDERS, "fakebooks", FakeProvider)
        yield app, World()
        db.session.remove()
        db.engine.dispose()


def test_row_46_a_full_disk_is_answered_503_and_nothing_is_sent_without_its_row(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with a_world(f"sqlite:///{tmp_path}/shop.db", settings) as (app, world):
        for number in range(1001, 1004):
            world.pay_order(str(number))
        _the_disk_fills_up(app, world, str(tmp_path / "shop.db"))


def _the_disk_fills_up(app: Flask, world: World, file: str) -> None:
    key = world.store.hook_key

    def on_a_full_disk() -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sizes = [os.path.getsize(file + end) for end in ("", "-wal") if os.path.exists(file + end)]
        kept = _hooks()
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes) + 65_536, resource.RLIM_INFINITY))
        answers = []
        while 503 not in answers[-1:]:
            assert len(answers) < 200, "the disk is not full"
            answers.append(post_webhook(app, key, 2000 + len(answers), note="x" * 2000))
        assert set(answers) == {200, 503} and _hooks() - kept == answers.count(200)
        for _ in range(6):
            with contextlib.suppress(OperationalError):
                issue.issue_next_document()
            db.session.rollback()
        assert len(world.provider.ledger) <= _claimed()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert post_webhook(app, key, 3000) == 200
        for _ in range(4):
            expire_everything()
            maintenance.expire_leases()
            for row in db.session.query(Document).filter_by(state="review"):
                if row.reference in world.issued_references():
                    at = world.issued_references().index(row.reference) + 1
                    merchant_actions.confirm_issued(row, f"FR 2026FR/{at}", row.total, f"JFX4RT2K-{at}")
                else:
                    merchant_actions.confirm_not_issued(row)
            world.run_due_work()
        references = [one for one in world.issued_references() if one.endswith(("-1001", "-1002", "-1003"))]
        assert len(references) == len(set(references)) == 3
        return 0

    assert run_forked(app, on_a_full_disk)[1] == 0


def _hooks() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(Webhook)) or 0


def _claimed() -> int:
    with db.engine.connect() as connection:
        table = Document.__table__
        return connection.scalar(select(func.count()).where(table.c.attempt > 0)) or 0


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Return a private server, because the test limits the size of its files."""
    with private_postgres() as server:
        yield server


def test_row_46_a_database_whose_files_cannot_grow_is_answered_503(
    postgres: Postgres, settings: dict[str, str]
) -> None:
    with a_world(postgres.create_database("shop"), settings) as (app, world):
        key, answers = world.store.hook_key, []
        # The write-ahead log has files of 16 MiB, which exist already.
        _may_grow_to(postgres, 24 * 1024 * 1024)
        while 503 not in answers[-1:]:
            assert len(answers) < 60, "the disk is not full"
            answers.append(post_webhook(app, key, 2000 + len(answers), note=os.urandom(2_000_000).hex()))
        assert set(answers) == {200, 503} and _hooks() == answers.count(200)
        _may_grow_to(postgres, resource.RLIM_INFINITY)
        assert post_webhook(app, key, 1001) == 200
        world.shop.orders["1001"] = paid_order("1001")
        world.run_due_work()
        assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


def _may_grow_to(server: Postgres, size: int) -> None:
    """Limit the size of files for every new connection."""

    def limits() -> None:
        # Only the user who runs the server may set the limit, not even root.
        if server.user is not None and server.group is not None:
            os.setgid(server.group)
            os.setuid(server.user)
        _, most = resource.prlimit(server.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.child.pid, resource.RLIMIT_FSIZE, (size, most))

    # Each connection is a process, which has the limit from its start.
    db.session.remove()
    db.engine.dispose()
    assert run_forked(current_app._get_current_object(), limits)[1] == 0  # type: ignore[attr-defined]


# Row 49: clocks


@pytest.mark.parametrize("hours", [-1, 1])
def test_row_49_a_clock_that_jumps_while_a_document_is_sent_makes_no_second_document(
    app: Flask, world: World, hours: int
) -> None:
    seen: list[str] = []
    with time_machine.travel(datetime.now(UTC), tick=True) as machine:

        def jumps(draft: Draft, reference: str) -> Issued | None:
            machine.shift(timedelta(hours=hours))
            run_in_another_worker(app, maintenance.expire_leases)
            seen.append(world.document().state)
            return None

        world.provider.planned_issues = [jumps]
        world.pay_order("1001")
        world.run_due_work()
    row = world.document()
    # SQLite has no clock of its own: there a jump ahead ends the lease, and the answer is still recorded.
    ahead = db.engine.dialect.name == "sqlite" and hours > 0
    assert seen == (["review"] if ahead else ["issuing"])
    assert (row.state, row.attempt, row.alarm, len(world.provider.ledger)) == ("issued", 1, "", 1)


# Row 51: keys


def test_row_51_with_a_wrong_key_nothing_starts_and_nothing_is_overwritten(
    app: Flask, world: World, make_app: Callable[..., Flask], settings: dict[str, str]
) -> None:
    def held() -> list[Any]:
        with db.engine.connect() as connection:
            return [connection.execute(select(row.__table__)).all() for row in (Store, Account)]

    before = held()
    other = base64.b64encode(b"another key of thirty-two bytes.").decode()
    with pytest.raises(ConfigError, match="SEAL_KEYS does not decrypt"):
        make_app(SEAL_KEYS=other)
    assert held() == before
    make_app(SEAL_KEYS=f"{other},{settings['SEAL_KEYS']}")
    with pytest.raises(ConfigError, match="SEAL_KEYS"):
        make_app(SEAL_KEYS="")
