"""Hold half-open connections against the web processes, and measure the webhooks that they answer meanwhile.

`python -m dev.benchmarks.slow_clients [sqlite|postgres] [seconds]`, or `make bench ARGS=slow-clients`. A connection
that the server closes is opened again at once, so that their number stays the same.
"""

from __future__ import annotations

import contextlib
import selectors
import shutil
import socket
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from dev.benchmarks.baseline import engine_for
from dev.benchmarks.load_generator import RoundResult, send_for
from dev.benchmarks.resource_usage import make_durable
from dev.benchmarks.webhooks import Candidate, WebhookServers
from dev.servers import MissingServer, Postgres

HELD = 200
SECONDS = 60.0
CONNECTIONS = 4
LONGEST_MS = 1000.0

HALF_HEADERS = "POST {path} HTTP/1.1\r\nHost: a\r\nX-A: "
HALF_BODY = "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc"
KINDS = ("", HALF_HEADERS, HALF_BODY)
"""All that a connection sends: nothing, half of the headers, or headers and three bytes of a body of 1000."""


@dataclass
class SlowClients:
    """Half-open connections to one server, at two addresses in turn, held by a thread until the block ends."""

    port: int
    hook_path: str
    number: int = HELD
    kinds: tuple[str, ...] = KINDS
    reopened: int = 0
    """The number of connections that were reopened because the server had closed them."""
    _open: dict[socket.socket, int] = field(default_factory=dict)

    def __enter__(self) -> SlowClients:
        self._ended = threading.Event()
        self._selector = selectors.DefaultSelector()
        for number in range(self.number):
            self._connect(number)
        self._thread = threading.Thread(target=self._keep_open, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for held in self._open:
            held.close()
        self._selector.close()

    def _connect(self, number: int) -> None:
        kind = self.kinds[number % len(self.kinds)]
        path = (self.hook_path, "/enter")[number // len(self.kinds) % 2]
        held = socket.create_connection(("127.0.0.1", self.port), 30)
        held.setblocking(False)
        with contextlib.suppress(OSError):
            held.send(kind.format(path=path).encode())
        self._open[held] = number
        self._selector.register(held, selectors.EVENT_READ)

    def _keep_open(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.2):
                held = key.fileobj
                assert isinstance(held, socket.socket)
                if _is_closed(held):
                    number = self._open.pop(held)
                    self._selector.unregister(held)
                    held.close()
                    self.reopened += 1
                    self._connect(number)


def _is_closed(held: socket.socket) -> bool:
    """Return whether the server has closed the connection; read what it says before."""
    try:
        return not held.recv(65_536)
    except BlockingIOError:
        return False
    except OSError:
        return True


def count_webhooks(url: str) -> int:
    """Return how many webhooks the database holds."""
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            return int(connection.execute(sa.text("SELECT count(*) FROM hook")).scalar_one())
    finally:
        engine.dispose()


def measure(app: Candidate, url: str, seconds: float) -> bool:
    """Print the webhooks' latencies without and with slow clients; return whether none was late or lost."""
    before = count_webhooks(url)
    alone = send_for(app.port, app.requests, CONNECTIONS, 5)
    with SlowClients(app.port, app.path) as slow:
        held = send_for(app.port, app.requests, CONNECTIONS, seconds)
        reopened = slow.reopened
    stored = count_webhooks(url) - before
    print("| slow clients | webhooks/s | p50 ms | p99 ms | slowest ms | not answered 200 |")
    print("|---|---|---|---|---|---|")
    for name, took in (("none", alone), (f"{HELD}, {reopened} opened again", held)):
        print(
            f"| {name} | {took.rate:.0f} | {took.percentile_ms(0.5):.1f} | {took.percentile_ms(0.99):.1f}"
            f" | {took.percentile_ms(1):.1f} | {_failed(took)} |"
        )
    acknowledged = sum(took.statuses.get(200, 0) for took in (alone, held))
    print(f"\nanswered 200: {acknowledged}, stored: {stored}, lost: {max(0, acknowledged - stored)}")
    return stored >= acknowledged and not _failed(held) and held.percentile_ms(0.99) < LONGEST_MS


def _failed(took: RoundResult) -> int:
    return took.dropped + sum(number for status, number in took.statuses.items() if status != 200)


def run_benchmark(kind: str, postgres: Postgres | None, seconds: float) -> bool:
    """Measure on one kind of database; return whether all webhooks were answered in time."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    print(
        f"\nSlow clients on {kind}: {HELD} connections of {len(KINDS)} kinds for {seconds:g} s\n", flush=True
    )
    servers = WebhookServers(folder, postgres.create_database("slow") if postgres else None)
    try:
        with servers as candidates:
            return measure(candidates[-1], servers.stack.env["DATABASE_URL"], seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(words: list[str]) -> int:
    """Measure on the databases named, on both when none is; return 0 when all webhooks were answered in time."""
    seconds = next((float(word) for word in words if word.replace(".", "").isdigit()), SECONDS)
    kinds = {"sqlite", "postgres"} & set(words) or {"sqlite", "postgres"}
    good = "sqlite" not in kinds or run_benchmark("SQLite", None, seconds)
    if "postgres" in kinds:
        try:
            postgres = make_durable(Postgres())
        except MissingServer as problem:
            print(problem)
            return 0 if good else 1
        postgres.start()
        try:
            good &= run_benchmark("PostgreSQL", postgres, seconds)
        finally:
            postgres.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
