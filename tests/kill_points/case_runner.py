"""A runner executes cases one after another, each in a process forked from it.

It has a database, a shop's folder and an app. It watches the children (signals say what happened to them), lets
the others continue, and asks the judge. Times are scaled only here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
import sqlalchemy
from flask import Flask
from sqlalchemy.pool import NullPool

from dev.browser import StepFailed
from dev.merchant import wait_until
from shopapp import create_app, failpoints
from shopapp.connections import send_window, shop
from shopapp.models import FollowUp, db, schema
from shopapp.platforms import PLATFORMS
from tests.databases import Database
from tests.fakes import PLATFORM_STATE, paid_order
from tests.kill_points.case_process import AT_REST, NUMBER, CaseProcess, prepare_store
from tests.kill_points.cases import Case
from tests.kill_points.folder_platform import FolderPlatform
from tests.kill_points.judge import judge_case
from tests.kill_points.sabotage import SABOTAGES

SETTLE = 1.6
TIME_SETTINGS = {
    "CALL_SECONDS": "1", "TAKE_SECONDS": "0.7", "LEASE_SECONDS": "1.5", "SETTLE_SECONDS": str(SETTLE),
    "LOOKUP_SECONDS": "0.2", "RETRY_SECONDS": "0.1", "RECONCILE_SECONDS": "1", "HOOK_WATCH_SECONDS": "3600",
}  # fmt: skip
SEND_WITHIN = 0.5
PAUSE_SECONDS = 1.5 + SETTLE + 1
"""How long the others continue while one child is stopped: longer than lease and settle window."""
REST_LIMIT = 60.0
"""Seconds within which a case must be done: most take three on an otherwise idle machine."""
HIT_FILE = "hit"
Failures = list[str]


@dataclass
class RunnerSettings:
    """Settings that all runners share: addresses, folders, and the settings of the app."""

    settings: dict[str, str]
    stand_in_urls: dict[str, str]
    """The provider's address by guarantee."""
    folder: Path
    template: str
    """The address of a migrated database that each runner copies."""


