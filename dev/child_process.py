"""A process that we started, with all its descendants: start, signal, pause and stop it, and leave no orphan.

Each child leads its own session: RQ puts its work-horses into their own process groups, so the session is the
only thing that all descendants share.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGTERM

STACK_MARK = "DEV_HOUSE"
ON_LINUX = os.path.isdir("/proc/self")


class ProcessFailed(Exception):
    """Raised when a child ended or never became ready; the message names it and quotes its last output."""

    def __init__(self, name: str, what: str, last_words: str = "") -> None:
        self.name = name
        words = f" Its last words:\n{last_words}" if last_words else ""
        super().__init__(f"{name} {what}.{words}")


class ChildProcess:
    """One named process and its descendants; their output goes to a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(os.environ if env is None else env)
        self.cwd = cwd
        self.user = user
        self.group = group
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its output is appended to the log."""
        if self.alive:
            raise ProcessFailed(self.name, "is running already")
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )

    @property
    def pid(self) -> int:
        """Return the process id of the leader."""
        if self._popen is None:
            raise ProcessFailed(self.name, "was never started")
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Return whether the leader is running."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def status(self) -> int | None:
        """Return the exit status of the leader; None while it runs."""
        return None if self._popen is None else self._popen.poll()

    def members(self) -> list[int]:
        """Return every living process of the session, the leader included."""
        return [] if self._popen is None else session_members(self._popen.pid)

    def signal(self, number: int) -> None:
        """Send the signal to the leader and all its descendants."""
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self, number: int = SIGKILL) -> None:
        """Send the signal to all of them; after SIGKILL, wait until none is left.

        Nothing is cleaned up, as in a crash.
        """
        self.signal(number)
        if self._popen is not None and number == SIGKILL:
            self._popen.wait()
            self._kill_descendants()

    def ask_to_stop(self, number: int = SIGTERM) -> None:
        """Ask the leader to end; return at once."""
        if self._popen is not None and self.alive:
            self._popen.send_signal(number)

    def wait(self, seconds: float) -> None:
        """Wait until the child and its descendants are gone; kill them when this many seconds have passed."""
        if self._popen is None:
            return
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(SIGCONT)
            self.signal(SIGKILL)
            self._popen.wait()
        self._kill_descendants()

    def stop(self, seconds: float = 10) -> None:
        """Ask the child to end and wait until it has."""
        self.ask_to_stop()
        self.wait(seconds)

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Return once `ready` is true. Raises ProcessFailed when the child ends first or time is up."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise ProcessFailed(self.name, f"ended with status {self.status}", self.log_tail())
            if time.monotonic() > end:
                raise ProcessFailed(self.name, f"was not ready after {seconds:.0f} s", self.log_tail())
            time.sleep(0.02)

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines of its output."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 8000))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _kill_descendants(self) -> None:
        # A work-horse outlives its worker, so the rest of the session is killed too.
        while left := self.members():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
            time.sleep(0.01)


def session_members(session: int) -> list[int]:
    """Return the living processes of a session, zombies excluded."""
    found = []
    for pid in all_pids():
        try:
            if os.getsid(pid) == session and not _is_zombie(pid):
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def orphaned_processes(folder: Path) -> list[int]:
    """Return processes that an earlier stack of this folder left behind when it was killed (Linux only)."""
    mark = f"{STACK_MARK}={folder}".encode()
    found = []
    for pid in all_pids() if ON_LINUX else []:
        try:
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and not _is_zombie(pid):
                found.append(pid)
        except OSError:
            continue
    return found


def kill_orphans(folder: Path) -> None:
    """Kill the processes of an earlier stack of this folder and wait until its ports are free."""
    while left := orphaned_processes(folder):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        # A process that is ending loses its environment before its sockets: wait for the process itself.
        while any(_is_running(pid) for pid in left):
            time.sleep(0.01)


def all_pids() -> list[int]:
    """Return the ids of all processes of the machine."""
    if ON_LINUX:
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True)
    return [int(word) for word in listed.stdout.split()]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether the process, with all its threads, has ended and only its id is left."""
    if not ON_LINUX:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX" and threads <= 1
