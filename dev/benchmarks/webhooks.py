"""Measure how fast a webhook is answered, beside a bare 204 and the least possible work; also while Redis fails.

`python -m dev.benchmarks.webhooks [sqlite|postgres]`, or `make bench ARGS=webhooks`. Each candidate is a
gunicorn with the Procfile's own settings over the same database. Short rounds alternate, so that other load on
the machine affects all candidates alike, and each figure is the median of its rounds.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dev.benchmarks.baseline import TOKEN, engine_for, kept_webhooks
from dev.benchmarks.load_generator import RoundResult, send_for, signed_hooks
from dev.benchmarks.resource_usage import cpu_seconds, make_durable, memory
from dev.child_process import ChildProcess
from dev.local_stack import ROOT, LocalStack, is_answering, procfile
from dev.servers import REDIS_FAULTS, MissingServer, Postgres, Valkey, free_port
from shopapp import create_app
from shopapp.models import Store, db

CONNECTIONS = (1, 8, 32)
ROUNDS, SECONDS = 5, 1.0
PROCESSES = "2"
CODE = "olaria"


@dataclass
class Candidate:
    """A server that answers webhooks: its address, its process and the results of its rounds."""

    name: str
    port: int
    requests: Iterator[bytes]
    path: str
    child: ChildProcess
    rounds: dict[int, list[RoundResult]] = field(default_factory=dict)
    cpu_seconds: dict[int, list[float]] = field(default_factory=dict)

    def run(self, connections: int, seconds: float = SECONDS) -> RoundResult:
        """Run one round and store its result."""
        before = cpu_seconds(self.child)
        took = send_for(self.port, self.requests, connections, seconds)
        used = (cpu_seconds(self.child) - before) / max(1, len(took.latencies))
        self.rounds.setdefault(connections, []).append(took)
        self.cpu_seconds.setdefault(connections, []).append(used)
        return took


class WebhookServers:
    """The app's web processes and the baseline's over one new database: three candidates."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.stack = LocalStack(
            folder, database_url=url, settings={"WEB_PROCESSES": PROCESSES, "LOG_LEVEL": "ERROR"}
        )
        port = free_port()
        command = procfile()["web"].replace("wsgi:app", "dev.benchmarks.baseline:app")
        env = self.stack.env | {"BIND": f"127.0.0.1:{port}"}
        self.web = self.stack.children["web"]
        self.baseline = ChildProcess(
            "reference", ["/bin/sh", "-c", f"exec {command}"], self.stack.logs / "reference.log", env, ROOT
        )
        self._port = port

    def __enter__(self) -> list[Candidate]:
        assert self.stack.valkey
        self.stack.valkey.start()
        self.stack.migrate()
        path = self._create_store()
        for child, address in (
            (self.web, self.stack.app_url),
            (self.baseline, f"http://127.0.0.1:{self._port}"),
        ):
            child.start()
            child.wait_until(lambda: is_answering(f"{address}/healthz", healthy=False))  # noqa: B023
        ports = self._port, self._port, self.stack.ports.app
        named = zip(("bare 204", "reference", "the app"), ("/bare", "/kept", path), ports, strict=True)
        children = {self._port: self.baseline, self.stack.ports.app: self.web}
        return [
            Candidate(name, port, signed_hooks(path, port, CODE, TOKEN), path, children[port])
            for name, path, port in named
        ]

    def __exit__(self, *_: object) -> None:
        for child in (self.web, self.baseline):
            child.stop()
        assert self.stack.valkey
        self.stack.valkey.stop()

    def _create_store(self) -> str:
        """Create the tables and a shop; return the path of its webhooks."""
        app = create_app(self.stack.env)
        with app.app_context():
            store = Store.install("jumpseller", CODE, name="Olaria")
            store.hooks_token = TOKEN
            db.session.commit()
            key = store.hook_key
            db.engine.dispose()
        engine = engine_for(self.stack.env["DATABASE_URL"])
        kept_webhooks.metadata.create_all(engine)
        engine.dispose()
        return f"/hooks/jumpseller/{key}"


def ratio(one: Candidate, other: Candidate, connections: int) -> float:
    """Return the median ratio of two candidates' answers per second, comparing rounds run one after the other."""
    pairs = zip(one.rounds[connections], other.rounds[connections], strict=True)
    return statistics.median(mine.rate / theirs.rate for mine, theirs in pairs)


