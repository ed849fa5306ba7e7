"""`make run`: run the whole app with its stand-ins until Ctrl-C, in the folder `var`.

The first line printed is the address to open; anything that prevents the start is reported in one sentence.
Settings: PORT (the shop's admin; the others follow), DATABASE_URL, REDIS_URL, FOLDER (where the data is),
VERBOSE=1 (all output).
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from dev.child_process import ProcessFailed, kill_orphans
from dev.local_stack import ROOT, LocalStack, Ports
from dev.servers import MissingServer

FOLDER = Path(os.environ.get("FOLDER", ROOT / "var")).resolve()
FIRST_PORT = 7700


class CannotStart(Exception):
    """Raised with one sentence that says why the app does not start."""


def main() -> int:
    """Run the app and return the exit status: 0 after Ctrl-C, 1 when something prevented it from running."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with FolderLock(FOLDER):
            run_until_stopped(build_stack(), stopping)
    except (CannotStart, ProcessFailed, MissingServer) as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1
    except BrokenPipeError:
        # Nobody reads our output any more; everything was stopped in spite of that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def build_stack() -> LocalStack:
    """Return this folder's stack, not started. Raises CannotStart when a port is taken or wrong."""
    wanted = os.environ.get("PORT", str(FIRST_PORT))
    if not wanted.isdigit() or not 1024 <= int(wanted) <= 65_000:
        raise CannotStart(f"PORT={wanted} is not a port: choose a number from 1024 to 65000.")
    kill_orphans(FOLDER)
    ports = Ports.starting_at(int(wanted))
    if taken := ports.in_use():
        named = ", ".join(map(str, taken))
        raise CannotStart(
            f"Port {named} is used by another program: stop it, or choose others with make run PORT=7800."
        )
    return LocalStack(
        FOLDER,
        database_url=os.environ.get("DATABASE_URL"),
        redis_url=os.environ.get("REDIS_URL"),
        ports=ports,
    )


def run_until_stopped(stack: LocalStack, stopping: threading.Event) -> None:
    """Run until interrupted, then stop everything. Raises ProcessFailed when a part ends by itself."""
    for old in stack.logs.glob("*.log"):
        if old.stat().st_size > 1_000_000:
            old.replace(old.with_suffix(".log.1"))
    follower = LogFollower(stack.logs) if os.environ.get("VERBOSE") else None
    stack.start()
    try:
        print_addresses(stack)
        while not stopping.wait(0.3):
            if follower:
                follower.show()
            if fallen := stack.crashed_child():
                raise ProcessFailed(fallen.name, f"ended with status {fallen.status}", fallen.log_tail())
    finally:
        # A second Ctrl-C does not wait for the work in progress.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: kill_all(stack))
        stack.stop()
    print("Stopped.", flush=True)


def print_addresses(stack: LocalStack) -> None:
    """Print the address to open, then the others."""
    print(f"{stack.admin_url}/")
    print("  ^ the sandbox shop's admin: open it, choose Apps, install Quick Invoice, place and pay an order")
    print(
        f"  Shopkit   {stack.shopkit_url}/     the back office of a second platform: Developers has its key"
    )
    print(f"  the app   {stack.app_url}/")
    print(f"  iGEST     {stack.igest_url}/panel/")
    print(f"  PHC GO    {stack.phcgo_url}/panel/")
    print(f"  mailbox   {stack.mailbox_url}/")
    print(f"  VIES      {stack.vies_url}/sandbox/switches")
    print(f"  logs      {os.path.relpath(stack.logs)}/     Ctrl-C stops everything", flush=True)


def kill_all(stack: LocalStack) -> None:
    """Kill every child at once (`stop`, which this interrupts, would wait for them)."""
    for child in stack.children.values():
        child.signal(signal.SIGKILL)


class FolderLock:
    """Lock the folder while this runs. Raises CannotStart when another run has the lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[str] | None = None

    def __enter__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = (self.folder / "run.lock").open("a+")
        except OSError as problem:
            raise CannotStart(
                f"The folder {self.folder.name} cannot be written: {problem.strerror}."
            ) from problem
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            self._file.seek(0)
            runs = self._file.read().strip() or "unknown"
            self._file.close()
            raise CannotStart(f"Quick Invoice already runs in this folder (process {runs}).") from problem
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()


class LogFollower:
    """The output of the parts from now on, each line after the name of its part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = {file: file.stat().st_size for file in folder.glob("*.log")}

    def show(self) -> None:
        """Print the new lines."""
        for file in sorted(self.folder.glob("*.log")):
            with file.open("rb") as log:
                log.seek(self._read.get(file, 0))
                for line in log.read().decode(errors="replace").splitlines():
                    print(f"{file.stem:>10} | {line}", flush=True)
                self._read[file] = log.tell()


if __name__ == "__main__":
    sys.exit(main())
