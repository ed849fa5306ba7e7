"""Rows 11 to 19 of the failure table: Redis, workers and the clock."""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import select, update
from sqlalchemy.exc import DataError

from dev.servers import Valkey
from sandbox.plain.document_ledger import DocumentLedger
from shopapp import failpoints
from shopapp.connections import send_window
from shopapp.documents import issue, prepare
from shopapp.fiscal.document import Draft, Issued
from shopapp.inventory import catalogue, scheduler
from shopapp.jobs import maintenance
from shopapp.jobs import worker as jobs_worker
from shopapp.jobs.clock import tick
from shopapp.jobs.queue import JOB, QUEUE
from shopapp.jobs.worker import run_job
from shopapp.models import (
    Document,
    FollowUp,
    Heartbeat,
    Store,
    SyncRun,
    Transition,
    Webhook,
    db,
    now,
    set_clock,
)
from shopapp.orders import webhooks
from shopapp.providers.base import IssueGuarantee
from tests.failure_table.concurrency import (
    IS_NIGHTLY,
    expire_everything,
    run_concurrently,
    run_forked,
    use_plain_provider,
)
from tests.fakes import World, paid_order
from tests.unit.hostile_server import HostileServer, never_answer


class Killed(BaseException):
    """Raised where a worker is killed with kill -9."""


def dies(*_: Any) -> Any:
    raise Killed