class CaseRunner:
    """A runner, which executes one case at a time."""

    def __init__(self, given: RunnerSettings, url: str) -> None:
        self.runner_settings, self.url = given, url
        self.folder = given.folder / f"slot{os.getpid()}"
        self.folder.mkdir()
        _shorten_waits()
        kind = "sqlite" if url.startswith("sqlite") else "postgres"
        self.database = Database(
            SimpleNamespace(kind=kind, create_database=lambda: url, stop=lambda: None), _already_migrated
        )
        # an app notes its keys in the database when it starts
        self.app: Flask = create_app({**given.settings, **TIME_SETTINGS, "DATABASE_URL": url})
        self.engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    def run(self, case: Case) -> Failures:
        """Run the case and return its errors; empty when it passed."""
        try:
            self._prepare(case)
            self._run_children(case)
            met = self._met(case)
            if met["late"]:
                # The provider's unfinished calls must end before the verdict.
                wait_until(lambda: not self._met(case)["late"], "the late call", REST_LIMIT)
                self._run_children(case)
        except (CaseFailed, StepFailed, OSError, sqlalchemy.exc.SQLAlchemyError) as broken:
            return [repr(broken), *self._log()]
        found = [] if met["met"] else ["the program's answer was never met"]
        if not (self.folder / HIT_FILE).exists():
            found.append("the point was never reached")
        with self.engine.connect() as connection:
            found += judge_case(
                case,
                self.runner_settings.folder / case.guarantee / "ledger.jsonl",
                connection,
                FolderPlatform.folder,
            )
        return [*found, *self._log()] if found else []

    def _met(self, case: Case) -> Any:
        return requests.get(f"{self._stand_in_url(case)}/grid/met/{case.number}", timeout=10).json()

    def _stand_in_url(self, case: Case) -> str:
        return self.runner_settings.stand_in_urls[case.guarantee]

    def _prepare(self, case: Case) -> None:
        """Empty the database, create the initial rows of the case, and schedule the provider's answer."""
        self.database.delete_rows()
        for file in (HIT_FILE, "log", "shop/posted", "shop/placed", "shop/paid"):
            (self.folder / file).unlink(missing_ok=True)
        FolderPlatform.set_up(self.folder / "shop")
        FolderPlatform.ready_at = datetime.now(UTC) - timedelta(minutes=5)
        PLATFORM_STATE.orders = {NUMBER: paid_order(NUMBER)}
        self.app.config["PLAIN_URL"] = self._stand_in_url(case)
        if case.answer != "ok":
            verb = "issue"
            if case.guarantee == "by_draft":
                verb = "open" if case.point.endswith("before_record") else "finalise"
            ordered: dict[str, Any] = {"entity": str(case.number), "verb": verb, "kind": case.answer}
            if case.without:
                # on a slow machine too, the call is late only after it was sent again
                ordered["late_seconds"] = REST_LIMIT / 2
            requests.post(
                f"{self._stand_in_url(case)}/grid/order", json=ordered, timeout=10
            ).raise_for_status()
        with self.app.app_context():
            prepare_store(case)
            db.session.remove()
            db.engine.dispose()

    def _run_children(self, case: Case) -> None:
        """Run one child after another, until one reports that all is done and none is stopped."""
        still = 0
        try:
            while True:
                armed = not (self.folder / HIT_FILE).exists()
                # without its protection a case must fail on a slow machine too: the others have all the time they need
                pause = REST_LIMIT if case.without else PAUSE_SECONDS
                pid = self._fork(case, armed, pause if still else REST_LIMIT)
                ended = _wait_for_child(pid)
                if os.WIFSTOPPED(ended):
                    still = pid
                elif os.WIFSIGNALED(ended):
                    if os.WTERMSIG(ended) != signal.SIGKILL or not armed:
                        raise CaseFailed(f"a child died of signal {os.WTERMSIG(ended)}")
                elif still:
                    os.kill(still, signal.SIGCONT)
                    ended, still = _wait_for_child(still), 0
                    if not os.WIFEXITED(ended) or os.WEXITSTATUS(ended) != AT_REST:
                        raise CaseFailed(f"it went on and ended with {ended}")
                elif os.WEXITSTATUS(ended) == AT_REST:
                    return
                else:
                    raise CaseFailed(f"no rest: {os.WEXITSTATUS(ended)}")
        finally:
            if still:
                os.kill(still, signal.SIGKILL)
                os.waitpid(still, 0)

    def _fork(self, case: Case, armed: bool, seconds: float) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 70
        try:
            out = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if case.without:
                SABOTAGES[case.without][0](self.app)
            if armed:
                self._arm(case)
            status = CaseProcess(self.app, case, self._stand_in_url(case), seconds, SETTLE).run()
        except BaseException:  # noqa: BLE001  (whatever it is, the child must not go on as a second parent)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _arm(self, case: Case) -> None:
        """Arm the failpoint with the act, which writes a file first."""
        act = failpoints.ACTIONS.get(case.act) or partial(_cut_connections, self.url)

        def marked(name: str) -> None:
            (self.folder / HIT_FILE).touch()
            act(name)

        failpoints.ACTIONS[case.act] = marked
        failpoints.arm(f"{case.point}={case.act}")

    def _log(self) -> list[str]:
        file = self.folder / "log"
        return file.read_text(errors="replace").splitlines()[-60:] if file.exists() else []


class CaseFailed(Exception):
    """Raised for a case that did not come to its end."""


def _already_migrated(url: str) -> None:
    """Do nothing: the database is migrated already."""


def _shorten_waits() -> None:
    """Shorten the waits that are not settings."""
    send_window.SEND_WITHIN_SECONDS = SEND_WITHIN
    schema.LOCK_TIMEOUT_SECONDS = 1
    shop._TOKEN_LEASE_SECONDS = 1
    take = FollowUp.take.__func__  # type: ignore[attr-defined]
    FollowUp.take = classmethod(lambda cls, seconds=1.0, **more: take(cls, seconds, **more))  # type: ignore[method-assign]


def _cut_connections(url: str, name: str) -> None:
    """Close every connection of this child to its database."""
    if url.startswith("sqlite"):
        _close_sqlite()
        return
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"
        )


def _close_sqlite() -> None:
    """Close the file's connections while they are in use.

    On connections of another thread (the queue's) the running statement is interrupted instead: closing them
    there would crash the process, which happens only in tests.
    """
    import gc
    import sqlite3
    import threading

    here = threading.current_thread() is threading.main_thread()
    for one in gc.get_objects():
        if isinstance(one, sqlite3.Connection):
            one.close() if here else one.interrupt()


def _wait_for_child(pid: int) -> int:
    """Wait until the child ends or stops and return how."""
    end = time.monotonic() + REST_LIMIT + 10
    while True:
        done, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if done:
            return status
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise CaseFailed("a child never ended")
        time.sleep(0.005)


def use_folder_platform() -> None:
    """Register only the folder platform in this process from now on."""
    PLATFORMS.clear()
    PLATFORMS["fakeshop"] = FolderPlatform
