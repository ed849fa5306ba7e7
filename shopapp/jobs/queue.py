"""Notify the workers through Redis that there is work.

The queue guarantees nothing: a job carries no content, and the work to do is in the database. No request waits for it:
it sets a flag, and a thread of the process notifies.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from shopapp import failpoints

log = logging.getLogger(__name__)

JOB = "shopapp.jobs.worker.run_job"
"""The job by name: the worker imports the modules that do the work, and a web process must not."""
QUEUE = "work"
QUEUED_JOBS_PER_WORKER = 2


_NOTIFY_INTERVAL, _NOTIFY_RETRY_SECONDS, _REDIS_TIMEOUT = 0.1, 5.0, 0.25


class WorkQueue:
    """Notifies the workers that there is work, at most every 100 ms, from its own thread."""

    def __init__(self, url: str, workers: int, job_seconds: float) -> None:
        self._connection = redis_connection(url, _REDIS_TIMEOUT)
        self._max_queued, self._job_seconds = QUEUED_JOBS_PER_WORKER * workers, int(job_seconds)
        self._notify_requested = threading.Event()
        self._lock = threading.Lock()
        self._thread: tuple[int, threading.Thread] | None = None
        self.failures = 0

    def notify(self) -> None:
        """Have the thread notify the workers. Never waits. The thread starts with the first call after a fork."""
        self._notify_requested.set()
        if self._thread is None or self._thread[0] != os.getpid():
            with self._lock:
                if self._thread is None or self._thread[0] != os.getpid():
                    thread = threading.Thread(target=self._run, name="work-queue", daemon=True)
                    self._thread = (os.getpid(), thread)
                    thread.start()

    def notify_now(self) -> bool:
        """Enqueue a job unless enough are queued already. Return False when Redis can't be reached."""
        try:
            failpoints.hit("before_ring")
            queue = Queue(QUEUE, connection=self._connection, serializer=JSONSerializer)
            if queue.count < self._max_queued:
                queue.enqueue(JOB, job_timeout=self._job_seconds, result_ttl=0, failure_ttl=3600, ttl=600)
            return True
        except Exception as error:  # noqa: BLE001  (Redis is down, frozen or refuses: the clock notifies again)
            self.failures += 1
            log.warning("workers not notified: %s", type(error).__name__)
            return False

    def _run(self) -> None:
        while True:
            self._notify_requested.wait()
            self._notify_requested.clear()
            if self.notify_now():
                time.sleep(_NOTIFY_INTERVAL)
            else:
                time.sleep(_NOTIFY_RETRY_SECONDS)
                self._notify_requested.set()


def redis_connection(url: str, seconds: float | None) -> Redis:
    """Return a connection that gives up after `seconds`; None is for RQ's blocking calls, which wait.

    One with a deadline is kept, as connecting costs ten times what a command does; found closed, it is reopened once.
    """
    retry = None if seconds is None else Retry(NoBackoff(), 1)
    return Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds or 5, retry=retry)


def notify_workers() -> None:
    """Notify the workers that there is work. Never waits."""
    work_queue: WorkQueue = current_app.extensions["work_queue"]
    work_queue.notify()