@contextmanager
def queue_of(valkey: Valkey) -> Iterator[Queue]:
    """Return the workers' queue in an empty Redis."""
    with redis.from_url(valkey.url) as connection:
        connection.flushall()
        yield Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def worked_off(queue: Queue, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do every job with a real RQ worker, in this process."""
    monkeypatch.setattr(jobs_worker, "_app", app)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker = jobs_worker.make_worker(queue.connection, SimpleWorker)
        worker.work(burst=True, logging_level="CRITICAL")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    db.session.rollback()


def test_row_11_after_redis_forgot_everything_the_clock_notifies_again(
    app: Flask, world: World, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1001, 1006):
        world.pay_order(str(number))
    with queue_of(valkey) as queue:
        tick(app)
        assert queue.count == 1
        queue.connection.flushall()
        tick(app)
        assert queue.count == 1
        worked_off(queue, app, monkeypatch)
    assert len(world.provider.ledger) == 5


def test_row_13_a_worker_frozen_after_its_claim_sends_nothing(app: Flask, world: World) -> None:
    world.pay_order("1001")
    too_late = 0.2

    def frozen() -> int:
        # in this child alone: the other worker may be slow
        send_window.SEND_WITHIN_SECONDS = too_late
        failpoints.arm("after_claim=stop")
        world.run_due_work()
        return len(world.provider.ledger)

    pid, how = run_forked(app, frozen, os.WUNTRACED)
    assert os.WIFSTOPPED(how)
    expire_everything()
    maintenance.expire_leases()
    row = world.document()
    assert (row.state, row.attempt) == ("review", 1)
    row.transition("pending", "absent", by="merchant")
    db.session.commit()
    world.run_due_work()
    time.sleep(too_late)
    os.kill(pid, signal.SIGCONT)
    assert os.waitpid(pid, 0)[1] == 0, "the one that woke up sent it"
    row = world.document()
    assert (row.state, row.attempt, len(world.provider.ledger)) == ("issued", 2, 1)


@pytest.mark.timeout(1800)
def test_row_14_eight_workers_claim_one_due_document_once(app: Flask, world: World) -> None:
    for number in range(1001, 1001 + (100 if IS_NIGHTLY else 10)):
        world.pay_order(str(number))
        webhooks.process_next_webhook()
        assert sum(run_concurrently(app, 8, issue.issue_next_document)) == 1
        row = world.document(str(number))
        assert (row.state, row.attempt, row.takes) == ("issued", 1, 0)
    assert len(world.issued_references()) == len(set(world.issued_references())) == number - 1000


@pytest.mark.parametrize("promise", ["by_search", "by_person"])
def test_row_15_a_job_that_times_out_during_the_call_leaves_the_document_in_doubt(
    app: Flask, world: World, valkey: Valkey, monkeypatch: pytest.MonkeyPatch, promise: str
) -> None:
    def never_answers(connection: socket.socket) -> None:
        # The job's time is up at this moment: RQ ends it with this signal.
        os.kill(os.getpid(), signal.SIGALRM)
        never_answer(connection)

    server = HostileServer(never_answers)
    use_plain_provider(app, world, server.url.removesuffix("/path"), promise)
    world.pay_order("1001")
    with queue_of(valkey) as queue:
        queue.enqueue(run_job, job_timeout=90, result_ttl=0)
        worked_off(queue, app, monkeypatch)
    server.stop()
    row = world.document()
    assert row.state == ("review" if promise == "by_person" else "in_doubt")
    assert (row.attempt, len(server.requests), row.frozen) == (1, 1, True)
    world.run_due_work()
    assert len(server.requests) == 1


def test_row_16_a_document_that_kills_its_drafting_worker_is_shown_after_five(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = prepare.prepare_invoice

    def poison(order: Any, *more: Any) -> Draft:
        if order.id == "1001":
            os._exit(9)
        return real(order, *more)

    monkeypatch.setattr(prepare, "prepare_invoice", poison)
    world.pay_order("1001")
    world.pay_order("1002")
    assert [_one_more(app, world) for _ in range(7)] == [9] * 5 + [0] * 2
    row = world.document("1001")
    assert (row.state, row.reason, row.attempt) == ("blocked", "internal", 0)
    assert world.document("1002").state == "issued"


def _one_more(app: Flask, world: World) -> int:
    """Fork another worker some minutes later and return how it ended."""
    expire_everything()
    maintenance.expire_leases()
    expire_everything()
    return os.waitstatus_to_exitcode(run_forked(app, world.run_due_work)[1])


@pytest.mark.parametrize("promise", IssueGuarantee, ids=lambda once: once.value)
def test_row_16_a_document_that_kills_its_sending_worker_waits_for_a_person_after_five(
    app: Flask, world: World, promise: IssueGuarantee
) -> None:
    app.config["SETTLE_SECONDS"] = 0.0

    def poison(draft: Draft, reference: str) -> Issued | None:
        return os._exit(9) if reference.endswith("-1001") else None

    world.provider.guarantee = promise
    if promise is IssueGuarantee.DRAFT_FIRST:
        world.provider.planned_drafts = [poison] * 9  # type: ignore[list-item]
    else:
        world.provider.planned_issues = [poison] * 9
    world.pay_order("1001")
    world.pay_order("1002")
    deaths = 0
    for _ in range(9):
        deaths += _one_more(app, world) == 9
        if world.document("1001").state == "review":
            break
    # With an idempotency key, the first death is that of the sending worker, the other five those of workers
    # that repeat the call.
    assert deaths == {IssueGuarantee.MANUAL: 1, IssueGuarantee.IDEMPOTENT: 6}.get(promise, 5)
    assert world.document("1001").state == "review"
    world.run_due_work()
    assert world.document("1002").state == "issued"


def test_row_17_a_job_of_another_release_ends_quietly_and_touches_nothing(
    app: Flask, world: World, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pay_order("1001")
    with queue_of(valkey) as queue:
        queue.enqueue("shopapp.jobs.worker.issue", 17)
        queue.enqueue("shopapp.nowhere.work")
        queue.enqueue("shopapp.jobs.worker.run_job", 1, of_before="an argument")
        Queue(QUEUE, connection=queue.connection).enqueue("shopapp.jobs.worker.run_job")
        spoilt = queue.enqueue("shopapp.jobs.worker.run_job")
        queue.connection.hset(spoilt.key, "data", b"\x80\x04 no JSON")
        queue.connection.rpush(queue.key, "gone")
        worked_off(queue, app, monkeypatch)
        assert queue.count == 0
        assert [hook.state for hook in db.session.scalars(select(Webhook))] == ["new"]
        db.session.rollback()
        queue.enqueue(run_job, job_timeout=60)
        worked_off(queue, app, monkeypatch)
    assert (world.document().state, len(world.provider.ledger)) == ("issued", 1)


@pytest.mark.timeout(1800)
def test_whoever_writes_to_redis_runs_nothing_in_a_worker(
    app: Flask,
    world: World,
    valkey: Valkey,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mark = tmp_path / "ran"
    with queue_of(valkey) as queue:
        refused = [
            queue.enqueue("os.mkdir", str(mark)),
            queue.enqueue("subprocess.check_output", ["/bin/mkdir", str(mark)]),
            Queue(QUEUE, connection=queue.connection).enqueue("os.mkdir", str(mark)),
        ]
        ours = queue.enqueue(JOB)
        for field in ("success_callback_name", "failure_callback_name", "stopped_callback_name"):
            queue.connection.hset(ours.key, field, CALLBACK)
        queue.connection.hset(ours.key, "description", str(mark))
        refused.append(queue.enqueue(JOB, 1))
        for field, value in (("failure_callback_name", CALLBACK), ("description", str(mark))):
            queue.connection.hset(refused[-1].key, field, value)
        worked_off(queue, app, monkeypatch)
        assert queue.count == 0
    assert not mark.exists()
    assert [one.facts for one in caplog.records if one.message == "foreign-job"] == [  # type: ignore[attr-defined]
        {"job": job.id} for job in refused
    ]


CALLBACK = f"{__name__}.make_mark"


def make_mark(job: Job, *_: Any) -> None:
    """Make the directory that the job's description names: what a callback of RQ could do."""
    os.mkdir(job.description or "")


def test_row_17_jobs_without_work_are_few_and_do_nothing(
    app: Flask, world: World, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_queue = app.extensions["work_queue"]
    with queue_of(valkey) as queue:
        assert all(work_queue.notify_now() for _ in range(10_000 if IS_NIGHTLY else 100))
        assert queue.count <= 2 * app.config["WORKERS"]
        worked_off(queue, app, monkeypatch)
        assert queue.count == 0
    assert world.provider.ledger == []


def test_row_18_three_clocks_do_what_one_does(app: Flask, world: World) -> None:
    world.provider.planned_issues = [dies]
    world.pay_order("1001")
    with pytest.raises(Killed):
        world.run_due_work()
    expire_everything()
    world.shop.orders["1002"] = paid_order("1002")
    world.store.reconciled_at = world.store.hooks_checked_at = None
    db.session.commit()
    run_concurrently(app, 3, lambda: tick(app))
    row = world.document("1001")
    moves = db.session.scalars(
        select(Transition).where(Transition.document_id == row.id).order_by(Transition.id)
    )
    assert [move.new for move in moves] == ["pending", "issuing", "in_doubt", "review"]
    assert db.session.query(Document).count() == 2
    assert sorted(world.shop.webhooks) == sorted(set(world.shop.webhooks))
    world.run_due_work()
    assert world.document("1002").state == "issued" and len(world.provider.ledger) == 1


def test_row_18_a_stopped_clock_fails_the_health_check_within_two_minutes(
    app: Flask, client: FlaskClient, world: World
) -> None:
    began = now()
    Heartbeat.beat("clock", pid=1)
    later = {}
    for seconds in (30, 119):
        set_clock(lambda s=seconds: began + timedelta(seconds=s))  # type: ignore[misc]
        later[seconds] = client.get("/healthz").status_code
    assert later == {30: 200, 119: 503}


@pytest.mark.timeout(1800)
def test_row_19_a_worker_grows_neither_in_memory_nor_in_open_files(
    app: Flask, world: World, plain: DocumentLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_worker, "_app", app)

    def works(first: int, count: int) -> tuple[int, int]:
        for number in range(first, first + count):
            world.pay_order(str(number))
            run_job()
            # Data kept by the fakes is not the worker's memory.
            world.shop.__init__()  # type: ignore[misc]
            plain.documents[-1:] = [{"id": plain.documents[-1]["id"]}]
        gc.collect()  # or objects left open by earlier tests would be closed between the two counts
        return _memory(), len(os.listdir("/proc/self/fd"))

    warm = 500 if IS_NIGHTLY else 5
    memory, files = works(1001, warm)
    grown, left = works(1001 + warm, 5000 if IS_NIGHTLY else 15)
    assert abs(left - files) <= 3
    if IS_NIGHTLY:
        assert grown < memory * 1.1


def _memory() -> int:
    """Return the number of resident pages of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), DataError("INSERT", {}, Exception())], ids=["bug", "no-column"]
)
def test_row_16_a_webhook_that_raises_is_quarantined_and_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = webhooks.request_document

    def stumbles(store: Any, order_id: str) -> bool:
        if order_id == "1001":
            raise error
        return real(store, order_id)

    world.pay_order("1001")
    world.pay_order("1002")
    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "request_document", stumbles)
        world.run_due_work()
    assert world.document("1002").state == "issued"
    put_aside = db.session.scalars(select(Webhook).where(Webhook.state == "quarantined")).all()
    assert [hook.reason for hook in put_aside] == [type(error).__name__]
    # Nothing is lost: the order is found in the shop.
    world.store.reconciled_at = None
    db.session.commit()
    maintenance.poll_due_stores(600)
    world.run_due_work()
    assert world.document("1001").state == "issued"


def _old() -> None:
    """Make every webhook some minutes older, counted from its arrival and its last attempt. Commits."""
    long_ago = now() - timedelta(minutes=5)
    db.session.execute(update(Webhook).values(received_at=long_ago))
    db.session.execute(update(Webhook).where(Webhook.opened_at.is_not(None)).values(opened_at=long_ago))
    db.session.commit()


def _killed(app: Flask, world: World, point: str, times: int) -> list[int]:
    """Kill this number of workers at the failpoint, some minutes apart, and return the signals that ended them."""

    def dies_there() -> None:
        failpoints.arm(f"{point}=kill")
        world.run_due_work()

    ended = []
    for _ in range(times):
        expire_everything()
        how = run_forked(app, dies_there)[1]
        ended.append(os.WTERMSIG(how) if os.WIFSIGNALED(how) else 0)
        _old()
    return ended


def test_row_16_a_webhook_that_kills_its_worker_is_quarantined_and_others_go_on(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, myself = webhooks.request_document, os.getpid()

    def poison(store: Any, order_id: str) -> bool:
        if order_id == "1001":
            assert os.getpid() != myself, "opened once more"
            os.kill(os.getpid(), signal.SIGKILL)
        return real(store, order_id)

    world.pay_order("1001")
    world.pay_order("1002")
    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "request_document", poison)
        # The first webhook is read while it is recent, then only counted.
        assert _killed(app, world, "open_before_commit", 6) == [signal.SIGKILL] * 6
        expire_everything()
        world.run_due_work()
    kept = {hook.order_id: (hook.state, hook.reason) for hook in db.session.scalars(select(Webhook))}
    assert kept == {"": ("quarantined", "worker-died"), "1002": ("opened", "")}
    assert "every worker that processes it dies" in caplog.text
    assert world.document("1002").state == "issued"
    # Nothing is lost: the order is found in the shop.
    world.store.reconciled_at = None
    db.session.commit()
    maintenance.poll_due_stores(600)
    world.run_due_work()
    assert world.document("1001").state == "issued"


def test_row_16_a_webhook_whose_worker_died_waits_a_minute_and_the_next_is_processed(
    app: Flask, world: World
) -> None:
    world.pay_order("1001")
    world.pay_order("1002")
    _old()
    assert _killed(app, world, "open_before_commit", 1) == [signal.SIGKILL]
    db.session.execute(update(Webhook).where(Webhook.attempts > 0).values(opened_at=now()))
    db.session.commit()
    assert Webhook.any_new()
    db.session.rollback()
    world.run_due_work()
    assert world.issued_references() == [f"QI-{world.store.id}-1002"]
    assert not Webhook.any_new(), "the workers would be notified without end"
    db.session.rollback()
    _old()
    world.run_due_work()
    assert (world.document("1001").state, len(world.issued_references())) == ("issued", 2)


def test_row_16_a_follow_up_that_kills_its_worker_is_given_up(
    app: Flask, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.pay_order("1001")
    failpoints.arm("follow_before_send=raise:99")
    world.run_due_work()
    failpoints.arm("")
    owed = {one.kind: one for one in db.session.scalars(select(FollowUp))}
    assert {kind: (one.state, one.takes) for kind, one in owed.items()} == {
        "attach": ("due", 0),
        "history": ("due", 0),
    }
    owed["history"].end("done")
    assert _killed(app, world, "follow_before_send", 5) == [signal.SIGKILL] * 5
    expire_everything()
    world.run_due_work()
    attach = db.session.scalars(select(FollowUp).where(FollowUp.kind == "attach")).one()
    assert (attach.state, attach.reason, attach.detail) == ("failed", "internal", {})
    assert "every worker that does it dies" in caplog.text
    assert (world.document().state, world.shop.attachments) == ("issued", {})
    # requested again, it starts from the beginning
    FollowUp.enqueue_or_restart(world.document(), "attach")
    db.session.commit()
    world.run_due_work()
    assert [shown.number for shown in world.shop.attachments["1001"]] == [world.document().number]


def test_row_16_a_run_that_kills_its_worker_is_given_up_and_documents_go_on(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "MAX_TRIES", 2)
    myself = os.getpid()

    def poison(*_: Any) -> None:
        assert os.getpid() != myself, "begun once more"
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(catalogue, "run_catalogue_page", poison)
    world.enable_stock_sync("to-shop")
    catalogue.start_catalogue_run(world.account, "hand")
    world.pay_order("1001")
    assert [_reads_on(app, world) for _ in range(3)] == [-signal.SIGKILL] * 3
    expire_everything()
    _lets_go()
    world.run_due_work()
    run = db.session.scalars(select(SyncRun)).one()
    assert (run.state, run.reason) == ("failed", "internal")
    assert "no worker finishes its page" in caplog.text
    assert world.document().state == "issued"


def _reads_on(app: Flask, world: World) -> int:
    _lets_go()
    return os.waitstatus_to_exitcode(run_forked(app, scheduler.run_step)[1])


def _lets_go() -> None:
    """Release every store's inventory lease and make unfinished work due. Commits."""
    db.session.execute(update(Store).values(stock_lease_until=None))
    db.session.execute(update(SyncRun).values(not_before=SyncRun.begun_at))
    db.session.commit()
