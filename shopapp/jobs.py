"""What happens later: the bell, the one RQ job that means "there is work", `flask worker`, `flask clock`.

The queue promises nothing: a job carries no business content, and everything it finds to do it finds in the database.
Only this file and `web` ring. A request never talks to Redis: it sets a flag, and a thread of the process rings.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click
from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from shopapp import (
    comparing,
    counting,
    fault,
    followups,
    goods,
    issuing,
    leaving,
    opening,
    resolving,
    sweeping,
    verifying,
)
from shopapp.models import Document, FollowUp, Hook, Pulse, db

log = logging.getLogger("quickinvoice.jobs")

T = TypeVar("T")

_app: Flask | None = None
"""The loaded app, in the workers that were forked from it."""

QUEUE = "work"
LOOP_SECONDS = 20.0
"""How long one job goes on claiming; its time-out is this, plus a lease, plus 30 s (rulings section 4)."""
OPEN_SECONDS = 1.0
"""How long hooks are opened before a document's turn comes: a shop that posts without end holds nobody else up."""
RINGS_PER_WORKER = 2
_BUSY_PAUSE = 0.5
_RING_EVERY, _RING_PAUSE, _RING_LIMIT = 0.1, 5.0, 0.25


class Bell:
    """Tells the workers that there is work, at most every 100 ms, never from within a request."""

    def __init__(self, url: str, workers: int, job_seconds: float) -> None:
        # kept, as to connect costs ten times what a ring does; whoever finds it cut connects once more
        self._connection = redis(url, _RING_LIMIT, Retry(NoBackoff(), 1))
        self._most, self._job_seconds = RINGS_PER_WORKER * workers, int(job_seconds)
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._thread: tuple[int, threading.Thread] | None = None
        self.failures = 0

    def ring(self) -> None:
        """Nothing; sets the flag. The process's thread is started on the first ring after a fork."""
        self._wanted.set()
        if self._thread is None or self._thread[0] != os.getpid():
            with self._lock:
                if self._thread is None or self._thread[0] != os.getpid():
                    thread = threading.Thread(target=self._run, name="bell", daemon=True)
                    self._thread = (os.getpid(), thread)
                    thread.start()

    def ring_now(self) -> bool:
        """True when the workers were told, or enough rings wait already; False when Redis cannot be reached."""
        try:
            fault.point("before_ring")
            queue = Queue(QUEUE, connection=self._connection, serializer=JSONSerializer)
            if queue.count < self._most:
                queue.enqueue(work, job_timeout=self._job_seconds, result_ttl=0, failure_ttl=3600, ttl=600)
            return True
        except Exception as error:  # noqa: BLE001  (Redis down, frozen or refusing: the clock rings again)
            self.failures += 1
            log.warning("bell: %s", type(error).__name__)
            return False

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self.ring_now():
                time.sleep(_RING_EVERY)
            else:
                time.sleep(_RING_PAUSE)
                self._wanted.set()


def redis(url: str, seconds: float | None, retry: Retry | None = None) -> Redis:
    """A connection that gives up after `seconds` (None: as RQ's blocking calls need it)."""
    return Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds or 5, retry=retry)


def ring() -> None:
    """Nothing; says that there is work. Never waits."""
    bell: Bell = current_app.extensions["bell"]
    bell.ring()


def work() -> None:
    """Nothing; the job: does what is due, one after another, for up to 20 seconds."""
    if _app is None:
        raise RuntimeError("this job runs only in the workers of `flask worker`")
    with _app.app_context():
        until = time.monotonic() + LOOP_SECONDS
        try:
            while not _looped(until):
                time.sleep(_BUSY_PAUSE)
        except JobTimeoutException:
            log.error("job over its time: whatever was being sent is settled by its lease")
        finally:
            db.session.remove()
        with contextlib.suppress(OperationalError):
            if _more():
                current_app.extensions["bell"].ring_now()


def _looped(until: float) -> bool:
    """True when nothing is due or the time is up; False when the database was busy or away: then it is tried again."""
    try:
        loop(until)
    except OperationalError:
        # nobody's bug: what was under way has its lease
        db.session.rollback()
        log.warning("worker: the database is busy or away")
        return time.monotonic() > until
    return True


