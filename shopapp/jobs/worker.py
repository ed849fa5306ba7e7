"""Do what is due: the one RQ job, and the processes of `flask worker` that run it.

A job carries no content: it takes what is due from the database, one row after another, for DRAIN_SECONDS.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app
from redis import Redis
from rq import SimpleWorker, Worker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from shopapp import logs
from shopapp.connections import api_usage
from shopapp.documents import followups, issue, recover
from shopapp.inventory import scheduler
from shopapp.jobs import maintenance, sign_in_links
from shopapp.jobs.queue import JOB, QUEUE, redis_connection
from shopapp.logs import log_event
from shopapp.models import FollowUp, SignInRequest, Webhook, db, document_queue
from shopapp.orders import webhooks

log = logging.getLogger(__name__)

T = TypeVar("T")

_app: Flask | None = None
"""The loaded app, in the workers that are forked from it."""

DRAIN_SECONDS = 20.0
"""How long one job keeps taking rows; its time-out is this, plus a lease, plus 30 s."""
WEBHOOK_SECONDS = 1.0
"""How long webhooks are processed before a document has its turn: a shop that posts endlessly delays nobody."""
_BUSY_RETRY_SECONDS = 0.5


class ForeignJob(Exception):
    """A job in Redis is not ours: nothing of it was run."""


class WorkJob(Job):
    """A job that runs `run_job` alone, whatever its record in Redis says.

    RQ would import and call any function that the record names; whoever can write to Redis must not run code in a
    process that holds every key.
    """

    def restore(self, raw_data: Any) -> None:
        """Read the record without its callbacks and webhooks."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    def _execute(self) -> None:
        if self.func_name != JOB or self.instance is not None or self.args or self.kwargs:
            raise ForeignJob(str(self.func_name)[:100])
        run_job()


def make_worker(connection: Redis, kind: type[Worker | SimpleWorker] = Worker) -> Worker | SimpleWorker:
    """Return a worker of the queue that reads JSON alone and runs one function alone."""
    return kind(
        [QUEUE], connection=connection, serializer=JSONSerializer, job_class=WorkJob, maintenance_interval=60,
        worker_ttl=60, exception_handlers=[_log_failure], disable_default_exception_handler=True,
    )  # fmt: skip


def _log_failure(job: Job, kind: type[BaseException], error: BaseException, _: Any) -> bool:
    if isinstance(error, ForeignJob | DeserializationError):
        log_event("foreign-job", job=job.id[:100])
    else:
        log.error("job %s failed", job.id, exc_info=error)
    return False


def run_job() -> None:
    """Do what is due, for up to DRAIN_SECONDS; notify again when more is left. The job of the queue."""
    if _app is None:
        raise RuntimeError("this job runs only in the workers of `flask worker`")
    with _app.app_context():
        until = time.monotonic() + DRAIN_SECONDS
        try:
            while not _try_drain(until):
                time.sleep(_BUSY_RETRY_SECONDS)
        except JobTimeoutException:
            log.error("job timed out: the lease decides about what was being sent")
        finally:
            db.session.remove()
        with contextlib.suppress(OperationalError):
            if has_work():
                current_app.extensions["work_queue"].notify_now()


def _try_drain(until: float) -> bool:
    """Do what is due. Return False when the database was busy or away and there is time to try again."""
    try:
        drain_due_work(until)
    except OperationalError:
        # no bug: the work that was under way has its lease
        db.session.rollback()
        log.warning("worker: the database is busy or away")
        return time.monotonic() > until
    return True


def drain_due_work(until: float) -> None:
    """Process webhooks, documents, follow-ups and stock until nothing is due, or until that monotonic time."""
    maintenance.check_webhooks(current_app.config["HOOK_WATCH_SECONDS"])
    while time.monotonic() < until:
        did_work = _process_webhooks(min(until, time.monotonic() + WEBHOOK_SECONDS))
        did_work = with_fresh_session(issue.issue_next_document) or did_work
        did_work = with_fresh_session(recover.recover_next_document) or did_work
        did_work = with_fresh_session(followups.run_next_followup) or did_work
        did_work = with_fresh_session(sign_in_links.mail_next_link) or did_work
        did_work = with_fresh_session(scheduler.run_step) or did_work
        if not did_work:
            return


def _process_webhooks(until: float) -> bool:
    """Process new webhooks while there is time. Return whether there were any."""
    processed = False
    while time.monotonic() < until and with_fresh_session(webhooks.process_next_webhook):
        processed = True
    return processed


def with_fresh_session(act: Callable[[], T]) -> T:
    """Run `act` with all rows read again, as others may have changed them; write the call counts.

    Log lines no longer name the row before. Return what `act` returns.
    """
    logs.begin()
    db.session.expire_all()
    result = act()
    api_usage.flush_usage()
    return result


def has_work() -> bool:
    """Return whether anything is due now. Leaves no transaction open."""
    has_work = (
        document_queue.any_due()
        or FollowUp.any_due()
        or Webhook.any_new()
        or scheduler.any_due()
        or SignInRequest.any_due()
    )
    db.session.rollback()
    return has_work


def supervise_workers(app: Flask, number: int) -> None:
    """Fork the workers from this loaded process, and replace those that die, until SIGTERM or SIGINT."""
    global _app
    _app = app
    with app.app_context():
        # mappers and statements are compiled once before the fork, and shared by all workers
        with contextlib.suppress(SQLAlchemyError):
            has_work()
        db.engine.dispose()
    children: set[int] = set()
    stopping = False

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping or children:
        while not stopping and len(children) < number:
            children.add(_fork_worker(app))
        try:
            pid, _ = os.wait()
            children.discard(pid)
            if not stopping:
                time.sleep(0.5)
        except ChildProcessError:
            return


def _fork_worker(app: Flask) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    status = 1
    try:
        status = _run_worker(app)
    finally:
        os._exit(status)


def _run_worker(app: Flask) -> int:
    with app.app_context():
        db.engine.dispose(close=False)
    while True:
        try:
            connection = redis_connection(app.config["REDIS_URL"], None)
            make_worker(connection).work(logging_level="WARNING", with_scheduler=False)
            return 0
        except Exception as error:  # noqa: BLE001  (Redis is away: come back when it is)
            log.warning("worker: %s", type(error).__name__)
            time.sleep(1)
