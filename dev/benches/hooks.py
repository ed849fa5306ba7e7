"""How fast a hook is answered, beside a bare 204 and beside the least that must be done; also while Redis is harmed.

`python -m dev.benches.hooks [sqlite|postgres]`, or `make bench ARGS=hooks`. Each candidate is a gunicorn with the
Procfile's own settings over the same database; short rounds take turns, so that what else the machine does falls on
all of them alike, and each figure is the median of its rounds.
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

from dev.benches.load import Took, drive, signed_hooks
from dev.benches.machine import durable, memory, processor_seconds
from dev.benches.reference import TOKEN, engine_for, kept
from dev.child import Child
from dev.house import ROOT, House, answers, procfile
from dev.servers import HARMS, Missing, Postgres, Valkey, free_port
from shopapp import create_app
from shopapp.models import Store, db

CONNECTIONS = (1, 8, 32)
ROUNDS, SECONDS = 5, 1.0
PROCESSES = "2"
CODE = "olaria"


@dataclass
class Candidate:
    """Something that answers hooks: where, in which process, and what its rounds came to."""

    name: str
    port: int
    requests: Iterator[bytes]
    child: Child
    rounds: dict[int, list[Took]] = field(default_factory=dict)
    used: dict[int, list[float]] = field(default_factory=dict)

    def run(self, connections: int, seconds: float = SECONDS) -> Took:
        """What one round came to."""
        before = processor_seconds(self.child)
        took = drive(self.port, self.requests, connections, seconds)
        used = (processor_seconds(self.child) - before) / max(1, len(took.latencies))
        self.rounds.setdefault(connections, []).append(took)
        self.used.setdefault(connections, []).append(used)
        return took


class Doors:
    """The app's web processes and the reference's, over one fresh database; three candidates to be hit."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.house = House(
            folder, database_url=url, settings={"WEB_PROCESSES": PROCESSES, "LOG_LEVEL": "ERROR"}
        )
        port = free_port()
        command = procfile()["web"].replace("wsgi:app", "dev.benches.reference:app")
        env = self.house.env | {"BIND": f"127.0.0.1:{port}"}
        self.web = self.house.children["web"]
        self.reference = Child(
            "reference", ["/bin/sh", "-c", f"exec {command}"], self.house.logs / "reference.log", env, ROOT
        )
        self._port = port

    def __enter__(self) -> list[Candidate]:
        assert self.house.valkey
        self.house.valkey.start()
        self.house.migrate()
        path = self._shop()
        for child, address in (
            (self.web, self.house.app_url),
            (self.reference, f"http://127.0.0.1:{self._port}"),
        ):
            child.start()
            child.until(lambda: answers(f"{address}/healthz", healthy=False))  # noqa: B023
        ports = self._port, self._port, self.house.ports.app
        named = zip(("bare 204", "reference", "the app"), ("/bare", "/kept", path), ports, strict=True)
        children = {self._port: self.reference, self.house.ports.app: self.web}
        return [
            Candidate(name, port, signed_hooks(path, port, CODE, TOKEN), children[port])
            for name, path, port in named
        ]

    def __exit__(self, *_: object) -> None:
        for child in (self.web, self.reference):
            child.stop()
        assert self.house.valkey
        self.house.valkey.stop()

    def _shop(self) -> str:
        """The path of a shop's hooks; the tables and the shop are there."""
        app = create_app(self.house.env)
        with app.app_context():
            store = Store.installed("jumpseller", CODE, name="Olaria")
            store.hooks_token = TOKEN
            db.session.commit()
            key = store.hook_key
            db.engine.dispose()
        engine = engine_for(self.house.env["DATABASE_URL"])
        kept.metadata.create_all(engine)
        engine.dispose()
        return f"/hooks/jumpseller/{key}"


def ratio(one: Candidate, other: Candidate, connections: int) -> float:
    """How many times as many answers a second as the other's, in the middle round of rounds side by side."""
    pairs = zip(one.rounds[connections], other.rounds[connections], strict=True)
    return statistics.median(mine.rate / theirs.rate for mine, theirs in pairs)


