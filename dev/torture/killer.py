"""A seeded killer: sends signals to the processes of a stack, and restarts those that ended.

It prefers workers that hold a row; the shares of its targets are those of docs/failure-model.md. It never
touches a stand-in, nor anything that the stack did not start.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import redis
import requests

from dev.child_process import ChildProcess, ProcessFailed, session_members
from dev.local_stack import APP_PROCESSES, LocalStack
from dev.servers import Postgres

from .plan import FROZEN_SECONDS

SHARES = {
    "work-horse": 40, "worker": 25, "web": 10, "clock": 8, "flush": 5, "valkey": 4, "valkey-stopped": 3,
    "postgres": 3, "worker-stopped": 2,
}  # fmt: skip
PROGRESS_WAIT_SECONDS = 15.0
"""How long it waits at most for the work to catch up with the strikes."""
AIM_SECONDS = 3.0
"""How long it waits for a worker that holds a row before it strikes any other."""
HOLD_SECONDS = 0.25
"""How soon after seeing such a worker it strikes: about as long as a row is held."""

RECOVERY_SECONDS = 60.0
"""How long web and database may take to recover."""


class Killer:
    """Strike this number of times; `stop` ends it earlier and leaves everything running.

    `progress` returns the share of the work done; `between` is told the share of the strikes before each of them;
    `holding` is the folder in which `dev.torture.app` reports which work-horse holds a row.
    """

    def __init__(
        self,
        stack: LocalStack,
        postgres: Postgres | None,
        holding: Path,
        seed: str,
        kills: int,
        progress: Callable[[], float] = lambda: 1.0,
        between: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.stack, self.postgres, self.holding, self.kills = stack, postgres, holding, kills
        self._progress, self._between = progress, between
        self.strikes: Counter[str] = Counter()
        self.busy_strikes = 0
        """How many strikes hit a worker that had taken or claimed a row."""
        self.frozen_sends = 0
        """How many sends stood still by themselves (FROZEN=), and were woken here."""
        self.downtimes: list[tuple[float, float]] = []
        """When web or database was away by a strike."""
        self.problems: list[str] = []
        self._random = random.Random(seed + "killer")
        self._next_strikes: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")
        self._resumer = threading.Thread(target=self._resume_frozen_sends, name="waker")
        self._watchers: list[threading.Thread] = []
        self._frozen: set[int] = set()
        self._strike_functions: dict[str, Callable[[], None]] = {
            "work-horse": self._strike_work_horse,
            "worker": self._strike_worker,
            "web": self._strike_web,
            "clock": self._strike_clock,
            "flush": self._flush_redis,
            "valkey": self._strike_valkey,
            "valkey-stopped": self._pause_valkey,
            "postgres": self._strike_postgres,
            "worker-stopped": self._pause_worker,
        }

    def start(self) -> None:
        """Start striking."""
        self._thread.start()
        self._resumer.start()

    @property
    def done(self) -> bool:
        """Return whether all strikes are done."""
        return not self._thread.is_alive()

    @property
    def share(self) -> float:
        """Return the share of its strikes that is done."""
        return sum(self.strikes.values()) / self.kills

    def stop(self) -> None:
        """Stop striking; resume every frozen process and restart every one that ended."""
        # No send freezes from now on, as nobody would resume it.
        (self.holding.parent / "calm").touch()
        self._stopped.set()
        for thread in (self._thread, self._resumer, *self._watchers):
            thread.join()
        self._resume(set(self._frozen))
        if self.stack.valkey:
            self.stack.valkey.resume()
        self._restart_crashed()

    def restart_app(self, settings: Mapping[str, str]) -> None:
        """Restart every process of the app with these settings, one after another."""
        for name in APP_PROCESSES:
            began, child = time.time(), self.stack.children[name]
            child.env.update(settings)
            self._restart(child)
            if name == "web":
                self._record_downtime(began)

    def _run(self) -> None:
        while sum(self.strikes.values()) < self.kills and not self._stopped.is_set():
            self._stopped.wait(self._random.uniform(0.05, 0.5))
            self._wait_for_progress()
            name = self._next_strike()
            try:
                self._between(self.share)
                self._strike_functions[name]()
                self.strikes[name] += 1
                self._restart_crashed()
            except (ProcessFailed, OSError, redis.RedisError) as problem:
                self.problems.append(f"{name}: {problem}")

    def _next_strike(self) -> str:
        """Return the next strike of a shuffled pack, so that the shares hold in a small run too."""
        if not self._next_strikes:
            self._next_strikes = [name for name, times in SHARES.items() for _ in range(times)]
            if not self.postgres:
                self._next_strikes = [name for name in self._next_strikes if name != "postgres"]
            self._random.shuffle(self._next_strikes)
        return self._next_strikes.pop()

    def _wait_for_progress(self) -> None:
        """Wait a little while the work lags behind the strikes, so that they are spread over all of it."""
        end = time.monotonic() + PROGRESS_WAIT_SECONDS
        while self._progress() < self.share * 0.9 and time.monotonic() < end and not self._stopped.is_set():
            self._stopped.wait(0.1)

    # The strikes

    def _strike_work_horse(self) -> None:
        pid, busy = self._victim()
        if pid:
            self._kill_pid(pid)
            self.busy_strikes += busy

    def _strike_worker(self) -> None:
        pid, busy = self._victim()
        way = self._random.random()
        if way < 0.15:
            self._restart(self.stack.children["worker"])
        elif pid:
            above = parent_pid(pid)
            # Its work-horse continues as an orphan, or ends too.
            for each in [above] + ([pid] if way < 0.6 else []):
                if each > 1:
                    self._kill_pid(each)
        self.busy_strikes += busy

    def _strike_web(self) -> None:
        began, child = time.time(), self.stack.children["web"]
        below = [pid for pid in child.members() if pid != child.pid]
        if below and self._random.random() < 0.8:
            self._kill_pid(self._random.choice(below))
        else:
            self._restart(child)
        self._record_downtime(began)

    def _strike_clock(self) -> None:
        self._restart(self.stack.children["clock"])

    def _flush_redis(self) -> None:
        with redis.from_url(self.stack.env["REDIS_URL"], socket_timeout=2) as connection:
            connection.flushall()

    def _strike_valkey(self) -> None:
        valkey = self.stack.valkey
        assert valkey is not None
        valkey.kill()
        shutil.rmtree(valkey.folder / "appendonlydir", ignore_errors=True)
        valkey.start()

    def _pause_valkey(self) -> None:
        valkey = self.stack.valkey
        assert valkey is not None
        valkey.pause()
        self._stopped.wait(1.5)
        valkey.resume()

    def _strike_postgres(self) -> None:
        assert self.postgres is not None
        began, child = time.time(), self.postgres.child
        child.ask_to_stop(
            signal.SIGQUIT
        )  # An immediate shutdown: nothing is written, and the log is replayed at the start.
        child.wait(20)
        child.start()
        self._record_downtime(began)

    def _pause_worker(self) -> None:
        pid, busy = self._victim()
        if pid:
            self._frozen.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            timer = threading.Timer(2, self._resume, [{pid}])
            timer.daemon = True
            timer.start()
            self.busy_strikes += busy

    # Choosing the target

    def _victim(self) -> tuple[int, bool]:
        """Return a work-horse and whether it holds a row, at a random moment of holding one; 0 when none runs."""
        end = time.monotonic() + AIM_SECONDS
        while not self._stopped.is_set() and time.monotonic() < end:
            busy = self._busy_work_horses()
            if busy:
                pid = self._random.choice(busy)
                self._stopped.wait(self._random.uniform(0, HOLD_SECONDS))
                if self._holds(pid):
                    return pid, True
            else:
                self._stopped.wait(0.01)
        horses = self._work_horses()
        return (self._random.choice(horses), False) if horses else (0, False)

    def _holds(self, pid: int) -> bool:
        """Return whether that process has taken or claimed a row (one that froze itself is left alone)."""
        try:
            return (self.holding / str(pid)).read_text() in ("taken", "claimed")
        except OSError:
            return False

    def _busy_work_horses(self) -> list[int]:
        """Return this stack's work-horses that hold a row, without reading every process of the machine."""
        child, found = self.stack.children["worker"], []
        for name in sorted(os.listdir(self.holding)):
            pid = int(name)
            with contextlib.suppress(ProcessLookupError):
                if (
                    child.alive
                    and os.getsid(pid) == child.pid
                    and pid not in self._frozen
                    and self._holds(pid)
                ):
                    found.append(pid)
        return found

    def _work_horses(self) -> list[int]:
        """Return the work-horses, without frozen ones: grandchildren, and orphans."""
        child = self.stack.children["worker"]
        if not child.alive:
            return []
        members = session_members(child.pid)
        workers = {pid for pid in members if parent_pid(pid) == child.pid}
        return sorted(pid for pid in members if pid != child.pid and pid not in workers | self._frozen)

    def _kill_pid(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            (self.holding / str(pid)).unlink()

    def _resume(self, pids: set[int]) -> None:
        for pid in pids:
            self._frozen.discard(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _restart(self, child: ChildProcess) -> None:
        members = child.members()
        child.kill()
        for pid in members:
            (self.holding / str(pid)).unlink(missing_ok=True)
        child.start()

    def _restart_crashed(self) -> None:
        """Restart every part that ended, as any supervisor would."""
        for name in APP_PROCESSES:
            if not self.stack.children[name].alive:
                self._restart(self.stack.children[name])

    # Workers that froze themselves

    def _resume_frozen_sends(self) -> None:
        """Resume each frozen send after lease and settle window, the last ones after the strikes."""
        since: dict[str, float] = {}
        while True:
            frozen = [name for name in os.listdir(self.holding) if self._has_status(name, "frozen")]
            for name in frozen:
                if time.monotonic() - since.setdefault(name, time.monotonic()) > FROZEN_SECONDS:
                    self._resume({int(name)})
                    self.frozen_sends += 1
                    (self.holding / name).unlink(missing_ok=True)
                    del since[name]
            if self._stopped.wait(0.2) and not frozen:
                return

    def _has_status(self, name: str, word: str) -> bool:
        with contextlib.suppress(OSError):
            return (self.holding / name).read_text() == word
        return False

    # Times when web or database was down

    def _record_downtime(self, began: float) -> None:
        """Record until when the app could not answer after this strike."""
        noted = len(self.downtimes)
        self.downtimes.append((began, began + RECOVERY_SECONDS))
        thread = threading.Thread(target=self._wait_until_healthy, args=[noted], name="down", daemon=True)
        self._watchers.append(thread)
        thread.start()

    def _wait_until_healthy(self, noted: int) -> None:
        began, end = self.downtimes[noted]
        while not database_answers(self.stack.app_url) and time.time() < end:
            time.sleep(0.05)
        self.downtimes[noted] = (began, time.time())


def database_answers(app_url: str) -> bool:
    """Return whether the app and its database answer."""
    try:
        return requests.get(f"{app_url}/healthz", timeout=2).json().get("database") is True
    except (requests.RequestException, ValueError):
        return False


def parent_pid(pid: int) -> int:
    """Return the parent of a process, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