def median_of(candidate: Candidate, connections: int, figure: Callable[[RoundResult], float]) -> float:
    """Return the median of a figure over the rounds."""
    return statistics.median(figure(took) for took in candidate.rounds[connections])


def cpu_per_request(candidate: Candidate, connections: int) -> float:
    """Return the CPU time per request in microseconds."""
    return 1e6 * statistics.median(candidate.cpu_seconds[connections])


def measure(candidates: list[Candidate]) -> None:
    """Run the rounds, the candidates alternating, and print a table of them."""
    bare, reference, app = candidates
    for candidate in candidates:
        send_for(candidate.port, candidate.requests, 8, SECONDS / 2)
    for connections in CONNECTIONS:
        for _ in range(ROUNDS):
            for candidate in candidates:
                candidate.run(connections)
    print(
        "| connections | what | requests/s | of the reference | p50 ms | p99 ms | processor us | of a bare 204 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for connections in CONNECTIONS:
        for one in candidates:
            rate = median_of(one, connections, lambda took: took.rate)
            p50 = median_of(one, connections, lambda took: took.percentile_ms(0.5))
            p99 = median_of(one, connections, lambda took: took.percentile_ms(0.99))
            cost = cpu_per_request(one, connections) / cpu_per_request(bare, connections)
            print(
                f"| {connections} | {one.name} | {rate:.0f} | {ratio(one, reference, connections):.2f} | {p50:.1f}"
                f" | {p99:.1f} | {cpu_per_request(one, connections):.0f} | {cost:.2f} |"
            )
    for one in candidates:
        odd = {
            s: n
            for rounds in one.rounds.values()
            for took in rounds
            for s, n in took.statuses.items()
            if s > 299
        }
        broken = sum(took.dropped for rounds in one.rounds.values() for took in rounds)
        if odd or broken:
            print(f"\n{one.name}: answers {odd}, connections closed unanswered {broken}")
    sys.stdout.flush()


def measure_with_redis_faults(app: Candidate, valkey: Valkey) -> None:
    """Alternate rounds with Redis healthy and failing, and print them."""
    print("\n| Redis is | requests/s | of the rate while it is well | p99 ms | answers other than 200 |")
    print("|---|---|---|---|---|")
    for harm in REDIS_FAULTS:
        well, ill = [], []
        for _ in range(3):
            well.append(app.run(8))
            with harm(valkey):
                ill.append(app.run(8))
        rate = statistics.median(took.rate for took in ill)
        share = statistics.median(two.rate / one.rate for one, two in zip(well, ill, strict=True))
        p99 = statistics.median(took.percentile_ms(0.99) for took in ill)
        wrong = sum(number for took in ill for status, number in took.statuses.items() if status != 200)
        wrong += sum(took.dropped for took in ill)
        print(f"| {harm.__name__} | {rate:.0f} | {share:.2f} | {p99:.1f} | {wrong} |", flush=True)


def run_benchmark(kind: str, postgres: Postgres | None) -> None:
    """Measure everything on one kind of database."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    settings = "fsync, synchronous_commit and full_page_writes on" if postgres else "WAL, synchronous=FULL"
    print(
        f"\nHooks on {kind} ({settings}); gunicorn with {PROCESSES} processes; medians of {ROUNDS} rounds\n"
    )
    doors = WebhookServers(folder, postgres.create_database("hooks") if postgres else None)
    try:
        with doors as candidates:
            began = time.monotonic()
            measure(candidates)
            assert doors.stack.valkey
            measure_with_redis_faults(candidates[-1], doors.stack.valkey)
            for child in (doors.web, doors.baseline):
                pids = [pid for pid in child.members() if pid != child.pid]
                pss, private, _ = memory(pids)
                each = len(pids)
                print(f"\n{child.name}: {pss / each:.0f} MB a process (PSS), {private / each:.0f} MB its own")
            print(f"\n{time.monotonic() - began:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(words: list[str]) -> int:
    """Measure on the databases named, on both when none is; return 0."""
    if not words or "sqlite" in words:
        run_benchmark("SQLite", None)
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
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