def loop(until: float) -> None:
    """Nothing; hooks opened, documents moved and follow-ups done until none is due, or until that monotonic time."""
    sweeping.watch_hooks(current_app.config["HOOK_WATCH_SECONDS"])
    while time.monotonic() < until:
        moved = _opened(min(until, time.monotonic() + OPEN_SECONDS))
        moved = _fresh(issuing.step) or moved
        moved = _fresh(resolving.step) or moved
        moved = _fresh(followups.step) or moved
        moved = _fresh(goods.step) or moved
        if not moved:
            return


def _opened(until: float) -> bool:
    """True when hooks were opened: all that are new, or as many as there was time for."""
    opened = False
    while time.monotonic() < until and _fresh(opening.open_hook):
        opened = True
    return opened


def _fresh(act: Callable[[], T]) -> T:
    """What `act` gives, all rows being read anew: others changed them since the last act."""
    db.session.expire_all()
    done = act()
    counting.tell()
    return done


def _more() -> bool:
    more = Document.any_due() or FollowUp.any_due() or Hook.any_new() or goods.any_due()
    db.session.rollback()
    return more


def tick(app: Flask) -> None:
    """Nothing; one beat of the clock: does what is due by time and rings when there is work."""
    Pulse.beat("clock", pid=os.getpid())
    acts: tuple[Callable[[], object], ...] = (
        sweeping.expire_leases,
        lambda: sweeping.watch_hooks(app.config["HOOK_WATCH_SECONDS"]),
        sweeping.reread_tokens,
        lambda: sweeping.wake_silent_hooks(app.config["HOOK_SILENCE_SECONDS"]),
        lambda: sweeping.reconcile(app.config["RECONCILE_SECONDS"]),
        sweeping.notice_cancelled,
        goods.begin_due,
        leaving.notice_silence,
        leaving.give_up,
        leaving.list_again,
        leaving.end_doubts,
        leaving.wipe_keys,
        comparing.compare_due,
        sweeping.clean,
    )
    for act in acts:
        try:
            _fresh(act)
        except Exception:  # one beat's failure never stops the clock
            db.session.rollback()
            log.exception("clock")
    if _more():
        app.extensions["bell"].ring_now()


def init_app(app: Flask) -> None:
    """Nothing; the bell and the commands `worker` and `clock` join the app."""
    job_seconds = LOOP_SECONDS + app.config["LEASE_SECONDS"] + 30
    app.extensions["bell"] = Bell(app.config["REDIS_URL"], app.config["WORKERS"], job_seconds)

    @app.cli.command("worker")
    @click.option("--number", type=int, default=None, help="How many workers; WORKERS when not given.")
    def worker(number: int | None) -> None:
        """Starts the workers and keeps them; ends them on SIGTERM, each after its job."""
        _keep_workers(app, number or app.config["WORKERS"])

    @app.cli.command("hold")
    def hold() -> None:
        """Stops all issuing until `verify` finds all well."""
        verifying.hold()
        click.echo("Nothing is issued until `verify` has found all well.")

    @app.cli.command("verify")
    def verify() -> None:
        """After a backup was restored: asks what was issued since, then lets issuing go on."""
        if failed := verifying.verify():
            raise click.ClickException("still held, as these could not be compared:\n" + "\n".join(failed))
        click.echo("All is compared; issuing goes on.")

    @app.cli.command("clock")
    def clock() -> None:
        """Looks for what is due, every CLOCK_SECONDS, until SIGTERM."""
        _keep_clock(app)


def _keep_clock(app: Flask) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            with app.app_context():
                tick(app)
        except Exception:  # the database may be down: the clock goes on
            log.exception("clock")
        stop.wait(app.config["CLOCK_SECONDS"])


def _keep_workers(app: Flask, number: int) -> None:
    """Forks the workers from this loaded process; starts a new one when one dies."""
    global _app
    _app = app
    with app.app_context():
        # what each worker would make for itself (mappers, statements) is made once before the fork, and shared
        with contextlib.suppress(SQLAlchemyError):
            _more()
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
            connection = redis(app.config["REDIS_URL"], None)
            worker = Worker(
                [QUEUE], connection=connection, serializer=JSONSerializer, maintenance_interval=60,
                default_worker_ttl=60,
            )  # fmt: skip
            worker.work(logging_level="WARNING", with_scheduler=False)
            return 0
        except Exception as error:  # noqa: BLE001  (Redis is away: come back when it is)
            log.warning("worker: %s", type(error).__name__)
            time.sleep(1)
