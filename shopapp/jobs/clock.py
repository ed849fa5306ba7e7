"""Do what is due by time, in the process `flask clock`."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

from flask import Flask

from shopapp.documents import audit
from shopapp.inventory import scheduler
from shopapp.jobs import maintenance, offboarding
from shopapp.jobs.worker import has_work, with_fresh_session
from shopapp.models import Heartbeat, db

log = logging.getLogger(__name__)


def tick(app: Flask) -> None:
    """Do once what is due by time, and notify the workers when there is work."""
    Heartbeat.beat("clock", pid=os.getpid())
    tasks: tuple[Callable[[], object], ...] = (
        maintenance.expire_leases,
        lambda: maintenance.check_webhooks(app.config["HOOK_WATCH_SECONDS"]),
        maintenance.reread_webhook_tokens,
        lambda: maintenance.resubscribe_silent_webhooks(app.config["HOOK_SILENCE_SECONDS"]),
        lambda: maintenance.poll_due_stores(app.config["RECONCILE_SECONDS"]),
        maintenance.flag_cancelled,
        scheduler.start_due_runs,
        offboarding.uninstall_silent_stores,
        offboarding.void_pending,
        offboarding.restore_after_reinstall,
        offboarding.escalate_uncertain,
        offboarding.wipe_credentials,
        audit.audit_due_account,
        maintenance.delete_expired_rows,
        maintenance.mark_older_distance_sales,
        maintenance.record_older_facts,
    )
    for act in tasks:
        try:
            with_fresh_session(act)
        except Exception:  # a task that fails never stops the clock
            db.session.rollback()
            log.exception("clock task failed")
    if has_work():
        app.extensions["work_queue"].notify_now()


def run_clock(app: Flask) -> None:
    """Tick every CLOCK_SECONDS until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            with app.app_context():
                tick(app)
        except Exception:  # the database may be down: the clock continues
            log.exception("clock tick failed")
        stop.wait(app.config["CLOCK_SECONDS"])