def middle(candidate: Candidate, connections: int, figure: Callable[[Took], float]) -> float:
    """The median of a figure over the rounds."""
    return statistics.median(figure(took) for took in candidate.rounds[connections])


def used(candidate: Candidate, connections: int) -> float:
    """Millionths of a second of processor time a request."""
    return 1e6 * statistics.median(candidate.used[connections])


def measure(candidates: list[Candidate]) -> None:
    """Nothing; the rounds, the candidates taking turns, and a table of them."""
    bare, reference, app = candidates
    for candidate in candidates:
        drive(candidate.port, candidate.requests, 8, SECONDS / 2)
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
            rate = middle(one, connections, lambda took: took.rate)
            p50, p99 = (middle(one, connections, lambda took: took.at(share)) for share in (0.5, 0.99))  # noqa: B023
            cost = used(one, connections) / used(bare, connections)
            print(
                f"| {connections} | {one.name} | {rate:.0f} | {ratio(one, reference, connections):.2f} | {p50:.1f}"
                f" | {p99:.1f} | {used(one, connections):.0f} | {cost:.2f} |"
            )
    for one in candidates:
        odd = {
            s: n
            for rounds in one.rounds.values()
            for took in rounds
            for s, n in took.statuses.items()
            if s > 299
        }
        broken = sum(took.broken for rounds in one.rounds.values() for took in rounds)
        if odd or broken:
            print(f"\n{one.name}: answers {odd}, connections closed unanswered {broken}")
    sys.stdout.flush()


def harmed(app: Candidate, valkey: Valkey) -> None:
    """Nothing; rounds with Redis well and harmed take turns."""
    print("\n| Redis is | requests/s | of the rate while it is well | p99 ms | answers other than 200 |")
    print("|---|---|---|---|---|")
    for harm in HARMS:
        well, ill = [], []
        for _ in range(3):
            well.append(app.run(8))
            with harm(valkey):
                ill.append(app.run(8))
        rate = statistics.median(took.rate for took in ill)
        share = statistics.median(two.rate / one.rate for one, two in zip(well, ill, strict=True))
        p99 = statistics.median(took.at(0.99) for took in ill)
        wrong = sum(number for took in ill for status, number in took.statuses.items() if status != 200)
        wrong += sum(took.broken for took in ill)
        print(f"| {harm.__name__} | {rate:.0f} | {share:.2f} | {p99:.1f} | {wrong} |", flush=True)


def bench(kind: str, postgres: Postgres | None) -> None:
    """Nothing; all of it on one kind of database."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    settings = "fsync, synchronous_commit and full_page_writes on" if postgres else "WAL, synchronous=FULL"
    print(
        f"\nHooks on {kind} ({settings}); gunicorn with {PROCESSES} processes; medians of {ROUNDS} rounds\n"
    )
    doors = Doors(folder, postgres.create("hooks") if postgres else None)
    try:
        with doors as candidates:
            began = time.monotonic()
            measure(candidates)
            assert doors.house.valkey
            harmed(candidates[-1], doors.house.valkey)
            for child in (doors.web, doors.reference):
                pids = [pid for pid in child.members() if pid != child.pid]
                pss, private, _ = memory(pids)
                each = len(pids)
                print(f"\n{child.name}: {pss / each:.0f} MB a process (PSS), {private / each:.0f} MB its own")
            print(f"\n{time.monotonic() - began:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(words: list[str]) -> int:
    """0; the measurement on the databases named, on both when none is."""
    if not words or "sqlite" in words:
        bench("SQLite", None)
    if not words or "postgres" in words:
        try:
            postgres = durable(Postgres())
        except Missing as problem:
            print(problem)
            return 0
        postgres.start()
        try:
            bench("PostgreSQL", postgres)
        finally:
            postgres.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
