"""A seeded killer: hurts the processes of a house by signals from outside, and brings back what fell.

Called by `dev.torture`. It strikes workers that hold a row where there are any; the shares are those of
docs/failure-model.md. It never touches a stand-in, nor anything that the house did not start.
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
from collections.abc import Callable
from pathlib import Path

import redis

from dev.child import Child, Failed, session_members
from dev.house import APP_PARTS, House
from dev.servers import Postgres

SHARES = {
    "work-horse": 40, "worker": 25, "web": 10, "clock": 8, "flush": 5, "valkey": 4, "valkey-stopped": 3,
    "postgres": 3, "worker-stopped": 2,
}  # fmt: skip
PACE_SECONDS = 3.0
"""How long it waits at most for the work to keep up with it."""
AIM_SECONDS = 1.0
"""How long it waits for a worker that holds a row, before it strikes whichever there is."""
HOLD_SECONDS = 0.25
"""Within how long of seeing that it strikes: about as long as a row is held."""


class Killer:
    """Strikes until it has struck so often; `stop` ends it earlier and leaves everything running."""

    def __init__(
        self,
        house: House,
        postgres: Postgres | None,
        holding: Path,
        seed: str,
        kills: int,
        progress: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.house, self.postgres, self.holding, self.kills = house, postgres, holding, kills
        self._progress = progress
        self.struck: Counter[str] = Counter()
        self.busy = 0
        """How many strikes hit a worker that had taken or claimed a row."""
        self.problems: list[str] = []
        self._random = random.Random(seed + "killer")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")
        self._frozen: set[int] = set()
        self._acts: dict[str, Callable[[], None]] = {
            "work-horse": self._horse, "worker": self._worker, "web": self._web, "clock": self._clock,
            "flush": self._flush, "valkey": self._valkey, "valkey-stopped": self._valkey_stopped,
            "postgres": self._postgres, "worker-stopped": self._worker_stopped,
        }  # fmt: skip

    def start(self) -> None:
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has struck as often as it should."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Nothing is struck any more; what was frozen goes on, what fell runs again."""
        self._ended.set()
        self._thread.join()
        self._thaw(set(self._frozen))
        if self.house.valkey:
            self.house.valkey.resume()
        self._raise_the_fallen()

    def _run(self) -> None:
        names = [name for name in SHARES if name != "postgres" or self.postgres]
        weights = [SHARES[name] for name in names]
        while sum(self.struck.values()) < self.kills and not self._ended.is_set():
            self._ended.wait(self._random.uniform(0.05, 0.5))
            self._keep_pace()
            name = self._random.choices(names, weights)[0]
            try:
                self._acts[name]()
                self.struck[name] += 1
                self._raise_the_fallen()
            except (Failed, OSError, redis.RedisError) as problem:
                self.problems.append(f"{name}: {problem}")

    def _keep_pace(self) -> None:
        """Nothing; waits a little while less of the work is done than of the strikes: they are to fall all over it."""
        share = sum(self.struck.values()) / self.kills
        end = time.monotonic() + PACE_SECONDS
        while self._progress() < share * 0.9 and time.monotonic() < end:
            self._ended.wait(0.1)

    # the acts

    def _horse(self) -> None:
        pid, busy = self._victim()
        if pid:
            self._shoot(pid)
            self.busy += busy

    def _worker(self) -> None:
        pid, busy = self._victim()
        way = self._random.random()
        if way < 0.15:
            self._again(self.house.children["worker"])
        elif pid:
            above = parent(pid)
            # its work-horse goes on as an orphan, or goes too
            for each in [above] + ([pid] if way < 0.6 else []):
                if each > 1:
                    self._shoot(each)
        self.busy += busy

    def _web(self) -> None:
        child = self.house.children["web"]
        below = [pid for pid in child.members() if pid != child.pid]
        if below and self._random.random() < 0.8:
            self._shoot(self._random.choice(below))
        else:
            self._again(child)

    def _clock(self) -> None:
        self._again(self.house.children["clock"])

    def _flush(self) -> None:
        with redis.from_url(self.house.env["REDIS_URL"], socket_timeout=2) as connection:
            connection.flushall()

    def _valkey(self) -> None:
        valkey = self.house.valkey
        assert valkey is not None
        valkey.kill()
        shutil.rmtree(valkey.folder / "appendonlydir", ignore_errors=True)
        valkey.start()

    def _valkey_stopped(self) -> None:
        valkey = self.house.valkey
        assert valkey is not None
        valkey.pause()
        self._ended.wait(1.5)
        valkey.resume()

    def _postgres(self) -> None:
        assert self.postgres is not None
        child = self.postgres.child
        child.ask_to_stop(signal.SIGQUIT)  # an immediate shutdown: nothing is written, the log is replayed
        child.wait(20)
        child.start()

    def _worker_stopped(self) -> None:
        pid, busy = self._victim()
        if pid:
            self._frozen.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            timer = threading.Timer(2, self._thaw, [{pid}])
            timer.daemon = True
            timer.start()
            self.busy += busy

    # aiming

    def _victim(self) -> tuple[int, bool]:
        """A work-horse and whether it holds a row, at a random moment of its holding one; 0 when none runs."""
        end = time.monotonic() + AIM_SECONDS
        while True:
            horses = self._horses()
            busy = [pid for pid in horses if self._holds(pid)]
            if busy:
                pid = self._random.choice(busy)
                self._ended.wait(self._random.uniform(0, HOLD_SECONDS))
                if self._holds(pid) or time.monotonic() > end:
                    return pid, self._holds(pid)
            elif time.monotonic() > end or self._ended.is_set():
                return (self._random.choice(horses), False) if horses else (0, False)
            else:
                self._ended.wait(0.01)

    def _holds(self, pid: int) -> bool:
        return (self.holding / str(pid)).exists()

    def _horses(self) -> list[int]:
        """The work-horses, frozen ones left out: children of children, and orphans."""
        child = self.house.children["worker"]
        if not child.alive:
            return []
        members = session_members(child.pid)
        workers = {pid for pid in members if parent(pid) == child.pid}
        return sorted(pid for pid in members if pid != child.pid and pid not in workers | self._frozen)

    def _shoot(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            (self.holding / str(pid)).unlink()

    def _thaw(self, pids: set[int]) -> None:
        for pid in pids:
            self._frozen.discard(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _again(self, child: Child) -> None:
        members = child.members()
        child.kill()
        for pid in members:
            (self.holding / str(pid)).unlink(missing_ok=True)
        child.start()

    def _raise_the_fallen(self) -> None:
        """Whatever leads a session and ended runs again, as under any supervisor."""
        for name in APP_PARTS:
            if not self.house.children[name].alive:
                self._again(self.house.children[name])


def parent(pid: int) -> int:
    """The number of the process that a process hangs on, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
