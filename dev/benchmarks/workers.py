"""Measure how many documents workers issue while external systems take 200 ms per call, and at what cost.

`python -m dev.benchmarks.workers [sqlite|postgres]`, or `make bench ARGS=workers`. A worker that waits only for
external systems always has one call in progress: N workers then make N / 0.2 calls per second, which is the
upper bound. The stub counts all calls: order, history, issue, link on the order, history.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.benchmarks.resource_usage import cpu_seconds, make_durable, memory
from dev.child_process import ChildProcess
from dev.local_stack import ROOT, LocalStack
from dev.servers import MissingServer, Postgres, free_port
from shopapp import create_app
from shopapp.jobs.queue import WorkQueue
from shopapp.models import Account, Store, Webhook, db, now

CALL_SECONDS = 0.2
STORES = 6
SECONDS = 6.0
"""How long each number of workers is measured, counted from the moment when all of them work."""
NUMBERS: dict[str, dict[str, tuple[int, ...]]] = {
    "PostgreSQL": {"processes": (1, 2, 4, 8, 16), "threads": (1, 4, 16)},
    "SQLite": {"processes": (1, 4, 16)},
}
CREDENTIALS = {"entity": "1", "key": "key-of-1", "promise": "by_search"}


@dataclass
class WorkerResult:
    """The result for one number of workers."""

    mode: str
    number: int
    calls: float
    """Per second."""
    calls_each: float
    """Per document."""
    cpu: float
    """Seconds per document."""
    memory: float
    """MB of all of them, including their parent."""

    def row(self) -> str:
        """Return a row of the table."""
        bound = self.number / CALL_SECONDS
        documents = self.calls / self.calls_each
        return (
            f"| {self.mode} | {self.number} | {documents:.2f} | {bound / self.calls_each:.2f} |"
            f" {self.calls / bound:.2f}"
            f" | {1000 * self.cpu:.0f} | {self.memory:.0f} |"
        )


class WorkerBenchmark:
    """A stack with stores that have orders to issue, and slow external systems."""

    def __init__(self, folder: Path, url: str | None) -> None:
        port = free_port()
        self.stub_url = f"http://127.0.0.1:{port}"
        settings = {
            "LOG_LEVEL": "ERROR", "PLAIN_URL": self.stub_url, "JUMPSELLER_API_URL": f"{self.stub_url}/v1",
            "JUMPSELLER_ACCOUNTS_URL": self.stub_url, "VIES_URL": self.stub_url, "HOOK_WATCH_SECONDS": "86400",
        }  # fmt: skip
        self.stack = LocalStack(folder, database_url=url, settings=settings)
        command = [sys.executable, "-m", "dev.benchmarks.delayed_stub", str(port), str(CALL_SECONDS)]
        self.stub = ChildProcess("outside", command, self.stack.logs / "outside.log", self.stack.env, ROOT)
        self.orders = 0

    def __enter__(self) -> WorkerBenchmark:
        assert self.stack.valkey
        self.stack.valkey.start()
        self.stack.migrate()
        self.stub.start()
        self.stub.wait_until(lambda: self._stub_counts() is not None)
        self.app = create_app(self.stack.env)
        with self.app.app_context():
            self.stores = [self._store(number) for number in range(STORES)]
        return self

    def __exit__(self, *_: object) -> None:
        self.stub.stop()
        assert self.stack.valkey
        self.stack.valkey.stop()

    def _store(self, number: int) -> int:
        store = Store.install("jumpseller", f"shop{number}", name=f"Shop {number}")
        store.hooks_token = "token"
        store.set_tokens("access", "refresh", 86_400)
        store.hooks_checked_at = now()
        store.ready_at = now().replace(year=2020)
        db.session.flush()
        account = Account.connect(store, "plain", f"plain-{number}")
        account.credentials = CREDENTIALS
        account.settings = {"automatic": True}
        db.session.commit()
        return store.id

    def add_paid_orders(self, orders: int) -> None:
        """Pay this number of orders and store their webhooks, as the shop's posts would."""
        with self.app.app_context():
            for number in range(self.orders + 1, self.orders + orders + 1):
                body = json.dumps({"order": {"id": number}}).encode()
                Webhook.record(self.stores[number % STORES], "order_paid", f"{number:064d}", body)
            self.orders += orders
            db.session.remove()
            db.engine.dispose()

    def delete_work(self) -> None:
        """Delete the work left over from the last measurement."""
        with self.app.app_context(), db.engine.begin() as connection:
            for table in ("follow_up", "move", "attempt", "document_line", "document", "sale", "hook"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        with self.app.app_context():
            db.engine.dispose()

    def _stub_counts(self) -> dict[str, int] | None:
        try:
            with urllib.request.urlopen(f"{self.stub_url}/counted", timeout=5) as answer:
                found: dict[str, int] = json.loads(answer.read())
                return found
        except OSError:
            return None

    def stub_counts(self) -> dict[str, int]:
        """Return the calls and documents that the stub has counted."""
        found = self._stub_counts()
        assert found is not None
        return found

    def command(self, way: str, number: int) -> list[str]:
        """Return the command that starts the workers."""
        if way == "processes":
            return [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--number", str(number)]
        return [sys.executable, "-m", "dev.benchmarks.threaded_workers", str(number)]

    def measure(self, way: str, number: int) -> WorkerResult:
        """Measure this number of workers."""
        self.add_paid_orders(int(number * (SECONDS + 4) / CALL_SECONDS / 5) + 5)
        env: dict[str, Any] = self.stack.env | {"WORKERS": str(number)}
        child = ChildProcess("workers", self.command(way, number), self.stack.logs / "workers.log", env, ROOT)
        child.start()
        try:
            self._enqueue_jobs(number)
            # This measures the steady work, not the initial burst of webhooks.
            child.wait_until(
                lambda: self._query_number("SELECT count(*) FROM hook WHERE state = 'new'") == 0, 120
            )
            before = self.stub_counts()
            child.wait_until(lambda: self.stub_counts()["calls"] > before["calls"] + 2 * number)
            return self._measured(child, way, number)
        finally:
            child.kill()
            self.delete_work()

    def _enqueue_jobs(self, number: int) -> None:
        """Enqueue as many jobs as workers."""
        with self.app.app_context():
            bell = WorkQueue(self.stack.env["REDIS_URL"], number, 100)
            for _ in range(number):
                bell.notify_now()

    def _measured(self, child: ChildProcess, way: str, number: int) -> WorkerResult:
        first, used, began = self.stub_counts(), cpu_seconds(child), time.monotonic()
        time.sleep(SECONDS / 2)
        pss, _, _ = memory(child.members())
        time.sleep(SECONDS / 2)
        last, spent, seconds = self.stub_counts(), cpu_seconds(child) - used, time.monotonic() - began
        calls = last["calls"] - first["calls"]
        each = self.calls_each()
        return WorkerResult(way, number, calls / seconds, each, spent / (calls / each), pss)

    def calls_each(self) -> float:
        """Return the calls that a document takes with its follow-ups, measured beforehand on a few documents."""
        return self._calls_each

    def measure_calls_each(self) -> None:
        """Issue a few documents with their follow-ups and count their calls."""
        orders, before = 6, self.stub_counts()
        self.add_paid_orders(orders)
        child = ChildProcess(
            "first", self.command("processes", 2), self.stack.logs / "first.log", self.stack.env, ROOT
        )
        child.start()
        try:
            self._enqueue_jobs(2)
            child.wait_until(lambda: self._is_idle(orders), 120)
        finally:
            child.kill()
        after = self.stub_counts()
        assert after["documents"] - before["documents"] == orders
        self._calls_each = (after["calls"] - before["calls"]) / orders
        self.delete_work()

    def _is_idle(self, orders: int) -> bool:
        issued = self._query_number("SELECT count(*) FROM document WHERE state = 'issued'")
        return (
            issued == orders
            and self._query_number("SELECT count(*) FROM follow_up WHERE state <> 'done'") == 0
        )

    def _query_number(self, question: str) -> int:
        with self.app.app_context(), db.engine.connect() as connection:
            return int(connection.exec_driver_sql(question).scalar_one())


def run_benchmark(kind: str, postgres: Postgres | None) -> None:
    """Measure everything on one kind of database."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    try:
        with WorkerBenchmark(folder, postgres.create_database("workers") if postgres else None) as office:
            office.measure_calls_each()
            print(
                f"\nWorkers on {kind}; each call to the outside takes {1000 * CALL_SECONDS:.0f} ms, a document"
                f" {office.calls_each():.1f} calls\n"
            )
            print(
                "| workers | number | documents/s | bound | of the bound | processor ms a document | MB (PSS) |"
            )
            print("|---|---|---|---|---|---|---|")
            for way, numbers in NUMBERS[kind].items():
                for number in numbers:
                    print(office.measure(way, number).row(), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(words: list[str]) -> int:
    """Measure on the databases named, on both when none is; return 0."""
    if not words or "postgres" in words:
        try:
            postgres = make_durable(Postgres())
        except MissingServer as problem:
            print(problem)
            return 0
        postgres.start()
        try:
            run_benchmark("PostgreSQL", postgres)
        finally:
            postgres.stop()
    if not words or "sqlite" in words:
        run_benchmark("SQLite", None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
